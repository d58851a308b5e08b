"""Engines for SQLite and MariaDB, and everything in which the two differ.

Statements take lists of rows as one JSON parameter and read it as a table (`rows_of`): so one statement
serves any number of rows, and its text, which both drivers and the database cache, never changes.
"""

import weakref
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any

import orjson
import sqlalchemy as sa
from sqlalchemy.engine import URL, Connection, Engine, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, IntegrityError

from didier.errors import NoDatabase, WrongSetting

BUSY_SECONDS = 30
"""How long a writer waits for another process's lock on an embedded database."""

_BEGIN = "didier_begin"
_columns: weakref.WeakKeyDictionary[sa.Dialect, dict[str, tuple[str, ...]]] = weakref.WeakKeyDictionary()


def parse_url(text: str) -> URL:
    """Read a database URL; raise `WrongSetting` unless it names SQLite or MariaDB."""
    try:
        url = make_url(text)
    except (ArgumentError, ValueError):
        url = None
    if url is None or url.drivername not in {"sqlite", "mysql+pymysql", "mariadb+pymysql"}:
        raise WrongSetting(
            "database: the address is not understood; allowed are sqlite:///FILE and "
            "mysql+pymysql://USER:PASSWORD@HOST/DATABASE"
        )
    if url.drivername == "sqlite" and (not url.database or url.database == ":memory:"):
        raise WrongSetting("database: an embedded database needs a file: sqlite:///FILE")
    return url


def database_file(url: URL) -> Path | None:
    """Return the file of an embedded database, None for MariaDB."""
    return Path(url.database) if url.drivername == "sqlite" and url.database else None


def open_engine(text: str, *, create: bool = False) -> Engine:
    """Connect to the database at the URL *text*.

    An embedded database file must exist unless *create* is set (`NoDatabase` is raised otherwise). It runs
    in WAL mode with ``synchronous=FULL``: a commit that returned is on disk.
    """
    url = parse_url(text)
    file = database_file(url)
    if file is None:
        return sa.create_engine(
            url.update_query_dict({"charset": "utf8mb4"}), pool_pre_ping=True, hide_parameters=True
        )
    if not create and not file.exists():
        raise NoDatabase(f"there is no database at {file}; 'didier init' makes one")
    if create:
        _create_private(file)
    arguments = {"timeout": BUSY_SECONDS, "cached_statements": 512}
    engine = sa.create_engine(url, connect_args=arguments, hide_parameters=True)
    sa.event.listen(engine, "connect", _prepare_sqlite)
    sa.event.listen(engine, "begin", _begin_sqlite)
    return engine


def _create_private(file: Path) -> None:
    """Make an empty file that only its owner may read: it will hold password hashes."""
    try:
        file.touch(mode=0o600)
    except OSError as error:
        raise NoDatabase(f"the database {file} cannot be made: {error.strerror}") from error


def _prepare_sqlite(connection: Any, _: Any) -> None:
    connection.isolation_level = None  # transactions begin with the statement below, not by the driver
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", "cache_size=-16000"):
        connection.execute(f"PRAGMA {pragma}")


def _begin_sqlite(conn: Connection) -> None:
    conn.exec_driver_sql(conn.get_execution_options().get(_BEGIN, "BEGIN IMMEDIATE"))


@contextmanager
def reading(engine: Engine) -> Iterator[Connection]:
    """Open a connection for reading only: it sees one state and waits for no writer."""
    with engine.connect() as conn, conn.execution_options(**{_BEGIN: "BEGIN DEFERRED"}).begin():
        yield conn


def columns_of(conn: Connection, table: str) -> tuple[str, ...]:
    """Return the columns that *table* really has, in order; looked up once per engine."""
    known = _columns.setdefault(conn.dialect, {})
    if table not in known:
        known[table] = tuple(column["name"] for column in sa.inspect(conn).get_columns(table))
    return known[table]


def run(conn: Connection, sql: str, *values: Any) -> list[tuple[Any, ...]]:
    """Run *sql*, with a ``?`` for each of *values*, in the connection's transaction; return its rows.

    It goes to the driver directly: of the time that a statement of a group commit takes, SQLAlchemy's
    compiled statements and results would be four fifths. Errors are SQLAlchemy's all the same.
    """
    with _executed(conn, sql, values) as cursor:
        return list(cursor.fetchall()) if cursor.description else []


def run_insert(conn: Connection, sql: str, key: str, count: int, *values: Any) -> list[int]:
    """Run *sql*, an ``INSERT`` of *count* rows; return their ids, column *key*, in order.

    SQLite gives the rows of one statement consecutive ids, as there is one writer and the key is an
    AUTOINCREMENT one; so they are known from the last. Fetching them would hand the interpreter's lock
    back and forth for every row.
    """
    if conn.dialect.name != "sqlite":
        return [row[0] for row in run(conn, f"{sql} RETURNING `{key}`", *values)]
    with _executed(conn, sql, values) as cursor:
        if cursor.rowcount != count:
            raise AssertionError(f"{cursor.rowcount} rows were added instead of {count}")
        return list(range(cursor.lastrowid - count + 1, cursor.lastrowid + 1))


