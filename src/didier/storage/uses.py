"""Where the numbers of DIDs are used: in call menus, campaigns and other DIDs.

Each place is looked through once, whatever the number of patterns; tables and columns that are not there,
as in older versions of VICIdial, are not looked at. No index helps to find them: VICIdial has none, and
Didier adds none to its tables.
"""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from sqlalchemy.engine import Connection

from didier.domain import patterns
from didier.storage.statements import as_json, columns_of, known_columns, run, values_of
from didier.storage.tables import CALL_MENU_OPTIONS, CAMPAIGNS, DIDS

_FILTERED = "filter_inbound_number <> 'DISABLED' AND "
_REDIRECTS: Mapping[str, tuple[tuple[str, ...], str]] = MappingProxyType({
    "extension": (
        ("did_route", "user_unavailable_action"),
        "(did_route = 'EXTEN' OR did_route = 'AGENT' AND user_unavailable_action = 'EXTEN')",
    ),
    "filter_extension": (
        ("filter_inbound_number", "filter_action", "filter_user_unavailable_action"),
        f"{_FILTERED}(filter_action = 'EXTEN'"
        " OR filter_action = 'AGENT' AND filter_user_unavailable_action = 'EXTEN')",
    ),
    "no_agent_ingroup_extension": (
        ("no_agent_ingroup_redirect",), "no_agent_ingroup_redirect <> 'DISABLED'"
    ),
    "max_queue_ingroup_extension": (("max_queue_ingroup_calls",), "max_queue_ingroup_calls > 0"),
    "pre_filter_extension": (
        ("pre_filter_phone_group_id",), "pre_filter_phone_group_id NOT IN ('', '---NONE---')"
    ),
    "pre_filter_recent_extension": (
        ("pre_filter_recent_call",), "pre_filter_recent_call NOT IN ('', 'DISABLED')"
    ),
})  # fmt: skip
"""The columns that hold a number which a DID's calls go to, with the columns and the condition of its use."""

_PRESETS = tuple(f"xferconf_{letter}_number" for letter in "abcde")


@dataclass(frozen=True, slots=True)
class Use:
    """A place where the number *pattern* is used."""

    pattern: str
    kind: str  # call menu, campaign or DID
    name: str  # of the menu, the campaign or the DID
    detail: str = ""  # option of the menu, or column
    more: int = 0  # further DIDs with the same destinations


def of(conn: Connection, wanted: Collection[str]) -> list[Use]:
    """Return where the patterns *wanted* are used; a DID's own row does not count."""
    if not wanted:
        return []
    keys = {patterns.key(pattern): pattern for pattern in wanted}
    found = (*_menus(conn, wanted), *_campaigns(conn, wanted), *_dids(conn, wanted))
    return [
        Use(keys[key], kind, name, detail, more)
        for number, kind, name, detail, more in found
        if (key := patterns.key(str(number))) in keys
    ]


_Found = Iterator[tuple[Any, str, str, str, int]]


def _menus(conn: Connection, wanted: Collection[str]) -> _Found:
    needed = {"menu_id", "option_value", "option_route", "option_route_value"}
    if not needed <= set(columns_of(conn, CALL_MENU_OPTIONS)):
        return
    sql = (
        f"SELECT option_route_value, menu_id, option_value FROM {CALL_MENU_OPTIONS}"
        f" WHERE option_route = 'DID' AND option_route_value IN {values_of(conn.dialect.name)}"
        " ORDER BY menu_id, option_value"
    )
    for number, menu, option in run(conn, sql, as_json(wanted)):
        yield number, "call menu", menu, option, 0


def _campaigns(conn: Connection, wanted: Collection[str]) -> _Found:
    columns = known_columns(conn, CAMPAIGNS, ("campaign_cid", *_PRESETS))
    if not columns:
        return
    among = values_of(conn.dialect.name)
    condition = " OR ".join(f"{column} IN {among}" for column in columns)
    sql = f"SELECT campaign_id, {', '.join(columns)} FROM {CAMPAIGNS} WHERE {condition} ORDER BY campaign_id"
    for campaign, *numbers in run(conn, sql, *[as_json(wanted)] * len(columns)):
        for column, number in zip(columns, numbers, strict=True):
            yield number, "campaign", campaign, column, 0


def _dids(conn: Connection, wanted: Collection[str]) -> _Found:
    there = set(columns_of(conn, DIDS))
    used = {
        column: condition
        for column, (needed, condition) in _REDIRECTS.items()
        if there.issuperset((column, *needed))
    }
    among = values_of(conn.dialect.name)
    uses = {column: f"{condition} AND {column} <> did_pattern" for column, condition in used.items()}
    # Rows with the same destinations come as one: thousands may send their calls to one number.
    shown = [f"CASE WHEN {use} THEN {column} END AS n{i}" for i, (column, use) in enumerate(uses.items())]
    places = ", ".join(f"n{i}" for i in range(len(uses)))
    condition = " OR ".join(f"({use} AND {column} IN {among})" for column, use in uses.items())
    sql = (
        f"SELECT min(did_pattern), count(*), {', '.join(shown)} FROM {DIDS}"
        f" WHERE {condition} GROUP BY {places}"
    )
    for pattern, count, *numbers in run(conn, sql, *[as_json(wanted)] * len(uses)):
        for column, number in zip(uses, numbers, strict=True):
            yield number, "DID", pattern, column, count - 1
