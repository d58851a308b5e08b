"""Adding, changing and deleting single DIDs, and locking them against deletion.

Every change is a batch by itself, and stands in the change log in the same transaction.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import cast

from sqlalchemy.engine import Connection

from didier.domain.users import missing_rights
from didier.errors import NotFound, Refusal
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
from didier.services.changes.record import Kind
from didier.storage.changes import vicidial_logs
from didier.storage.changes.change_log import UPDATED, Change
from didier.storage.dids import deletion_locks, dids
from didier.storage.dids.dids import Found

__all__ = [
    "AddOrder", "AddRefused", "DeleteOrder", "DeleteRefused", "Done", "LockOrder", "LockRefused",
    "UpdateOrder", "UpdateRefused", "add", "delete", "etag", "lock", "update",
]  # fmt: skip

LOCKED = Kind(UPDATED, "MODIFY", "DIDIER LOCK DID")
UNLOCKED = Kind(UPDATED, "MODIFY", "DIDIER UNLOCK DID")


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
    pairs = zip(wanted, decided.changes, strict=True)
    planned = [record.alone(change, order.caller) for order, change in pairs]
    changes = execute.carry_out(conn, planned, now)
    batch_ids = record.record(conn, kind, changes, [order.pattern for order in wanted], now)
    done = zip(wanted, changes, batch_ids, strict=True)
    rest = iter([_done(order, change, batch_id) for order, change, batch_id in done])
    return [next(rest) if outcome is None else outcome for outcome in decided.outcomes]


def _done(order: AddOrder | UpdateOrder | DeleteOrder, change: Change, batch_id: int) -> Done:
    image = change.after or change.before
    return Done(order.pattern, change.did_id, False, batch_id, image, order.caller.visibility)


def lock(conn: Connection, orders: Sequence[LockOrder], now: datetime) -> list[Done | LockRefused]:
    """Lock DIDs against deletion or end that; of several wishes for one DID the last counts."""
    found = dids.find(conn, {order.pattern for order in orders})
    outcomes: list[Done | LockRefused] = []
    wishes: dict[int, LockOrder] = {}
    for order in orders:
        did = found.get(order.pattern)
        if missing := missing_rights(order.caller.user, "update_did"):
            outcomes.append(missing)
        elif did is None or not edit_decisions.sees(order.caller, did):
            outcomes.append(NotFound(order.pattern))
        else:
            wishes[did.did_id] = order
            outcomes.append(Done(order.pattern, did.did_id))
    lockers = {did_id: order.caller for did_id, order in wishes.items() if order.locked}
    deletion_locks.lock(conn, {did_id: (who.name, who.user.user_id) for did_id, who in lockers.items()}, now)
    deletion_locks.unlock(conn, [did_id for did_id, order in wishes.items() if not order.locked])
    events = [
        record.event(
            LOCKED if o.locked else UNLOCKED,
            o.pattern,
            Change(o.caller.author, UPDATED, "lock", did_id, ""),
            None,
        )
        for did_id, o in wishes.items()
    ]
    vicidial_logs.write_admin(conn, events, now)
    return outcomes
