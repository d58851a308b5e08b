"""What the dashboard counts. Every query is bounded by time, by ids, or by the size of the DID table."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy.engine import Connection

from didier.domain.users import EVERY_GROUP
from didier.domain.visibility import Visibility
from didier.storage import dialects
from didier.storage.calls import reported
from didier.storage.statements import as_json, as_moment, as_text, run, scalar
from didier.storage.tables import API_LOG, DIDS, REPORTED_CALLS, USERS
from didier.storage.usage.id_search import first_since

LINES_MOST = 500_000
"""Most lines of the API log that are looked through."""

CALLS_MOST = 500_000
"""Most calls that are looked through."""

NUMBERS_MOST = 1_000
"""Most numbers of which is looked up whether a DID has them."""


@dataclass(frozen=True, slots=True)
class RouteCount:
    """How many DIDs have a route."""

    route: str
    active: int
    inactive: int


@dataclass(frozen=True, slots=True)
class DayCount:
    """How many DIDs were made by copies on a day."""

    day: date
    copies: int

    @property
    def next_day(self) -> date:
        """The day behind it."""
        return self.day + timedelta(days=1)


@dataclass(frozen=True, slots=True)
class ReasonCount:
    """How often a request was refused for a reason, and when at last."""

    reason: str
    count: int
    last: str


@dataclass(frozen=True, slots=True)
class Uncalled:
    """An active DID that nobody called."""

    pattern: str
    description: str


@dataclass(frozen=True, slots=True)
class Stranger:
    """A number that was called, and that no DID has."""

    number: str
    calls: int
    last_call: str


def by_route(conn: Connection, groups: Collection[str] | None) -> list[RouteCount]:
    """Count the DIDs of each route, of *groups* alone if there are some: reads the whole table."""
    where, values = _of_groups(conn, groups)
    sql = f"SELECT did_route, did_active, COUNT(*) FROM {DIDS} AS d{where} GROUP BY did_route, did_active"
    counts: dict[str, list[int]] = {}
    for route, active, count in run(conn, sql, *values):
        counts.setdefault(route or "", [0, 0])[active != "Y"] += count
    routes = sorted(counts.items(), key=lambda pair: -sum(pair[1]))
    return [RouteCount(route, *pair) for route, pair in routes]


def _of_groups(conn: Connection, groups: Collection[str] | None) -> tuple[str, list[str]]:
    if groups is None:
        return "", []
    return f" WHERE d.user_group IN {dialects.of(conn).texts}", [_listed(groups)]


def _listed(groups: Collection[str]) -> str:
    return as_json([*sorted(groups), EVERY_GROUP])


def _users_of(conn: Connection, groups: Collection[str]) -> tuple[str, str]:
    names = f"SELECT user FROM {USERS} WHERE user_group IN {dialects.of(conn).texts}"
    return f"({names})", _listed(groups)


def copies_by_day(conn: Connection, since: datetime, sight: Visibility) -> list[DayCount]:
    """Count what copies have made on each day: of DIDs and by users that are seen, as the batches are."""
    first = first_since(conn, "didier_changes", "change_id", "changed_at", since)
    where, values = "", []
    if sight.users is not None:
        names, listed = _users_of(conn, sight.users)
        where, values = f" AND user_name IN {names}", [listed]
    if sight.groups is not None:
        where += f" AND LOWER(group_after) IN {dialects.of(conn).texts}"
        values += [as_json([*sorted(sight.groups), EVERY_GROUP.lower()])]
    sql = (
        "SELECT SUBSTR(changed_at, 1, 10) AS day, SUM(size) FROM didier_changes"
        f" WHERE change_id >= ? AND kind = 'did' AND action = 'created' AND cause = 'copy'{where}"
        " GROUP BY day ORDER BY day"
    )
    rows = run(conn, sql, first, *values)
    return [DayCount(date.fromisoformat(str(day)[:10]), int(count)) for day, count in rows]


def refusals(
    conn: Connection, since: datetime, groups: Collection[str] | None, limit: int
) -> list[ReasonCount]:
    """Count the requests that were refused, by reason, those alone of users of *groups* if there are some."""
    first = first_since(conn, API_LOG, "api_id", "api_date", since)
    newest = int(scalar(conn, f"SELECT MAX(api_id) FROM {API_LOG}") or 0)
    where, values = "", []
    if groups is not None:
        names, listed = _users_of(conn, groups)
        where, values = f" AND user IN {names}", [listed]
    sql = (
        f"SELECT result_reason, COUNT(*) AS times, MAX(api_date) FROM {API_LOG}"
        f" WHERE api_id >= ? AND result = 'ERROR'{where}"
        " GROUP BY result_reason ORDER BY times DESC, result_reason LIMIT ?"
    )
    rows = run(conn, sql, max(first, newest - LINES_MOST), *values, limit)
    return [ReasonCount(reason or "", count, _text(last)) for reason, count, last in rows]


def _text(value: Any) -> str:
    return as_text(value) if isinstance(value, datetime) else str(value or "")


def _reported(conn: Connection, since: datetime) -> tuple[str, str] | None:
    """Return the bounds of reported calls since then, None where there are none."""
    bounds = reported.bounds(since, datetime.max)
    return bounds if reported.are_between(conn, *bounds) else None


def calls_since(conn: Connection, since: datetime) -> datetime:
    """Return *since*, or the later moment since which VICIdial has logged `CALLS_MOST` calls."""
    sql = (
        "SELECT call_date FROM vicidial_did_log WHERE call_date >= ?"
        f" ORDER BY call_date DESC LIMIT 1 OFFSET {CALLS_MOST}"
    )
    return as_moment(scalar(conn, sql, as_text(since))) or since


def uncalled(conn: Connection, since: datetime, groups: Collection[str] | None, limit: int) -> list[Uncalled]:
    """Return *limit* of the active DIDs without a call since then, logged or reported, the oldest first."""
    where, values = _of_groups(conn, groups)
    values.append(as_text(since))
    reports = ""
    if bounds := _reported(conn, since):
        reports = (
            f" AND d.did_id NOT IN (SELECT did_id FROM {REPORTED_CALLS}"
            " WHERE started_at >= ? AND started_at < ? AND did_id IS NOT NULL)"
        )
        values += bounds
    sql = (
        f"SELECT d.did_pattern, d.did_description FROM {DIDS} AS d{where or ' WHERE 1 = 1'}"
        " AND d.did_active = 'Y' AND d.did_id NOT IN"
        " (SELECT CAST(COALESCE(did_id, '0') AS INTEGER) FROM vicidial_did_log WHERE call_date >= ?)"
        f"{reports} ORDER BY d.did_id LIMIT ?"
    )
    rows = run(conn, sql, *values, limit)
    return [Uncalled(pattern, description or "") for pattern, description in rows]


def strangers(
    conn: Connection, since: datetime, groups: Collection[str] | None, limit: int
) -> list[Stranger]:
    """Return *limit* of the numbers that were called since then and that no DID has, the most called first.

    With *groups*, calls alone that were taken by a DID of one of them: that of pattern ``default``. Calls
    that were reported count for who sees every group, and for numbers of which VICIdial has logged none.
    """
    found = _logged_strangers(conn, since, groups, limit)
    if groups is None and (bounds := _reported(conn, since)):
        found += _reported_strangers(conn, since, bounds)
    return sorted(found, key=lambda one: (-one.calls, one.number))[:limit]


def _logged_strangers(
    conn: Connection, since: datetime, groups: Collection[str] | None, limit: int
) -> list[Stranger]:
    where, values = _of_groups(conn, groups)
    takers = f" JOIN {DIDS} AS d ON d.did_id = CAST(l.did_id AS INTEGER)" if groups is not None else ""
    sql = (
        "SELECT c.extension, c.calls, c.last_call FROM (SELECT l.extension, COUNT(*) AS calls,"
        f" MAX(l.call_date) AS last_call FROM vicidial_did_log AS l{takers}"
        f"{where or ' WHERE 1 = 1'} AND l.call_date >= ? AND l.extension <> '' GROUP BY l.extension) AS c"
        f" WHERE NOT EXISTS (SELECT 1 FROM {DIDS} AS o WHERE o.did_pattern = c.extension)"
        " ORDER BY c.calls DESC, c.extension LIMIT ?"
    )
    rows = run(conn, sql, *values, as_text(since), limit)
    return [Stranger(number, calls, _text(last)) for number, calls, last in rows]


def _reported_strangers(conn: Connection, since: datetime, bounds: tuple[str, str]) -> list[Stranger]:
    """Return those of the `NUMBERS_MOST` reported most that neither VICIdial's log nor a DID has."""
    dialect = dialects.of(conn)
    sql = (
        f"SELECT MAX(number), COUNT(*) AS calls, {dialect.local('MAX(started_at)')} FROM {REPORTED_CALLS}"
        " WHERE started_at >= ? AND started_at < ? AND did_id IS NULL"
        " GROUP BY number ORDER BY calls DESC, number LIMIT ?"
    )
    rows = run(conn, sql, *bounds, NUMBERS_MOST)
    numbers = as_json([number for number, _, _ in rows])
    logged = f"SELECT extension FROM vicidial_did_log WHERE extension IN {dialect.texts} AND call_date >= ?"
    there = f"SELECT did_pattern FROM {DIDS} WHERE did_pattern IN {dialect.texts}"
    known = [*run(conn, logged, numbers, as_text(since)), *run(conn, there, numbers)]
    others = {str(number).lower() for (number,) in known}
    return [
        Stranger(number, calls, _text(last)) for number, calls, last in rows if number.lower() not in others
    ]
