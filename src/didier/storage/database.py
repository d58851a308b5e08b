"""Engines for SQLite and MariaDB: opening, checking and reading a database."""

import os
import sqlite3
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import URL, Connection, Dialect, Engine, RootTransaction, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError

from didier.errors import DatabaseAway, FileFailed, NoDatabase, WrongSetting
from didier.storage import dialects
from didier.storage.failures import is_lost, unavailable
from didier.storage.statements import run, scalar

OLDEST_MARIADB = (10, 6)
"""The first version with ``JSON_TABLE``, with which lists are bound as one parameter."""

# What Didier relies on, whatever the server's own mode: a value that does not fit is an error, and what
# VICIdial has stored (dates of zeros, say) can be copied.
SQL_MODE = "STRICT_TRANS_TABLES,NO_ENGINE_SUBSTITUTION"

BUSY_SECONDS = 5
"""How long a lock of another program is waited for. Everybody who wants to store something waits with it."""

_SQLITE_ARGUMENTS = {"timeout": BUSY_SECONDS, "cached_statements": 512}

# By itself MariaDB would wait 50 seconds for the lock of a row, and a day for that of a table.
_WAITS = ("innodb_lock_wait_timeout", "lock_wait_timeout")

# A database that does not answer must not hold requests for ever; a long copy takes some seconds.
_MARIADB_ARGUMENTS = {
    "connect_timeout": 5,
    "read_timeout": 60,
    "write_timeout": 60,
    "init_command": "SET SESSION " + ", ".join(f"{name} = {BUSY_SECONDS}" for name in _WAITS),
}

RECYCLE_SECONDS = 1800
"""Age at which a connection is replaced: firewalls and ``wait_timeout`` end them sooner or later."""

_BEGIN = "didier_begin"


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
        raise NoDatabase(f"there is no database at {file}; 'didier init' creates one")
    if create:
        _create_private(file)
    arguments = {name: value for name, value in _SQLITE_ARGUMENTS.items() if name not in url.query}
    engine = sa.create_engine(url, connect_args=arguments, hide_parameters=True)
    sa.event.listen(engine, "do_connect", _connect_sqlite)
    sa.event.listen(engine, "connect", _prepare_sqlite)
    sa.event.listen(engine, "begin", _SameFile(file).check)
    sa.event.listen(engine, "begin", _begin_sqlite)
    return engine


def with_limit(engine: Engine, seconds: int) -> Engine:
    """Open the MariaDB database of *engine* such that nobody waits longer than *seconds* for an answer."""
    return _open_mariadb(engine.url.update_query_dict(dict.fromkeys(_LIMITS, str(seconds))))


def open_own(file: Path) -> Engine:
    """Open *file*, an embedded database that is this process's own; it is made if it is not there."""
    return open_engine(f"sqlite:///{file}", create=True)


class _SameFile:
    """Sees to it that a file and its WAL are those that were opened.

    SQLite goes on with files that were deleted or replaced: what it stores there is lost with the process.
    """

    def __init__(self, file: Path) -> None:
        self._paths = (str(file), f"{file}-wal")
        self._file: _Identity | None = None
        self._missed: tuple[_Identity, ...] | None = None

    def check(self, conn: Connection) -> None:
        """Raise `FileFailed` when one is another by now; to be called before each transaction.

        The last connection that is closed deletes the WAL, so each knows its own; but once one is missed no
        other will do.
        """
        found = tuple(map(_identity, self._paths))
        self._file = self._file or found[0]
        opened = self._missed or conn.info.get(_OPENED, found)
        if _NONE not in found:  # an empty file has no WAL before the first commit
            conn.info.setdefault(_OPENED, found)
        if found != opened or found[0] != self._file:
            self._missed = opened
            changed = self._paths[found[0] == self._file]
            raise FileFailed(f"{changed} was deleted or replaced", _MOVED)
        self._missed = None


_Identity = tuple[int, int]
_NONE: _Identity = 0, 0
_OPENED = "didier_opened"


def _identity(path: str) -> _Identity:
    try:
        status = os.stat(path)
    except FileNotFoundError:
        return _NONE
    return status.st_dev, status.st_ino


_MOVED = (
    "put the file back with its -wal, as long as the process runs under /proc/PID/fd; then restart Didier"
)


def _open_mariadb(url: URL) -> Engine:
    arguments = {name: value for name, value in _MARIADB_ARGUMENTS.items() if name not in url.query}
    engine = sa.create_engine(
        url.update_query_dict({"charset": "utf8mb4"}),
        connect_args={**arguments, "sql_mode": SQL_MODE},
        pool_pre_ping=True,
        pool_recycle=RECYCLE_SECONDS,
        hide_parameters=True,
    )
    sa.event.listen(engine, "do_connect", _connect_mariadb)
    sa.event.listen(engine, "connect", lambda connection, _: dialects.learn(engine.dialect, connection))
    return engine


