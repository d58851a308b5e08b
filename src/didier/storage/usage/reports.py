"""What reports read: call records, and DIDs as they stand. Every query has a limit."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, datetime
from functools import cache
from typing import Any

from sqlalchemy.engine import Connection

from didier.domain.users import EVERY_GROUP
from didier.storage.statements import as_json, as_moment, as_text, columns_of, run, values_of
from didier.storage.tables import DIDS

Value = str | int | None
"""A value of a report: a DATETIME is its text."""


@dataclass(frozen=True, slots=True)
class Call:
    """An inbound call: when it came, who called, and how long it lasted."""

    caller_id: str
    came_at: str
    seconds: int


def calls(conn: Connection, number: str, day: date, groups: Collection[str] | None, limit: int) -> list[Call]:
    """Return the calls to *number* on *day*, by time, *limit* at most.

    With *groups* those alone that were taken by a DID which is there and in one of them. A call lasted until
    the end of its last row in the queue log.
    """
    values: list[Any] = [number, f"{day} 00:00:00", f"{day} 23:59:59"]
    if groups is not None:
        values.append(_groups(groups))
    rows = run(conn, _calls(conn.dialect.name, groups is not None), *values, limit)
    return [Call(who or "", _text(came), _seconds(came, began, length)) for who, came, began, length in rows]


def _groups(groups: Collection[str]) -> str:
    return as_json([*sorted(groups), EVERY_GROUP])


@cache
def _calls(dialect: str, limited: bool) -> str:
    join = f" JOIN {DIDS} AS d ON d.did_id = CAST(l.did_id AS INTEGER)" if limited else ""
    condition = f" AND d.user_group IN {values_of(dialect)}" if limited else ""
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


def columns(conn: Connection) -> tuple[str, ...]:
    """Return the names of all columns that DIDs have."""
    return columns_of(conn, DIDS)


def did(conn: Connection, did_id: int) -> tuple[Value, ...]:
    """Return all `columns` of a DID."""
    names = ", ".join(f"`{name}`" for name in columns(conn))
    return _values(run(conn, f"SELECT {names} FROM {DIDS} WHERE did_id = ?", did_id)[0])


def _values(row: tuple[Any, ...]) -> tuple[Value, ...]:
    return tuple(value if isinstance(value, int | None) else _text(value) for value in row)


@dataclass(frozen=True, slots=True)
class Filter:
    """Which DIDs are wanted; None: whatever there is.

    *text* occurs in the pattern or the description, or *digits* occur among the digits of the pattern.
    """

    text: str | None = None
    digits: str | None = None
    route: str | None = None
    active: str | None = None
    group: str | None = None
    visible: Collection[str] | None = None  # user groups


def search(
    conn: Connection, wanted: Filter, names: Collection[str], limit: int, offset: int
) -> list[tuple[Value, ...]]:
    """Return the columns *names* of *limit* DIDs that are *wanted*, by pattern, behind the first *offset*."""
    conditions, values = _conditions(conn.dialect.name, wanted)
    where = f" WHERE {' AND '.join(conditions)}" if conditions else ""
    shown = ", ".join(f"`{name}`" for name in names)
    sql = f"SELECT {shown} FROM {DIDS}{where} ORDER BY did_pattern LIMIT ? OFFSET ?"
    return [_values(row) for row in run(conn, sql, *values, limit, offset)]


_DIGITS = "did_pattern"
for _symbol in "+.:_*#":
    _DIGITS = f"REPLACE({_DIGITS}, '{_symbol}', '')"


def _conditions(dialect: str, wanted: Filter) -> tuple[list[str], list[str]]:
    conditions, values = [], []
    if wanted.text is not None:
        texts = ["did_pattern LIKE ? ESCAPE '!'", "did_description LIKE ? ESCAPE '!'"]
        values += [_like(wanted.text)] * 2
        if wanted.digits:
            texts.append(f"{_DIGITS} LIKE ?")
            values.append(f"%{wanted.digits}%")
        conditions.append(f"({' OR '.join(texts)})")
    equal = (("did_route", wanted.route), ("did_active", wanted.active), ("user_group", wanted.group))
    for column, value in equal:
        if value is not None:
            conditions.append(f"{column} = ?")
            values.append(value)
    if wanted.visible is not None:
        conditions.append(f"user_group IN {values_of(dialect)}")
        values.append(_groups(wanted.visible))
    return conditions, values


def _like(text: str) -> str:
    for character in "!%_":
        text = text.replace(character, f"!{character}")
    return f"%{text}%"
