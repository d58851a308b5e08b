"""Requests with an idempotency key and their answers: table ``didier_idempotency``."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.engine import Connection

from didier.storage import dialects, row_sets
from didier.storage.statements import as_json, as_text, insert, rows_of, run

_TABLE = "didier_idempotency"
_COLUMNS = ("user_name", "idempotency_key", "fingerprint", "created_at")
_KEY = ("user_name", "idempotency_key")
_NAMES = ("name", "request_key")


@dataclass(frozen=True, slots=True)
class Name:
    """What a request is known by: the user or token that sent it, and the key they chose.

    *owner* stands in ``user_name``, where releases before stored names, which never begin with ``#``.
    """

    owner: str
    key: str


@dataclass(frozen=True, slots=True)
class Known:
    """A request that came before; *answer* is None while none was stored."""

    fingerprint: str
    answer: str | None


def find(conn: Connection, names: Sequence[Name]) -> dict[Name, Known]:
    """Return what is known of the requests *names*."""
    rows = as_json([(name.owner, name.key) for name in names])
    sql = (
        f"SELECT user_name, idempotency_key, fingerprint, answer FROM {rows_of(dialects.of(conn), _NAMES)}"
        f" JOIN {_TABLE} ON user_name = r.name AND idempotency_key = r.request_key"
    )
    return {Name(owner, key): Known(mark, answer) for owner, key, mark, answer in run(conn, sql, rows)}


def claim(conn: Connection, requests: Sequence[tuple[Name, str]], now: datetime) -> None:
    """Store requests, name and fingerprint, that have no answer yet.

    Raises `sqlalchemy.exc.IntegrityError` when another process was faster.
    """
    rows = [(name.owner, name.key, fingerprint, as_text(now)) for name, fingerprint in requests]
    insert(conn, _TABLE, _COLUMNS, rows)


def answer(conn: Connection, answers: Sequence[tuple[Name, str]]) -> None:
    """Store the answers to requests."""
    rows = [(name.owner, name.key, text) for name, text in answers]
    row_sets.update(conn, _TABLE, _KEY, ("answer",), rows)


def forget(conn: Connection, names: Sequence[Name]) -> None:
    """Remove requests."""
    row_sets.delete(conn, _TABLE, _KEY, [(name.owner, name.key) for name in names])


def forget_until(conn: Connection, moment: datetime) -> None:
    """Remove all requests that came at *moment* or before."""
    run(conn, f"DELETE FROM {_TABLE} WHERE created_at <= ?", as_text(moment))
