"""Copies in tables without transactions, all or nothing all the same.

MyISAM, VICIdial's default, cannot roll back. So a batch is written to the journal (Didier's own tables,
which are InnoDB) before its first row is made, and closed after its last. What a crash leaves running is
taken back: by the next start, or as soon as the database answers again.
"""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.engine import Connection

from didier.storage.batches import batches
from didier.storage.batches.batches import PLANNED, Batch, Running, Unfinished
from didier.storage.dids import dids
from didier.storage.statements import checkpoint


def make(
    conn: Connection, planned: Sequence[Batch], copies: Sequence[dids.Copy], now: datetime
) -> tuple[list[int], list[int | None]]:
    """Make *copies*, which are the planned items of the batches in order.

    Returns the ids of the batches, and of each copy the DID's id, or None where another program was
    faster. When this returns, the journal says what was made and is on the disk.
    """
    running = Running(dids.highest_id(conn), f"didier.{secrets.token_hex(16)}")
    with batches.guarded(conn, running.guard):
        batch_ids = batches.record(conn, planned, now, running)
        checkpoint(conn)
        made = dids.copy_where_free(conn, copies, now)
        ids = [made.get(copy.target) for copy in copies]
        batches.decide(conn, _outcomes(batch_ids, planned, ids))
        batches.close(conn, batch_ids, "finish")
        checkpoint(conn)
    return batch_ids, ids


def _outcomes(
    batch_ids: Sequence[int], planned: Sequence[Batch], ids: Sequence[int | None]
) -> list[tuple[int, int, str, int | None]]:
    places = [
        (batch_id, position)
        for batch_id, batch in zip(batch_ids, planned, strict=True)
        for position, item in enumerate(batch.items, 1)
        if item.outcome == PLANNED
    ]
    return [
        (batch_id, position, "added" if did_id else "exists", did_id)
        for (batch_id, position), did_id in zip(places, ids, strict=True)
    ]


@dataclass(frozen=True, slots=True)
class TakenBack:
    """A batch that a crash left half done: what was removed, and what was kept because it was changed."""

    batch_id: int
    removed: tuple[str, ...]
    kept: tuple[str, ...]


def take_back(conn: Connection) -> list[TakenBack]:
    """Remove what unfinished batches have made; nobody was told that it was made."""
    return [_take_back(conn, batch) for batch in batches.unfinished(conn)]


def _take_back(conn: Connection, batch: Unfinished) -> TakenBack:
    made = dids.made_after(conn, [target for _, target in batch.planned], batch.high_water)
    outcomes: list[tuple[int, int, str, int | None]] = []
    removed, kept = [], []
    for position, target in batch.planned:
        did_id, changed_at = made.get(target, (None, None))
        if did_id is None:
            outcomes.append((batch.batch_id, position, "missing", None))
        elif changed_at not in {None, batch.created_at}:
            kept.append(target)
            outcomes.append((batch.batch_id, position, "added", did_id))
        else:
            dids.delete(conn, did_id)
            removed.append(target)
            outcomes.append((batch.batch_id, position, "removed", did_id))
    batches.decide(conn, outcomes)
    batches.close(conn, [batch.batch_id], "fail")
    return TakenBack(batch.batch_id, tuple(removed), tuple(kept))
