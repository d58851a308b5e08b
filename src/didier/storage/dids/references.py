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
from didier.domain.users import EVERY_GROUP
from didier.domain.visibility import EVERYTHING, Visibility
from didier.storage import dialects
from didier.storage.redirects import REDIRECTS
from didier.storage.statements import as_json, columns_of, escaped, known_columns, run
from didier.storage.tables import CALL_MENU, CALL_MENU_OPTIONS, CAMPAIGNS, DIDS

_PRESETS = tuple(f"xferconf_{letter}_number" for letter in "abcde")


@dataclass(frozen=True, slots=True)
class Use:
    """A place where the number *pattern* is used."""

    pattern: str
    kind: str  # call menu, campaign or DID
    name: str | None  # of the menu, the campaign or the DID; None for what is not seen
    detail: str = ""  # option of the menu, or column
    more: int = 0  # further DIDs with the same destinations


def of(conn: Connection, wanted: Collection[str], sight: Visibility = EVERYTHING) -> list[Use]:
    """Return where the patterns *wanted* are used; a DID's own row does not count.

    Of a place that *sight* does not have nothing is told but that there is one.
    """
    if not wanted:
        return []
    keys = {patterns.key(pattern): pattern for pattern in wanted}
    found = (*_menus(conn, wanted), *_campaigns(conn, wanted), *_dids(conn, wanted, sight))
    return [
        _use(keys[key], place, sight) for place in found if (key := patterns.key(str(place.number))) in keys
    ]


@dataclass(frozen=True, slots=True)
class _Found:
    number: Any
    kind: str
    name: str
    detail: str
    group: str | None
    more: int = 0


def _use(pattern: str, place: _Found, sight: Visibility) -> Use:
    if not sight.sees_group(place.group):
        return Use(pattern, place.kind, None)
    return Use(pattern, place.kind, place.name, place.detail, place.more)


def group_of(conn: Connection, table: str, alias: str) -> str:
    """Return the expression for the user group of a row; older versions have none, and all see it."""
    known = "user_group" in columns_of(conn, table)
    return f"{alias}.user_group" if known else f"'{EVERY_GROUP}'"


def _menus(conn: Connection, wanted: Collection[str]) -> Iterator[_Found]:
    needed = {"menu_id", "option_value", "option_route", "option_route_value"}
    if not needed <= set(columns_of(conn, CALL_MENU_OPTIONS)):
        return
    group = group_of(conn, CALL_MENU, "m")
    sql = (
        f"SELECT o.option_route_value, o.menu_id, o.option_value, {group} FROM {CALL_MENU_OPTIONS} AS o"
        f" LEFT JOIN {CALL_MENU} AS m ON m.menu_id = o.menu_id"
        f" WHERE o.option_route = 'DID' AND o.option_route_value IN {dialects.of(conn).texts}"
        " ORDER BY o.menu_id, o.option_value"
    )
    for number, menu, option, group in run(conn, sql, as_json(wanted)):
        yield _Found(number, "call menu", menu, option, group)


def _campaigns(conn: Connection, wanted: Collection[str]) -> Iterator[_Found]:
    columns = known_columns(conn, CAMPAIGNS, ("campaign_cid", *_PRESETS))
    if not columns:
        return
    among = dialects.of(conn).texts
    condition = " OR ".join(f"{column} IN {among}" for column in columns)
    sql = (
        f"SELECT c.campaign_id, {group_of(conn, CAMPAIGNS, 'c')}, {', '.join(columns)}"
        f" FROM {CAMPAIGNS} AS c WHERE {condition} ORDER BY c.campaign_id"
    )
    for campaign, group, *numbers in run(conn, sql, *[as_json(wanted)] * len(columns)):
        for column, number in zip(columns, numbers, strict=True):
            yield _Found(number, "campaign", campaign, column, group)


def _dids(conn: Connection, wanted: Collection[str], sight: Visibility) -> Iterator[_Found]:
    there = set(columns_of(conn, DIDS))
    used = {
        column: f"{redirect.condition} AND {column} <> did_pattern"
        for column, redirect in REDIRECTS.items()
        if there.issuperset((column, *redirect.needed))
    }
    seen = seen_as(conn, sight)
    if dialects.of(conn).has_own_indexes:
        return _by_indexes(conn, used, wanted, seen)
    return _in_one(conn, used, wanted, seen)


Seen = tuple[str, list[str]]
"""An expression of SQL, and its values."""


def seen_as(conn: Connection, sight: Visibility) -> Seen:
    """Return the expression that is 1 for DIDs that *sight* has and 0 for others, and its values."""
    conditions, values = ["1 = 1"], []
    if sight.groups is not None:
        conditions.append(f"user_group IN {dialects.of(conn).texts}")
        values.append(as_json([*sorted(sight.groups), EVERY_GROUP]))
    if sight.prefix is not None:
        conditions.append("did_pattern LIKE ? ESCAPE '!'")
        values.append(f"{escaped(sight.prefix)}%")
    return f"CASE WHEN {' AND '.join(conditions)} THEN 1 ELSE 0 END", values


def _did(number: Any, pattern: str, column: str, more: int, seen: int) -> _Found:
    return _Found(number, "DID", pattern, column, EVERY_GROUP if seen else None, more)


def _by_indexes(
    conn: Connection, used: Mapping[str, str], wanted: Collection[str], seen: Seen
) -> Iterator[_Found]:
    """Look into the index of each redirect. Of the DIDs with the same number there the first is told."""
    among = dialects.of(conn).texts
    parts = [
        f"SELECT {column}, min(did_pattern), '{column}', count(*) - 1, {seen[0]} AS seen FROM {DIDS}"
        f" WHERE {use} AND {column} IN {among} GROUP BY {column}, seen"
        for column, use in used.items()
    ]
    for row in run(conn, " UNION ALL ".join(parts), *[*seen[1], as_json(wanted)] * len(used)):
        yield _did(*row)


def _in_one(
    conn: Connection, used: Mapping[str, str], wanted: Collection[str], seen: Seen
) -> Iterator[_Found]:
    """Look through all DIDs once, for all redirects; tell the same as `_by_indexes`."""
    among = dialects.of(conn).texts
    shown = [f"CASE WHEN {use} THEN {column} END AS n{i}" for i, (column, use) in enumerate(used.items())]
    places = ", ".join(f"n{i}" for i in range(len(used)))
    condition = " OR ".join(f"({use} AND {column} IN {among})" for column, use in used.items())
    sql = (
        f"SELECT min(did_pattern), count(*), {seen[0]} AS seen, {', '.join(shown)} FROM {DIDS}"
        f" WHERE {condition} GROUP BY {places}, seen"
    )
    found: dict[tuple[str, str, int], list[tuple[str, int]]] = defaultdict(list)
    for pattern, count, is_seen, *numbers in run(conn, sql, *seen[1], *[as_json(wanted)] * len(used)):
        for column, number in zip(used, numbers, strict=True):
            found[column, patterns.key(str(number)), is_seen].append((pattern, count))
    for (column, number, is_seen), there in found.items():
        yield _did(number, min(there)[0], column, sum(count for _, count in there) - 1, is_seen)
