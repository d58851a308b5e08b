"""Importing DIDs from a table: those that are not there are added, those that are may be updated."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.engine import Connection

from didier.domain.fields import BY_COLUMN
from didier.domain.inputs import Row
from didier.errors import AlreadyExists, NamedTwice, NotAllPossible, NotPermitted, Refusal, TargetProblem
from didier.services.batches import edits
from didier.services.batches.copies import PROBLEMS_SHOWN
from didier.services.batches.edit_orders import AddOrder, Done, UpdateOrder
from didier.services.users.authentication import Caller
from didier.storage.batches import batches, progress
from didier.storage.batches.batches import Batch, Item
from didier.storage.batches.progress import PlacedItem
from didier.storage.dids import dids
from didier.storage.dids.dids import Found
from didier.storage.failures import Outrun

ROWS_MOST = 1_000
"""Most rows of an import: it is made in one transaction, while others wait."""

EXISTING = ("refuse", "skip", "update")
"""What may be done about rows whose DID exists."""


@dataclass(frozen=True, slots=True)
class ImportOrder:
    """A wish to have the DIDs of *rows*, all or none; *columns* are those that the table has.

    A new DID is as its row says: an empty cell empties the column. In a DID that exists an empty cell leaves
    the column as it is. *existing* is one of `EXISTING`.
    """

    caller: Caller
    rows: tuple[Row, ...]
    columns: tuple[str, ...]
    existing: str = "refuse"
    dry_run: bool = False


@dataclass(frozen=True, slots=True)
class Imported:
    """What became of each row: *outcome* is added, updated or exists; a dry run has no batch."""

    batch_id: int
    items: tuple[Item, ...]
    dry_run: bool


def import_dids(
    conn: Connection, orders: Sequence[ImportOrder], now: datetime
) -> list[Imported | NotAllPossible | NotPermitted]:
    """Carry out *orders*, each of which leaves one batch, which can be undone."""
    return [_import(conn, order, now) for order in orders]


@dataclass(frozen=True, slots=True)
class _Work:
    """The orders that an import comes to, by the place of their row."""

    added: Mapping[int, AddOrder]
    updated: Mapping[int, UpdateOrder]


def _import(conn: Connection, order: ImportOrder, now: datetime) -> Imported | NotAllPossible | NotPermitted:
    found = dids.find(conn, {row.target for row in order.rows})
    looked = _work(order, found, dry_run=True)
    refused: dict[int, Refusal] = dict(_named_badly(order, found))
    done = _carry_out(conn, looked, now, None)
    refused |= {
        place: one for place, one in done.items() if isinstance(one, Refusal) and place not in refused
    }
    for problem in refused.values():
        if isinstance(problem, NotPermitted):
            return problem
    if refused:
        return _not_all(order, refused)
    if order.dry_run:
        return Imported(0, tuple(_items(order, looked, done)), dry_run=True)
    batch_id = batches.insert_batches(conn, [_batch(order)], now)[0]
    work = _work(order, found, dry_run=False)
    made = _carry_out(conn, work, now, batch_id)
    if any(isinstance(one, Refusal) for one in made.values()):
        raise Outrun  # tables without transactions show what another program has done since
    items = tuple(_items(order, work, made))
    progress.add_items(conn, batch_id, [PlacedItem(place, item) for place, item in enumerate(items, 1)])
    counts = {"requested": len(items), "added": len(work.added), "existing": len(items) - len(work.added)}
    progress.change(conn, batch_id, counts)
    return Imported(batch_id, items, dry_run=False)


def _work(order: ImportOrder, found: Found, *, dry_run: bool) -> _Work:
    added, updated = {}, {}
    emptied = {column: None for column in order.columns if BY_COLUMN[column].empty is not None}
    for place, row in enumerate(order.rows):
        if found.get(row.target) is None:
            values = {**emptied, **row.values}
            added[place] = AddOrder(order.caller, row.target, values, dry_run)
        elif order.existing == "update" and row.values:
            updated[place] = UpdateOrder(order.caller, row.target, row.values, dry_run)
    return _Work(added, updated)


def _named_badly(order: ImportOrder, found: Found) -> Iterator[tuple[int, Refusal]]:
    """Yield the rows that name a DID again, and those whose DID exists where that is refused."""
    seen: set[str] = set()
    for place, row in enumerate(order.rows):
        key = found.key(row.target)
        if key in seen:
            yield place, NamedTwice(row.target)
        elif order.existing == "refuse" and found.get(row.target):
            yield place, AlreadyExists(row.target)
        seen.add(key)


def _carry_out(
    conn: Connection, work: _Work, now: datetime, batch_id: int | None
) -> dict[int, Done | Refusal]:
    added = edits.add(conn, list(work.added.values()), now, import_id=batch_id)
    updated = edits.update(conn, list(work.updated.values()), now, import_id=batch_id)
    return dict(zip([*work.added, *work.updated], [*added, *updated], strict=True))


def _items(order: ImportOrder, work: _Work, done: Mapping[int, Done | Refusal]) -> Iterator[Item]:
    for place, row in enumerate(order.rows):
        one = done.get(place)
        did_id = one.did_id if isinstance(one, Done) and place in work.added else None
        outcome = "added" if place in work.added else "updated" if place in work.updated else "exists"
        yield Item(row.target, outcome, did_id or None)


def _batch(order: ImportOrder) -> Batch:
    caller = order.caller
    return batches.Batch(
        author=caller.author, items=(), changes=(), kind="import", mode="atomic", reach=caller.pattern_prefix,
        caller_groups=caller.visibility,
    )  # fmt: skip


def _not_all(order: ImportOrder, refused: Mapping[int, Refusal]) -> NotAllPossible:
    problems = [
        TargetProblem(place + 1, order.rows[place].target, _outcome(problem), str(problem))
        for place, problem in sorted(refused.items())
    ]
    return NotAllPossible(tuple(problems[:PROBLEMS_SHOWN]), len(problems))


def _outcome(problem: Refusal) -> str:
    if isinstance(problem, NamedTwice):
        return "duplicate"
    return "exists" if isinstance(problem, AlreadyExists) else "invalid"
