"""What reports read of call records. Every query has a limit."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, datetime
from functools import cache
from typing import Any

from sqlalchemy.engine import Connection

from didier.domain.users import EVERY_GROUP
from didier.storage import dialects
from didier.storage.dialects import SqlDialect
from didier.storage.statements import as_json, as_moment, as_text, run
from didier.storage.tables import DIDS


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

    With *groups* those alone that were taken by a DID which is there and in one of them. A call lasted until
    the end of its last row in the queue log.
    """
    values: list[Any] = [number, f"{day} 00:00:00", f"{day} 23:59:59"]
    if groups is not None:
        values.append(_groups(groups))
    rows = run(conn, _calls(dialects.of(conn), groups is not None), *values, limit)
    return [
        InboundCall(who or "", _text(came), _seconds(came, began, length))
        for who, came, began, length in rows
    ]


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
