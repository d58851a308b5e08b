"""Showing, storing and deleting opening hours. Orders are carried out one by one: there are few."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy.engine import Connection

from didier.domain import schedules as rules
from didier.errors import (
    DestinationInUse,
    DestinationNotFound,
    InvalidField,
    NotPermitted,
    SchedulesOff,
)
from didier.services.dids import validation
from didier.services.dids.destination_rules import HIDDEN_PLACE, PLACES, not_reached
from didier.services.users.authentication import Caller
from didier.storage.changes import vicidial_logs
from didier.storage.changes.vicidial_logs import AdminEntry
from didier.storage.dids import schedules
from didier.storage.dids.schedules import StoredSchedule

KIND = "schedule"
MOST = 1_000
"""Most schedules that there are."""


@dataclass(frozen=True, slots=True)
class PutSchedule:
    """An order to store a schedule under *name*, as `domain.schedules.of` makes it of *values*.

    *group* is the user group that sees it; None: the one that it has, or that new DIDs of the caller get.
    """

    caller: Caller
    name: str
    values: Mapping[str, Any]
    group: str | None = None


@dataclass(frozen=True, slots=True)
class DeleteSchedule:
    """An order to delete a schedule that no DID has."""

    caller: Caller
    name: str


PutRefused = NotPermitted | SchedulesOff | InvalidField | DestinationNotFound
DeleteRefused = NotPermitted | SchedulesOff | DestinationNotFound | DestinationInUse


def page(
    conn: Connection, caller: Caller, text: str, limit: int, after: str
) -> tuple[list[StoredSchedule], str | None] | NotPermitted:
    """Return *limit* schedules that the caller sees, behind the name *after*, and the last name of these.

    *text* is a part of their names. The last is None where there are no more.
    """
    if missing := not_reached(caller, "list_dids"):
        return missing
    if not schedules.are_kept(conn):
        return [], None
    found = schedules.page(conn, text, caller.visibility.groups, limit + 1, after)
    return found[:limit], found[limit - 1].schedule.name if len(found) > limit else None


def one(conn: Connection, caller: Caller, name: str) -> StoredSchedule | NotPermitted | DestinationNotFound:
    """Return a schedule, if the caller sees it."""
    return not_reached(caller, "list_dids") or _visible(conn, caller, name)


def _visible(conn: Connection, caller: Caller, name: str) -> StoredSchedule | DestinationNotFound:
    found = schedules.one(conn, name) if schedules.are_kept(conn) else None
    if found and caller.visibility.sees_group(found.group):
        return found
    return DestinationNotFound(KIND, name)


def put(conn: Connection, orders: Sequence[PutSchedule], now: datetime) -> list[StoredSchedule | PutRefused]:
    """Store the schedules that *orders* describe, each in the place of the one with its name."""
    return [_put(conn, order, now) for order in orders]


def _put(conn: Connection, order: PutSchedule, now: datetime) -> StoredSchedule | PutRefused:
    if refused := _not_changeable(conn, order.caller):
        return refused
    there = schedules.one(conn, order.name)
    if there and isinstance(hidden := _visible(conn, order.caller, order.name), DestinationNotFound):
        return hidden
    try:
        # It keeps the spelling of its name: DIDs have it.
        made = rules.of(there.schedule.name if there else order.name, order.values)
    except InvalidField as bad:
        return bad
    group = order.group or (there.group if there else order.caller.user.group_of_new_dids())
    if bad_reference := _reference_problem(conn, order, str(made.outside)):
        return bad_reference
    if there is None and schedules.count(conn) >= MOST:
        return InvalidField("name", order.name, f"one of the {MOST} that are there, or delete some first")
    stored = StoredSchedule(made, group)
    schedules.put(conn, stored, now)
    _log(conn, order.caller, made.name, "MODIFY" if there else "ADD", str(rules.values_of(made)), now)
    return stored


def _not_changeable(conn: Connection, caller: Caller) -> NotPermitted | SchedulesOff | None:
    if missing := not_reached(caller, "update_did"):
        return missing
    return None if schedules.are_kept(conn) else SchedulesOff()


def _reference_problem(conn: Connection, order: PutSchedule, outside: str) -> InvalidField | None:
    sight = order.caller.visibility
    if order.group and (bad := validation.problem_of_all(conn, {"user_group": order.group}, sight)):
        return bad
    return validation.destination_problem(conn, "outside", outside, sight)


def delete(
    conn: Connection, orders: Sequence[DeleteSchedule], now: datetime
) -> list[StoredSchedule | DeleteRefused]:
    """Delete the schedules that *orders* name, unless DIDs have them."""
    return [_delete(conn, order, now) for order in orders]


def _delete(conn: Connection, order: DeleteSchedule, now: datetime) -> StoredSchedule | DeleteRefused:
    if refused := _not_changeable(conn, order.caller):
        return refused
    there = _visible(conn, order.caller, order.name)
    if isinstance(there, DestinationNotFound):
        return there
    if used := places(conn, order.caller, there):
        return DestinationInUse(KIND, there.schedule.name, used)
    schedules.remove(conn, order.name)
    _log(conn, order.caller, there.schedule.name, "DELETE", "", now)
    return there


def places(conn: Connection, caller: Caller, there: StoredSchedule) -> tuple[str, ...]:
    """Return the DIDs that have a schedule, as far as the caller sees them."""
    found = schedules.users(conn, there.schedule.name, PLACES + 1)
    sight = caller.visibility
    named = [
        f"DID {pattern}" if sight.sees(group, pattern) else HIDDEN_PLACE for pattern, group in found[:PLACES]
    ]
    more = ["further DIDs"] if len(found) > PLACES else []
    return tuple(dict.fromkeys([*named, *more]))


_CODES = {"ADD": "ADD", "MODIFY": "UPDATE", "DELETE": "DELETE"}


def _log(conn: Connection, caller: Caller, name: str, event: str, values: str, now: datetime) -> None:
    """Write to VICIdial's admin log what *caller* did, with the values that were given."""
    entry = AdminEntry(
        user=caller.name,
        address=caller.address,
        type=event,
        record_id=name,
        code=f"ADMIN API {_CODES[event]} SCHEDULE",
        notes=f"schedule: {name} {values}",
        section="SCHEDULES",
    )
    vicidial_logs.write_admin(conn, [entry], now)


def are_kept(conn: Connection) -> bool:
    """Say whether schedules are stored here."""
    return schedules.are_kept(conn)
