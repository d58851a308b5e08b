"""The one place that writes DIDs: what was decided is carried out by sets, for one DID and for a million.

In tables with transactions what fails is rolled back; in others it is taken back by the `journal`. So the
services see no difference, but for one: there a number that another program has taken in between does not
fail the statement.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from itertools import groupby
from typing import Any

from sqlalchemy.engine import Connection

from didier.services.batches import journal
from didier.storage.changes.change_log import CREATED, DELETED, UNDO, UPDATED, Author, Change
from didier.storage.dids import bulk, dids
from didier.storage.dids.bulk import Block
from didier.storage.dids.dids import STAMP
from didier.storage.failures import Outrun
from didier.storage.statements import as_text, columns_of, is_transactional
from didier.storage.tables import DIDS


def create(
    conn: Connection, block: Block, planned: Callable[[], Sequence[Change]], now: datetime
) -> Sequence[int | None]:
    """Create the rows of *block*; return their ids in order, None where another program was faster.

    *planned* says what the change log will, as far as it is known; it is asked for where the journal needs
    it. In tables with transactions a target that exists raises `sqlalchemy.exc.IntegrityError`.
    """
    if not is_transactional(conn, DIDS):
        journal.protect(conn, planned(), now, block)
    return _create(conn, block)


def _create(conn: Connection, block: Block) -> Sequence[int | None]:
    return bulk.create(conn, block) if is_transactional(conn, DIDS) else bulk.create_where_free(conn, block)


JOURNALED_AT_ONCE = 1_000
"""Most DIDs that are edited together in tables without transactions: the journal has their whole rows."""


def most_at_once(conn: Connection, wanted: int) -> int:
    """Return how many DIDs may be edited together, *wanted* at most."""
    return wanted if is_transactional(conn, DIDS) else min(wanted, JOURNALED_AT_ONCE)


def delete(conn: Connection, did_ids: Sequence[int], author: Author, batch_id: int, now: datetime) -> None:
    """Delete DIDs whose removal is recorded otherwise: *author* takes them back with the batch *batch_id*."""
    if not is_transactional(conn, DIDS):
        images = dids.images(conn, did_ids)
        planned = [
            Change(author, DELETED, UNDO, did_id, str(image["did_pattern"]), batch_id, before=image)
            for did_id, image in images.items()
        ]
        journal.protect(conn, planned, now)
    bulk.delete(conn, did_ids)


def carry_out(conn: Connection, planned: Sequence[Change], now: datetime) -> list[Change]:
    """Do to the DIDs what *planned* says; return the changes in order, with ids and images as they came out.

    A created DID is given as it will be, with its id where it had one before, an updated one as it is and as
    it will be, a deleted one as it is. Raises `Outrun` or `sqlalchemy.exc.IntegrityError` when another
    program was faster with one of them; then nothing of the transaction may be stored.
    """
    journal.protect(conn, planned, now)
    bulk.delete(conn, [change.did_id for change in planned if change.action == DELETED])
    bulk.update(conn, {c.did_id: _new_values(c) for c in planned if c.action == UPDATED}, now)
    created = iter(_create_all(conn, [change for change in planned if change.action == CREATED], now))
    done = [replace(c, did_id=next(created)) if c.action == CREATED else c for c in planned]
    there = [change.did_id for change in done if change.action != DELETED]
    after = dids.images(conn, there)
    if after.keys() != {*there}:
        raise Outrun
    return [replace(change, after=after.get(change.did_id)) for change in done]


def _new_values(change: Change) -> Mapping[str, Any]:
    """Return the columns that an update sets to something else."""
    before, after = change.before or {}, change.after or {}
    return {name: value for name, value in after.items() if name != STAMP and value != before[name]}


def _create_all(conn: Connection, changes: Sequence[Change], now: datetime) -> list[int]:
    """Create DIDs; return their ids in order. Raises `Outrun` when another program was faster."""
    there = {*columns_of(conn, DIDS)} - {STAMP}
    rows = [{name: value for name, value in (c.after or {}).items() if name in there} for c in changes]
    ids: list[int] = []
    for _, alike in groupby(rows, key=tuple):  # one group, unless the database computes a default
        for did_id in _create(conn, bulk.block_of(list(alike), as_text(now))):
            if did_id is None:
                raise Outrun
            ids.append(did_id)
    return ids
