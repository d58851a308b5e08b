"""Running statements: whole groups of rows as one parameter, and tables as they really are.

Statements take lists of rows as one JSON parameter and read it as a table (`rows_of`): so one statement
serves any number of rows, and its text, which both drivers and the database cache, never changes.
"""

import re
import time
import weakref
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any

import orjson
import sqlalchemy as sa
from sqlalchemy.engine import Connection
from sqlalchemy.exc import DBAPIError, NoSuchTableError

from didier.storage import dialects
from didier.storage.dialects import MARK, SqlDialect
from didier.storage.failures import is_denied

cache_some = lru_cache(1024)
"""Keeps texts of statements: as many as are in use, not as many as callers can think of."""


@dataclass(frozen=True, slots=True)
class _Table:
    """A table as it was when it was looked at: its columns, and their defaults as far as they are known."""

    looked_at: float
    columns: tuple[str, ...]
    defaults: Mapping[str, str | int | None]


_tables: weakref.WeakKeyDictionary[sa.Dialect, dict[str, _Table]] = weakref.WeakKeyDictionary()


def columns_of(conn: Connection, table: str) -> tuple[str, ...]:
    """Return the columns that *table* really has, in order; looked up again every `LOOK_AGAIN` seconds.

    A VICIdial that is upgraded beside Didier gets columns that a copy must not lose. An empty tuple stands
    for a table that is not there, or that the database user may not see: older versions lack some.
    """
    return _looked_up(conn, table).columns


def defaults_of(conn: Connection, table: str) -> Mapping[str, str | int | None]:
    """Return what columns of *table* hold of which nothing is said; looked up as by `columns_of`.

    Those that have no default, or one that the database computes, are left out.
    """
    return _looked_up(conn, table).defaults


LOOK_AGAIN = 60.0


def _looked_up(conn: Connection, table: str) -> _Table:
    known = _tables.setdefault(conn.dialect, {})
    found, now = known.get(table), time.monotonic()
    if found is None or now - found.looked_at > LOOK_AGAIN:
        found = known[table] = _reflected(conn, table, now)
    return found


def _reflected(conn: Connection, table: str, now: float) -> _Table:
    try:
        columns = sa.inspect(conn).get_columns(table)
    except NoSuchTableError:
        columns = []
    except DBAPIError as error:
        if not is_denied(error):
            raise
        columns = []
    written = {column["name"]: str(column["default"] or "NULL") for column in columns}
    optional = {column["name"] for column in columns if column["nullable"]}
    defaults = {
        name: _literal(text)
        for name, text in written.items()
        if _LITERAL.fullmatch(text) and (text.upper() != "NULL" or name in optional)
    }
    return _Table(now, tuple(written), defaults)


# As both databases show a default that is a text, a whole number or NULL.
_LITERAL = re.compile(r"'(?:[^'\\]|'')*'|-?\d+|NULL", re.IGNORECASE)


def _literal(text: str) -> str | int | None:
    if text.startswith("'"):
        return text[1:-1].replace("''", "'")
    return None if text.upper() == "NULL" else int(text)


def run(conn: Connection, sql: str, *values: Any) -> list[tuple[Any, ...]]:
    """Run *sql*, with a ``?`` for each of *values*, in the connection's transaction; return its rows.

    It goes to the driver directly: of the time that a statement of a group commit takes, SQLAlchemy's
    compiled statements and results would be four fifths. Errors are SQLAlchemy's all the same.
    """
    cursor = _executed(conn, sql, values)
    try:
        return list(cursor.fetchall()) if cursor.description else []
    except conn.dialect.loaded_dbapi.Error as error:
        raise _translated(conn, sql, error) from error
    finally:
        cursor.close()


def run_change(conn: Connection, sql: str, *values: Any) -> int:
    """Run *sql*, an ``UPDATE`` or ``DELETE``; return how many rows it has changed."""
    cursor = _executed(conn, sql, values)
    try:
        return int(cursor.rowcount)
    finally:
        cursor.close()


