"""Over which DIDs calls go in a circle: found among those that send calls on to a DID, which are few.

Numbers that are no active DID lead to ``default``, if there is that. DIDs that are not seen are not followed:
else a circle would tell of them, and of a number that it is none.
"""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy.engine import Connection

from didier.domain import checks, patterns
from didier.domain.calls.deciding import DEFAULT
from didier.domain.calls.targets import REDIRECTED
from didier.domain.checks import FILTER, NO_SCHEDULES, PRE_FILTER, RECENT_CALLS, Onward, Outside, Switch
from didier.domain.fields import NONE
from didier.domain.visibility import Visibility
from didier.storage import dialects
from didier.storage.dids import did_fields, visibility
from didier.storage.statements import as_json, columns_of, like, run
from didier.storage.tables import DIDS

LOOKED_AT = 50_000
"""Most DIDs that send calls on to others among which circles are looked for."""


@dataclass(frozen=True, slots=True)
class Loops:
    """Which DIDs send calls *onward* to which, the patterns of all, and those *circling*, in a circle."""

    onward: Onward
    patterns: Mapping[int, str]
    circling: Collection[int]

    def circle(self, did_id: int) -> list[str]:
        """Return the numbers over which calls to a DID come back to it, from itself on; or none."""
        return [self.patterns[one] for one in self.way(did_id)]

    def way(self, did_id: int) -> list[int]:
        """Return the DIDs over which calls to one come back to it, from itself on; or none."""
        return checks.way_back(did_id, self.onward) if did_id in self.circling else []


NO_LOOPS = Loops({}, {}, ())


def find(conn: Connection, seen: Visibility, outside: Outside = NO_SCHEDULES) -> Loops:
    """Find the circles over DIDs that are *seen*; *outside* is where schedules send calls."""
    rows = _known(conn, _sending(conn, seen) | _sending_beside(conn, seen, outside))
    numbers = {number for row in rows.values() for number in checks.sent_on(row, outside)}
    rows |= _numbered(conn, seen, {*numbers, DEFAULT} - {row["did_pattern"] for row in rows.values()})
    ids = {patterns.key(str(row["did_pattern"])).rstrip(" "): did_id for did_id, row in rows.items()}
    otherwise = None if seen.is_limited else ids.get(DEFAULT)
    onward = {
        did_id: [*_reached(checks.sent_on(row, outside), ids, otherwise)] for did_id, row in rows.items()
    }
    named = {did_id: str(row["did_pattern"]) for did_id, row in rows.items()}
    return Loops(onward, named, checks.circling(onward))


def _reached(numbers: Collection[str], ids: Mapping[str, int], otherwise: int | None) -> Iterator[int]:
    for number in numbers:
        did_id = ids.get(patterns.key(number), otherwise)
        if did_id is not None:
            yield did_id


Rows = dict[int, Mapping[str, Any]]


def _sending(conn: Connection, seen: Visibility) -> Rows:
    """Return the active DIDs that send calls on to a DID."""
    there = columns_of(conn, DIDS)
    ways = " OR ".join(
        f"({condition} AND EXISTS (SELECT 1 FROM {DIDS} AS t WHERE t.did_pattern = d.{number}))"
        for number, columns, condition in _WAYS
        if {number, *columns} <= set(there)
    )
    return _rows(conn, seen, f"{DIDS} AS d", f"({ways or '1 = 0'})")


def _sending_beside(conn: Connection, seen: Visibility, outside: Outside) -> Rows:
    """Return the active DIDs that a schedule or a fallback may have send calls on."""
    names = [
        name
        for name, other in outside.items()
        if other and other.route == "EXTEN" and other.beside.lower() == REDIRECTED
    ]
    dialect = dialects.of(conn)
    source = f"{did_fields.TABLE} AS f {dialect.forced_join} {DIDS} AS d ON d.did_id = f.did_id"
    sends_on = f"(f.fallbacks LIKE ? ESCAPE '!' OR LOWER(f.schedule) IN {dialect.texts})"
    return _rows(conn, seen, source, sends_on, like(f"@{REDIRECTED}"), as_json(names))


def _known(conn: Connection, rows: Rows) -> Rows:
    """Return *rows* with what Didier knows of these DIDs besides."""
    known = did_fields.of(conn, rows)
    return {did_id: {**row, **known[did_id]} for did_id, row in rows.items()}


def _numbered(conn: Connection, seen: Visibility, numbers: Collection[str]) -> Rows:
    """Return the active DIDs that have one of *numbers*."""
    dialect = dialects.of(conn)
    source = f"{dialect.items('value', 'VARCHAR(255)')} {dialect.forced_join} {DIDS} AS d"
    return _rows(conn, seen, f"{source} ON d.did_pattern = r.value", "1 = 1", as_json(numbers))


def _rows(conn: Connection, seen: Visibility, source: str, condition: str, *given: Any) -> Rows:
    there = columns_of(conn, DIDS)
    names = ["did_id", "did_pattern", *(name for name in checks.LOOKED_AT if name in there)]
    limits, values = visibility.conditions(conn, seen)
    where = " AND ".join(["d.did_active = 'Y'", condition, *limits])
    columns = ", ".join(f"d.{name}" for name in names)
    sql = f"SELECT {columns} FROM {source} WHERE {where} ORDER BY d.did_id LIMIT {LOOKED_AT}"
    return {row[0]: dict(zip(names, row, strict=True)) for row in run(conn, sql, *given, *values)}


def is_on(switch: Switch) -> str:
    """Return the condition that a DID ``d`` has *switch* on; it compares first, as that is done for all."""
    column = f"d.{switch.column}"
    if switch.on:
        return f"{column} IN ({_listed(switch.on)})"
    return f"({column} NOT IN ({_listed(('', NONE, *switch.off))}) AND TRIM({column}) <> '')"


def _listed(values: Collection[str]) -> str:
    return ", ".join(f"'{value}'" for value in values)


def _all_on(switches: Collection[Switch]) -> str:
    return " AND ".join(map(is_on, switches))


_WAYS = (
    ("extension", ("did_route", "exten_context"),
     f"d.did_route = 'EXTEN' AND d.exten_context = '{REDIRECTED}'"),
    ("filter_extension", (FILTER.column, "filter_action", "filter_exten_context"),
     f"{is_on(FILTER)} AND d.filter_action = 'EXTEN' AND d.filter_exten_context = '{REDIRECTED}'"),
    *((switches[-1].column, tuple(one.column for one in switches), _all_on(switches))
      for switches in (PRE_FILTER, RECENT_CALLS)),
)  # fmt: skip
"""How a DID sends calls on: the column with the number, what else counts, and the condition for it."""
