"""How DIDs are used: what lists and charts read of the calls that were counted.

Lists of the last days, as they are summed up each night, are read from there; those of other periods are
summed up by day and, where that is not done yet or a day is wanted in part, by hour.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy.engine import Connection

from didier.storage import dialects
from didier.storage.dids import filters
from didier.storage.dids.filters import Filter, clause
from didier.storage.statements import as_json, escaped, run, scalar
from didier.storage.tables import DIDS, USAGE_DAYS, USAGE_HOURS, USAGE_NUMBERS, USAGE_RECENT, USAGE_WAYS
from didier.storage.usage.id_search import first_since
from didier.storage.usage.rollups import EVERYTHING, OUTCOME_COUNTS, SPANS

MEASURES = ("calls", "redirected", *OUTCOME_COUNTS, "seconds", "waited", "wait_seconds")
"""What is counted of calls; all of it may be added up."""


@dataclass(frozen=True, slots=True)
class Stretch:
    """A period: days that are summed up, from the first to before the second, and hours besides.

    *hours* are ranges of seconds since 1970. *span* is the number of days if it is one of `SPANS`, and there
    are sums of it, which are read in place of the days: these are all of it then, but for the *hours*.
    """

    days: tuple[date, date] | None
    hours: tuple[tuple[int, int], ...]
    span: int | None = None


@dataclass(frozen=True, slots=True)
class Measured:
    """Calls in a period; *first_at* and *last_at* are when they began, in seconds since 1970."""

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
    first_at: int | None
    last_at: int | None

    @property
    def missed(self) -> int:
        """Calls that somebody should have taken, and nobody did."""
        return self.abandoned + self.unanswered + self.failed

    @property
    def answered_share(self) -> float | None:
        """How many were answered, from 0 to 1, of those of which that is known; None of none."""
        known = self.answered + self.missed
        return self.answered / known if known else None

    @property
    def average_wait(self) -> float | None:
        """How many seconds callers waited in queues; None if none did."""
        return self.wait_seconds / self.waited if self.waited else None


@dataclass(frozen=True, slots=True)
class DidUse:
    """How much a DID was called; *pattern* is None for one that is there no longer."""

    did_id: int
    pattern: str | None
    description: str | None
    group: str | None
    route: str | None
    active: str | None
    measured: Measured
    place: int  # in the order of the list


SORTS: Mapping[str, str] = {
    "calls": "u.calls",
    "answered": "u.answered",
    "missed": "u.abandoned + u.unanswered + u.failed",
    "seconds": "u.seconds",
    "wait": "CASE WHEN u.waited > 0 THEN u.wait_seconds * 1000 / u.waited ELSE 0 END",
    "last_call": "u.last_at",
}
"""By what a list may be sorted, the most first."""


def of_dids(
    conn: Connection,
    stretch: Stretch,
    source: str | None,
    wanted: Filter | None,
    sort: str,
    limit: int,
    after: tuple[int, int] | None = None,
) -> list[DidUse]:
    """Return *limit* of the DIDs with calls, those that have the most of *sort* first.

    With *wanted* those alone that are there and wanted; *after* are the place and the id of the last one
    before. With *source* calls alone that it has reported, or, if it is empty, that VICIdial has logged.
    """
    measured, values = _by_did(conn, stretch, source)
    conditions, given = filters.conditions(conn, wanted) if wanted else ([], [])
    kind = "LEFT JOIN" if wanted is None else "JOIN"
    place = f"CAST({SORTS[sort]} AS INTEGER)"
    if after:
        conditions = [*conditions, f"({place} < ? OR ({place} = ? AND u.did_id < ?))"]
        given = [*given, after[0], *after]
    shown = ", ".join(f"u.{name}" for name in (*MEASURES, "first_at", "last_at"))
    sql = (
        "SELECT u.did_id, d.did_pattern, d.did_description, d.user_group, d.did_route, d.did_active,"
        f" {place} AS place, {shown} FROM ({measured}) AS u {kind} {DIDS} AS d ON d.did_id = u.did_id"
        f"{clause(conditions)} ORDER BY place DESC, u.did_id DESC LIMIT ?"
    )
    rows = run(conn, sql, *values, *given, limit)
    return [
        DidUse(did_id, pattern, description, group, route, active, _measured(row), int(at))
        for did_id, pattern, description, group, route, active, at, row in _split(rows, 7)
    ]


def _split(rows: Iterable[Sequence[Any]], place: int) -> Iterator[tuple[Any, ...]]:
    """Yield each row with what stands from a *place* on as one."""
    return ((*row[:place], row[place:]) for row in rows)


def _measured(row: Sequence[Any]) -> Measured:
    *counts, first_at, last_at = (None if one is None else int(one) for one in row)
    return Measured(*(one or 0 for one in counts), first_at, last_at)  # type: ignore[call-arg]  # by MEASURES


def _by_did(conn: Connection, stretch: Stretch, source: str | None) -> tuple[str, list[Any]]:
    """Return the statement that measures calls by DID, and its values."""
    if not stretch.span or source is not None:
        parts, values = _parts(stretch, source, "did_id > 0", ())
        return _added("did_id", parts), values
    sums = f"SELECT did_id, {_KEPT} FROM {USAGE_RECENT} WHERE days = ? AND did_id > 0 AND number_id = 0"
    if not stretch.hours:
        return sums, [stretch.span]
    parts, values = _parts(Stretch(None, stretch.hours), source, "did_id > 0", ())
    return _added("did_id", f"{sums} UNION ALL {parts}"), [stretch.span, *values]


def _added(key: str, parts: str) -> str:
    sums = ", ".join(f"SUM({name}) AS {name}" for name in MEASURES)
    return (
        f"SELECT {key}, {sums}, MIN(first_at) AS first_at, MAX(last_at) AS last_at FROM ({parts}) AS p"
        f" GROUP BY {key}"
    )


_KEPT = ", ".join((*MEASURES, "first_at", "last_at"))


def _parts(
    stretch: Stretch, source: str | None, which: str, given: Sequence[Any], by_number: bool = False
) -> tuple[str, list[Any]]:
    """Return the rows of days and hours of a period, as far as *which* says, and the values for these."""
    parts: list[str] = []
    values: list[Any] = []
    key = "did_id, number_id" if by_number else "did_id"
    if stretch.days:
        counted = "is_counted = 1" if source is None else "source = ?"
        where = f"day >= ? AND day < ? AND {counted} AND {which}"
        parts.append(f"SELECT {key}, {_KEPT} FROM {USAGE_DAYS} WHERE {where}")
        values += [one.isoformat() for one in stretch.days]
        values += [*([] if source is None else [source]), *given]
    for bounds in stretch.hours:
        parts.append(_of_hours(key, source, which))
        values += [*bounds, *([] if source is None else [source]), *given]
    if not parts:  # a period before all that is kept
        nothing = ", ".join(f"0 AS {name}" for name in (*key.split(", "), *_KEPT.split(", ")))
        return f"SELECT {nothing} WHERE 1 = 0", []
    return " UNION ALL ".join(parts), values


_IS_LOGGED = "CASE WHEN w.source = '' THEN 1 ELSE 0 END"


def _sums(alias: str) -> str:
    """Return what measures rows of hours *alias*, with their ways ``w``."""
    added = ("calls", "redirected", "seconds", "waited", "wait_seconds")
    sums = {name: f"SUM({alias}{name})" for name in added}
    for name in OUTCOME_COUNTS:
        sums[name] = f"SUM(CASE WHEN w.outcome = '{name}' THEN {alias}calls ELSE 0 END)"
    measured = ", ".join(f"{sums[name]} AS {name}" for name in MEASURES)
    return f"{measured}, MIN({alias}first_at) AS first_at, MAX({alias}last_at) AS last_at"


def _of_hours(key: str, source: str | None, which: str) -> str:
    """Return the statement that measures hours: calls that VICIdial has logged, or else reported ones."""
    chosen = "" if source is None else " AND w.source = ?"
    by_source = (
        f"SELECT {key}, {_IS_LOGGED} AS is_logged, {_sums('h.')} FROM {USAGE_HOURS} AS h"
        f" JOIN {USAGE_WAYS} AS w ON w.way_id = h.way_id WHERE h.hour >= ? AND h.hour < ?{chosen} AND {which}"
        f" GROUP BY {key}, is_logged"
    )
    if source is not None:
        return f"SELECT {key}, {_KEPT} FROM ({by_source}) AS s"
    same = f"CASE WHEN did_id = 0 THEN {'number_id' if 'number_id' in key else '0'} END"
    best = f"MAX(is_logged) OVER (PARTITION BY did_id, {same}) AS best"
    return (
        f"SELECT {key}, {_KEPT} FROM (SELECT s.*, {best} FROM ({by_source}) AS s) AS b WHERE is_logged = best"
    )


def before(
    conn: Connection, stretch: Stretch, source: str | None, did_ids: Collection[int]
) -> dict[int, int]:
    """Return how many calls some DIDs had in the period before one, by id; *stretch* is that before.

    Where it has a span, it is the period itself: what was before is summed up with it.
    """
    chosen = dialects.of(conn).numbers
    if stretch.span and source is None:
        sql = (
            f"SELECT did_id, calls_before FROM {USAGE_RECENT} WHERE days = ? AND number_id = 0"
            f" AND did_id IN {chosen}"
        )
        return dict(_pairs(run(conn, sql, stretch.span, as_json(list(did_ids)))))
    parts, values = _parts(stretch, source, f"did_id IN {chosen}", [as_json(list(did_ids))])
    return dict(_pairs(run(conn, f"SELECT did_id, SUM(calls) FROM ({parts}) AS p GROUP BY did_id", *values)))


def _pairs(rows: Iterable[Sequence[Any]]) -> Iterable[tuple[int, int]]:
    return ((int(one), int(count)) for one, count in rows)


def numbers_of(conn: Connection, did_ids: Collection[int]) -> dict[int, str]:
    """Return as what number each of some DIDs was called last, by id."""
    sql = (
        f"SELECT l.did_id, n.number FROM (SELECT did_id, number_id, last_at, ROW_NUMBER() OVER (PARTITION BY"
        f" did_id ORDER BY last_at DESC) AS place FROM (SELECT did_id, number_id, last_at FROM {USAGE_DAYS}"
        f" WHERE did_id IN {dialects.of(conn).numbers} UNION ALL SELECT did_id, number_id, last_at"
        f" FROM {USAGE_HOURS} WHERE did_id IN {dialects.of(conn).numbers}) AS a) AS l"
        f" JOIN {USAGE_NUMBERS} AS n ON n.number_id = l.number_id WHERE l.place = 1"
    )
    listed = as_json(list(did_ids))
    return dict(run(conn, sql, listed, listed)) if did_ids else {}


def callers(conn: Connection, stretch: Stretch, did_ids: Collection[int]) -> dict[int, list[str]]:
    """Return what is kept of the callers of DIDs in a period, by id, as `domain.usage.callers` reads it."""
    return _callers(conn, stretch, "did_id", did_ids, "did_id > 0", ())


def callers_of_numbers(
    conn: Connection, stretch: Stretch, number_ids: Collection[int], catching: Collection[int]
) -> dict[int, list[str]]:
    """Return the same of numbers that no DID has, by their ids; *catching* as in `unknown`."""
    which = f"did_id IN {dialects.of(conn).numbers}"
    return _callers(conn, stretch, "number_id", number_ids, which, [as_json(list(catching))])


def _callers(
    conn: Connection, stretch: Stretch, key: str, ids: Collection[int], which: str, given: Sequence[str]
) -> dict[int, list[str]]:
    found: dict[int, list[str]] = {one: [] for one in ids}
    chosen = f"{key} IN {dialects.of(conn).numbers} AND {which}"
    values = [as_json(list(ids)), *given]
    of_days = f"SELECT {key}, caller_hashes FROM {USAGE_DAYS} WHERE {chosen} AND day >= ? AND day < ?"
    of_hours = f"SELECT {key}, callers FROM {USAGE_HOURS} WHERE {chosen} AND hour >= ? AND hour < ?"
    ranges: list[tuple[str, Sequence[Any]]] = [(of_hours, bounds) for bounds in stretch.hours]
    days = [(of_days, [one.isoformat() for one in stretch.days])] if stretch.days else []
    for sql, within in (*days, *ranges):
        for one, text in run(conn, sql, *values, *within):
            found[one].append(text)
    return found


# DIDs that are not used ----------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class IdleDid:
    """An active DID with few calls; *last_at* is when the last call of all began, None for never."""

    did_id: int
    pattern: str
    description: str | None
    group: str | None
    route: str | None
    calls: int
    last_at: int | None


def idle(
    conn: Connection,
    stretch: Stretch,
    wanted: Filter,
    fewer_than: int,
    made_before: int | None,
    limit: int,
    after: tuple[int, int] | None = None,
) -> list[IdleDid]:
    """Return *limit* of the active DIDs with fewer calls in a period, those without the longest first.

    DIDs with ids from *made_before* on are left out; *after* are `last_at` (0 for never) and id of the last
    one before.
    """
    source, conditions, values = _idle(conn, stretch, wanted, fewer_than, made_before)
    if after:
        conditions.append(f"({_LAST} > ? OR ({_LAST} = ? AND d.did_id > ?))")
        values += [after[0], *after]
    sql = (
        "SELECT d.did_id, d.did_pattern, d.did_description, d.user_group, d.did_route,"
        f" COALESCE(u.calls, 0), {_LAST} AS idle_since {source}{clause(conditions)}"
        " ORDER BY idle_since, d.did_id LIMIT ?"
    )
    rows = run(conn, sql, *values, limit)
    return [
        IdleDid(did_id, pattern, description, group, route, int(calls), int(at) or None)
        for did_id, pattern, description, group, route, calls, at in rows
    ]


def idle_total(
    conn: Connection, stretch: Stretch, wanted: Filter, fewer_than: int, made_before: int | None
) -> int:
    """Return how many DIDs `idle` lists in all."""
    source, conditions, values = _idle(conn, stretch, wanted, fewer_than, made_before)
    return int(scalar(conn, f"SELECT COUNT(*) {source}{clause(conditions)}", *values))


_LAST = (
    "COALESCE(CASE WHEN COALESCE(u.last_at, 0) > COALESCE(e.last_at, 0) THEN u.last_at ELSE e.last_at END, 0)"
)
"""When the last call of all to an idle DID began, 0 for never."""


def _idle(
    conn: Connection, stretch: Stretch, wanted: Filter, fewer_than: int, made_before: int | None
) -> tuple[str, list[str], list[Any]]:
    """Return where idle DIDs are found, on what conditions, and the values for both."""
    measured, values = _by_did(conn, stretch, None)
    conditions, given = filters.conditions(conn, wanted)
    conditions = [*conditions, "d.did_active = 'Y'", "COALESCE(u.calls, 0) < ?"]
    given = [*given, fewer_than]
    if made_before is not None:
        conditions.append("d.did_id < ?")
        given.append(made_before)
    source = (
        f"FROM {DIDS} AS d LEFT JOIN ({measured}) AS u ON u.did_id = d.did_id"
        f" LEFT JOIN {USAGE_RECENT} AS e ON e.days = {SPANS[-1]} AND e.did_id = d.did_id AND e.number_id = 0"
    )
    return source, conditions, [*values, *given]


def first_made(conn: Connection, since: datetime) -> int | None:
    """Return the lowest id of the DIDs that were made since a time; None when none was."""
    first = first_since(conn, "didier_changes", "change_id", "changed_at", since)
    sql = (
        "SELECT MIN(did_id) FROM didier_changes WHERE change_id >= ? AND kind = 'did' AND action = 'created'"
        " AND cause <> 'undo' AND group_before IS NULL"
    )
    found: int | None = scalar(conn, sql, first)
    return found


# Numbers that no DID has ---------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class UnknownNumber:
    """A number that was called and that no DID has."""

    number: str
    number_id: int
    measured: Measured
    first_at: int  # of all calls
    place: int  # in the order of the list


def unknown(
    conn: Connection,
    stretch: Stretch,
    catching: Collection[int],
    prefix: str | None,
    sort: str,
    limit: int,
    after: tuple[int, int] | None = None,
) -> list[UnknownNumber]:
    """Return *limit* of the numbers that were called, and that no DID has, the most of *sort* first.

    *catching* are the ids of what took these calls: 0 for no DID, and the DID for the rest.
    """
    source, conditions, values = _unknown(conn, stretch, catching, prefix)
    place = f"CAST({SORTS[sort]} AS INTEGER)"
    if after:
        conditions.append(f"({place} < ? OR ({place} = ? AND u.number_id < ?))")
        values += [after[0], *after]
    shown = ", ".join(f"u.{name}" for name in _KEPT.split(", "))
    sql = (
        f"SELECT n.number, u.number_id, {place} AS place, {shown} {source}{clause(conditions)}"
        " ORDER BY place DESC, u.number_id DESC LIMIT ?"
    )
    rows = run(conn, sql, *values, limit)
    first = _first_calls(conn, [row[1] for row in rows], catching)
    found = []
    for number, number_id, at, row in _split(rows, 3):
        measured = _measured(row)
        since = first.get(number_id) or measured.first_at or 0
        found.append(UnknownNumber(number, number_id, measured, since, int(at)))
    return found


def unknown_total(
    conn: Connection, stretch: Stretch, catching: Collection[int], prefix: str | None
) -> tuple[int, int]:
    """Return how many numbers `unknown` lists in all, and how many calls there were to these."""
    source, conditions, values = _unknown(conn, stretch, catching, prefix)
    sql = f"SELECT COUNT(*), COALESCE(SUM(u.calls), 0) {source}{clause(conditions)}"
    [(numbers, calls)] = run(conn, sql, *values)
    return int(numbers), int(calls)


def _unknown(
    conn: Connection, stretch: Stretch, catching: Collection[int], prefix: str | None
) -> tuple[str, list[str], list[Any]]:
    """Return where such numbers are found, on what conditions, and the values for both."""
    which, listed = f"did_id IN {dialects.of(conn).numbers}", as_json(list(catching))
    values: list[Any]
    if stretch.span:
        parts = f"SELECT number_id, {_KEPT} FROM {USAGE_RECENT} WHERE days = ? AND number_id > 0 AND {which}"
        values = [stretch.span, listed]
    else:
        parts, values = _parts(stretch, None, which, [listed], by_number=True)
    conditions, given = _of_no_did(conn, prefix)
    source = (
        f"FROM ({_added('number_id', parts)}) AS u JOIN {USAGE_NUMBERS} AS n ON n.number_id = u.number_id"
    )
    return source, conditions, [*values, *given]


def _of_no_did(conn: Connection, prefix: str | None) -> tuple[list[str], list[Any]]:
    """Return the conditions for a number ``n`` that no DID has, and their values."""
    number = dialects.of(conn).comparable("n.number")  # so that the index of patterns is used
    conditions = [f"NOT EXISTS (SELECT 1 FROM {DIDS} AS o WHERE o.did_pattern = {number})", "n.number <> ''"]
    if not prefix:
        return conditions, []
    return [*conditions, "n.number LIKE ? ESCAPE '!'"], [f"{escaped(prefix)}%"]


def unknown_by_day(
    conn: Connection, days: tuple[date, date], catching: Collection[int], prefix: str | None
) -> dict[date, int]:
    """Return the calls to such numbers on days that are summed up."""
    conditions, given = _of_no_did(conn, prefix)
    which = f"u.did_id IN {dialects.of(conn).numbers}"
    sql = (
        f"SELECT u.day, SUM(u.calls) FROM {USAGE_DAYS} AS u JOIN {USAGE_NUMBERS} AS n"
        f" ON n.number_id = u.number_id"
        f"{clause(['u.day >= ?', 'u.day < ?', 'u.is_counted = 1', which, *conditions])} GROUP BY u.day"
    )
    values = [*(one.isoformat() for one in days), as_json(list(catching)), *given]
    return {date.fromisoformat(str(day)): int(calls) for day, calls in run(conn, sql, *values)}


def _first_calls(conn: Connection, number_ids: Collection[int], catching: Collection[int]) -> dict[int, int]:
    """Return when the first call to each of some numbers began, as far as days are summed up."""
    chosen = dialects.of(conn).numbers
    sql = (
        f"SELECT number_id, MIN(first_at) FROM {USAGE_DAYS} WHERE did_id IN {chosen}"
        f" AND number_id IN {chosen} GROUP BY number_id"
    )
    return dict(_pairs(run(conn, sql, as_json(list(catching)), as_json(list(number_ids)))))


# Over time ------------------------------------------------------------------------------------------


def by_day(
    conn: Connection, days: tuple[date, date], source: str | None, wanted: Filter | None
) -> dict[date, Measured]:
    """Return the calls of days that are summed up: of the DIDs that are wanted, or of all together."""
    join, conditions, given = _of_wanted(conn, wanted)
    counted = "u.is_counted = 1" if source is None else "u.source = ?"
    columns = ", ".join(f"SUM(u.{name})" for name in MEASURES)
    sql = (
        f"SELECT u.day, {columns}, MIN(u.first_at), MAX(u.last_at) FROM {USAGE_DAYS} AS u{join}"
        f"{clause(['u.day >= ?', 'u.day < ?', counted, *conditions])} GROUP BY u.day"
    )
    values = [*(one.isoformat() for one in days), *([] if source is None else [source]), *given]
    return {date.fromisoformat(str(day)): _measured(row) for day, *row in run(conn, sql, *values)}


def by_hour(
    conn: Connection, hours: tuple[int, int], source: str | None, wanted: Filter | None
) -> dict[int, Measured]:
    """Return the calls of hours (seconds since 1970): of the DIDs that are wanted, or of all together."""
    join, conditions, given = _of_wanted(conn, wanted)
    chosen = [] if source is None else ["w.source = ?"]
    by_source = (
        f"SELECT u.hour, u.did_id, {_IS_LOGGED} AS is_logged, {_sums('u.')} FROM {USAGE_HOURS} AS u"
        f" JOIN {USAGE_WAYS} AS w ON w.way_id = u.way_id{join}"
        f"{clause(['u.hour >= ?', 'u.hour < ?', *chosen, *conditions])} GROUP BY u.hour, u.did_id, is_logged"
    )
    best = "MAX(is_logged) OVER (PARTITION BY did_id) AS best"
    columns = ", ".join(f"SUM({name})" for name in MEASURES)
    chosen_rows = f"SELECT s.*, {best} FROM ({by_source}) AS s"
    sql = (
        f"SELECT hour, {columns}, MIN(first_at), MAX(last_at) FROM ({chosen_rows}) AS b"
        " WHERE is_logged = best GROUP BY hour"
    )
    values = [*hours, *([] if source is None else [source]), *given]
    return {int(hour): _measured(row) for hour, *row in run(conn, sql, *values)}


def _of_wanted(conn: Connection, wanted: Filter | None) -> tuple[str, list[str], list[Any]]:
    if wanted is None:
        return "", [f"u.did_id = {EVERYTHING}"], []
    conditions, given = filters.conditions(conn, wanted)
    return f" JOIN {DIDS} AS d ON d.did_id = u.did_id", ["u.did_id > 0", *conditions], given


def sources(conn: Connection) -> list[str]:
    """Return who has reported calls, by name."""
    sql = f"SELECT DISTINCT source FROM {USAGE_WAYS} WHERE source <> '' ORDER BY source"
    return [source for (source,) in run(conn, sql)]
