"""Sessions of the admin panel: table ``didier_sessions``, which holds the digests of their secrets alone."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy.engine import Connection

from didier.storage import row_sets
from didier.storage.statements import as_moment, as_text, insert, run

_TABLE = "didier_sessions"
_COLUMNS = ("digest", "user_id", "user_name", "mark", "address", "created_at", "used_at")


@dataclass(frozen=True, slots=True)
class Session:
    """A session as it is known here; its secret is known to the browser alone."""

    digest: str
    user_id: int
    user_name: str
    mark: str  # of the password that was stored when it began
    address: str
    created_at: datetime
    used_at: datetime


def add(conn: Connection, new: Sequence[Session]) -> None:
    """Store *new* sessions."""
    rows = [
        (one.digest, one.user_id, one.user_name, one.mark, one.address[:45],
         as_text(one.created_at), as_text(one.used_at))
        for one in new
    ]  # fmt: skip
    insert(conn, _TABLE, _COLUMNS, rows)


def by_digest(conn: Connection, digests: Collection[str]) -> dict[str, Session]:
    """Return the sessions with *digests* that are known."""
    rows = row_sets.find(conn, _TABLE, ("digest",), [(digest,) for digest in digests], _COLUMNS)
    return {row[0]: _session(row) for row in rows}


def _session(row: Sequence[Any]) -> Session:
    values = dict(zip(_COLUMNS, row, strict=True))
    for name in ("created_at", "used_at"):
        values[name] = as_moment(values[name])
    return Session(**values)


def mark_used(conn: Connection, digests: Collection[str], now: datetime) -> None:
    """Remember that sessions were used."""
    rows = [(digest, as_text(now)) for digest in digests]
    row_sets.update(conn, _TABLE, ("digest",), ("used_at",), rows)


def set_mark(conn: Connection, digest: str, mark: str) -> None:
    """Store the mark of the password that a session goes on with."""
    run(conn, f"UPDATE {_TABLE} SET mark = ? WHERE digest = ?", mark, digest)


def remove(conn: Connection, digest: str) -> None:
    """End a session."""
    run(conn, f"DELETE FROM {_TABLE} WHERE digest = ?", digest)


def remove_old(conn: Connection, used_before: datetime) -> None:
    """Forget the sessions that were last used before *used_before*."""
    run(conn, f"DELETE FROM {_TABLE} WHERE used_at < ?", as_text(used_before))