def check_server(engine: Engine) -> None:
    """Connect to the database; raise `NoDatabase` when that fails or the server is one Didier cannot use."""
    check_connection(engine)
    with reading(engine) as conn:
        if problem := server_problem(conn):
            raise NoDatabase(problem)


_LIMITS = ("connect_timeout", "read_timeout", "write_timeout")
_OWN_OPTIONS = ("charset", *_LIMITS)
"""What is added to addresses here."""


def check_connection(engine: Engine) -> None:
    """Connect to the database; raise `NoDatabase` with the reason when that fails.

    That is `DatabaseAway` where it may answer the next time.
    """
    try:
        engine.connect().close()
    except DBAPIError as error:
        reason = error.orig.args[-1] if error.orig and error.orig.args else type(error).__name__
        file = database_file(engine.url)
        if file and not all(os.access(path, os.W_OK) for path in (file, file.parent)):
            reason = "the file and its directory must be writable"
        name = file or engine.url.difference_update_query(_OWN_OPTIONS)  # which shows *** for the password
        kind = DatabaseAway if is_lost(error) else NoDatabase
        raise kind(f"the database {name} cannot be opened: {reason}") from None


def answers(conn: Connection) -> bool:
    """Say whether the database answers on *conn*, or will be connected to when it is used next."""
    there = None if conn.invalidated else conn.connection.dbapi_connection
    try:
        return there is None or conn.dialect.do_ping(there)
    except conn.dialect.loaded_dbapi.Error:
        return False


def server_problem(conn: Connection) -> str | None:
    """Say why Didier cannot use the database server, None when it can."""
    if dialects.of(conn).is_embedded:
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
    """Make an empty file, unless it is there, that only its owner may read: it will hold password hashes."""
    try:
        if not file.exists():
            file.touch(mode=0o600)
    except OSError as error:
        raise NoDatabase(f"the database {file} cannot be created: {error.strerror}") from error


def _connect_sqlite(_: Any, __: Any, arguments: list[Any], options: dict[str, Any]) -> Any:
    """Open the file, but make none: in the place of one that was deleted there would be an empty one."""
    uri = f"{Path(arguments[0]).absolute().as_uri()}?mode=rw"
    return sqlite3.connect(uri, *arguments[1:], **options, uri=True)


def _connect_mariadb(dialect: Dialect, _: Any, arguments: list[Any], options: dict[str, Any]) -> Any:
    """Connect as PyMySQL does by itself, with TLS where the server has it, but with one context for all.

    PyMySQL makes one for each connection and reads the certificates of all authorities into it (22 ms of
    computing on Debian), which it never looks at: without an authority in the address it verifies nothing.
    """
    if any(name.startswith(_WITH_TLS) for name in options):
        return None  # SQLAlchemy goes on by itself
    pymysql: Any = dialect.loaded_dbapi
    connection = pymysql.connect(*arguments, **options, ssl_disabled=True, defer_connect=True)
    connection.ssl, connection.ctx = True, _unverified()
    connection.connect()
    return connection


_WITH_TLS = ("ssl", "read_default")
"""How the options begin that say something of TLS, or name a file that may."""


@cache
def _unverified() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


def _prepare_sqlite(connection: Any, _: Any) -> None:
    connection.isolation_level = None  # transactions begin with the statement below, not by the driver
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", "cache_size=-4000"):
        connection.execute(f"PRAGMA {pragma}")


def _begin_sqlite(conn: Connection) -> None:
    run(conn, conn.get_execution_options().get(_BEGIN, "BEGIN IMMEDIATE"))


def _begun(conn: Connection) -> RootTransaction:
    return conn.execution_options(**{_BEGIN: "BEGIN DEFERRED"}).begin()


@contextmanager
def writing(engine: Engine) -> Iterator[Connection]:
    """Open a connection to a file of this process's own, and store what is done on it."""
    with engine.begin() as conn:
        yield conn


@contextmanager
def reading(engine: Engine) -> Iterator[Connection]:
    """Open a connection for reading only: it sees one state and waits for no writer.

    Raises `Unavailable` when the database cannot be used now.
    """
    try:
        with engine.connect() as conn, _begun(conn) as transaction:
            yield conn
            transaction.rollback()  # nothing was changed; a damaged file refuses even an empty commit
    except DBAPIError as error:
        if trouble := unavailable(error):
            raise trouble from error
        raise