def run_insert(conn: Connection, sql: str, key: str, count: int, *values: Any) -> list[int]:
    """Run *sql*, an ``INSERT`` of *count* rows; return their ids, column *key*, in order.

    SQLite gives the rows of one statement consecutive ids, as there is one writer and the key is an
    AUTOINCREMENT one; so they are known from the last. Fetching them would hand the interpreter's lock
    back and forth for every row.
    """
    if not dialects.of(conn).has_one_writer:
        return [row[0] for row in run(conn, f"{sql} RETURNING `{key}`", *values)]
    first = inserted_first(conn, sql, count, *values)
    return list(range(first, first + count))


def inserted_first(conn: Connection, sql: str, count: int, *values: Any) -> int:
    """Run *sql*, an ``INSERT`` of *count* rows whose ids are consecutive; return the first id."""
    cursor = _executed(conn, sql, values)
    added, last = cursor.rowcount, int(cursor.lastrowid or 0)
    cursor.close()
    if added != count:
        raise AssertionError(f"{added} rows were added instead of {count}")
    return dialects.of(conn).first_id(last, count)


def _executed(conn: Connection, sql: str, values: Sequence[Any]) -> Any:
    """Run *sql*; return the driver's cursor, which the caller closes."""
    mark = dialects.of(conn).mark
    cursor = conn.connection.cursor()
    try:
        cursor.execute(sql if mark == MARK else _marked(sql, mark), values)
    except conn.dialect.loaded_dbapi.Error as error:
        cursor.close()
        raise _translated(conn, sql, error) from error
    return cursor


@cache_some
def _marked(sql: str, mark: str) -> str:
    return sql.replace(MARK, mark)


def _translated(conn: Connection, sql: str, error: Exception) -> BaseException:
    dialect = conn.dialect
    lost = dialect.is_disconnect(error, conn.connection.dbapi_connection, None)  # type: ignore[arg-type]
    if lost:
        conn.invalidate(error)
    return DBAPIError.instance(
        sql, None, error, dialect.loaded_dbapi.Error, True, connection_invalidated=lost, dialect=dialect
    )


def scalar(conn: Connection, sql: str, *values: Any) -> Any:
    """Run *sql* and return the first value of its first row, None without rows."""
    rows = run(conn, sql, *values)
    return rows[0][0] if rows else None


@cache_some
def rows_of(dialect: SqlDialect, columns: tuple[str, ...], any_letter: bool = False) -> str:
    """Return the FROM item, called ``r``, that reads a parameter as a table.

    The parameter is a list of lists as `as_json` writes it, one value for each of *columns*. Column ``n``
    counts the rows in order.
    """
    return dialect.rows(columns, any_letter=any_letter)


def bound_rows(
    dialect: SqlDialect, columns: tuple[str, ...], rows: Sequence[Sequence[Any]], *, any_letter: bool = False
) -> tuple[str, list[Any]]:
    """Return the FROM item that `rows_of` returns, and what is bound to it so that it reads *rows*."""
    if not dialect.binds_values(len(rows)):
        return rows_of(dialect, columns, any_letter), [as_json(rows)]
    values = [value for n, row in enumerate(rows) for value in (*row, n)]
    return _few_rows(columns, len(rows)), values


@cache_some
def _few_rows(columns: tuple[str, ...], count: int) -> str:
    names = ", ".join(f"column{i} AS {name}" for i, name in enumerate((*columns, "n"), 1))
    return f"(SELECT {names} FROM (VALUES {', '.join([_marks(len(columns) + 1)] * count)})) AS r"


def like(text: str) -> str:
    """Return the pattern of ``LIKE … ESCAPE '!'`` for what has *text* in it."""
    return f"%{escaped(text)}%"


def escaped(text: str) -> str:
    """Return *text* without a meaning for ``LIKE … ESCAPE '!'``."""
    for character in "!%_":
        text = text.replace(character, f"!{character}")
    return text


def as_json(rows: Collection[Any] | None) -> str:
    """Return *rows* as the text that `rows_of`, and a dialect's other readers of JSON, read."""
    return orjson.dumps(rows, default=list).decode()


