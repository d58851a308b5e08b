"""Calls counted by hour and day: tables ``didier_usage_*``, which Didier can do without.

What is stored of an hour or a day follows from the logs alone, so it can be worked out again at any time; a
row is written only where it is another one.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import astuple, dataclass, fields
from datetime import date
from typing import Any

import orjson
from sqlalchemy.engine import Connection

from didier.storage import dialects, row_sets, settings
from didier.storage.statements import bound_rows, columns_of, insert, run, run_change, scalar
from didier.storage.system.rights import may
from didier.storage.tables import USAGE, USAGE_DAYS, USAGE_HOURS, USAGE_NUMBERS, USAGE_RECENT, USAGE_WAYS

EVERYTHING = -1
"""Stands for the id of a DID where the calls of all are counted together, each once."""

NO_DID = 0
"""The same for calls to numbers that no DID has."""

SPANS = (1, 7, 30, 90, 400)
"""Of how many days until yesterday there are sums by DID."""

_RIGHTS = ("SELECT", "INSERT", "DELETE")


def are_kept(conn: Connection) -> bool:
    """Say whether the tables are there, and the database user may use them."""
    return all(columns_of(conn, table) and may(conn, table, _RIGHTS) for table in USAGE)


# How far it is --------------------------------------------------------------------------------------

_STATE, _ANEW = "usage", "usage_anew"


@dataclass(frozen=True, slots=True)
class State:
    """How far calls are counted; all moments are local times or days in ISO 8601, None for nothing yet.

    *counted_from*: the first hour; *counted_until*: the end of the last that was counted; *closed_until*: the
    first day of which there are no sums yet; *summed_until*: the same for the sums of several days;
    *complete*: whether all that the logs have has been counted once.
    """

    counted_from: str | None = None
    counted_until: str | None = None
    closed_until: str | None = None
    summed_until: str | None = None
    complete: bool = False


def state(conn: Connection) -> State:
    """Return how far calls are counted."""
    kept = settings.read(conn, _STATE)
    return State(**orjson.loads(kept)) if kept else State()


def keep_state(conn: Connection, now: State) -> None:
    """Say how far calls are counted."""
    settings.write(conn, _STATE, orjson.dumps(now).decode())


def want_anew(conn: Connection) -> None:
    """Have all calls counted anew, from the oldest that the logs have on."""
    settings.write(conn, _ANEW, "1")


def is_wanted_anew(conn: Connection) -> bool:
    """Say whether all calls are to be counted anew."""
    return settings.read(conn, _ANEW) == "1"


def begin_anew(conn: Connection) -> None:
    """Forget how far calls are counted; what is stored stays until it is found to be another."""
    keep_state(conn, State())
    settings.write(conn, _ANEW, "0")


# Numbers and ways -----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Way:
    """How a call went on: *source* is who has reported it, empty for VICIdial's logs."""

    source: str
    route: str
    destination: str
    outcome: str


def number_ids(conn: Connection, numbers: Collection[str]) -> dict[str, int]:
    """Return the ids of those of *numbers* that have one."""
    dialect = dialects.of(conn)
    source, values = bound_rows(dialect, ("value",), [(number,) for number in numbers], any_letter=True)
    sql = (
        f"SELECT t.number, t.number_id FROM {source} {dialect.forced_join} {USAGE_NUMBERS} AS t"
        f" ON t.number = {dialect.mixable('r.value')}"
    )
    return dict(run(conn, sql, *values)) if numbers else {}


def add_numbers(conn: Connection, numbers: Collection[str]) -> None:
    """Give an id to each of *numbers* that has none."""
    _add(conn, USAGE_NUMBERS, ("number",), [(number,) for number in sorted(numbers)])


