"""Engines for SQLite and MariaDB, and everything in which the two differ.

Statements take lists of rows as one JSON parameter and read it as a table (`rows_of`): so one statement
serves any number of rows, and its text, which both drivers and the database cache, never changes.
"""

import re
import sqlite3
import time
import weakref
from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any

import orjson
import sqlalchemy as sa
from sqlalchemy.engine import URL, Connection, Engine, RootTransaction, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, IntegrityError, NoSuchTableError

from didier.errors import DatabaseLost, NoDatabase, WrongSetting

OLDEST_MARIADB = (10, 6)
"""The first version with ``JSON_TABLE``, with which lists are bound as one parameter."""

# What Didier relies on, whatever the server's own mode: a value that does not fit is an error, and what
# VICIdial has stored (dates of zeros, say) can be copied.
SQL_MODE = "STRICT_TRANS_TABLES,NO_ENGINE_SUBSTITUTION"

# A database that does not answer must not hold requests for ever; a long copy takes some seconds.
_MARIADB_ARGUMENTS = {"connect_timeout": 5, "read_timeout": 60, "write_timeout": 60}

RECYCLE_SECONDS = 1800
"""Age at which a connection is replaced: firewalls and ``wait_timeout`` end them sooner or later."""

BUSY_SECONDS = 30
"""How long a writer waits for another process's lock on an embedded database."""

_BEGIN = "didier_begin"
_columns: weakref.WeakKeyDictionary[sa.Dialect, dict[str, tuple[float, tuple[str, ...]]]] = (
    weakref.WeakKeyDictionary()
)


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
        return _open_mariadb(url)
    if not create and not file.exists():
        raise NoDatabase(f"there is no database at {file}; 'didier init' makes one")
    if create:
        _create_private(file)
    arguments = {"timeout": BUSY_SECONDS, "cached_statements": 512}
    engine = sa.create_engine(url, connect_args=arguments, hide_parameters=True)
    sa.event.listen(engine, "connect", _prepare_sqlite)
    sa.event.listen(engine, "begin", _begin_sqlite)
    return engine


def _open_mariadb(url: URL) -> Engine:
    arguments = {name: value for name, value in _MARIADB_ARGUMENTS.items() if name not in url.query}
    return sa.create_engine(
        url.update_query_dict({"charset": "utf8mb4"}),
        connect_args={**arguments, "sql_mode": SQL_MODE},
        pool_pre_ping=True,
        pool_recycle=RECYCLE_SECONDS,
        hide_parameters=True,
    )


def check_server(engine: Engine) -> None:
    """Connect to the database; raise `NoDatabase` when that fails or the server is one Didier cannot use."""
    check_connection(engine)
    with reading(engine) as conn:
        if problem := server_problem(conn):
            raise NoDatabase(problem)


def check_connection(engine: Engine) -> None:
    """Connect to the database; raise `NoDatabase` with the reason when that fails."""
    try:
        engine.connect().close()
    except DBAPIError as error:
        reason = error.orig.args[-1] if error.orig and error.orig.args else type(error).__name__
        name = database_file(engine.url) or engine.url.render_as_string()  # with *** for the password
        raise NoDatabase(f"the database {name} cannot be opened: {reason}") from None


def server_problem(conn: Connection) -> str | None:
    """Say why Didier cannot use the database server, None when it can."""
    if conn.dialect.name == "sqlite":
        return _sqlite_problem(sqlite3.sqlite_version_info)
    version: str = scalar(conn, "SELECT version()")
    if not getattr(conn.dialect, "is_mariadb", False):
        return f"the database server is MySQL {version}; Didier needs MariaDB 10.6 or newer"
    if (conn.dialect.server_version_info or ())[:2] < OLDEST_MARIADB:
        return f"the database server is MariaDB {version}; Didier needs MariaDB 10.6 or newer"
    return None


OLDEST_SQLITE = (3, 38)  # the operator ->>


def _sqlite_problem(version: tuple[int, ...]) -> str | None:
    if version >= OLDEST_SQLITE:
        return None
    found = ".".join(str(number) for number in version)
    return f"Python's SQLite is {found}; Didier needs 3.38 or newer for an embedded database"


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


