"""Deciding on orders to add, change and delete DIDs: which are refused, and what the others change.

The same for single DIDs and for batches of them; nothing is written.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TypeVar

from sqlalchemy.engine import Connection

from didier.domain import fields, patterns
from didier.domain.drift import APPLY, Differences
from didier.domain.users import missing_rights
from didier.domain.visibility import Visibility
from didier.errors import (
    AlreadyExists,
    ChangedMeanwhile,
    DeletionLocked,
    Implausible,
    InvalidField,
    LeadsNowhere,
    NoDrift,
    NotFound,
    NothingToChange,
    Protected,
    Refusal,
)
from didier.services.batches import spellings
from didier.services.batches.checks import Checks
from didier.services.batches.edit_orders import (
    AddOrder,
    AddRefused,
    DeleteOrder,
    DeleteRefused,
    Done,
    UpdateOrder,
    UpdateRefused,
    etag,
)
from didier.services.batches.spellings import NewNumber
from didier.services.changes import record
from didier.services.dids import in_use, origins, validation
from didier.services.users.authentication import Caller, not_reached
from didier.storage.changes.change_log import Change, Image
from didier.storage.dids import bulk, deletion_locks, dids
from didier.storage.dids.dids import Did, Found, Hold

PROTECTED = frozenset({"default", "did_system_filter"})
"""Patterns that VICIdial's call handling looks for when a number has no DID of its own."""


Order = TypeVar("Order")


@dataclass(frozen=True, slots=True)
class Decided:
    """What became of some orders: an outcome of each, None where it is to be carried out.

    *changes* are what the orders without outcome change, in their order. *notes* say by place what is odd
    about numbers that are created, or would be.
    """

    outcomes: Sequence[Done | Refusal | None]
    changes: Sequence[Change]
    notes: Mapping[int, str] = field(default_factory=dict)

    @property
    def places(self) -> list[int]:
        """The places of the orders that are to be carried out."""
        return [place for place, outcome in enumerate(self.outcomes) if outcome is None]


def additions(
    conn: Connection, orders: Sequence[AddOrder], found: Found, *, lenient: bool = False
) -> Decided:
    """Decide on the DIDs that *orders* ask for; of two wishes for one pattern the first gets it.

    *found* has what there is of their patterns. *lenient* checks as VICIdial's own API does, see
    `validation.problems`.
    """
    sights = [order.caller.visibility for order in orders]
    problems = validation.problems(conn, [order.values for order in orders], sights, lenient=lenient)
    taken = found.keys()
    default = bulk.default_row(conn)
    new = [{**default, **_row(order)} for order in orders]
    dead = _dead_ends(conn, orders, [None] * len(orders), new)
    decided: list[Done | Refusal | None] = []
    for place, (order, bad) in enumerate(zip(orders, problems, strict=True)):
        key = found.key(order.pattern)
        refused = _add_refused(order, key in taken, bad) or dead.get(place)
        decided.append(refused or (Done(order.pattern, 0, dry_run=True) if order.dry_run else None))
        if decided[-1] is None:
            taken.add(key)
    planned = [
        record.planned("add", order.caller, order.pattern, order.values, None, row)
        for order, row, outcome in zip(orders, new, decided, strict=True)
        if outcome is None
    ]
    return Decided(decided, planned, _notes(conn, orders, decided))


def _notes(
    conn: Connection, orders: Sequence[AddOrder], decided: Sequence[Done | Refusal | None]
) -> dict[int, str]:
    """Return of the numbers that can be created which exist in another spelling, by place."""
    new = {
        place: NewNumber(order.pattern, order.checks.region, order.caller.visibility)
        for place, (order, outcome) in enumerate(zip(orders, decided, strict=True))
        if not isinstance(outcome, Refusal)
    }
    return {place: spellings.told(other) for place, other in spellings.existing(conn, new).items()}


def _dead_ends(
    conn: Connection,
    orders: Sequence[AddOrder | UpdateOrder],
    before: Sequence[Image | None],
    after: Sequence[Image | None],
) -> dict[int, LeadsNowhere]:
    """Refuse, by place, the *orders* that leave a DID without destination and may not; one has no row *after*
    that comes to nothing anyway.
    """
    by_checks: dict[Checks, dict[int, tuple[Image | None, Image]]] = defaultdict(dict)
    for place, (order, was, row) in enumerate(zip(orders, before, after, strict=True)):
        if row is not None:
            by_checks[order.checks][place] = (was, row)
    found = [(checks.dead_ends(conn, changes)) for checks, changes in by_checks.items()]
    return {place: LeadsNowhere(orders[place].pattern, why) for some in found for place, why in some.items()}


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
    if doubt := order.checks.doubt(order.pattern):
        return Implausible(order.pattern, doubt)
    if exists:
        return AlreadyExists(order.pattern)
    return bad


