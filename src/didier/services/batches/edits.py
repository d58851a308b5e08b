"""Adding, changing and deleting single DIDs, and locking them against deletion.

Every change is a batch by itself, and stands in the change log in the same transaction.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import TypeVar

from sqlalchemy.engine import Connection

from didier.domain import fields, patterns
from didier.domain.users import missing_rights
from didier.errors import (
    AlreadyExists,
    ChangedMeanwhile,
    DeletionLocked,
    InvalidField,
    NotFound,
    NothingToChange,
    Protected,
)
from didier.services.batches import execute
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
from didier.services.dids import in_use, validation
from didier.services.users.authentication import Caller, not_reached
from didier.storage.changes import vicidial_logs
from didier.storage.changes.change_log import UPDATED, Change, Image
from didier.storage.dids import bulk, deletion_locks, dids
from didier.storage.dids.dids import Did, Found, Hold

__all__ = [
    "AddOrder", "AddRefused", "DeleteOrder", "DeleteRefused", "Done", "LockOrder", "LockRefused",
    "UpdateOrder", "UpdateRefused", "add", "delete", "etag", "lock", "update",
]  # fmt: skip

PROTECTED = frozenset({"default", "did_system_filter"})
"""Patterns that VICIdial's call handling looks for when a number has no DID of its own."""

LOCKED = Kind(UPDATED, "locked", "MODIFY", "DIDIER LOCK DID")
UNLOCKED = Kind(UPDATED, "unlocked", "MODIFY", "DIDIER UNLOCK DID")

Order = TypeVar("Order")
Ordered = AddOrder | UpdateOrder | DeleteOrder
Outcome = TypeVar("Outcome")


def add(
    conn: Connection,
    orders: Sequence[AddOrder],
    now: datetime,
    *,
    lenient: bool = False,
    import_id: int | None = None,
) -> list[Done | AddRefused]:
    """Make the DIDs that *orders* ask for; of two wishes for one pattern the first gets it.

    *lenient* checks as VICIdial's own API does, see `validation.problems`. *import_id* is the batch of the
    import that all belong to; without it each is a batch by itself.
    """
    found = dids.find(conn, {order.pattern for order in orders})
    sights = [order.caller.visibility for order in orders]
    problems = validation.problems(conn, [order.values for order in orders], sights, lenient=lenient)
    taken = found.keys()
    decided: list[Done | AddRefused | None] = []
    for order, bad in zip(orders, problems, strict=True):
        key = found.key(order.pattern)
        refused = _add_refused(order, key in taken, bad)
        decided.append(refused or (Done(order.pattern, 0, dry_run=True) if order.dry_run else None))
        if decided[-1] is None:
            taken.add(key)
    wanted = [order for order, outcome in zip(orders, decided, strict=True) if outcome is None]
    default = bulk.default_row(conn) if wanted else {}
    planned = [
        record.planned("add", o.caller, o.pattern, o.values, None, {**default, **_row(o)}, import_id)
        for o in wanted
    ]
    return _merged(decided, _carried_out(conn, "add", wanted, planned, now))


def _row(order: AddOrder) -> dict[str, str]:
    group = order.caller.user.group_of_new_dids()
    return {"user_group": group, **fields.stored(order.values), "did_pattern": order.pattern}


def _add_refused(order: AddOrder, exists: bool, bad: InvalidField | None) -> AddRefused | None:
    user = order.caller.user
    if missing := missing_rights(user, "add_did"):
        return missing
    if problem := patterns.problem(order.pattern):
        return problem
    if outside := not_reached(order.caller, order.pattern, "add_did"):
        return outside
    if exists:
        return AlreadyExists(order.pattern)
    return bad


def update(
    conn: Connection,
    orders: Sequence[UpdateOrder],
    now: datetime,
    *,
    lenient: bool = False,
    import_id: int | None = None,
) -> list[Done | UpdateRefused]:
    """Change the DIDs that *orders* name, in order; *lenient* and *import_id* as in `add`."""
    outcomes: list[Done | UpdateRefused] = []
    while len(outcomes) < len(orders):
        rest = orders[len(outcomes) :]
        found = dids.find(conn, {order.pattern for order in rest})
        outcomes += _update(conn, _first_of_each(rest, found), found, now, lenient, import_id)
    return outcomes


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


def _update(
    conn: Connection,
    orders: Sequence[UpdateOrder],
    found: Found,
    now: datetime,
    lenient: bool,
    import_id: int | None,
) -> list[Done | UpdateRefused]:
    there = [found.get(order.pattern) for order in orders]
    before = dids.images(conn, [did.did_id for did in there if did], Hold.CHANGE)
    checked = [
        order.values if lenient else _new(order.values, before.get(did.did_id) if did else None)
        for order, did in zip(orders, there, strict=True)
    ]
    had = [before.get(did.did_id, {}) if did else {} for did in there]
    sights = [order.caller.visibility for order in orders]
    problems = validation.problems(conn, checked, sights, had, lenient=lenient)
    decided: list[Done | UpdateRefused | None] = []
    for order, did, bad in zip(orders, there, problems, strict=True):
        refused = _update_refused(order, did, before, bad)
        decided.append(refused or _dry(order, did, before))
    wanted = _undecided(orders, there, decided)
    planned = [
        record.planned(
            "update", o.caller, o.pattern, o.values, image, fields.updated(image, o.values), import_id
        )
        for o, image in ((order, before[did.did_id]) for order, did in wanted)
    ]
    return _merged(decided, _carried_out(conn, "update", [order for order, _ in wanted], planned, now))


