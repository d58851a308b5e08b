"""Calls that others report: table ``didier_reported_calls``, which Didier can do without."""

from collections.abc import Iterable
from datetime import UTC, datetime
from operator import itemgetter
from typing import Any

from sqlalchemy.engine import Connection

from didier.domain.calls import reported
from didier.domain.calls.reported import ReportedCall
from didier.storage import dialects
from didier.storage.statements import as_text, bound_rows, columns_of, run_change, scalar
from didier.storage.system.rights import may
from didier.storage.tables import REPORTED_CALLS

_RIGHTS = ("SELECT", "INSERT", "UPDATE", "DELETE")
_COLUMNS = (
    "call_key", "source", "call_id", "number", "caller", "started_at", "answered_at", "ended_at", "result",
    "sip_status", "gateway", "did_id",
)  # fmt: skip
_INSERT = (
    f"INTO {REPORTED_CALLS} ({', '.join(_COLUMNS)}) SELECT {', '.join(f'r.{name}' for name in _COLUMNS)}"
)


def are_kept(conn: Connection) -> bool:
    """Say whether the table is there, and the database user may use it."""
    return bool(columns_of(conn, REPORTED_CALLS)) and may(conn, REPORTED_CALLS, _RIGHTS)


def add(conn: Connection, source: str, calls: Iterable[tuple[ReportedCall, int | None]]) -> int:
    """Store the *calls* of a source that are not known, each with the id of its DID; return how many.

    The index of keys decides which are known, whoever reports them at the same time. In the order of keys,
    so that two who report the same calls do not wait for each other.
    """
    rows = sorted((_row(source, call, did_id) for call, did_id in calls), key=itemgetter(0))
    dialect = dialects.of(conn)
    bound, values = bound_rows(dialect, _COLUMNS, rows, any_letter=True)
    return run_change(conn, f"{dialect.insert_new} {_INSERT} FROM {bound} ORDER BY r.n", *values)


def _row(source: str, call: ReportedCall, did_id: int | None) -> tuple[Any, ...]:
    return (
        reported.key(source, call.call_id, call.number),
        source,
        call.call_id,
        call.number,
        call.caller,
        _utc(call.started_at),
        _utc(call.answered_at) if call.answered_at else None,
        _utc(call.ended_at),
        call.result,
        call.sip_status,
        call.gateway,
        did_id,
    )


def _utc(moment: datetime) -> str:
    return as_text(moment.astimezone(UTC).replace(tzinfo=None))


def forget(conn: Connection, before: datetime, most: int) -> int:
    """Delete *most* of the calls that began before a moment, the oldest; return how many."""
    oldest = f"SELECT reported_id FROM {REPORTED_CALLS} WHERE started_at < ? ORDER BY started_at LIMIT ?"
    # MariaDB takes no LIMIT right behind IN.
    sql = f"DELETE FROM {REPORTED_CALLS} WHERE reported_id IN (SELECT reported_id FROM ({oldest}) AS oldest)"
    return run_change(conn, sql, _utc(before), most)


def bounds(since: datetime, until: datetime) -> tuple[str, str]:
    """Return two moments of local time as they are stored, or the earliest and latest that may be."""
    earliest, latest = (moment.replace(tzinfo=None) for moment in (reported.EARLIEST, reported.LATEST))
    return _utc(min(max(since, earliest), latest)), _utc(max(min(until, latest), earliest))


def at(moment: int) -> str:
    """Return a moment in seconds since 1970 as it is stored."""
    return as_text(datetime.fromtimestamp(moment, UTC).replace(tzinfo=None))


def are_read(conn: Connection) -> bool:
    """Say whether the table is there, and the database user may read it."""
    return bool(columns_of(conn, REPORTED_CALLS)) and may(conn, REPORTED_CALLS, ("SELECT",))


def are_between(conn: Connection, since: str, until: str) -> bool:
    """Say whether there are calls to be read that began between two `bounds`."""
    if not are_read(conn):
        return False
    sql = f"SELECT 1 FROM {REPORTED_CALLS} WHERE started_at >= ? AND started_at < ? LIMIT 1"
    return scalar(conn, sql, since, until) is not None
