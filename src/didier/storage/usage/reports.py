"""What reports read of call records. Every query has a limit."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, datetime, time
from functools import cache
from typing import Any

from sqlalchemy.engine import Connection

from didier.domain.users import EVERY_GROUP
from didier.storage import dialects
from didier.storage.calls import reported
from didier.storage.dialects import SqlDialect
from didier.storage.statements import as_json, as_moment, as_text, run
from didier.storage.tables import DIDS, REPORTED_CALLS


@dataclass(frozen=True, slots=True)
class InboundCall:
    """An inbound call: when it came, who called, and how long it lasted."""

    caller_id: str
    came_at: str
    seconds: int


def calls(
    conn: Connection, number: str, day: date, groups: Collection[str] | None, limit: int
) -> list[InboundCall]:
    """Return the calls to *number* on *day*, by time, *limit* at most.

    They are those that VICIdial has logged, or, where it has logged none, those that were reported. With
    *groups* those alone that were taken by a DID which is there and in one of them.
    """
    return _logged(conn, number, day, groups, limit) or _reported(conn, number, day, groups, limit)


def _logged(
    conn: Connection, number: str, day: date, groups: Collection[str] | None, limit: int
) -> list[InboundCall]:
    """Return the calls of VICIdial's log; one lasted until the end of its last row in the queue log."""
    values: list[Any] = [number, f"{day} 00:00:00", f"{day} 23:59:59"]
    if groups is not None:
        values.append(_groups(groups))
    rows = run(conn, _calls(dialects.of(conn), groups is not None), *values, limit)
    return [
        InboundCall(who or "", _text(came), _seconds(came, began, length))
        for who, came, began, length in rows
    ]


def _reported(
    conn: Connection, number: str, day: date, groups: Collection[str] | None, limit: int
) -> list[InboundCall]:
    """Return the calls that were reported; one lasted from its start to its end."""
    if not reported.are_read(conn):
        return []
    bounds = reported.bounds(datetime.combine(day, time()), datetime.combine(day, time(23, 59, 59)))
    dialect = dialects.of(conn)
    limited = groups is not None
    join = f" JOIN {DIDS} AS d ON d.did_id = r.did_id AND d.user_group IN {dialect.texts}" if limited else ""
    sql = (
        f"SELECT r.caller, {dialect.local('r.started_at')}, r.started_at, r.ended_at"
        f" FROM {REPORTED_CALLS} AS r{join} WHERE r.number = ? AND r.started_at >= ? AND r.started_at <= ?"
        " ORDER BY r.started_at LIMIT ?"
    )
    rows = run(conn, sql, *([_groups(groups)] if groups is not None else ()), number, *bounds, limit)
    return [
        InboundCall(caller, _text(came), _length(started, ended)) for caller, came, started, ended in rows
    ]


def _length(started: Any, ended: Any) -> int:
    start, end = as_moment(started), as_moment(ended)
    return int((end - start).total_seconds()) if start and end else 0


def _groups(groups: Collection[str]) -> str:
    return as_json([*sorted(groups), EVERY_GROUP])


@cache
def _calls(dialect: SqlDialect, limited: bool) -> str:
    join = f" JOIN {DIDS} AS d ON d.did_id = CAST(l.did_id AS INTEGER)" if limited else ""
    condition = f" AND d.user_group IN {dialect.texts}" if limited else ""
    return (
        "SELECT l.caller_id_number, l.call_date, c.call_date, c.length_in_sec FROM vicidial_did_log AS l"
        f"{join} LEFT JOIN vicidial_closer_log AS c ON c.closecallid ="
        " (SELECT MAX(q.closecallid) FROM vicidial_closer_log AS q WHERE q.uniqueid = l.uniqueid)"
        " WHERE l.extension = ? AND l.call_date >= ? AND l.call_date <= ?"
        f"{condition} ORDER BY l.call_date LIMIT ?"
    )


def _seconds(came: Any, began: Any, length: int | None) -> int:
    """Return the seconds from the call to the end of its row in the queue log, 0 without one."""
    start, queued = _moment(came), _moment(began)
    if start is None or queued is None:
        return 0
    # As VICIdial's UNIX_TIMESTAMP does it, the change to summer time takes no hour.
    return int(queued.timestamp() - start.timestamp()) + (length or 0)


def _moment(value: Any) -> datetime | None:
    try:
        return as_moment(value)
    except ValueError:  # MariaDB's 0000-00-00
        return None


def _text(value: Any) -> str:
    return as_text(value) if isinstance(value, datetime) else str(value)
