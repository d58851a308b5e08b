"""Which DIDs and call menus lead to an in-group, a call menu, a phone or a server.

A DID leads where its route, its filter or a redirect that is on sends calls; what else stands in its columns
does not count. The rules are those of VICIdial's routing: a redirect works on every route.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from sqlalchemy.engine import Connection

from didier.domain.destinations import OPTION_ROUTE_OF, Kind, Value
from didier.domain.fields import CALL_MENUS, IN_GROUPS, PHONES, SERVERS
from didier.domain.visibility import Visibility
from didier.storage.dids import references
from didier.storage.statements import columns_of, run
from didier.storage.tables import CALL_MENU, CALL_MENU_OPTIONS, DIDS
from didier.storage.tables import PHONES as PHONE_TABLE


def _routed(*routes: str, prefix: str = "") -> str:
    """Return the condition that a DID has one of *routes*, or an agent who cannot take the call has."""
    named = ", ".join(f"'{route}'" for route in routes)
    column = "filter_action" if prefix else "did_route"
    agent = f"{column} = 'AGENT' AND {prefix}user_unavailable_action IN ({named})"
    filtered = "filter_inbound_number <> 'DISABLED' AND " if prefix else ""
    return f"{filtered}({column} IN ({named}) OR {agent})"


def _both(column: str, *routes: str) -> dict[str, str]:
    """Return the conditions under which *column* and its twin for filtered calls count."""
    return {column: _routed(*routes), f"filter_{column}": _routed(*routes, prefix="filter_")}


_CONDITIONS: Mapping[str, Mapping[str, str]] = MappingProxyType({
    IN_GROUPS: {
        **_both("group_id", "IN_GROUP"),
        **_both("user_route_settings_ingroup", "AGENT"),
        "no_agent_ingroup_id": "no_agent_ingroup_redirect <> 'DISABLED'",
        "max_queue_ingroup_id": "max_queue_ingroup_calls <> 0",
    },
    CALL_MENUS: _both("menu_id", "CALLMENU"),
    PHONES: _both("phone", "PHONE"),
    SERVERS: _both("server_ip", "PHONE", "VOICEMAIL", "VMAIL_NO_INST"),
})  # fmt: skip
"""When each column of a DID leads to what stands in it."""

_BESIDE: Mapping[str, str] = MappingProxyType({"phone": "server_ip", "filter_phone": "filter_server_ip"})
"""The column beside one that the whole name of the thing takes."""


@dataclass(frozen=True, slots=True)
class Leading:
    """The patterns of DIDs that lead to a thing, and whether there are some that are not seen."""

    patterns: tuple[str, ...]
    is_hidden: bool


def dids(conn: Connection, kind: Kind, values: Mapping[str, Value], sight: Visibility, most: int) -> Leading:
    """Return *most* of the DIDs that lead to the thing with the columns *values*, as *sight* has them."""
    where, given = _where(conn, kind, values)
    if not where:
        return Leading((), is_hidden=False)
    seen, limits = references.seen_as(conn, sight)
    sql = f"SELECT did_pattern FROM {DIDS} WHERE ({where}) AND {seen} = ? ORDER BY did_pattern LIMIT ?"
    found = [str(row[0]) for row in run(conn, sql, *given, *limits, 1, most)]
    is_hidden = sight.is_limited and bool(run(conn, sql, *given, *limits, 0, 1))
    return Leading(tuple(found), is_hidden)


def _where(conn: Connection, kind: Kind, values: Mapping[str, Value]) -> tuple[str, list[Value]]:
    """Return the condition that a DID leads to a thing, and its values.

    Columns that older versions of VICIdial lack lead nowhere.
    """
    there = set(columns_of(conn, DIDS))
    parts, given = [], []
    for column, condition in _CONDITIONS[kind.reference].items():
        if not there.issuperset((column, *re.findall("[a-z_]{4,}", condition))):
            continue
        beside = _BESIDE.get(column)
        parts.append(f"({column} = ? AND {condition}" + (f" AND {beside} = ?)" if beside else ")"))
        given += [values[kind.named_by], *([values["server_ip"]] if beside else [])]
    return " OR ".join(parts), given


def options(
    conn: Connection, kind: Kind, values: Mapping[str, Value], sight: Visibility
) -> list[tuple[str | None, str]]:
    """Return the call menus and their options that lead to a thing; None for a menu that is not seen."""
    route = OPTION_ROUTE_OF.get(kind.reference)
    if route is None or "option_route_value" not in columns_of(conn, CALL_MENU_OPTIONS):
        return []
    group = references.group_of(conn, CALL_MENU, "m")
    sql = (
        f"SELECT o.menu_id, o.option_value, {group} FROM {CALL_MENU_OPTIONS} AS o"
        f" LEFT JOIN {CALL_MENU} AS m ON m.menu_id = o.menu_id"
        " WHERE o.option_route = ? AND o.option_route_value = ? ORDER BY o.menu_id, o.option_value"
    )
    own = str(values[kind.named_by]).lower() if kind.reference == CALL_MENUS else None
    return [
        (str(menu) if sight.sees_group(owner) else None, str(option))
        for menu, option, owner in run(conn, sql, route, values[kind.named_by])
        if str(menu).lower() != own  # a menu that leads to itself goes with it
    ]


def phones(conn: Connection, server_ip: Value, most: int) -> list[str]:
    """Return *most* of the phones on a server."""
    if "server_ip" not in columns_of(conn, PHONE_TABLE):
        return []
    sql = f"SELECT extension FROM {PHONE_TABLE} WHERE server_ip = ? ORDER BY extension LIMIT ?"
    return [str(row[0]) for row in run(conn, sql, server_ip, most)]
