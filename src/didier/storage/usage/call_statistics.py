"""What the API log tells: who called what."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy.engine import Connection

from didier.domain.users import EVERY_GROUP
from didier.storage import dialects
from didier.storage.statements import as_json, as_text, known_columns, run, scalar
from didier.storage.tables import API_LOG, USERS


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
