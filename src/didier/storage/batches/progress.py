"""Batches as they go on: their rows, the text they were ordered with, and what each step writes of them."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any

from sqlalchemy.engine import Connection

from didier.domain import batch_states
from didier.domain.batch_states import ACTIVE, DONE, UNDONE, Stage
from didier.storage import dialects
from didier.storage.batches import own_batches, refused_rows
from didier.storage.batches.batches import BatchItem, NewBatch, insert_batches, insert_items
from didier.storage.batches.stored_batch import SELECT, StoredBatch, stored_batch
from didier.storage.changes import change_log
from didier.storage.changes.change_log import UPDATED, Change
from didier.storage.statements import as_json, as_text, run


def accept(
    conn: Connection, batch: NewBatch, requested: int, stage: Stage, pieces: Sequence[bytes], now: datetime
) -> StoredBatch:
    """Store a batch that is still to be made, and the text of its targets in *pieces*."""
    batch_id = insert_batches(conn, [batch], now, stage.state)[0]
    change(conn, batch_id, {"phase": stage.phase, "requested": requested})
    for number, piece in enumerate(pieces):
        sql = "INSERT INTO didier_batch_input (batch_id, piece, content) VALUES (?, ?, ?)"
        run(conn, sql, batch_id, number, piece)
    stored = get(conn, batch_id)
    if stored is None:
        raise AssertionError(f"batch {batch_id} was stored a moment ago")
    return stored


def pieces(conn: Connection, batch_id: int) -> Iterator[bytes]:
    """Yield the text that a batch was ordered with, one piece at a time."""
    number = 0
    sql = "SELECT content FROM didier_batch_input WHERE batch_id = ? AND piece = ?"
    while rows := run(conn, sql, batch_id, number):
        yield bytes(rows[0][0])
        number += 1


def forget_pieces(conn: Connection, batch_id: int) -> None:
    """Remove the text that a batch was ordered with; what `refused_rows` keeps stays."""
    run(conn, "DELETE FROM didier_batch_input WHERE batch_id = ? AND piece < ?", batch_id, refused_rows.FIRST)


def get(conn: Connection, batch_id: int) -> StoredBatch | None:
    """Return a batch."""
    found = some(conn, [batch_id])
    return found[0] if found else None


def some(conn: Connection, batch_ids: Collection[int]) -> list[StoredBatch]:
    """Return those of the batches that are there."""
    if not batch_ids:
        return []
    sql = f"{SELECT} WHERE batch_id IN {dialects.of(conn).numbers}"
    found = {row[0]: stored_batch(row) for row in run(conn, sql, as_json(list(batch_ids)))}
    rest = [batch_id for batch_id in batch_ids if batch_id not in found]
    return [*found.values(), *(own.batch for own in own_batches.some(conn, rest).values())]


def locked(conn: Connection, batch_id: int) -> StoredBatch | None:
    """Return a batch as it is now, and keep other nodes from changing it until the transaction ends."""
    rows = run(conn, f"{SELECT} WHERE batch_id = ?{dialects.of(conn).row_lock}", batch_id)
    return stored_batch(rows[0]) if rows else None


def under_way(conn: Connection) -> StoredBatch | None:
    """Return the large batch that is next to be worked on, the oldest first."""
    # Those of tables without transactions that are made at once have no phase: the journal takes them back.
    sql = f"{SELECT} WHERE phase IS NOT NULL ORDER BY batch_id LIMIT 1"
    rows = run(conn, sql)
    return stored_batch(rows[0]) if rows else None


@dataclass(frozen=True, slots=True)
class BatchFilter:
    """Which batches are wanted; None: whatever there is."""

    user: str | None = None
    state: str | None = None
    kind: str | None = None
    source: str | None = None


def page(conn: Connection, wanted: BatchFilter, before: int | None, limit: int) -> list[StoredBatch]:
    """Return *limit* batches that are *wanted*, newest first, below the id *before*."""
    pairs = {
        "lower(user_name) = ?": wanted.user and wanted.user.lower(),
        "source_pattern = ?": wanted.source,
        "kind = ?": wanted.kind,
        "state = ?": wanted.state,
        "batch_id < ?": before,
    }
    given = {condition: value for condition, value in pairs.items() if value is not None}
    where = f" WHERE {' AND '.join(given)}" if given else ""
    rows = run(conn, f"{SELECT}{where} ORDER BY batch_id DESC LIMIT ?", *given.values(), limit)
    found = [stored_batch(row) for row in rows]
    if wanted.state in {None, DONE.state}:
        found += own_batches.page(conn, wanted.user, wanted.source, wanted.kind, before, limit)
    return sorted(found, key=lambda batch: -batch.batch_id)[:limit]


def move(conn: Connection, batch: StoredBatch, event: str, values: Mapping[str, Any] | None = None) -> None:
    """Let *event* happen to *batch*, and store *values* with it; the text of what has ended is forgotten.

    A batch that was one change gets a row of its own with that.

    Raises `IllegalMove`, and ValueError unless *values* are what the event stores.
    """
    step = batch_states.after(batch.stage, event)
    given = values or {}
    if set(given) != set(step.writes):
        raise ValueError(f"{event!r} stores {', '.join(step.writes) or 'nothing'}, not {', '.join(given)}")
    own_batches.keep(conn, batch.batch_id)
    change(conn, batch.batch_id, {"state": step.to.state, "phase": step.to.phase, **given})
    if step.to.state not in ACTIVE:
        forget_pieces(conn, batch.batch_id)
        _tell_end(conn, batch, step.to.state, given["finished_at"])


def _tell_end(conn: Connection, batch: StoredBatch, state: str, now: datetime) -> None:
    """Say in the change log that a batch has come to an end, for those who follow it."""
    author = batch.undoer if state == UNDONE.state else batch.author
    end = Change(
        author, UPDATED, batch.kind, 0, "", batch_id=batch.batch_id, details={"state": state}, version=None
    )
    change_log.record(conn, [end], now, kind=change_log.BATCH)


def change(conn: Connection, batch_id: int, values: Mapping[str, Any]) -> None:
    """Set columns of a batch; moments are written as both databases do."""
    plain = [as_text(value) if isinstance(value, datetime) else value for value in values.values()]
    run(conn, _change(tuple(values)), *plain, batch_id)


@cache
def _change(names: tuple[str, ...]) -> str:
    return f"UPDATE didier_batches SET {', '.join(f'{name} = ?' for name in names)} WHERE batch_id = ?"


def advance(conn: Connection, batch_id: int, position: int, counts: Mapping[str, int]) -> None:
    """Say that the targets up to *position* are done with, and add *counts* to the totals."""
    names = tuple(counts)
    run(conn, _advance(names), position, *counts.values(), batch_id)


@cache
def _advance(names: tuple[str, ...]) -> str:
    added = "".join(f", {name} = {name} + ?" for name in names)
    return f"UPDATE didier_batches SET position = ?{added} WHERE batch_id = ?"


@dataclass(frozen=True, slots=True)
class PlacedItem:
    """An item and the position of its first target, counted from 1."""

    position: int
    item: BatchItem

    @property
    def last(self) -> int:
        """The position of its last target."""
        return self.position + self.item.size - 1


_ITEM = "SELECT position, target, size, did_id, outcome, reason FROM didier_batch_items"


def items(
    conn: Connection, batch_id: int, after: int, limit: int, outcomes: Sequence[str] = ()
) -> list[PlacedItem]:
    """Return the first *limit* items of a batch that end behind the position *after*."""
    chosen = f" AND outcome IN {dialects.of(conn).texts}" if outcomes else ""
    sql = f"{_ITEM} WHERE batch_id = ? AND position + size - 1 > ?{chosen} ORDER BY position LIMIT ?"
    values = [as_json(outcomes)] if outcomes else []
    found = [_placed(row) for row in run(conn, sql, batch_id, after, *values, limit)]
    own = None if found else own_batches.some(conn, [batch_id]).get(batch_id)
    if own is None or own.item.size <= after or (outcomes and own.item.outcome not in outcomes):
        return found
    return [PlacedItem(1, own.item)]


def _placed(row: Sequence[Any]) -> PlacedItem:
    position, target, size, did_id, outcome, reason = row
    return PlacedItem(position, BatchItem(target, outcome, did_id, size, reason))


def kept_ids(conn: Connection, batch_id: int, first: int, last: int) -> list[int]:
    """Return the ids from *first* to *last* of the DIDs that the undo of a batch keeps."""
    sql = (
        "SELECT did_id, size FROM didier_batch_items"
        " WHERE batch_id = ? AND outcome = 'kept' AND did_id BETWEEN ? AND ?"
    )
    return [did_id + place for did_id, size in run(conn, sql, batch_id, first, last) for place in range(size)]


def replace_items(
    conn: Connection,
    batch_id: int,
    first: int,
    last: int,
    new: Sequence[PlacedItem],
    outcome: str | None = None,
) -> None:
    """Put *new* items in the place of those that begin at the positions *first* to *last*.

    With *outcome* only those that have it.
    """
    sql = "DELETE FROM didier_batch_items WHERE batch_id = ? AND position BETWEEN ? AND ?"
    chosen = " AND outcome = ?" if outcome else ""
    run(conn, sql + chosen, batch_id, first, last, *([outcome] if outcome else []))
    add_items(conn, batch_id, new)


def add_items(conn: Connection, batch_id: int, new: Sequence[PlacedItem]) -> None:
    """Store what became of targets."""
    insert_items(conn, [(batch_id, placed.position, placed.item) for placed in new])


def rename_outcome(conn: Connection, batch_id: int, old: str, new: str) -> None:
    """Give the items of a batch that have the outcome *old* the outcome *new*."""
    sql = "UPDATE didier_batch_items SET outcome = ? WHERE batch_id = ? AND outcome = ?"
    run(conn, sql, new, batch_id, old)
