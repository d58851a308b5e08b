"""What the API log and the call records tell: who called what, and how much each DID is called."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any

from sqlalchemy.engine import Connection

from didier.domain.users import EVERY_GROUP
from didier.storage import dialects
from didier.storage.calls import reported
from didier.storage.dialects import SqlDialect
from didier.storage.statements import as_json, as_text, known_columns, run, scalar
from didier.storage.tables import API_LOG, DIDS, REPORTED_CALLS, USERS


@dataclass(frozen=True, slots=True)
class Logged:
    """A line of the API log, without the address that was called: it may hold anything."""

    api_id: int
    when: str
    user: str
    function: str
    agent_user: str
    result: str
    reason: str
    source: str
    data: str


@dataclass(frozen=True, slots=True)
class LogFilter:
    """Which lines of the API log are wanted; None: whatever there is. *visible* are the users' groups."""

    user: str | None = None
    function: str | None = None
    result: str | None = None
    source: str | None = None
    since: datetime | None = None
    until: datetime | None = None  # excluded
    reason: str | None = None
    visible: Collection[str] | None = None


_LOG_COLUMNS = (
    "api_id", "api_date", "user", "function", "agent_user", "result", "result_reason", "source", "data",
)  # fmt: skip


def api_log(
    conn: Connection, wanted: LogFilter, limit: int, before: int | None = None, floor: int = 0
) -> list[Logged]:
    """Return *limit* of the lines that are *wanted*, the newest first, with ids from *floor* to *before*.

    That of *before* itself is not among them.
    """
    conditions, values = [], []
    equal = {"user": wanted.user, "function": wanted.function, "result": wanted.result,
             "source": wanted.source, "result_reason": wanted.reason}  # fmt: skip
    pairs: list[tuple[str, Any]] = [(f"{column} = ?", value) for column, value in equal.items()]
    pairs += [
        ("api_date >= ?", wanted.since and as_text(wanted.since)),
        ("api_date < ?", wanted.until and as_text(wanted.until)),
        ("api_id < ?", before),
        ("api_id >= ?", floor or None),
    ]
    for condition, value in pairs:
        if value is not None:
            conditions.append(condition)
            values.append(value)
    if wanted.visible is not None:
        groups = f"user_group IN {dialects.of(conn).texts}"
        conditions.append(f"user IN (SELECT user FROM {USERS} WHERE {groups})")
        values.append(as_json([*sorted(wanted.visible), EVERY_GROUP]))
    where = f" WHERE {' AND '.join(conditions)}" if conditions else ""
    names = known_columns(conn, API_LOG, _LOG_COLUMNS)
    columns = ", ".join(f"`{name}`" for name in names)
    sql = f"SELECT {columns} FROM {API_LOG}{where} ORDER BY api_id DESC LIMIT ?"
    return [_logged(dict(zip(names, row, strict=True))) for row in run(conn, sql, *values, limit)]


def newest_line(conn: Connection) -> int:
    """Return the highest id in the API log, 0 without lines."""
    return int(scalar(conn, f"SELECT MAX(api_id) FROM {API_LOG}") or 0)


def _logged(row: dict[str, Any]) -> Logged:
    return Logged(
        api_id=row["api_id"],
        when=_text(row["api_date"]),
        user=row["user"] or "",
        function=row["function"] or "",
        agent_user=row.get("agent_user") or "",
        result=row.get("result") or "",
        reason=row.get("result_reason") or "",
        source=row.get("source") or "",
        data=row.get("data") or "",
    )


def _text(value: Any) -> str:
    return as_text(value) if isinstance(value, datetime) else str(value or "")


@dataclass(frozen=True, slots=True)
class Usage:
    """How much a DID was called; *pattern* is None for one that is there no longer."""

    did_id: int
    extension: str  # as it was called
    pattern: str | None
    description: str | None
    calls: int
    last_call: str


def calls_of_dids(
    conn: Connection,
    since: datetime,
    until: datetime,
    limit: int,
    *,
    groups: Collection[str] | None = None,
    prefix: str | None = None,
) -> list[Usage]:
    """Return the DIDs with calls from *since* until before *until*, those with the most calls first.

    With *groups* or *prefix* those alone that are there and are in one of the groups, and begin with the
    prefix. The calls of a DID on a day are those that VICIdial has logged, or, where it has logged none,
    those that were reported: an edge reports calls that VICIdial logs too.
    """
    counted, values = _counted(conn, since, until)
    conditions = ""
    if groups is not None:
        conditions += f" AND d.user_group IN {dialects.of(conn).texts}"
        values.append(as_json([*sorted(groups), EVERY_GROUP]))
    if prefix is not None:
        conditions += " AND d.did_pattern LIKE ? ESCAPE '!'"
        values.append(_begins_with(prefix))
    kind = "LEFT JOIN" if groups is None and prefix is None else "JOIN"
    sql = (
        "SELECT c.id, c.extension, d.did_pattern, d.did_description, c.calls, c.last_call"
        f" FROM ({counted}) AS c {kind} {DIDS} AS d ON d.did_id = c.id{conditions}"
        " ORDER BY c.calls DESC, c.id LIMIT ?"
    )
    return [
        Usage(did_id or 0, extension or "", pattern, description, int(calls), _text(last))
        for did_id, extension, pattern, description, calls, last in run(conn, sql, *values, limit)
    ]


_LOGGED = (
    "SELECT CAST(did_id AS INTEGER) AS id, MAX(extension) AS extension, COUNT(*) AS calls,"
    " MAX(call_date) AS last_call FROM vicidial_did_log WHERE call_date >= ? AND call_date < ? GROUP BY id"
)


def _counted(conn: Connection, since: datetime, until: datetime) -> tuple[str, list[Any]]:
    """Return the statement that counts calls by DID, and its values; without reports it reads one log."""
    values, bounds = [as_text(since), as_text(until)], reported.bounds(since, until)
    if not reported.are_between(conn, *bounds):
        return _LOGGED, values
    return _logged_or_reported(dialects.of(conn)), [*values, *bounds]


@cache
def _logged_or_reported(dialect: SqlDialect) -> str:
    began, number = dialect.local("started_at"), dialect.mixable("number")
    by_day = (
        "SELECT CAST(did_id AS INTEGER) AS id, SUBSTR(call_date, 1, 10) AS day,"
        f" MAX({dialect.mixable('extension')}) AS extension, COUNT(*) AS logged, 0 AS reported,"
        " MAX(call_date) AS last_call FROM vicidial_did_log WHERE call_date >= ? AND call_date < ?"
        f" GROUP BY id, day UNION ALL SELECT did_id, SUBSTR({began}, 1, 10) AS day, MAX({number}), 0,"
        f" COUNT(*), MAX({began}) FROM {REPORTED_CALLS} WHERE started_at >= ? AND started_at < ?"
        " AND did_id IS NOT NULL GROUP BY did_id, day"
    )
    once = (
        "SELECT id, MAX(extension) AS extension,"
        " CASE WHEN SUM(logged) > 0 THEN SUM(logged) ELSE SUM(reported) END AS calls,"
        f" MAX(last_call) AS last_call FROM ({by_day}) AS b GROUP BY id, day"
    )
    return (
        "SELECT id, MAX(extension) AS extension, SUM(calls) AS calls, MAX(last_call) AS last_call"
        f" FROM ({once}) AS o GROUP BY id"
    )


def _begins_with(prefix: str) -> str:
    for character in "!%_":
        prefix = prefix.replace(character, f"!{character}")
    return f"{prefix}%"
