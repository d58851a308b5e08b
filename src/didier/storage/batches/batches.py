"""Batches: what was ordered together, by whom, from what, and what became of it.

Tables ``didier_batches`` and ``didier_batch_items``. A batch of one change is not in them: its change is the
batch, see `own_batches`.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from types import MappingProxyType
from typing import Any

from sqlalchemy.engine import Connection

from didier.domain.visibility import Visibility
from didier.storage.changes import change_log
from didier.storage.changes.change_log import CREATED, Author, Change
from didier.storage.statements import as_json, as_text, insert

_NEEDED = object()
# With the value that a column has when it is not named: most batches need a few columns alone.
_BATCH_COLUMNS: Mapping[str, Any] = MappingProxyType({
    "batch_id": _NEEDED, "created_at": _NEEDED, "user_name": _NEEDED, "user_id": _NEEDED, "address": _NEEDED,
    "origin": _NEEDED, "kind": "copy", "mode": "best_effort", "source_id": _NEEDED, "source_pattern": _NEEDED,
    "snapshot_id": None, "overrides": None, "template": None, "reach": None, "own_columns": None,
    "caller_groups": None, "requested": _NEEDED, "added": _NEEDED, "updated": 0, "deleted": 0, "existing": 0,
    "invalid": 0, "duplicates": 0, "missing": 0, "refused": 0, "options": None, "state": _NEEDED,
})  # fmt: skip
_ITEM_COLUMNS = ("batch_id", "position", "target", "size", "did_id", "outcome", "reason")


TOTALS: Mapping[str, str] = MappingProxyType({
    "added": "added", "updated": "updated", "deleted": "deleted", "exists": "existing",
    "invalid": "invalid", "implausible": "invalid", "duplicate": "duplicates", "missing": "missing",
    "refused": "refused", "nowhere": "invalid",
})  # fmt: skip
"""What may become of a target, and the column of a batch that counts it."""

_COUNTED = tuple(dict.fromkeys(TOTALS.values()))


@dataclass(frozen=True, slots=True)
class BatchItem:
    """What became of a target of a batch.

    With a *size* above 1 it is a run: that many consecutive numbers, whose DIDs have consecutive ids.
    """

    target: str
    outcome: str  # one of `TOTALS`; removed, restored or kept when it was undone
    did_id: int | None = None
    size: int = 1
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class NewBatch:
    """A copy of one source to some targets, or another change of some DIDs, and what became of each."""

    author: Author
    items: Sequence[BatchItem]
    changes: Sequence[Change]  # of what was changed; whose batch they are is not said there
    overrides: Mapping[str, str | None] = field(default_factory=dict)
    kind: str = "copy"  # copy, add, update, delete or import
    mode: str = "best_effort"  # or atomic
    source_id: int = 0  # 0 unless DIDs were copied
    source_pattern: str = ""
    snapshot_id: int | None = None
    template: str | None = None
    pattern_prefix: str | None = None  # how patterns begin that the caller's token reaches
    own_columns: tuple[str, ...] = ()  # those in which targets have values of their own
    caller_groups: Visibility | None = None  # what the caller saw; None: not known
    options: Mapping[str, Any] = field(default_factory=dict)  # existing, force, tags, checks and where


def totals(items: Iterable[BatchItem]) -> dict[str, int]:
    """Return how many targets there are of each outcome, by the column that counts it."""
    found: dict[str, int] = defaultdict(int)
    for item in items:
        found[TOTALS[item.outcome]] += item.size
    return found


def described(
    mode: str,
    pattern_prefix: str | None,
    saw: Visibility | None,
    source_id: int = 0,
    template: str | None = None,
) -> dict[str, Any]:
    """Return what a change that is a batch by itself says of that, for its details; see `NewBatch`."""
    known = {"mode": mode, "reach": pattern_prefix, "source_id": source_id, "template": template}
    given: dict[str, Any] = {name: value for name, value in known.items() if value}
    return given if saw is None else {**given, "groups": _groups(saw)}


def record(conn: Connection, done: Sequence[NewBatch | Change], now: datetime) -> list[int]:
    """Store batches that are *done*, with their items and changes; return their ids in order.

    A change stands for the batch of which it is all.
    """
    shared = [batch for batch in done if isinstance(batch, NewBatch)]
    shared_ids = insert_batches(conn, shared, now)
    placed = zip(shared_ids, shared, strict=True)
    insert_items(conn, [(id_, place, item) for id_, batch in placed for place, item in _placed(batch.items)])
    rest = iter(shared_ids)
    known = [next(rest) if isinstance(batch, NewBatch) else None for batch in done]
    changes = [change for pair in zip(done, known, strict=True) for change in _changes(*pair)]
    change_ids = change_log.record(conn, changes, now)
    alone = iter([id_ for id_, change in zip(change_ids, changes, strict=True) if change.batch_id is None])
    return [next(alone) if id_ is None else id_ for id_ in known]


def _changes(done: NewBatch | Change, batch_id: int | None) -> Sequence[Change]:
    if isinstance(done, Change):
        return [done]
    return [replace(change, batch_id=batch_id) for change in done.changes]


def _groups(saw: Visibility) -> list[str] | None:
    """Return the groups as they are stored in JSON: a list, or null where there was no limit."""
    return None if saw.groups is None else sorted(saw.groups)


def insert_batches(
    conn: Connection, batches: Sequence[NewBatch], now: datetime, state: str = "done"
) -> list[int]:
    """Store *batches* without items and changes, and that they were ordered; return their ids."""
    told = {"state": state}
    ordered = [
        Change(batch.author, CREATED, batch.kind, 0, "", batch_id=0, details=told, version=None)
        for batch in batches
    ]
    ids = change_log.record(conn, ordered, now, kind=change_log.BATCH)
    store(conn, ids, batches, now, state)
    return ids


def store(
    conn: Connection, ids: Sequence[int], batches: Sequence[NewBatch], when: datetime, state: str = "done"
) -> None:
    """Write the rows of *batches* that have their *ids* already; items and changes aside."""
    date = as_text(when)
    rows = [_row(id_, batch, date, state) for id_, batch in zip(ids, batches, strict=True)]
    insert(conn, "didier_batches", *_needed(rows))


def _needed(rows: Sequence[tuple[Any, ...]]) -> tuple[tuple[str, ...], list[Any]]:
    """Return the columns that any of *rows* needs, and the rows with these alone."""
    columns = list(zip(_BATCH_COLUMNS.items(), zip(*rows, strict=True), strict=True)) if rows else []
    needed = [(name, values) for (name, default), values in columns if {*values} != {default}]
    return tuple(name for name, _ in needed), list(zip(*(values for _, values in needed), strict=True))


def insert_items(conn: Connection, items: Iterable[tuple[int, int, BatchItem]]) -> None:
    """Store items: batch id, position of the first target, and the item, of each."""
    rows = [
        (batch_id, position, item.target[:50], item.size, item.did_id, item.outcome, _cut(item.reason))
        for batch_id, position, item in items
    ]
    insert(conn, "didier_batch_items", _ITEM_COLUMNS, rows)


def _placed(items: Iterable[BatchItem], first: int = 1) -> Iterator[tuple[int, BatchItem]]:
    """Yield each of *items* with the position of its first target in the batch."""
    for item in items:
        yield first, item
        first += item.size


def _cut(reason: str | None) -> str | None:
    return reason and reason[:255]


def _row(batch_id: int, batch: NewBatch, date: str, state: str) -> tuple[Any, ...]:
    counts = totals(batch.items)
    author, saw = batch.author, batch.caller_groups
    return (
        batch_id, date, author.name[:20], author.user_id, author.address[:45], author.origin, batch.kind,
        batch.mode, batch.source_id, batch.source_pattern, batch.snapshot_id,
        as_json(batch.overrides) if batch.overrides else None, batch.template, batch.pattern_prefix,
        as_json(batch.own_columns) if batch.own_columns else None,
        None if saw is None else as_json(_groups(saw)),
        sum(counts.values()), *(counts.get(column, 0) for column in _COUNTED),
        as_json(batch.options) if batch.options else None, state,
    )  # fmt: skip
