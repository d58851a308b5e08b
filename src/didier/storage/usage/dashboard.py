"""What the dashboard counts. Every query is bounded by time, by ids, or by the size of the DID table."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy.engine import Connection

from didier.domain.users import EVERY_GROUP
from didier.domain.visibility import Visibility
from didier.storage import dialects
from didier.storage.statements import as_json, as_text, run, scalar
from didier.storage.tables import API_LOG, DIDS, USERS
from didier.storage.usage.id_search import first_since

LINES_MOST = 500_000
"""Most lines of the API log that are looked through."""


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
