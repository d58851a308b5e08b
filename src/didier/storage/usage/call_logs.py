"""The calls to DIDs that VICIdial has logged, and those that were reported, read in short ranges of time.

Tables without transactions are locked as long as they are read, so a statement reads some thousand rows at
most. VICIdial moves old rows to archives; as it copies first, a row may be in both for a while.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy.engine import Connection

from didier.domain.usage.outcomes import Visit
from didier.storage.calls import reported
from didier.storage.statements import (
    as_moment,
    as_text,
    columns_of,
    is_transactional,
    known_columns,
    run,
    scalar,
)
from didier.storage.system.rights import may
from didier.storage.tables import (
    CALL_LOG,
    CALL_LOG_ARCHIVE,
    CLOSER_LOG,
    CLOSER_LOG_ARCHIVE,
    DID_LOG,
    DID_LOG_ARCHIVE,
    REPORTED_CALLS,
)

ROWS_MOST, ROWS_MOST_LOCKED = 20_000, 2_000
"""Most calls that one statement reads; fewer where others wait for it."""


@dataclass(frozen=True, slots=True)
class LoggedCall:
    """A call as VICIdial has logged it for a DID; one that is sent on to another DID is logged for each."""

    key: tuple[str, str]  # what is the same for all DIDs that it came to
    did_id: int  # 0: none
    number: str
    route: str
    caller: str
    logged: datetime  # local time
    began: float | None  # seconds since 1970, if that is known
    seconds: int  # it lasted, 0 if that is not known
    visits: Sequence[Visit]


@dataclass(frozen=True, slots=True)
class CallReport:
    """A call that was reported."""

    source: str
    did_id: int  # 0: none
    number: str
    gateway: str
    result: str
    caller: str
    began: int  # seconds since 1970
    seconds: int  # it lasted from the answer on


def oldest(conn: Connection) -> datetime | None:
    """Return when the oldest call was logged that is kept, by local time."""
    found = [
        as_moment(at)
        for table in _there(conn, DID_LOG, DID_LOG_ARCHIVE)
        for (at,) in run(conn, f"SELECT MIN(call_date) FROM {table} WHERE call_date > '1971'")
        if at
    ]
    return min((at for at in found if at), default=None)


def oldest_report(conn: Connection) -> float | None:
    """Return when the oldest call began that was reported, in seconds since 1970."""
    if not reported.are_read(conn):
        return None
    [(found,)] = run(conn, f"SELECT MIN(started_at) FROM {REPORTED_CALLS}")
    return found and _utc(found)


def _utc(moment: Any) -> float:
    known = as_moment(moment)
    return known.replace(tzinfo=UTC).timestamp() if known else 0.0


def count(conn: Connection, begins: datetime, ends: datetime) -> int:
    """Return how many rows of calls there are from one local time to before another."""
    sql = "SELECT COUNT(*) FROM {} WHERE call_date >= ? AND call_date < ?"
    bounds = as_text(begins), as_text(ends)
    # A row may be in the archive too.
    tables = _there(conn, DID_LOG, DID_LOG_ARCHIVE)
    return max((int(scalar(conn, sql.format(table), *bounds)) for table in tables), default=0)


def between(conn: Connection, begins: datetime, ends: datetime) -> list[LoggedCall] | None:
    """Return the calls that were logged from one local time to before another, by time.

    None when they are too many for one statement, and the range is longer than a second.
    """
    most = ROWS_MOST if is_transactional(conn, DID_LOG) else ROWS_MOST_LOCKED
    is_shortest = (ends - begins).total_seconds() <= 1
    found: list[LoggedCall] = []
    known: set[tuple[Any, ...]] = set()
    for table in _there(conn, DID_LOG, DID_LOG_ARCHIVE):
        rows = _rows(conn, table, begins, ends, None if is_shortest else most + 1)
        if len(rows) > most and not is_shortest:
            return None
        if not rows:
            continue
        new = [row for row in rows if row not in known]
        known.update(rows)
        lengths = _lengths(conn, table, begins, ends)
        visits = _visits(conn, table, begins, ends)
        found += [_logged(row, lengths, visits) for row in new]
    found.sort(key=lambda call: call.logged)
    return found


def _there(conn: Connection, *tables: str) -> list[str]:
    """Return those of *tables* that are there, and that the database user may read."""
    return [table for table in tables if columns_of(conn, table) and may(conn, table, ("SELECT",))]


_COLUMNS = ("uniqueid", "server_ip", "extension", "did_id", "did_route", "caller_id_number", "call_date")


def _rows(
    conn: Connection, table: str, begins: datetime, ends: datetime, limit: int | None
) -> list[tuple[Any, ...]]:
    sql = (
        f"SELECT {', '.join(_COLUMNS)} FROM {table} WHERE call_date >= ? AND call_date < ? ORDER BY call_date"
    )
    bounds = as_text(begins), as_text(ends)
    if limit is None:
        return run(conn, sql, *bounds)
    return run(conn, f"{sql} LIMIT ?", *bounds, limit)


_Lengths = dict[str, tuple[int, int]]


def _lengths(conn: Connection, table: str, begins: datetime, ends: datetime) -> _Lengths:
    """Return when the calls of a range began, since 1970, and how long they lasted, by their ids."""
    found: _Lengths = {}
    for log in reversed(_there(conn, CALL_LOG, CALL_LOG_ARCHIVE)):
        sql = (
            f"SELECT c.uniqueid, c.start_epoch, c.length_in_sec FROM {table} AS l"
            f" JOIN {log} AS c ON c.uniqueid = l.uniqueid WHERE l.call_date >= ? AND l.call_date < ?"
        )
        for uniqueid, began, seconds in run(conn, sql, as_text(begins), as_text(ends)):
            found[uniqueid] = (began or 0, seconds or 0)
    return found


_VISIT = ("campaign_id", "user", "term_reason", "call_date", "length_in_sec", "queue_seconds")
_Visits = dict[str, list[tuple[Any, ...]]]


def _visits(conn: Connection, table: str, begins: datetime, ends: datetime) -> _Visits:
    """Return the rows of the queue log of the calls of a range, as they came, by the calls' ids."""
    found: dict[str, dict[int, tuple[Any, ...]]] = defaultdict(dict)
    for log in reversed(_there(conn, CLOSER_LOG, CLOSER_LOG_ARCHIVE)):
        there = known_columns(conn, log, _VISIT)
        columns = ", ".join(f"q.`{name}`" if name in there else "NULL" for name in _VISIT)
        sql = (
            f"SELECT q.uniqueid, q.closecallid, {columns} FROM {table} AS l"
            f" JOIN {log} AS q ON q.uniqueid = l.uniqueid WHERE l.call_date >= ? AND l.call_date < ?"
        )
        for uniqueid, visit_id, *visit in run(conn, sql, as_text(begins), as_text(ends)):
            found[uniqueid][visit_id] = tuple(visit)
    return {uniqueid: [visits[one] for one in sorted(visits)] for uniqueid, visits in found.items()}


