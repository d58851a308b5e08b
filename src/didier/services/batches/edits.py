"""Adding, changing and deleting single DIDs, and locking them against deletion.

Every change is a batch by itself, and stands in the change log in the same transaction.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import cast

from sqlalchemy.engine import Connection

from didier.errors import Refusal
from didier.services.batches import edit_decisions, execute
from didier.services.batches.edit_decisions import Decided
from didier.services.batches.edit_orders import (
    AddOrder,
    AddRefused,
    DeleteOrder,
    DeleteRefused,
    Done,
    LockOrder,
    LockRefused,
    UpdateOrder,
    UpdateRefused,
    etag,
)
from didier.services.changes import record
from didier.storage.changes.change_log import Change
from didier.storage.dids import deletion_locks, dids
from didier.storage.dids.dids import Found

__all__ = [
    "AddOrder", "AddRefused", "DeleteOrder", "DeleteRefused", "Done", "LockOrder", "LockRefused",
    "UpdateOrder", "UpdateRefused", "add", "delete", "etag", "lock", "update",
]  # fmt: skip


def add(
    conn: Connection, orders: Sequence[AddOrder], now: datetime, *, lenient: bool = False
) -> list[Done | AddRefused]:
    """Create the DIDs that *orders* ask for; of two wishes for one pattern the first gets it.

    *lenient* checks as VICIdial's own API does, see `validation.problems`.
    """
    found = dids.find(conn, {order.pattern for order in orders})
    decided = edit_decisions.additions(conn, orders, found, lenient=lenient)
    return cast("list[Done | AddRefused]", _carried_out(conn, "add", orders, decided, now))


def update(
    conn: Connection, orders: Sequence[UpdateOrder], now: datetime, *, lenient: bool = False
) -> list[Done | UpdateRefused]:
    """Change the DIDs that *orders* name, in order; *lenient* as in `add`."""
    outcomes: list[Done | Refusal] = []
    while len(outcomes) < len(orders):
        rest = orders[len(outcomes) :]
        found = dids.find(conn, {order.pattern for order in rest})
        some = _first_of_each(rest, found)
        decided = edit_decisions.updates(conn, some, found, lenient=lenient)
        outcomes += _carried_out(conn, "update", some, decided, now)
    return cast("list[Done | UpdateRefused]", outcomes)


def _first_of_each(orders: Sequence[UpdateOrder], found: Found) -> Sequence[UpdateOrder]:
    """Return the orders up to the first that names a DID which one before it has named."""
    seen: set[int] = set()
    for i, order in enumerate(orders):
        did = found.get(order.pattern)
        if did and did.did_id in seen:
            return orders[:i]
        if did:
            seen.add(did.did_id)
    return orders


def delete(conn: Connection, orders: Sequence[DeleteOrder], now: datetime) -> list[Done | DeleteRefused]:
    """Delete the DIDs that *orders* name; of two wishes for one the first gets it."""
    found = dids.find(conn, {order.pattern for order in orders})
    decided = edit_decisions.deletions(conn, orders, found)
    return cast("list[Done | DeleteRefused]", _carried_out(conn, "delete", orders, decided, now))


def _carried_out(
    conn: Connection,
    kind: str,
    orders: Sequence[AddOrder | UpdateOrder | DeleteOrder],
    decided: Decided,
    now: datetime,
) -> list[Done | Refusal]:
    """Carry out and record what was *decided*; return the outcomes of all *orders*."""
    wanted = [orders[place] for place in decided.places]
    notes = [decided.notes.get(place, "") for place in decided.places]
    triples = zip(decided.changes, wanted, notes, strict=True)
    planned = [record.alone(change, order.caller, note) for change, order, note in triples]
    changes = execute.carry_out(conn, planned, now)
    batch_ids = record.record(conn, kind, changes, [order.pattern for order in wanted], now)
    rest = iter(map(_done, wanted, changes, batch_ids, notes))
    return [next(rest) if outcome is None else outcome for outcome in decided.outcomes]


def _done(order: AddOrder | UpdateOrder | DeleteOrder, change: Change, batch_id: int, note: str) -> Done:
    image = change.after or change.before
    return Done(order.pattern, change.did_id, False, batch_id, image, order.caller.visibility, note)


def lock(conn: Connection, orders: Sequence[LockOrder], now: datetime) -> list[Done | LockRefused]:
    """Lock DIDs against deletion or end that, in order: an update of their field ``locked``."""
    updates = [UpdateOrder(o.caller, o.pattern, {"locked": "Y" if o.locked else "N"}) for o in orders]
    outcomes = update(conn, updates, now)
    deletion_locks.forget(conn, [
        outcome.did_id
        for order, outcome in zip(orders, outcomes, strict=True)
        if isinstance(outcome, Done) and not order.locked
    ])  # fmt: skip
    return cast("list[Done | LockRefused]", outcomes)
