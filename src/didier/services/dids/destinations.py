"""Showing, creating, changing and deleting what DIDs lead to: in-groups, call menus, phones and servers.

On a VICIdial's own database these are VICIdial's, and only shown. Orders of a group are carried out one by
one: there are few.
"""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy.engine import Connection

from didier.domain.destinations import Kind
from didier.errors import (
    DestinationExists,
    DestinationInUse,
    DestinationNotFound,
    NothingToChange,
    NotPermitted,
)
from didier.services.dids import destination_rules as rules
from didier.services.dids.destination_orders import (
    AddDestination,
    AddRefused,
    DeleteDestination,
    DeleteRefused,
    UpdateDestination,
    UpdateRefused,
    Values,
)
from didier.services.users.authentication import Caller
from didier.storage.changes import vicidial_logs
from didier.storage.changes.vicidial_logs import AdminEntry
from didier.storage.dids import destination_rows
from didier.storage.dids.destination_rows import Destination

DEFAULTS = {"active": "Y"}
"""What a new thing gets that VICIdial's tables leave empty: its own pages ask for it."""


def page(
    conn: Connection, caller: Caller, kind: Kind, text: str, limit: int, after: Sequence[str | int] | None
) -> tuple[list[Destination], list[str | int] | None] | NotPermitted:
    """Return *limit* things of *kind* that the caller sees, behind the key *after*, and the last of these.

    *text* is a part of the key or the name. The last is None where there are no more.
    """
    if missing := rules.not_reached(caller, "list_dids"):
        return missing
    found = destination_rows.page(conn, kind, text, caller.visibility.groups, limit + 1, after)
    return found[:limit], list(found[limit - 1].key) if len(found) > limit else None


def one(
    conn: Connection, caller: Caller, kind: Kind, key: Sequence[str]
) -> Destination | NotPermitted | DestinationNotFound:
    """Return a thing, if the caller sees it."""
    return rules.not_reached(caller, "list_dids") or rules.visible(conn, caller, kind, key)


def add(conn: Connection, orders: Sequence[AddDestination], now: datetime) -> list[Destination | AddRefused]:
    """Create the things that *orders* describe."""
    return [_add(conn, order, now) for order in orders]


def _add(conn: Connection, order: AddDestination, now: datetime) -> Destination | AddRefused:
    kind, caller = order.kind, order.caller
    defaults = {name: value for name, value in DEFAULTS.items() if name in kind.columns}
    given = {name: value for name, value in order.values.items() if value is not None}
    values: Values = {**defaults, "user_group": caller.user.group_of_new_dids(), **given}
    key = [values.get(column) or "" for column in kind.key]
    refused = (
        rules.not_changeable(conn, caller, kind)
        or rules.values_problem(conn, kind, {**dict.fromkeys(kind.required), **given}, caller.visibility)
        or rules.options_problem(conn, key[0], order.options, caller.visibility)
        or _taken(conn, kind, key, values)
    )
    if refused:
        return refused
    destination_rows.insert(conn, kind, _stored(kind, values), order.options)
    return _done(conn, caller, kind, key, "ADD", values, now)


def _stored(kind: Kind, values: Values) -> dict[str, str | None]:
    """Return *values* as they are stored: what is emptied holds what stands for no value."""
    return {column: value or kind.field(column).empty for column, value in values.items()}


def _taken(conn: Connection, kind: Kind, key: Sequence[str], values: Values) -> DestinationExists | None:
    if destination_rows.find(conn, kind, key):
        return DestinationExists(kind.name, " on ".join(key), kind.key[0])
    if kind.key == ("server_id",):  # DIDs and phones name a server by its address
        address = values.get("server_ip") or ""
        if destination_rows.address_holder(conn, kind, address):
            return DestinationExists(kind.name, address, "server_ip")
    return None


def update(
    conn: Connection, orders: Sequence[UpdateDestination], now: datetime
) -> list[Destination | UpdateRefused]:
    """Set columns, and options of call menus, of the things that *orders* name."""
    return [_update(conn, order, now) for order in orders]


def _update(conn: Connection, order: UpdateDestination, now: datetime) -> Destination | UpdateRefused:
    kind, caller = order.kind, order.caller
    there = rules.changeable(conn, caller, kind, order.key)
    if not isinstance(there, Destination):
        return there
    if not order.values and order.options is None:
        return NothingToChange(kind.named(there.values))
    if bad := rules.values_problem(conn, kind, order.values, caller.visibility, there):
        return bad
    if bad := rules.options_problem(conn, there.key[0], order.options or (), caller.visibility):
        return bad
    destination_rows.update(conn, there, _stored(kind, order.values), order.options)
    return _done(conn, caller, kind, there.key, "MODIFY", order.values, now)


def delete(
    conn: Connection, orders: Sequence[DeleteDestination], now: datetime
) -> list[Destination | DeleteRefused]:
    """Delete the things that *orders* name; by force also those that calls are sent to."""
    return [_delete(conn, order, now) for order in orders]


def _delete(conn: Connection, order: DeleteDestination, now: datetime) -> Destination | DeleteRefused:
    kind, caller = order.kind, order.caller
    there = rules.changeable(conn, caller, kind, order.key)
    if not isinstance(there, Destination):
        return there
    used = () if order.force else rules.places(conn, there, caller.visibility)
    if used:
        return DestinationInUse(kind.name, kind.named(there.values), used)
    destination_rows.delete(conn, there)
    _log(conn, caller, there, "DELETE", {}, now)
    return there


def _done(
    conn: Connection,
    caller: Caller,
    kind: Kind,
    key: Sequence[str],
    event: str,
    values: Values,
    now: datetime,
) -> Destination:
    written = destination_rows.find(conn, kind, key)
    if written is None:
        raise LookupError(f"{kind.name} {key} was written and is not there")
    _log(conn, caller, written, event, values, now)
    return written


_CODES = {"ADD": "ADD", "MODIFY": "UPDATE", "DELETE": "DELETE"}


def _log(
    conn: Connection, caller: Caller, thing: Destination, event: str, values: Values, now: datetime
) -> None:
    """Write to VICIdial's admin log what *caller* did, with the values that were given."""
    kind = thing.kind
    said = [f"{kind.name}: {kind.named(thing.values)}", *(f"{name}: {values[name] or ''}" for name in values)]
    entry = AdminEntry(
        user=caller.name,
        address=caller.address,
        type=event,
        record_id=thing.key[0][:50],
        code=f"ADMIN API {_CODES[event]} {kind.code}",
        notes=" ".join(said),
        section=kind.section,
    )
    vicidial_logs.write_admin(conn, [entry], now)


def are_ours(conn: Connection) -> bool:
    """Say whether Didier is at home alone: it creates and changes these things; else VICIdial does."""
    return destination_rows.are_ours(conn)


def places(conn: Connection, caller: Caller, there: Destination) -> tuple[str, ...]:
    """Return what sends calls to a thing, as far as the caller sees that."""
    return rules.places(conn, there, caller.visibility)
