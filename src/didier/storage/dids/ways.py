"""DIDs with destinations beside their route: what their schedules and fallbacks lead to.

These are texts of Didier's own, which SQL cannot take apart: the DIDs that have them are read, and what is
found is a list of ids. Most DIDs have none, and of those with the same texts one is looked at for all.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import Any

from sqlalchemy.engine import Connection

from didier.domain import checks, fallbacks
from didier.domain.checks import Outside
from didier.domain.fields import SCHEDULES
from didier.domain.nowhere import Gone, Row
from didier.storage import dialects
from didier.storage.calls.equality import key
from didier.storage.dids import destinations, did_fields, nowhere, schedules
from didier.storage.statements import known_columns, run
from didier.storage.tables import DIDS

READ_AT_ONCE = 50_000
"""How many DIDs are kept in memory at a time."""

_COLUMNS = ("did_route", "group_id", "user", "filter_action", "filter_group_id", "filter_user")
"""Those of VICIdial's columns by which a destination beside the route can be reached or not."""


def outside(conn: Connection) -> Outside:
    """Return where the schedules that DIDs have send calls outside their hours."""
    if not destinations.is_known(conn, SCHEDULES):
        return checks.NO_SCHEDULES
    named = run(conn, f"SELECT DISTINCT schedule FROM {did_fields.TABLE} WHERE schedule <> ''")
    names = {name.lower() for (name,) in named}
    there = schedules.by_name(conn, names)
    return {name: there[name].outside if name in there else None for name in names}


def saved(conn: Connection) -> list[int]:
    """Return the DIDs whose route leads nowhere, and whose calls a fallback takes."""
    found: list[int] = []
    for alike in _read(conn, f"f.fallbacks <> '' AND {nowhere.state(conn)} IS NOT NULL"):
        gone = _gone(conn, alike, checks.NO_SCHEDULES)
        for row, ids in alike:
            if any(fallbacks.why_dead(row, other, gone) is None for other in fallbacks.of(row)):
                found += ids
    return found


def by_kind(conn: Connection, outside: Outside, contexts: Collection[str]) -> Mapping[str, list[int]]:
    """Return the DIDs with findings beside their route, by the kinds of these; *contexts* are known."""
    found: dict[str, list[int]] = defaultdict(list)
    for alike in _read(conn, "(f.fallbacks <> '' OR f.schedule <> '')"):
        gone = _gone(conn, alike, outside)
        named = (checks.contexts_beside(row, outside) for row, _ in alike)
        unknown = unknown_contexts((context for of_row in named for _, context in of_row), contexts)
        for row, ids in alike:
            for kind in {one.kind for one in checks.findings_beside(row, gone, unknown, outside)}:
                found[kind] += ids
    return found


def unknown_contexts(named: Iterable[str], known: Collection[str]) -> set[str]:
    """Return those of the contexts *named* that are not *known*, compared as the database compares."""
    there = {key(context) for context in known}
    return {context for context in named if key(context) not in there}


Alike = Sequence[tuple[Row, Sequence[int]]]
"""What some DIDs have alike beside their ids."""


def _gone(conn: Connection, alike: Alike, outside: Outside) -> Gone:
    return nowhere.gone(conn, {thing for row, _ in alike for thing in checks.things_beside(row, outside)})


def _read(conn: Connection, condition: str) -> Iterator[Alike]:
    """Yield the active DIDs that meet *condition*, as many at a time as are kept in memory."""
    names = (fallbacks.COLUMN, fallbacks.SCHEDULE, *known_columns(conn, DIDS, _COLUMNS))
    listed = ", ".join(f"{'d' if name in _COLUMNS else 'f'}.{name}" for name in names)
    source = f"{did_fields.TABLE} AS f {dialects.of(conn).forced_join} {DIDS} AS d ON d.did_id = f.did_id"
    sql = (
        f"SELECT f.did_id, {listed} FROM {source}"
        f" WHERE f.did_id > ? AND d.did_active = 'Y' AND {condition} ORDER BY f.did_id LIMIT {READ_AT_ONCE}"
    )
    after, rows = 0, run(conn, sql, 0)
    while rows:
        ids: dict[tuple[Any, ...], list[int]] = defaultdict(list)
        for after, *values in rows:
            ids[tuple(values)].append(after)
        yield [({"did_active": "Y", **dict(zip(names, one, strict=True))}, ids[one]) for one in ids]
        rows = run(conn, sql, after) if len(rows) == READ_AT_ONCE else []
