"""Adding, changing and deleting single DIDs."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.engine import Connection

from didier.domain import fields, patterns
from didier.domain.users import missing_rights
from didier.errors import (
    AlreadyExists,
    InvalidField,
    InvalidPattern,
    NotFound,
    NothingToChange,
    NotPermitted,
    Protected,
)
from didier.services.access import Caller
from didier.storage import dids, logs, references
from didier.storage.dids import Did

PROTECTED = frozenset({"default", "did_system_filter"})
"""Patterns that VICIdial's call handling looks for when a number has no DID of its own."""


@dataclass(frozen=True, slots=True)
class AddOrder:
    """A wish for a new DID with the columns in *values*, defaults elsewhere.

    A dry run of this or another order is decided like any other but changes nothing.
    """

    caller: Caller
    pattern: str
    values: Mapping[str, str]
    dry_run: bool = False


@dataclass(frozen=True, slots=True)
class UpdateOrder:
    """A wish to set the columns in *values* of a DID."""

    caller: Caller
    pattern: str
    values: Mapping[str, str]
    dry_run: bool = False


@dataclass(frozen=True, slots=True)
class DeleteOrder:
    """A wish to delete a DID; *force* deletes a protected one too."""

    caller: Caller
    pattern: str
    force: bool = False
    dry_run: bool = False


@dataclass(frozen=True, slots=True)
class Done:
    """The DID that was added, changed or deleted, or would be; a new one has the id 0 in a dry run."""

    pattern: str
    did_id: int
    dry_run: bool = False


AddRefused = NotPermitted | InvalidPattern | AlreadyExists | InvalidField
UpdateRefused = NotPermitted | NotFound | InvalidField | NothingToChange
DeleteRefused = NotPermitted | NotFound | Protected


def add(conn: Connection, orders: Sequence[AddOrder], now: datetime) -> list[Done | AddRefused]:
    """Make the DIDs that *orders* ask for; of two wishes for one pattern the first gets it."""
    found = dids.find(conn, {order.pattern for order in orders})
    taken = found.keys()
    outcomes: list[Done | AddRefused] = []
    events = []
    for order in orders:
        refused = _add_refused(conn, order, found.key(order.pattern) in taken)
        if refused:
            outcomes.append(refused)
            continue
        if order.dry_run:
            outcomes.append(Done(order.pattern, 0, dry_run=True))
            continue
        taken.add(found.key(order.pattern))
        group = order.caller.user.group_of_new_dids()
        values = {"user_group": group, **order.values, "did_pattern": order.pattern}
        done = Done(order.pattern, dids.add(conn, values, now))
        outcomes.append(done)
        events.append(_event(order.caller, done, "ADD", "ADMIN API ADD DID", " inserted: 1"))
    logs.write_admin(conn, events, now)
    return outcomes


def _add_refused(conn: Connection, order: AddOrder, exists: bool) -> AddRefused | None:
    if missing := missing_rights(order.caller.user, "add_did"):
        return missing
    if problem := patterns.problem(order.pattern):
        return problem
    if exists:
        return AlreadyExists(order.pattern)
    return _bad_field(conn, order.values)


def update(conn: Connection, orders: Sequence[UpdateOrder], now: datetime) -> list[Done | UpdateRefused]:
    """Change the DIDs that *orders* name."""
    found = dids.find(conn, {order.pattern for order in orders})
    outcomes: list[Done | UpdateRefused] = []
    events = []
    for order in orders:
        did = found.get(order.pattern)
        refused = _update_refused(conn, order, did)
        if refused or did is None:
            outcomes.append(refused or NotFound(order.pattern))
            continue
        if order.dry_run:
            outcomes.append(Done(order.pattern, did.did_id, dry_run=True))
            continue
        dids.update(conn, did.did_id, order.values, now)
        done = Done(order.pattern, did.did_id)
        outcomes.append(done)
        events.append(_event(order.caller, done, "MODIFY", "ADMIN API UPDATE DID"))
    logs.write_admin(conn, events, now)
    return outcomes


def _update_refused(conn: Connection, order: UpdateOrder, did: Did | None) -> UpdateRefused | None:
    if missing := missing_rights(order.caller.user, "update_did"):
        return missing
    if did is None or not order.caller.user.sees(did.group):
        return NotFound(order.pattern)
    if bad := _bad_field(conn, order.values):
        return bad
    return None if order.values else NothingToChange(order.pattern)


def delete(conn: Connection, orders: Sequence[DeleteOrder], now: datetime) -> list[Done | DeleteRefused]:
    """Delete the DIDs that *orders* name; of two wishes for one the first gets it."""
    found = dids.find(conn, {order.pattern for order in orders})
    outcomes: list[Done | DeleteRefused] = []
    events = []
    for order in orders:
        did = found.get(order.pattern)
        refused = _delete_refused(order, did)
        if refused or did is None:
            outcomes.append(refused or NotFound(order.pattern))
            continue
        if order.dry_run:
            outcomes.append(Done(order.pattern, did.did_id, dry_run=True))
            continue
        dids.delete(conn, did.did_id)
        found.forget(order.pattern)
        done = Done(order.pattern, did.did_id)
        outcomes.append(done)
        events.append(_event(order.caller, done, "DELETE", "ADMIN API DELETE DID"))
    logs.write_admin(conn, events, now)
    return outcomes


def _delete_refused(order: DeleteOrder, did: Did | None) -> DeleteRefused | None:
    user = order.caller.user
    if missing := missing_rights(user, "update_did"):
        return missing
    if did is None or not user.sees(did.group):
        return NotFound(order.pattern)
    if missing := missing_rights(user, "delete_did"):
        return missing
    if patterns.key(did.pattern) in PROTECTED and not order.force:
        return Protected(order.pattern)
    return None


def _bad_field(conn: Connection, values: Mapping[str, str]) -> InvalidField | None:
    """Return the first of *values*, in the order of the fields, that its column does not allow."""
    for field in fields.DID_FIELDS:
        value = values.get(field.column)
        if value is None or value == field.empty:
            continue
        if bad := fields.problem(field.column, value):
            return bad
        if field.refers_to and not references.exists(conn, field.refers_to, value):
            return InvalidField(field.column, value, f"a value of {field.refers_to}")
    return None


def _event(caller: Caller, done: Done, kind: str, code: str, result: str = "") -> logs.AdminEntry:
    return logs.AdminEntry(
        user=caller.name,
        address=caller.address,
        type=kind,
        record_id=str(done.did_id),
        code=code,
        notes=f"did: {done.pattern} did_id: {done.did_id}{result}",
    )
