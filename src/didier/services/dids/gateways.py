"""Showing, storing and deleting sets of SIP gateways, and which of them DIDs have.

Orders are carried out one by one: there are few.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy.engine import Connection

from didier.domain import gateways as rules
from didier.domain.gateways import COLUMNS, Choice, Choices, GatewaySet, Row
from didier.domain.users import EVERY_GROUP, missing_rights_on_machines
from didier.domain.visibility import Visibility
from didier.errors import GatewaysOff, InvalidField, NotPermitted, Refusal
from didier.services.dids import validation
from didier.services.dids.named import DeleteNamed, NamedThings, group_problem
from didier.services.users.authentication import Caller
from didier.storage.changes import change_log
from didier.storage.changes.change_log import CREATED, DELETED, UPDATED, Change
from didier.storage.dids import gateways

THINGS = NamedThings("gateway set", gateways.TABLE, GatewaysOff)


@dataclass(frozen=True, slots=True)
class PutGatewaySet:
    """An order to store a set under *name*, as `domain.gateways.of` makes it of *values*.

    *number* is the one that it has in Kamailio's dispatcher; None: as it is, or the lowest that is free.
    *group* is the user group that sees it; None: the one that it has, or that new DIDs of the caller get.
    """

    caller: Caller
    name: str
    values: Mapping[str, Any]
    number: int | None = None
    group: str | None = None


def _everybodys(caller: Caller, there: GatewaySet | None) -> NotPermitted | None:
    """Refuse a set of all user groups to who sees some: its rules take calls of DIDs of the others."""
    if there is None or there.group != EVERY_GROUP or caller.visibility.groups is None:
        return None
    return NotPermitted("update_did", (f"Admin Viewable Groups must be all: the set is of {EVERY_GROUP}",))


def delete(conn: Connection, orders: Sequence[DeleteNamed], now: datetime) -> list[GatewaySet | Refusal]:
    """Delete the sets that *orders* name, unless DIDs have them."""
    return [_delete(conn, order, now) for order in orders]


def _delete(conn: Connection, order: DeleteNamed, now: datetime) -> GatewaySet | Refusal:
    there = THINGS.one(conn, order.caller, order.name)
    if isinstance(there, GatewaySet) and (refused := _everybodys(order.caller, there)):
        return refused
    [done] = THINGS.delete(conn, [order], now)
    if isinstance(done, GatewaySet):
        _tell(conn, order.caller, done, None, now)
    return done


def put(conn: Connection, orders: Sequence[PutGatewaySet], now: datetime) -> list[GatewaySet | Refusal]:
    """Store the sets that *orders* describe, each in the place of the one with its name."""
    return [_put(conn, order, now) for order in orders]


def _put(conn: Connection, order: PutGatewaySet, now: datetime) -> GatewaySet | Refusal:
    there = THINGS.changeable(conn, order.caller, order.name)
    if isinstance(there, Refusal):
        return there
    if everybodys := _everybodys(order.caller, there):
        return everybodys
    try:
        made = _made(conn, order, there)
    except InvalidField as bad:
        return bad
    refused = (
        group_problem(conn, order.caller, order.group)
        or _reference_problem(conn, made, order.caller.visibility)
        or _not_addressable(order.caller, made, there)
    )
    if refused:
        return refused
    gateways.put(conn, made, now)
    _tell(conn, order.caller, there, made, now)
    event = "MODIFY" if there else "ADD"
    THINGS.log(conn, order.caller, made.name, event, str(rules.values_of(made)), now)
    return made


def _tell(
    conn: Connection, caller: Caller, before: GatewaySet | None, after: GatewaySet | None, now: datetime
) -> None:
    """Write to the change log what became of a set, for those who do by it what `Choices` does."""
    one = after or before
    if one is None or before == after:
        return
    action = DELETED if after is None else UPDATED if before else CREATED
    change = Change(
        author=caller.author,
        action=action,
        cause=_CAUSES[action],
        did_id=0,
        pattern="",
        batch_id=0,
        group_before=before.group if before else None,
        group_after=after.group if after else None,
        details={"name": one.name, "number": one.number, "values": rules.values_of(one)},
        version=None,
    )
    change_log.record(conn, [change], now, kind=change_log.GATEWAYS)


_CAUSES = {CREATED: "add", UPDATED: "update", DELETED: "delete"}


def _made(conn: Connection, order: PutGatewaySet, there: GatewaySet | None) -> GatewaySet:
    """Return the set that is wanted; raises `InvalidField`."""
    name = there.name if there else order.name  # it keeps the spelling of its name: DIDs have it
    group = order.group or (there.group if there else order.caller.user.group_of_new_dids())
    taken = {number: other for number, other in gateways.numbers(conn).items() if other != name}
    number = order.number
    if number is None:
        number = there.number if there else rules.free_number(taken)
    if number in taken:
        free = f"a number that no other set has, such as {rules.free_number(taken)}"
        raise InvalidField("number", str(number), free)
    return rules.of(name, number, group, order.values)


def _reference_problem(conn: Connection, made: GatewaySet, sight: Visibility) -> InvalidField | None:
    """Say what the first rule names that is not there for who has *sight*."""
    named = [
        (f"rules/{place}/{name}", {COLUMNS[name]: value})
        for place, rule in enumerate(made.rules)
        for name, value in rule.conditions.items()
        if name in COLUMNS
    ]
    found = validation.problems(conn, [values for _, values in named], [sight] * len(named))
    wrong = ((place, bad) for (place, _), bad in zip(named, found, strict=True) if bad)
    return next((replace(bad, field=place) for place, bad in wrong), None)


def _not_addressable(caller: Caller, made: GatewaySet, there: GatewaySet | None) -> NotPermitted | None:
    """Refuse addresses that are new to a set to who may not say to which machines calls go."""
    known = {one.address for one in there.gateways} if there else set()
    if all(one.address in known for one in made.gateways):
        return None
    return missing_rights_on_machines(caller.user, "update_did")


def chosen(conn: Connection, dids: Iterable[Row]) -> Iterator[Choice | None]:
    """Yield for each of *dids* the set to which an edge sends its calls; None: to none.

    They are rows with pattern, route, server, user group and set. All sets are read once, however many DIDs
    are asked about.
    """
    return map(Choices.of(gateways.TABLE.every(conn)).choose, dids)