def updates(
    conn: Connection, orders: Sequence[UpdateOrder], found: Found, *, lenient: bool = False
) -> Decided:
    """Decide on changes of DIDs, each of another one; *found* and *lenient* as in `additions`."""
    there, before = _there(conn, orders, found, "update_did")
    orders = [_with_tags(*pair, before) for pair in zip(orders, there, strict=True)]
    orders = _with_drift(conn, orders, there, before)
    checked = [
        order.values if lenient else _new(order, before.get(did.did_id) if did else None)
        for order, did in zip(orders, there, strict=True)
    ]
    had = [before.get(did.did_id, {}) if did else {} for did in there]
    new = [
        fields.updated(image, order.values) if image else None
        for order, image in zip(orders, had, strict=True)
    ]
    sights = [order.caller.visibility for order in orders]
    problems = validation.problems(conn, checked, sights, had, lenient=lenient)
    dead = _dead_ends(
        conn, orders, had, [None if bad else row for row, bad in zip(new, problems, strict=True)]
    )
    decided: list[Done | Refusal | None] = []
    for place, (order, did, bad) in enumerate(zip(orders, there, problems, strict=True)):
        refused = _update_refused(order, did, before, bad) or dead.get(place)
        decided.append(refused or _dry(order, did, before))
    wanted = _undecided(orders, there, decided)
    planned = [
        record.planned("update", o.caller, o.pattern, o.values, image, fields.updated(image, o.values))
        for o, image in ((order, before[did.did_id]) for order, did in wanted)
    ]
    return Decided(decided, planned)


def _with_tags(order: UpdateOrder, did: Did | None, before: Mapping[int, Image]) -> UpdateOrder:
    """Return *order* with all tags that the DID will have, where it adds or removes some."""
    row = before.get(did.did_id) if did else None
    if row is None or not order.tags:
        return order
    return replace(order, values=order.tags.values(order.values, row))


def _with_drift(
    conn: Connection, orders: Sequence[UpdateOrder], there: Sequence[Did | None], before: Mapping[int, Image]
) -> Sequence[UpdateOrder]:
    """Return *orders* with what they do about differences to sources, which are looked for by sets."""
    by_sight: dict[Visibility, dict[int, Image]] = defaultdict(dict)
    for order, did in zip(orders, there, strict=True):
        if order.drift and did and did.did_id in before:
            by_sight[order.caller.visibility][did.did_id] = before[did.did_id]
    found: dict[int, Differences] = {}
    for sight, rows in by_sight.items():
        found |= origins.drift(conn, sight, rows)
    return [
        replace(order, values={**order.values, **order.drift.values(found[did.did_id], before[did.did_id])})
        if did and did.did_id in found
        else order
        for order, did in zip(orders, there, strict=True)
    ]


def _new(order: UpdateOrder, before: Image | None) -> validation.Values:
    """Return the values that are new to a DID: what VICIdial has stored may be said again.

    So may what its source has, which was not checked either when it was copied.
    """
    if order.drift.action == APPLY:
        return {}
    row = before or {}
    return {column: value for column, value in order.values.items() if not value or value != row.get(column)}


def _update_refused(
    order: UpdateOrder, did: Did | None, before: Mapping[int, Image], bad: InvalidField | None
) -> UpdateRefused | None:
    user = order.caller.user
    if missing := missing_rights(user, "update_did"):
        return missing
    if did is None:
        return NotFound(order.pattern)
    if order.etag is not None and order.etag != etag(before[did.did_id]):
        return ChangedMeanwhile(order.pattern)
    if bad:
        return order.tags.told(bad)
    if order.values:
        return None
    return NoDrift(order.pattern) if order.drift else NothingToChange(order.pattern)


def deletions(conn: Connection, orders: Sequence[DeleteOrder], found: Found) -> Decided:
    """Decide on deletions; of two wishes for one DID the first gets it. *found* as in `additions`."""
    there, before = _there(conn, orders, found, "update_did", "delete_did")
    locked = deletion_locks.locked(conn, list(before))
    refused = [_delete_refused(o, did, before, locked) for o, did in zip(orders, there, strict=True)]
    asking = [o for o, no in zip(orders, refused, strict=True) if not no and not o.force]
    used = in_use.refusals(conn, [(order.caller.visibility, order.pattern) for order in asking])
    gone: set[int] = set()
    decided: list[Done | Refusal | None] = []
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
    return Decided(decided, planned)


def _delete_refused(
    order: DeleteOrder, did: Did | None, before: Mapping[int, Image], locked: set[int]
) -> DeleteRefused | None:
    user = order.caller.user
    if missing := missing_rights(user, "update_did"):
        return missing
    if did is None:
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


def _there(
    conn: Connection, orders: Sequence[UpdateOrder | DeleteOrder], found: Found, *rights: str
) -> tuple[list[Did | None], Mapping[int, Image]]:
    """Return the DID of each order, None where the caller sees none, and the rows of those to be changed.

    They are held, but for callers without the *rights*, who hold nobody up. Another process may have deleted
    one since it was *found*.
    """
    pairs = [(order, found.get(order.pattern)) for order in orders]
    seen = [did if did and sees(order.caller, did) else None for order, did in pairs]
    wanted = {
        did.did_id
        for order, did in zip(orders, seen, strict=True)
        if did and not any(missing_rights(order.caller.user, right) for right in rights)
    }
    rows = dids.images(conn, wanted, _hold(orders))
    gone = wanted - rows.keys()
    return [did if did and did.did_id not in gone else None for did in seen], rows


def _hold(orders: Sequence[UpdateOrder | DeleteOrder]) -> Hold:
    """Say how the rows are held that *orders* change; dry runs change none."""
    return Hold.NOT if all(order.dry_run for order in orders) else Hold.CHANGE


def sees(caller: Caller, did: Did) -> bool:
    """Say whether *caller* sees a DID."""
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