def as_text(moment: datetime) -> str:
    """Return *moment* as both databases write a DATETIME."""
    return moment.isoformat(" ", "seconds")


def as_moment(value: datetime | str | None) -> datetime | None:
    """Return a DATETIME as either driver reads it."""
    return datetime.fromisoformat(value) if isinstance(value, str) else value


def insert(
    conn: Connection, table: str, columns: tuple[str, ...], rows: list[Any], *, new_only: bool = False
) -> None:
    """Add *rows* (a value for each of *columns*) to *table* in one statement.

    *new_only* leaves out those whose key is there already; values have to fit then.
    """
    if rows:
        dialect = dialects.of(conn)
        sql, values = _insertion(dialect, table, columns, rows)
        run(conn, sql.replace("INSERT", dialect.insert_new, 1) if new_only else sql, *values)


def known_columns(conn: Connection, table: str, names: Iterable[str]) -> tuple[str, ...]:
    """Return those of *names* that *table* has: older VICIdial versions lack some, or the whole table."""
    there = columns_of(conn, table)
    return tuple(name for name in names if name in there)


def only_known(
    conn: Connection, table: str, columns: tuple[str, ...], rows: list[Any]
) -> tuple[tuple[str, ...], list[Any]]:
    """Return *columns* and *rows* without the columns that *table* lacks.

    All of them if there is no such table at all: the statement that follows says so.
    """
    known = known_columns(conn, table, columns)
    if not known or len(known) == len(columns):
        return columns, rows
    places = [columns.index(name) for name in known]
    return known, [[row[place] for place in places] for row in rows]


def insert_returning(
    conn: Connection, table: str, columns: tuple[str, ...], rows: list[Any], key: str
) -> list[int]:
    """Add *rows* to *table* in one statement; return the column *key* of each, in their order."""
    if not rows:
        return []
    sql, values = _insertion(dialects.of(conn), table, columns, rows)
    return run_insert(conn, sql, key, len(rows), *values)


def insert_one(conn: Connection, table: str, values: Mapping[str, Any], key: str) -> int:
    """Add one row with *values* by column to *table*; return its column *key*."""
    return insert_returning(conn, table, tuple(values), [tuple(values.values())], key)[0]


def _insertion(
    dialect: SqlDialect, table: str, columns: tuple[str, ...], rows: Sequence[Sequence[Any]]
) -> tuple[str, list[Any]]:
    """Return the statement that adds *rows*, and what is bound to it."""
    if dialect.binds_values(len(rows)):
        return _insert_few(table, columns, len(rows)), [value for row in rows for value in row]
    return _insert(dialect, table, columns), [as_json(rows)]


@cache_some
def _insert_few(table: str, columns: tuple[str, ...], count: int) -> str:
    return f"INSERT INTO {table} ({_quoted(columns)}) VALUES {', '.join([_marks(len(columns))] * count)}"


@cache_some
def _insert(dialect: SqlDialect, table: str, columns: tuple[str, ...]) -> str:
    places = tuple(f"c{i}" for i in range(len(columns)))
    return (
        f"INSERT INTO {table} ({_quoted(columns)})"
        f" SELECT {', '.join(places)} FROM {rows_of(dialect, places)} ORDER BY n"
    )


def _quoted(columns: Iterable[str]) -> str:
    return ", ".join(f"`{name}`" for name in columns)


def _marks(count: int) -> str:
    return f"({', '.join(['?'] * count)})"


def is_transactional(conn: Connection, table: str) -> bool:
    """Say whether a change of *table* can be rolled back; MyISAM, VICIdial's default, cannot."""
    if dialects.of(conn).has_transactions:
        return True
    known = _engines.setdefault(conn.dialect, {})
    if table not in known:
        known[table] = str(scalar(conn, _ENGINE, table))
    return known[table].upper() == "INNODB"


_ENGINE = "SELECT engine FROM information_schema.tables WHERE table_schema = database() AND table_name = ?"
_engines: weakref.WeakKeyDictionary[sa.Dialect, dict[str, str]] = weakref.WeakKeyDictionary()
