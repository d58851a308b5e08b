"""What keeps an order about a destination from being carried out: rights, values, references, use."""

from collections.abc import Sequence

from sqlalchemy.engine import Connection

from didier.domain import destinations as rules
from didier.domain import fields
from didier.domain.destinations import OPTION_ROUTES, Kind
from didier.domain.users import missing_rights
from didier.domain.visibility import Visibility
from didier.errors import DestinationNotFound, InvalidField, NotPermitted, UnknownReference, VicidialOwned
from didier.services.dids.destination_orders import NotChangeable, Values
from didier.services.users.authentication import Caller
from didier.storage.dids import destination_rows, destinations, dids, leading, leading_beside
from didier.storage.dids.destination_rows import Destination, Option

PLACES = 10
"""Most DIDs that a refusal names that lead to what is to be deleted."""

HIDDEN_PLACE = "something of another user group"
"""What a refusal says of places that the caller does not see."""


def not_reached(caller: Caller, function: str) -> NotPermitted | None:
    """Say why *caller* has nothing to do with what DIDs lead to, None when they may call *function*."""
    if missing := missing_rights(caller.user, function):
        return missing
    if caller.pattern_prefix is None:
        return None
    beyond = "Pattern prefix of the token must be empty: DIDs of any number may lead there"
    return NotPermitted(function, (beyond,))


def not_changeable(conn: Connection, caller: Caller, kind: Kind) -> NotChangeable | None:
    """Say why *caller* may not change things of *kind*, None when they may."""
    if missing := not_reached(caller, "update_did"):
        return missing
    return None if destination_rows.are_ours(conn) else VicidialOwned(kind.name)


def visible(
    conn: Connection, caller: Caller, kind: Kind, key: Sequence[str]
) -> Destination | DestinationNotFound:
    """Return the thing with *key* if *caller* sees it."""
    found = destination_rows.find(conn, kind, key)
    if found and caller.visibility.sees_group(found.group):
        return found
    return DestinationNotFound(kind.name, " on ".join(key))


def changeable(
    conn: Connection, caller: Caller, kind: Kind, key: Sequence[str]
) -> Destination | NotChangeable | DestinationNotFound:
    """Return the thing with *key* if *caller* may change it, and sees it."""
    return not_changeable(conn, caller, kind) or visible(conn, caller, kind, key)


def values_problem(
    conn: Connection, kind: Kind, values: Values, sight: Visibility, had: Destination | None = None
) -> InvalidField | None:
    """Say what is wrong with the first bad one of *values*; what the thing *had* may be said again."""
    for column, value in values.items():
        if bad := rules.problem(kind, column, value):
            return bad
        if value and not (had and had.values.get(column) == value):
            field = kind.field(column)
            if value not in field.special and _is_missing(conn, field.refers_to, value, sight):
                return _unknown(column, value, field.refers_to)
    return None


def _is_missing(conn: Connection, reference: str, value: str, sight: Visibility) -> bool:
    if not reference:
        return False
    if reference == fields.USER_GROUPS and sight.groups is not None and value.lower() not in sight.groups:
        return True
    return bool(destinations.missing(conn, reference, [value], sight.groups))


def _unknown(column: str, value: str, reference: str) -> UnknownReference:
    return UnknownReference(column, value, f"a value of {reference}", fields.KINDS[reference])


def options_problem(
    conn: Connection, menu: str, options: Sequence[Option], sight: Visibility
) -> InvalidField | None:
    """Say what is wrong with the first bad one of the *options* of *menu*, which may lead to itself."""
    seen: set[str] = set()
    for option in options:
        if bad := rules.option_problem(option):
            return bad
        pressed = str(option["option_value"])
        if pressed in seen:
            return InvalidField("option_value", pressed, "each option once")
        seen.add(pressed)
        if bad := _leads_nowhere(conn, menu, option, sight):
            return bad
    return None


def _leads_nowhere(conn: Connection, menu: str, option: Option, sight: Visibility) -> InvalidField | None:
    route, value = str(option["option_route"]), option.get("option_route_value") or ""
    if route == "DID":
        found = dids.find(conn, [value]).get(value)
        is_seen = found and sight.sees(found.group, found.pattern)
        return None if is_seen else UnknownReference("option_route_value", value, "a DID", "DID")
    reference = OPTION_ROUTES[route]
    if reference == fields.CALL_MENUS and value.lower() == menu.lower():
        return None
    missing = _is_missing(conn, reference, value, sight)
    return _unknown("option_route_value", value, reference) if missing else None


def places(conn: Connection, there: Destination, sight: Visibility) -> tuple[str, ...]:
    """Return what sends calls to a thing: `PLACES` DIDs, schedules, call menus, and phones of a server.

    Of those that are not seen only is said that there are some, at the end.
    """
    thing = conn, there.kind, there.values, sight
    by_route, by_fallback = leading.dids(*thing, PLACES + 1), leading_beside.dids(*thing, PLACES + 1)
    patterns = sorted({*by_route.patterns, *by_fallback.patterns})
    schedules, menus = leading_beside.by_schedules(*thing), leading.options(*thing)
    shown = [f"DID {pattern}" for pattern in patterns[:PLACES]]
    shown += ["more DIDs"] if len(patterns) > PLACES else []
    shown += [f"schedule {name}" for name in schedules if name][:PLACES]
    shown += [f"call menu {menu}, option {option}" for menu, option in menus if menu][:PLACES]
    if there.kind.reference == fields.SERVERS:
        shown += [f"phone {name}" for name in leading.phones(conn, there.values["server_ip"], PLACES)]
    is_hidden = (
        by_route.is_hidden or by_fallback.is_hidden
        or None in schedules or any(menu is None for menu, _ in menus)
    )  # fmt: skip
    return (*shown, HIDDEN_PLACE) if is_hidden else tuple(shown)
