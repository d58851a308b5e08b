"""The one place that writes DIDs: what was decided is carried out by sets, for one DID and for a million.

With the rows of VICIdial's table go those of what Didier knows besides: see `did_fields`.

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
from didier.storage.changes.change_log import CREATED, DELETED, UNDO, UPDATED, Author, Change, Image
from didier.storage.dids import bulk, did_fields, dids
from didier.storage.dids.bulk import Block
from didier.storage.dids.did_fields import version_of
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
    make = bulk.create if is_transactional(conn, DIDS) else bulk.create_where_free
    ids = make(conn, block)
    did_fields.put(conn, block.fields(ids))
    return ids


JOURNALED_AT_ONCE = 1_000
"""Most DIDs that are edited together in tables without transactions: the journal has their whole rows."""


def most_at_once(conn: Connection, wanted: int) -> int:
    """Return how many DIDs may be edited together, *wanted* at most."""
    return wanted if is_transactional(conn, DIDS) else min(wanted, JOURNALED_AT_ONCE)


def delete(
    conn: Connection, versions: Mapping[int, int], author: Author, batch_id: int, now: datetime
) -> None:
    """Delete DIDs whose removal is recorded otherwise: *author* takes them back with the batch *batch_id*.

    They are given by id, with the versions that they have. Raises `Outrun` as `carry_out` does.
    """
    did_ids = list(versions)
    if not is_transactional(conn, DIDS):
        images = dids.images(conn, did_ids)
        planned = [
            Change(author, DELETED, UNDO, did_id, str(image["did_pattern"]), batch_id, before=image)
            for did_id, image in images.items()
        ]
        journal.protect(conn, planned, now)
    _delete(conn, versions)


def _delete(conn: Connection, versions: Mapping[int, int]) -> None:
    did_fields.delete(conn, versions)
    bulk.delete(conn, list(versions))


def carry_out(conn: Connection, planned: Sequence[Change], now: datetime) -> list[Change]:
    """Do to the DIDs what *planned* says; return the changes in order, as they came out.

    That are ids, images and versions. A created DID is given as it will be, with its id where it had one
    before, an updated one as it is and as it will be, a deleted one as it is. Raises `Outrun` or
    `sqlalchemy.exc.IntegrityError` when another program was faster with one of them; then nothing of the
    transaction may be stored.
    """
    journal.protect(conn, planned, now)
    _delete(conn, {c.did_id: version_of(c.before) for c in planned if c.action == DELETED})
    new = {c.did_id: _new_values(c) for c in planned if c.action == UPDATED}
    did_fields.change(conn, new)
    bulk.update(conn, new, now)
    created = iter(_create_all(conn, [change for change in planned if change.action == CREATED], now))
    done = [replace(c, did_id=next(created)) if c.action == CREATED else c for c in planned]
    there = [change.did_id for change in done if change.action != DELETED]
    after = dids.images(conn, there)
    if after.keys() != {*there}:
        raise Outrun
    return [_done(change, after.get(change.did_id)) for change in done]


def _done(change: Change, after: Image | None) -> Change:
    """Return *change* as it came out; raises `Outrun` when the DID was changed since that was decided."""
    version = version_of(change.before) + 1 if change.action == DELETED else version_of(after)
    if change.action == UPDATED and version != version_of(change.before) + 1:
        raise Outrun
    return replace(change, after=after, version=version)


def _new_values(change: Change) -> Mapping[str, Any]:
    """Return the columns that an update sets to something else."""
    after = change.after or {}
    return {name: after[name] for name in change.fields or ()}


def _create_all(conn: Connection, changes: Sequence[Change], now: datetime) -> list[int]:
    """Create DIDs; return their ids in order. Raises `Outrun` when another program was faster."""
    there = {*columns_of(conn, DIDS), *did_fields.DEFAULTS} - {STAMP}
    rows = [{name: value for name, value in (c.after or {}).items() if name in there} for c in changes]
    ids: list[int] = []
    for _, alike in groupby(rows, key=tuple):  # one group, unless the database computes a default
        for did_id in _create(conn, bulk.block_of(list(alike), as_text(now))):
            if did_id is None:
                raise Outrun
            ids.append(did_id)
    return ids