def _add(conn: Connection, table: str, columns: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> None:
    dialect = dialects.of(conn)
    source, values = bound_rows(dialect, columns, rows, any_letter=True)
    listed = ", ".join(f"r.{name}" for name in columns)
    into = f"INTO {table} ({', '.join(columns)}) SELECT {listed} FROM {source} ORDER BY r.n"
    run_change(conn, f"{dialect.insert_new} {into}", *values)


def ways(conn: Connection) -> dict[Way, int]:
    """Return all ways, with their ids."""
    sql = f"SELECT source, route, destination, outcome, way_id FROM {USAGE_WAYS}"
    return {Way(*way): way_id for *way, way_id in run(conn, sql)}


def add_ways(conn: Connection, new: Collection[Way]) -> None:
    """Give an id to each of the ways that has none."""
    columns = tuple(field.name for field in fields(Way))
    _add(conn, USAGE_WAYS, columns, [astuple(way) for way in new])


# Hours ----------------------------------------------------------------------------------------------

HourKey = tuple[int, int, int, int]
"""Hour, DID, number and way."""

Counts = tuple[int, int, int, int, int, int, int, str]
"""Calls, those of them that another DID has sent on, seconds, calls that waited, the seconds that they did,
when the first and the last began, in seconds since 1970, and hashes of the callers."""

_KEY = ("hour", "did_id", "number_id", "way_id")
_COUNTS = ("calls", "redirected", "seconds", "waited", "wait_seconds", "first_at", "last_at", "callers")


def hours(
    conn: Connection, first: int, behind: int, did_ids: tuple[int, int] | None = None
) -> dict[HourKey, Counts]:
    """Return what is stored of hours from *first* to before *behind*; of *did_ids* from one to another."""
    sql = f"SELECT {', '.join((*_KEY, *_COUNTS))} FROM {USAGE_HOURS} WHERE hour >= ? AND hour < ?"
    values: list[int] = [first, behind]
    if did_ids:
        sql += " AND did_id BETWEEN ? AND ?"
        values += did_ids
    return {tuple(row[:4]): tuple(row[4:]) for row in run(conn, sql, *values)}


def put_hours(conn: Connection, gone: Collection[HourKey], new: Mapping[HourKey, Counts]) -> None:
    """Remove rows of hours, and store *new* ones in their place or besides."""
    row_sets.delete(conn, USAGE_HOURS, _KEY, gone)
    insert(conn, USAGE_HOURS, (*_KEY, *_COUNTS), [key + counts for key, counts in new.items()])


def newest_hour(conn: Connection) -> int | None:
    """Return the newest hour of which something is stored."""
    found: int | None = scalar(conn, f"SELECT MAX(hour) FROM {USAGE_HOURS}")
    return found


def forget_hours(conn: Connection, before: int, most: int) -> int:
    """Delete *most* rows of the oldest hours before a moment; return how many."""
    chosen = f"SELECT {', '.join(_KEY)} FROM {USAGE_HOURS} WHERE hour < ? ORDER BY hour LIMIT ?"
    return row_sets.delete(conn, USAGE_HOURS, _KEY, run(conn, chosen, before, most))


# Days -----------------------------------------------------------------------------------------------

OUTCOME_COUNTS = ("answered", "abandoned", "unanswered", "forwarded", "failed")


DayKey = tuple[int, int, str, str]
"""DID, number, day and source."""


@dataclass(frozen=True, slots=True)
class DayCounts:
    """The calls of a day to a DID, as one number, from one source."""

    did_id: int
    number_id: int
    day: date
    source: str
    calls: int
    redirected: int
    answered: int
    abandoned: int
    unanswered: int
    forwarded: int
    failed: int
    seconds: int
    waited: int
    wait_seconds: int
    first_at: int
    last_at: int
    is_counted: bool
    callers: int
    caller_hashes: str

    @property
    def key(self) -> "DayKey":
        """What it is stored by."""
        return self.did_id, self.number_id, self.day.isoformat(), self.source


_DAY_KEY = ("did_id", "number_id", "day", "source")
_DAY_COLUMNS = tuple(field.name for field in fields(DayCounts))


def rows_by_did(conn: Connection, first: int, behind: int) -> list[tuple[int, int]]:
    """Return the ids of DIDs of which something is stored in some hours, in order, and how many rows."""
    sql = (
        f"SELECT did_id, COUNT(*) FROM {USAGE_HOURS} WHERE hour >= ? AND hour < ?"
        " GROUP BY did_id ORDER BY did_id"
    )
    return [(did_id, count) for did_id, count in run(conn, sql, first, behind)]


def days(conn: Connection, day: date, first: int, last: int) -> set[DayCounts]:
    """Return what is stored of a day, of DIDs with ids from *first* to *last*."""
    sql = f"SELECT {', '.join(_DAY_COLUMNS)} FROM {USAGE_DAYS} WHERE day = ? AND did_id BETWEEN ? AND ?"
    return {_day_counts(row) for row in run(conn, sql, day.isoformat(), first, last)}


def calls_of(conn: Connection, day: date) -> int:
    """Return how many rows of VICIdial's log, and how many reports, are counted in the sums of a day."""
    sql = f"SELECT SUM(calls) FROM {USAGE_DAYS} WHERE day = ? AND did_id >= 0"
    return int(scalar(conn, sql, day.isoformat()) or 0)


def oldest_day(conn: Connection) -> date | None:
    """Return the oldest day of which there are sums."""
    found = scalar(conn, f"SELECT MIN(day) FROM {USAGE_DAYS}")
    return date.fromisoformat(str(found)) if found else None


def _day_counts(row: Sequence[Any]) -> DayCounts:
    values = dict(zip(_DAY_COLUMNS, row, strict=True))
    values["day"] = date.fromisoformat(str(values["day"]))
    values["is_counted"] = bool(values["is_counted"])
    return DayCounts(**values)


def put_days(conn: Connection, gone: Collection[DayKey], new: Mapping[DayKey, DayCounts]) -> None:
    """Remove sums of days, and store *new* ones in their place or besides."""
    row_sets.delete(conn, USAGE_DAYS, _DAY_KEY, gone)
    insert(conn, USAGE_DAYS, _DAY_COLUMNS, [_stored(one) for one in new.values()])


def _stored(one: DayCounts) -> tuple[Any, ...]:
    values = {name: getattr(one, name) for name in _DAY_COLUMNS}
    return tuple({**values, "day": one.day.isoformat(), "is_counted": int(one.is_counted)}.values())


def forget_days(conn: Connection, before: date, most: int) -> int:
    """Delete *most* rows of days before one; return how many."""
    chosen = f"SELECT {', '.join(_DAY_KEY)} FROM {USAGE_DAYS} WHERE day < ? ORDER BY day LIMIT ?"
    rows = [(did_id, number_id, str(day), source) for did_id, number_id, day, source in
            run(conn, chosen, before.isoformat(), most)]  # fmt: skip
    return row_sets.delete(conn, USAGE_DAYS, _DAY_KEY, rows)


# Several days ---------------------------------------------------------------------------------------

_SUMS = ("calls", "redirected", *OUTCOME_COUNTS, "seconds", "waited", "wait_seconds")
_RECENT = ("days", "did_id", "number_id", *_SUMS, "calls_before", "first_at", "last_at")


@dataclass(frozen=True, slots=True)
class Part:
    """A part of the DIDs (*column* ``did_id``), or of the numbers without one, from an id to another."""

    column: str
    first: int
    last: int


def parts(conn: Connection, size: int) -> list[Part]:
    """Return parts of *size* ids that have all of which something is stored."""
    tops = (
        f"SELECT MAX(did_id) FROM {USAGE_DAYS}",
        f"SELECT MAX(number_id) FROM {USAGE_DAYS} WHERE did_id = {NO_DID}",
    )
    most = [int(scalar(conn, sql) or 0) for sql in tops]
    return [
        Part(column, first, first + size - 1)
        for column, top in zip(("did_id", "number_id"), most, strict=True)
        for first in range(1, top + 1, size)
    ]


SumKey = tuple[int, int, int]
"""Span, DID and number."""


def sums(
    conn: Connection, part: Part, today: date, by_number: Collection[int]
) -> dict[SumKey, tuple[int, ...]]:
    """Return the sums over the days of `SPANS` before *today*, for a part of the DIDs, or of the numbers.

    Those of the DIDs *by_number* also for each number as which they were called.
    """
    found: dict[SumKey, tuple[int, ...]] = {}
    for span in SPANS:
        bounds = [_days_before(today, days) for days in (0, span, 2 * span)]
        if part.column == "number_id":
            where = f"did_id = {NO_DID} AND number_id BETWEEN ? AND ?"
            found |= _sums(conn, span, "did_id, number_id", where, bounds, part.first, part.last)
        else:
            where = "did_id BETWEEN ? AND ?"
            found |= _sums(conn, span, "did_id, 0", where, bounds, part.first, part.last)
            for did_id in by_number:
                if part.first <= did_id <= part.last:
                    found |= _sums(conn, span, "did_id, number_id", "did_id = ?", bounds, did_id)
    return found


def _days_before(today: date, days: int) -> str:
    return date.fromordinal(max(today.toordinal() - days, 1)).isoformat()


def _sums(
    conn: Connection, span: int, key: str, where: str, bounds: Sequence[str], *values: int
) -> dict[SumKey, tuple[int, ...]]:
    behind, first, before = bounds
    columns = ", ".join(f"SUM(CASE WHEN day >= ? THEN {name} ELSE 0 END)" for name in _SUMS)
    sql = (
        f"SELECT {key}, {columns}, SUM(CASE WHEN day < ? THEN calls ELSE 0 END),"
        " MIN(CASE WHEN day >= ? THEN first_at END), MAX(CASE WHEN day >= ? THEN last_at END)"
        f" FROM {USAGE_DAYS} WHERE {where} AND day >= ? AND day < ? AND is_counted = 1"
        f" GROUP BY {key.removesuffix(', 0')}"
    )
    rows = run(conn, sql, *[first] * (len(_SUMS) + 3), *values, before, behind)
    return {(span, int(row[0]), int(row[1])): tuple(map(int, row[2:])) for row in rows if row[2]}


def recent(conn: Connection, part: Part) -> dict[SumKey, tuple[int, ...]]:
    """Return the `sums` that are stored for a part."""
    where = f"did_id = {NO_DID} AND number_id" if part.column == "number_id" else "did_id"
    sql = f"SELECT {', '.join(_RECENT)} FROM {USAGE_RECENT} WHERE days = ? AND {where} BETWEEN ? AND ?"
    rows = [row for span in SPANS for row in run(conn, sql, span, part.first, part.last)]
    return {tuple(row[:3]): tuple(map(int, row[3:])) for row in rows}


def put_recent(conn: Connection, gone: Collection[SumKey], new: Mapping[SumKey, tuple[int, ...]]) -> None:
    """Remove sums, and store *new* ones in their place or besides."""
    row_sets.delete(conn, USAGE_RECENT, _RECENT[:3], gone)
    insert(conn, USAGE_RECENT, _RECENT, [key + values for key, values in new.items()])