def _logged(row: tuple[Any, ...], lengths: _Lengths, known: _Visits) -> LoggedCall:
    uniqueid, server_ip, number, did_id, route, caller, at = row
    logged = as_moment(at) or datetime.min
    visits = [_visit(logged, *visit) for visit in known.get(uniqueid, ())]
    began, seconds = lengths.get(uniqueid, (0, 0))
    return LoggedCall(
        (uniqueid, server_ip),
        _id(did_id),
        number or "",
        route or "",
        caller or "",
        logged,
        began or _moment_of(uniqueid),
        seconds if seconds > 0 else _until_last(visits),
        visits,
    )


def _visit(
    logged: datetime, in_group: Any, user: Any, reason: Any, came: Any, length: Any, waited: Any
) -> Visit:
    joined = _moment(came)
    ended = (joined - logged).total_seconds() + (length or 0) if joined else None
    return Visit(in_group or "", user or "", reason or "", ended, float(waited or 0))


def _moment(value: Any) -> datetime | None:
    try:
        return as_moment(value)
    except ValueError:  # MariaDB's 0000-00-00
        return None


def _until_last(visits: Sequence[Visit]) -> int:
    """Return how long a call lasted whose end only the queue log has."""
    return int(max((visit.ended for visit in visits if visit.ended), default=0))


def _id(text: str | None) -> int:
    return int(text) if text and text.isascii() and text.isdigit() else 0


def _moment_of(uniqueid: str) -> float | None:
    """Return when a call began by its id, which Asterisk makes of that moment and a number."""
    seconds = uniqueid.rpartition("-")[2].partition(".")[0]
    return float(seconds) if seconds.isascii() and seconds.isdigit() else None


def count_reports(conn: Connection, begins: int, behind: int) -> int:
    """Return how many calls were reported that began from one moment to before another, since 1970."""
    if not reported.are_read(conn):
        return 0
    sql = f"SELECT COUNT(*) FROM {REPORTED_CALLS} WHERE started_at >= ? AND started_at < ?"
    return int(scalar(conn, sql, reported.at(begins), reported.at(behind)))


def reports_between(conn: Connection, begins: int, behind: int) -> list[CallReport]:
    """Return the calls that were reported and began from one moment to before another, since 1970."""
    if not reported.are_read(conn):
        return []
    sql = (
        "SELECT source, did_id, number, gateway, result, caller, started_at, answered_at, ended_at"
        f" FROM {REPORTED_CALLS} WHERE started_at >= ? AND started_at < ? ORDER BY started_at"
    )
    rows = run(conn, sql, reported.at(begins), reported.at(behind))
    return [
        CallReport(
            source,
            did_id or 0,
            number,
            gateway,
            result,
            caller,
            int(_utc(started)),
            _between(answered, ended),
        )
        for source, did_id, number, gateway, result, caller, started, answered, ended in rows
    ]


def _between(answered: Any, ended: Any) -> int:
    first, last = as_moment(answered), as_moment(ended)
    return int((last - first).total_seconds()) if first and last else 0
