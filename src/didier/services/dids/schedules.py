"""Showing, storing and deleting opening hours. Orders are carried out one by one: there are few."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy.engine import Connection

from didier.domain import schedules as rules
from didier.errors import InvalidField, Refusal, SchedulesOff
from didier.services.dids import validation
from didier.services.dids.named import NamedThings, group_problem
from didier.services.users.authentication import Caller
from didier.storage.dids import schedules
from didier.storage.dids.schedules import StoredSchedule

THINGS = NamedThings("schedule", schedules.TABLE, SchedulesOff)


@dataclass(frozen=True, slots=True)
class PutSchedule:
    """An order to store a schedule under *name*, as `domain.schedules.of` makes it of *values*.

    *group* is the user group that sees it; None: the one that it has, or that new DIDs of the caller get.
    """

    caller: Caller
    name: str
    values: Mapping[str, Any]
    group: str | None = None


def put(conn: Connection, orders: Sequence[PutSchedule], now: datetime) -> list[StoredSchedule | Refusal]:
    """Store the schedules that *orders* describe, each in the place of the one with its name."""
    return [_put(conn, order, now) for order in orders]


def _put(conn: Connection, order: PutSchedule, now: datetime) -> StoredSchedule | Refusal:
    there = THINGS.changeable(conn, order.caller, order.name)
    if isinstance(there, Refusal):
        return there
    try:
        # It keeps the spelling of its name: DIDs have it.
        made = rules.of(there.name if there else order.name, order.values)
    except InvalidField as bad:
        return bad
    sight = order.caller.visibility
    bad_reference = group_problem(conn, order.caller, order.group) or validation.destination_problem(
        conn, "outside", str(made.outside), sight
    )
    if bad_reference:
        return bad_reference
    group = order.group or (there.group if there else order.caller.user.group_of_new_dids())
    stored = StoredSchedule(made, group)
    schedules.put(conn, stored, now)
    event = "MODIFY" if there else "ADD"
    THINGS.log(conn, order.caller, made.name, event, str(rules.values_of(made)), now)
    return stored
