"""What calls leave in VICIdial's logs, in a local file until the database takes it."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

import orjson
from sqlalchemy.engine import Connection

from didier.storage import dialects
from didier.storage.calls.writers import Writer
from didier.storage.statements import as_json, insert, run, scalar

Row = tuple[str, dict[str, Any]]
"""A table, and the values of a row of it by column."""

WRITERS = 20
"""How many of the last connections are remembered that may have left something behind."""

_TABLES = (
    "CREATE TABLE IF NOT EXISTS spooled_calls"
    " (call_id INTEGER PRIMARY KEY AUTOINCREMENT, content TEXT NOT NULL)",
    "CREATE TABLE IF NOT EXISTS spool_writers"
    " (n INTEGER PRIMARY KEY AUTOINCREMENT, server TEXT NOT NULL, started INTEGER NOT NULL,"
    " connection_id INTEGER NOT NULL)",
)


@dataclass(frozen=True, slots=True)
class SpooledCall:
    """The rows of a call, in the order in which they are written."""

    call_id: int
    rows: Sequence[Row]


def prepare(conn: Connection) -> None:
    """Make the tables of a spool."""
    for statement in _TABLES:
        run(conn, statement)


def add(conn: Connection, calls: Sequence[Sequence[Row]]) -> Sequence[None]:
    """Keep the rows of *calls*, in their order."""
    contents = [(orjson.dumps(rows).decode(),) for rows in calls]
    insert(conn, "spooled_calls", ("content",), contents)
    return [None] * len(calls)


def first(conn: Connection, limit: int) -> list[SpooledCall]:
    """Return those that have waited longest, *limit* of them."""
    sql = "SELECT call_id, content FROM spooled_calls ORDER BY call_id LIMIT ?"
    return [
        SpooledCall(call_id, [(table, values) for table, values in orjson.loads(content)])
        for call_id, content in run(conn, sql, limit)
    ]


def remove(conn: Connection, call_ids: Collection[int]) -> None:
    """Forget calls whose rows the database has."""
    run(conn, f"DELETE FROM spooled_calls WHERE call_id IN {dialects.of(conn).numbers}", as_json(call_ids))


def size(conn: Connection) -> int:
    """Return how many calls wait."""
    return int(scalar(conn, "SELECT COUNT(*) FROM spooled_calls"))


def writers(conn: Connection) -> list[Writer]:
    """Return the connections that have written rows of calls lately."""
    return [Writer(*row) for row in run(conn, "SELECT server, started, connection_id FROM spool_writers")]


def add_writer(conn: Connection, writer: Writer) -> None:
    """Remember a connection, before it writes anything."""
    insert(
        conn,
        "spool_writers",
        ("server", "started", "connection_id"),
        [(writer.server, writer.started, writer.connection_id)],
    )
    newest = "SELECT n FROM spool_writers ORDER BY n DESC LIMIT ?"
    run(conn, f"DELETE FROM spool_writers WHERE n NOT IN ({newest})", WRITERS)
