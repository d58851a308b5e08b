"""Batches: which DIDs were made together, by whom, from what. Tables ``didier_batches`` and ``_items``."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType
from typing import Any

from sqlalchemy.engine import Connection
from sqlalchemy.exc import DBAPIError

from didier.domain import batch_states
from didier.domain.visibility import Visibility
from didier.storage.statements import (
    as_json,
    as_text,
    insert,
    insert_returning,
    is_transactional,
    rows_of,
    run,
)
from didier.storage.tables import DIDS

_NEEDED = object()
# With the value that a column has when it is not named: most batches need a few columns alone.
_BATCH_COLUMNS: Mapping[str, Any] = MappingProxyType({
    "created_at": _NEEDED, "user_name": _NEEDED, "user_id": _NEEDED, "address": _NEEDED, "kind": "copy",
    "mode": "best_effort", "source_id": _NEEDED, "source_pattern": _NEEDED, "snapshot_id": None,
    "overrides": None, "template": None, "reach": None, "own_columns": None, "caller_groups": None,
    "requested": _NEEDED, "added": _NEEDED, "existing": 0, "invalid": 0, "duplicates": 0, "state": _NEEDED,
    "high_water": None, "guard": None,
})  # fmt: skip
_ITEM_COLUMNS = ("batch_id", "position", "target", "size", "did_id", "outcome", "reason")

PLANNED = "planned"
"""Outcome of an item of a running batch that is to be made."""


@dataclass(frozen=True, slots=True)
class Item:
    """What became of a target of a batch, or `PLANNED`.

    With a *size* above 1 it is a run: that many consecutive numbers, whose DIDs have consecutive ids.
    """

    target: str
    outcome: str  # planned, added, updated, deleted, exists, duplicate, invalid, removed, kept or missing
    did_id: int | None = None
    size: int = 1
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class Batch:
    """A copy of one source to some targets, or another change of some DIDs."""

    user: str
    user_id: int
    address: str
    source_id: int  # 0 unless DIDs were copied
    source_pattern: str
    overrides: Mapping[str, str | None]
    items: Sequence[Item]
    kind: str = "copy"  # copy, add, update or delete
    mode: str = "best_effort"  # or atomic
    snapshot_id: int | None = None
    template: str | None = None
    reach: str | None = None  # how patterns begin that the caller's token reaches
    own_columns: tuple[str, ...] = ()  # those in which targets have values of their own
    caller_groups: Visibility | None = None  # what the caller saw; None: not known


@dataclass(frozen=True, slots=True)
class Running:
    """What a running batch needs, to be taken back if its writer dies."""

    high_water: int  # highest did_id before the first row is made
    guard: str  # name of the lock that the writer holds


def record(
    conn: Connection, batches: Sequence[Batch], now: datetime, running: Running | None = None
) -> list[int]:
    """Store *batches* with their items, as done or as *running*; return their ids in order."""
    date = as_text(now)
    ids = _insert(conn, [_row(batch, date, running) for batch in batches])
    pairs = zip(ids, batches, strict=True)
    insert_items(conn, [(id_, place, item) for id_, batch in pairs for place, item in _placed(batch.items)])
    return ids


def insert_batch(conn: Connection, batch: Batch, now: datetime) -> int:
    """Store one batch, its items aside; return its id."""
    return _insert(conn, [_row(batch, as_text(now), None)])[0]


def _insert(conn: Connection, rows: Sequence[tuple[Any, ...]]) -> list[int]:
    """Add batches with the columns that any of them needs; return their ids."""
    columns = list(zip(_BATCH_COLUMNS.items(), zip(*rows, strict=True), strict=True)) if rows else []
    needed = [(name, values) for (name, default), values in columns if {*values} != {default}]
    names = tuple(name for name, _ in needed)
    slim = list(zip(*(values for _, values in needed), strict=True))
    return insert_returning(conn, "didier_batches", names, slim, "batch_id")


def insert_items(conn: Connection, items: Iterable[tuple[int, int, Item]]) -> None:
    """Store items: batch id, position of the first target, and the item, of each."""
    rows = [
        (batch_id, position, item.target[:50], item.size, item.did_id, item.outcome, _cut(item.reason))
        for batch_id, position, item in items
    ]
    insert(conn, "didier_batch_items", _ITEM_COLUMNS, rows)


def _placed(items: Iterable[Item], first: int = 1) -> Iterator[tuple[int, Item]]:
    """Yield each of *items* with the position of its first target in the batch."""
    for item in items:
        yield first, item
        first += item.size


def _cut(reason: str | None) -> str | None:
    return reason and reason[:255]


def _row(batch: Batch, date: str, running: Running | None) -> tuple[Any, ...]:
    sizes: dict[str, int] = defaultdict(int)
    for item in batch.items:
        sizes[item.outcome] += item.size
    return (
        date, batch.user[:20], batch.user_id, batch.address[:45], batch.kind, batch.mode, batch.source_id,
        batch.source_pattern, batch.snapshot_id, as_json(batch.overrides) if batch.overrides else None,
        batch.template, batch.reach, as_json(batch.own_columns) if batch.own_columns else None,
        batch.caller_groups and _listed(batch.caller_groups),
        sum(sizes.values()), sizes["added"], sizes["exists"], sizes["invalid"], sizes["duplicate"],
        "running" if running else "done",
        running and running.high_water,
        running and running.guard,
    )  # fmt: skip


def _listed(saw: Visibility) -> str:
    """Return the groups as they are stored: a JSON list, or ``null`` where there was no limit."""
    return "null" if saw.groups is None else as_json(sorted(saw.groups))


@contextmanager
def guarded(conn: Connection, guard: str) -> Iterator[None]:
    """Hold the lock *guard*, which MariaDB frees when the connection ends, however it ends."""
    run(conn, "SELECT GET_LOCK(?, 0)", guard)
    try:
        yield
    finally:
        with suppress(DBAPIError):  # a connection that is gone holds no lock
            run(conn, "SELECT RELEASE_LOCK(?)", guard)


def decide(conn: Connection, outcomes: Sequence[tuple[int, int, str, int | None]]) -> None:
    """Set what became of items: batch id, position, outcome and DID id of each."""
    if outcomes:
        run(conn, _DECIDE, as_json(outcomes))


# MariaDB's form of UPDATE: only its MyISAM tables need batches that are running.
_DECIDE = (
    f"UPDATE didier_batch_items AS i JOIN {rows_of('mariadb', ('batch', 'place', 'outcome', 'did'))}"
    " ON i.batch_id = CAST(r.batch AS INTEGER) AND i.position = CAST(r.place AS INTEGER)"
    " SET i.outcome = r.outcome, i.did_id = CAST(r.did AS INTEGER)"
)


def close(conn: Connection, batch_ids: Sequence[int], event: str) -> None:
    """End journaled batches whose items are all decided, by *event* of `domain.batch_states`."""
    state = batch_states.after(batch_states.JOURNALED, event).to.state
    sql = (
        "SELECT coalesce(sum(outcome IN ('added', 'removed')), 0), coalesce(sum(outcome = 'removed'), 0)"
        " FROM didier_batch_items WHERE batch_id = ?"
    )
    for batch_id in batch_ids:
        added, removed = run(conn, sql, batch_id)[0]
        change = (
            "UPDATE didier_batches SET state = ?, added = ?, removed = ?, high_water = NULL, guard = NULL"
            " WHERE batch_id = ?"
        )
        run(conn, change, state, int(added), int(removed), batch_id)


def any_running(conn: Connection) -> bool:
    """Say whether a batch is being made, or was when its writer died."""
    if is_transactional(conn, DIDS):
        return False
    sql = "SELECT 1 FROM didier_batches WHERE state = 'running' AND phase IS NULL LIMIT 1"
    return bool(run(conn, sql))


@dataclass(frozen=True, slots=True)
class Unfinished:
    """A running batch whose writer is gone."""

    batch_id: int
    created_at: datetime
    high_water: int
    planned: tuple[tuple[int, str], ...]  # position and target


def unfinished(conn: Connection) -> list[Unfinished]:
    """Return the running batches whose guard nobody holds."""
    if is_transactional(conn, DIDS):
        return []
    sql = (
        "SELECT batch_id, created_at, high_water FROM didier_batches"
        " WHERE state = 'running' AND phase IS NULL AND IS_USED_LOCK(guard) IS NULL ORDER BY batch_id"
    )
    found = run(conn, sql)
    return [Unfinished(row[0], row[1], row[2], _planned(conn, row[0])) for row in found]


def _planned(conn: Connection, batch_id: int) -> tuple[tuple[int, str], ...]:
    sql = (
        "SELECT position, target FROM didier_batch_items WHERE batch_id = ? AND outcome = ? ORDER BY position"
    )
    return tuple((row[0], row[1]) for row in run(conn, sql, batch_id, PLANNED))