@contextmanager
def _executed(conn: Connection, sql: str, values: tuple[Any, ...]) -> Iterator[Any]:
    dialect = conn.dialect
    cursor = conn.connection.cursor()
    try:
        cursor.execute(_driver_sql(dialect.name, sql), values)
        yield cursor
    except dialect.loaded_dbapi.Error as error:
        raise _translated(conn, sql, error) from error
    finally:
        cursor.close()


@cache
def _driver_sql(dialect: str, sql: str) -> str:
    return sql if dialect == "sqlite" else sql.replace("?", "%s")


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


@cache
def rows_of(dialect: str, columns: tuple[str, ...]) -> str:
    """Return the FROM item, called ``r``, that reads a parameter as a table.

    The parameter is a list of lists as `as_json` writes it, one value for each of *columns*. Column ``n``
    counts the rows in order.
    """
    if dialect == "sqlite":
        values = "".join(f", value ->> {i} AS {name}" for i, name in enumerate(columns))
        return f"(SELECT key AS n{values} FROM json_each(?)) AS r"
    values = "".join(f", {name} LONGTEXT PATH '$[{i}]'" for i, name in enumerate(columns))
    return f"JSON_TABLE(?, '$[*]' COLUMNS (n FOR ORDINALITY{values})) AS r"


def values_of(dialect: str) -> str:
    """Return the subquery that reads a parameter, a list of texts, for use behind ``IN``."""
    if dialect == "sqlite":
        return "(SELECT value FROM json_each(?))"
    return "(SELECT v FROM JSON_TABLE(?, '$[*]' COLUMNS (v VARCHAR(255) PATH '$')) AS r)"


def as_json(rows: Collection[Any]) -> str:
    """Return *rows* as the text that `rows_of` and `values_of` read."""
    return orjson.dumps(rows, default=list).decode()


def as_text(moment: datetime) -> str:
    """Return *moment* as both databases write a DATETIME."""
    return moment.isoformat(" ", "seconds")


def as_moment(value: datetime | str | None) -> datetime | None:
    """Return a DATETIME as either driver reads it."""
    return datetime.fromisoformat(value) if isinstance(value, str) else value


def insert(conn: Connection, table: str, columns: tuple[str, ...], rows: list[Any]) -> None:
    """Add *rows* (a value for each of *columns*) to *table* in one statement."""
    if rows:
        run(conn, _insert(conn.dialect.name, table, columns), as_json(rows))


def insert_returning(
    conn: Connection, table: str, columns: tuple[str, ...], rows: list[Any], key: str
) -> list[int]:
    """Add *rows* to *table* in one statement; return the column *key* of each, in their order."""
    if not rows:
        return []
    return run_insert(conn, _insert(conn.dialect.name, table, columns), key, len(rows), as_json(rows))


def insert_one(conn: Connection, table: str, values: Mapping[str, Any], key: str) -> int:
    """Add one row with *values* by column to *table*; return its column *key*."""
    return insert_returning(conn, table, tuple(values), [tuple(values.values())], key)[0]


@cache
def _insert(dialect: str, table: str, columns: tuple[str, ...]) -> str:
    names = ", ".join(f"`{name}`" for name in columns)
    places = tuple(f"c{i}" for i in range(len(columns)))
    return (
        f"INSERT INTO {table} ({names}) SELECT {', '.join(places)} FROM {rows_of(dialect, places)} ORDER BY n"
    )


def is_transactional(conn: Connection, table: str) -> bool:
    """Say whether a change of *table* can be rolled back; MyISAM, VICIdial's default, cannot."""
    if conn.dialect.name == "sqlite":
        return True
    known = _engines.setdefault(conn.dialect, {})
    if table not in known:
        known[table] = str(scalar(conn, _ENGINE, table))
    return known[table].upper() == "INNODB"


_ENGINE = "SELECT engine FROM information_schema.tables WHERE table_schema = database() AND table_name = ?"
_engines: weakref.WeakKeyDictionary[sa.Dialect, dict[str, str]] = weakref.WeakKeyDictionary()


def checkpoint(conn: Connection) -> None:
    """Store for good what the transaction has changed so far, and go on.

    For journals alone: what they say must be on the disk before the rows it speaks of are touched.
    """
    run(conn, "COMMIT")


# MariaDB: duplicate key, lock wait timeout, deadlock, Galera certification failure (as a deadlock or 1020).
_PASSING_CODES = {1062, 1205, 1213, 1020}


def is_passing(error: Exception) -> bool:
    """Say whether *error* means that another writer was faster, so that the same may work when retried."""
    if isinstance(error, IntegrityError):
        return True
    code = error.orig.args[0] if isinstance(error, DBAPIError) and error.orig and error.orig.args else None
    return code in _PASSING_CODES