def _new(values: validation.Values, before: Image | None) -> validation.Values:
    """Return the *values* that are new to a DID: what VICIdial has stored may be said again."""
    row = before or {}
    return {column: value for column, value in values.items() if not value or value != row.get(column)}


def _update_refused(
    order: UpdateOrder, did: Did | None, before: Mapping[int, Image], bad: InvalidField | None
) -> UpdateRefused | None:
    user = order.caller.user
    if missing := missing_rights(user, "update_did"):
        return missing
    if did is None or not _sees(order.caller, did):
        return NotFound(order.pattern)
    if order.etag is not None and order.etag != etag(before[did.did_id]):
        return ChangedMeanwhile(order.pattern)
    if bad:
        return bad
    return None if order.values else NothingToChange(order.pattern)


def delete(conn: Connection, orders: Sequence[DeleteOrder], now: datetime) -> list[Done | DeleteRefused]:
    """Delete the DIDs that *orders* name; of two wishes for one the first gets it."""
    found = dids.find(conn, {order.pattern for order in orders})
    there = [found.get(order.pattern) for order in orders]
    ids = [did.did_id for did in there if did]
    before, locked = dids.images(conn, ids, Hold.CHANGE), deletion_locks.locked(conn, ids)
    refused = [_delete_refused(o, did, before, locked) for o, did in zip(orders, there, strict=True)]
    asking = [o for o, no in zip(orders, refused, strict=True) if not no and not o.force]
    used = in_use.refusals(conn, [(order.caller.visibility, order.pattern) for order in asking])
    gone: set[int] = set()
    decided: list[Done | DeleteRefused | None] = []
    for order, did, no in zip(orders, there, refused, strict=True):
        if did and did.did_id in gone:
            no = NotFound(order.pattern)
        elif not no and not order.force:
            no = used.get((order.caller.visibility, order.pattern))
        decided.append(no or _dry(order, did, before))
        if did and decided[-1] is None:
            gone.add(did.did_id)
    wanted = _undecided(orders, there, decided)
    planned = [
        record.planned("delete", order.caller, order.pattern, before=before[did.did_id])
        for order, did in wanted
    ]
    return _merged(decided, _carried_out(conn, "delete", [order for order, _ in wanted], planned, now))


def _delete_refused(
    order: DeleteOrder, did: Did | None, before: Mapping[int, Image], locked: set[int]
) -> DeleteRefused | None:
    user = order.caller.user
    if missing := missing_rights(user, "update_did"):
        return missing
    if did is None or not _sees(order.caller, did):
        return NotFound(order.pattern)
    if missing := missing_rights(user, "delete_did"):
        return missing
    if order.etag is not None and order.etag != etag(before[did.did_id]):
        return ChangedMeanwhile(order.pattern)
    if did.did_id in locked:
        return DeletionLocked(order.pattern)
    if patterns.key(did.pattern) in PROTECTED and not order.force:
        return Protected(order.pattern)
    return None


def lock(conn: Connection, orders: Sequence[LockOrder], now: datetime) -> list[Done | LockRefused]:
    """Lock DIDs against deletion or end that; of several wishes for one DID the last counts."""
    found = dids.find(conn, {order.pattern for order in orders})
    outcomes: list[Done | LockRefused] = []
    wishes: dict[int, LockOrder] = {}
    for order in orders:
        did = found.get(order.pattern)
        if missing := missing_rights(order.caller.user, "update_did"):
            outcomes.append(missing)
        elif did is None or not _sees(order.caller, did):
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


def _sees(caller: Caller, did: Did) -> bool:
    return caller.visibility.sees(did.group, did.pattern)


def _dry(order: UpdateOrder | DeleteOrder, did: Did | None, before: Mapping[int, Image]) -> Done | None:
    if not order.dry_run or did is None:
        return None
    return Done(order.pattern, did.did_id, dry_run=True, image=before[did.did_id])


def _undecided(
    orders: Sequence[Order], there: Sequence[Did | None], decided: Sequence[object]
) -> list[tuple[Order, Did]]:
    """Return the orders that are to be carried out, with their DIDs."""
    triples = zip(orders, there, decided, strict=True)
    return [(order, did) for order, did, outcome in triples if outcome is None and did is not None]


def _carried_out(
    conn: Connection, kind: str, orders: Sequence[Ordered], planned: Sequence[Change], now: datetime
) -> list[Done]:
    """Carry out and record what is *planned*, one change for each of *orders*."""
    changes = execute.carry_out(conn, planned, now)
    batch_ids = record.record(conn, kind, changes, [order.pattern for order in orders], now)
    return [
        Done(
            order.pattern,
            change.did_id,
            False,
            batch_id,
            change.after or change.before,
            order.caller.visibility,
        )
        for order, change, batch_id in zip(orders, changes, batch_ids, strict=True)
    ]


def _merged(decided: Sequence[Outcome | None], done: Sequence[Outcome]) -> list[Outcome]:
    """Return the outcomes in order; *done* are those of the orders that were carried out."""
    rest = iter(done)
    return [next(rest) if outcome is None else outcome for outcome in decided]
