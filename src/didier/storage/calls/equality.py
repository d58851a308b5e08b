"""What facts of calls are compared by: VICIdial's collation, and the database's clock."""

from collections import defaultdict
from collections.abc import Collection, Iterable
from datetime import datetime
from typing import Any

from sqlalchemy.engine import Connection

from didier.domain import patterns
from didier.storage import dialects, row_sets
from didier.storage.statements import as_json, run, scalar
from didier.storage.tables import odd


def local_now(conn: Connection) -> datetime:
    """Return the database's time, in the zone in which VICIdial's tables have times."""
    found = scalar(conn, f"SELECT {dialects.of(conn).local_now}")
    return datetime.fromisoformat(found) if isinstance(found, str) else found


def key(text: str) -> str:
    """Return the text under which two texts are equal in VICIdial's collation."""
    return patterns.key(text).rstrip(" ")


def keys(names: Iterable[str] | None) -> set[str] | None:
    """Return the same for *names*; None for None."""
    return None if names is None else {key(name) for name in names}


def rows_with(
    conn: Connection, table: str, column: str, wanted: Collection[str], columns: str, *since: Any
) -> list[tuple[Any, ...]]:
    """Return the rows of *table* whose *column* is one of *wanted*: that, and then *columns* (of ``t``).

    *since*: a column, and what it has at least.
    """
    where, values = (f"WHERE t.{since[0]} >= ?", since[1:]) if since else ("", ())
    source = row_sets.joined(dialects.of(conn), table, column)
    sql = f"SELECT r.value, {columns} FROM {source} {where}"
    if dialects.of(conn).has_collations:
        return run(conn, sql, as_json(wanted), *values)
    # SQLite ignores the case of a to z, and nothing else: rows with other letters have an index of their own.
    by_key = defaultdict(list)
    for value in wanted:
        by_key[key(value)].append(value)
    found = run(conn, sql, as_json(list(by_key)), *values)
    odd_where = f"{where} AND" if where else "WHERE"
    found += run(conn, f"SELECT t.{column}, {columns} FROM {table} AS t {odd_where} {odd(column)}", *values)
    return [(value, *rest) for name, *rest in found for value in by_key.get(key(name), ())]
