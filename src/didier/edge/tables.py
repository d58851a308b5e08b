"""The file on an edge: what Kamailio loads at its start, and what the agent works that out from.

Kamailio's tables have the columns and versions that its modules ask for (``htable`` 2, ``dispatcher`` 4,
release 5.6). A value in ``numbers`` is the number of the gateway set that takes the calls, or `INACTIVE`; a
number that is not there is unknown. One key is no number: `CURSOR`, whose value is the last push that the
table has in it, so that whoever has loaded the table says it too.
"""

import fcntl
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from didier.errors import WrongSetting

CURSOR = "!cursor"
SEQUENCE, SNAPSHOT, GATEWAYS = "sequence", "snapshot", "gateways"
"""Numbers that are kept: the last change, that of the last snapshot, and one that grows with the gateways."""
INACTIVE = 0

COLUMNS = ("did_id", "did_pattern", "did_active", "gateway_set", "did_route", "server_ip", "user_group")
"""What decides where the calls to a DID go."""

LOCK_SECONDS = 60.0

SCHEMA = f"""
CREATE TABLE IF NOT EXISTS version (
    table_name VARCHAR(32) NOT NULL PRIMARY KEY,
    table_version INT NOT NULL
);
INSERT OR REPLACE INTO version VALUES ('numbers', 2), ('dispatcher', 4);
CREATE TABLE IF NOT EXISTS numbers (
    key_name VARCHAR(64) NOT NULL PRIMARY KEY,
    key_type INT NOT NULL DEFAULT 0,
    value_type INT NOT NULL DEFAULT 1,
    key_value VARCHAR(16) NOT NULL,
    expires INT NOT NULL DEFAULT 0
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS dispatcher (
    id INTEGER PRIMARY KEY,
    setid INT NOT NULL,
    destination VARCHAR(192) NOT NULL,
    flags INT NOT NULL,
    priority INT NOT NULL,
    attrs VARCHAR(128) NOT NULL,
    description VARCHAR(64) NOT NULL
);
CREATE TABLE IF NOT EXISTS dids (
    did_id INTEGER PRIMARY KEY,
    {", ".join(f"{name} TEXT NOT NULL" for name in COLUMNS[1:])}
);
CREATE INDEX IF NOT EXISTS dids_pattern ON dids (did_pattern);
CREATE TABLE IF NOT EXISTS gateway_sets (name TEXT PRIMARY KEY, definition TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS pushes (id INTEGER PRIMARY KEY AUTOINCREMENT, key_name TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS progress (name TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID;
"""
"""Kamailio's three tables, and then the agent's. A push is a key of ``numbers`` that has changed."""


def key(pattern: str) -> str:
    """Return a pattern as a key of ``numbers``, with the letters of ASCII in lower case.

    Didier compares patterns without case; Kamailio does not, and knows no other letters.
    """
    return "".join(letter.lower() if letter.isascii() else letter for letter in pattern)


def connect(file: Path) -> sqlite3.Connection:
    """Open the file, for one thread; the first time it is made."""
    file.touch(0o640)
    connection = sqlite3.connect(file, timeout=LOCK_SECONDS, isolation_level=None)
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = NORMAL")  # what a power failure takes is told again
    return connection


@contextmanager
def alone(file: Path) -> Iterator[None]:
    """Be the one agent that works with the file. Raises `WrongSetting`, also where it cannot be opened."""
    try:
        lock = open(f"{file}.lock", "w")  # noqa: SIM115  # it is closed below
        connect(file).close()
    except (OSError, sqlite3.Error) as error:
        raise WrongSetting(f"--database: {file}: {error}") from None
    with lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise WrongSetting(f"--database: {file}: another agent works with it") from None
        yield


@contextmanager
def transaction(connection: sqlite3.Connection, kind: str = "IMMEDIATE") -> Iterator[None]:
    """Do all that is in here, or nothing of it; with the *kind* ``DEFERRED``, see one state of it."""
    connection.execute(f"BEGIN {kind}")
    try:
        yield
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:  # SQLite may have done it, as where the disk is full
            connection.execute("ROLLBACK")
        raise


def progress(connection: sqlite3.Connection, name: str) -> int | None:
    """Return a number that is kept, None before it is known."""
    found = connection.execute("SELECT value FROM progress WHERE name = ?", (name,)).fetchone()
    return None if found is None else int(found[0])


def cursor(connection: sqlite3.Connection) -> int:
    """Return the last push."""
    [value] = connection.execute("SELECT key_value FROM numbers WHERE key_name = ?", (CURSOR,)).fetchone()
    return int(value)
