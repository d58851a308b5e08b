"""Where the numbers of DIDs are used: in call menus, campaigns and other DIDs.

Each place is looked through once, whatever the number of patterns; tables and columns that are not there,
as in older versions of VICIdial, are not looked at. In an embedded database an index of each of a DID's
redirects finds them; VICIdial has none, and Didier adds none to its tables, so there all DIDs are read.
"""

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy.engine import Connection

from didier.domain import patterns
from didier.storage.redirects import REDIRECTS
from didier.storage.statements import as_json, columns_of, known_columns, run, values_of
from didier.storage.tables import CALL_MENU_OPTIONS, CAMPAIGNS, DIDS

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
        column: f"{redirect.condition} AND {column} <> did_pattern"
        for column, redirect in REDIRECTS.items()
        if there.issuperset((column, *redirect.needed))
    }
    return _by_indexes(conn, used, wanted) if conn.dialect.name == "sqlite" else _in_one(conn, used, wanted)


def _by_indexes(conn: Connection, used: Mapping[str, str], wanted: Collection[str]) -> _Found:
    """Look into the index of each redirect. Of the DIDs with the same number there the first is told."""
    among = values_of(conn.dialect.name)
    parts = [
        f"SELECT {column}, min(did_pattern), '{column}', count(*) - 1 FROM {DIDS}"
        f" WHERE {use} AND {column} IN {among} GROUP BY {column}"
        for column, use in used.items()
    ]
    for number, pattern, column, more in run(conn, " UNION ALL ".join(parts), *[as_json(wanted)] * len(used)):
        yield number, "DID", pattern, column, more


def _in_one(conn: Connection, used: Mapping[str, str], wanted: Collection[str]) -> _Found:
    """Look through all DIDs once, for all redirects; tell the same as `_by_indexes`."""
    among = values_of(conn.dialect.name)
    shown = [f"CASE WHEN {use} THEN {column} END AS n{i}" for i, (column, use) in enumerate(used.items())]
    places = ", ".join(f"n{i}" for i in range(len(used)))
    condition = " OR ".join(f"({use} AND {column} IN {among})" for column, use in used.items())
    sql = (
        f"SELECT min(did_pattern), count(*), {', '.join(shown)} FROM {DIDS}"
        f" WHERE {condition} GROUP BY {places}"
    )
    found: dict[tuple[str, str], list[tuple[str, int]]] = defaultdict(list)
    for pattern, count, *numbers in run(conn, sql, *[as_json(wanted)] * len(used)):
        for column, number in zip(used, numbers, strict=True):
            found[column, patterns.key(str(number))].append((pattern, count))
    for (column, number), there in found.items():
        yield number, "DID", min(there)[0], column, sum(count for _, count in there) - 1