def _begun(conn: Connection) -> RootTransaction:
    return conn.execution_options(**{_BEGIN: "BEGIN DEFERRED"}).begin()


@contextmanager
def reading(engine: Engine) -> Iterator[Connection]:
    """Open a connection for reading only: it sees one state and waits for no writer.

    Raises `DatabaseLost` when the database cannot be reached.
    """
    try:
        with engine.connect() as conn, _begun(conn) as transaction:
            yield conn
            transaction.rollback()  # nothing was changed; a damaged file refuses even an empty commit
    except DBAPIError as error:
        if is_lost(error):
            raise DatabaseLost from error
        raise


def columns_of(conn: Connection, table: str) -> tuple[str, ...]:
    """Return the columns that *table* really has, in order; looked up anew every `LOOK_AGAIN` seconds.

    A VICIdial that is upgraded beside Didier gets columns that a copy must not lose. An empty tuple stands
    for a table that is not there, or that the database user may not see: older versions lack some.
    """
    known = _columns.setdefault(conn.dialect, {})
    looked_at, columns = known.get(table, (0.0, ()))
    now = time.monotonic()
    if not looked_at or now - looked_at > LOOK_AGAIN:
        columns = _reflected(conn, table)
        known[table] = now, columns
    return columns


LOOK_AGAIN = 60.0


def _reflected(conn: Connection, table: str) -> tuple[str, ...]:
    try:
        return tuple(column["name"] for column in sa.inspect(conn).get_columns(table))
    except NoSuchTableError:
        return ()
    except DBAPIError as error:
        if is_denied(error):
            return ()
        raise


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


# MariaDB: duplicate key, deadlock, Galera certification failure (as a deadlock or 1020).
_PASSING_CODES = {1062, 1213, 1020}


def is_passing(error: Exception) -> bool:
    """Say whether *error* means that another writer was faster, so that the same may work when retried."""
    return isinstance(error, IntegrityError) or error_code(error) in _PASSING_CODES


_LOCK_WAIT_TIMEOUT = 1205


def is_busy(error: Exception) -> bool:
    """Say whether *error* means that another program's lock was waited for in vain; nothing was done."""
    original = error.orig if isinstance(error, DBAPIError) else None
    locked = getattr(original, "sqlite_errorcode", None) == sqlite3.SQLITE_BUSY
    return locked or error_code(error) == _LOCK_WAIT_TIMEOUT


# MariaDB: index or record file crashed, table marked as crashed (also after a failed repair).
_DAMAGED_CODES = {126, 127, 144, 145, 1034, 1194, 1195}
_DAMAGED_NAME = re.compile(r"[Tt]able '?(?:[^' ]*/)?([\w$]+)")


def damaged_table(error: Exception) -> str | None:
    """Return the name of the table that *error* says is crashed, None for another error."""
    if error_code(error) not in _DAMAGED_CODES or not isinstance(error, DBAPIError):
        return None
    found = _DAMAGED_NAME.search(str(error.orig))
    return found[1] if found else "(run 'didier doctor')"


# MariaDB: no socket, no connection, gone away, lost in a query, shutting down, too many connections,
# connection killed, Galera node not ready.
_LOST_CODES = {2002, 2003, 2006, 2013, 1053, 1040, 1927, 1047}


def is_lost(error: Exception) -> bool:
    """Say whether *error* means that the database could not be reached, so that nobody knows what it did."""
    lost = isinstance(error, DBAPIError) and error.connection_invalidated
    return lost or error_code(error) in _LOST_CODES


# MariaDB: access to database, to table, to column, to an operation denied.
_DENIED_CODES = {1044, 1142, 1143, 1227}


def is_denied(error: Exception) -> bool:
    """Say whether *error* means that the database user lacks a right."""
    return error_code(error) in _DENIED_CODES


_MISSING_TABLE = 1146


def is_missing_table(error: Exception) -> bool:
    """Say whether *error* means that a table is not there."""
    return error_code(error) == _MISSING_TABLE


def error_code(error: Exception) -> int | None:
    """Return MariaDB's number of *error*, None when it has none."""
    original = error.orig if isinstance(error, DBAPIError) else None
    code = original.args[0] if original is not None and original.args else None
    return code if isinstance(code, int) else None
