"""What the databases' errors mean."""

import re
import sqlite3

from sqlalchemy.exc import DBAPIError, IntegrityError, PendingRollbackError

from didier.errors import (
    DatabaseBusy,
    DatabaseLost,
    DiskFull,
    FileFailed,
    ReadOnly,
    TableDamaged,
    Unavailable,
)


def unavailable(error: Exception) -> Unavailable | None:
    """Return what callers are told when the database could not be used; None for any other error.

    Where it was lost it is not known whether a commit reached the disk; trying again could answer "exists
    already" to the one who made it, so the callers decide.
    """
    if isinstance(error, Unavailable):
        return error
    if is_lost(error):
        return DatabaseLost()
    if table := damaged_table(error):
        return TableDamaged(table)
    if isinstance(error, Outrun):  # each time that it was tried
        return DatabaseBusy()
    for is_so, meaning in ((is_busy, DatabaseBusy), (is_full, DiskFull), (is_read_only, ReadOnly)):
        if is_so(error):
            return meaning()
    return _failed_file(error)


class Outrun(Exception):
    """Another writer has changed what was decided on before the decision was recorded.

    Nothing of the group may be stored: decided again, on what is there now, it may come out otherwise.
    """


# MariaDB: duplicate key, deadlock, Galera certification failure (as a deadlock or 1020).
_PASSING_CODES = {1062, 1213, 1020}


def is_passing(error: Exception) -> bool:
    """Say whether *error* means that another writer was faster, so that the same may work when retried."""
    return isinstance(error, IntegrityError | Outrun) or error_code(error) in _PASSING_CODES


_LOCK_WAIT_TIMEOUT = 1205


def is_busy(error: Exception) -> bool:
    """Say whether *error* means that another program's lock was waited for in vain; nothing was done."""
    return _sqlite_code(error) == sqlite3.SQLITE_BUSY or error_code(error) == _LOCK_WAIT_TIMEOUT


# SQLite: no room for the index of the WAL, whose pages are made before they are written to.
_NO_ROOM_FOR_INDEX = sqlite3.SQLITE_IOERR_SHMSIZE

# MariaDB: disk full, table (or tablespace) full; and the system's own "no space left", "quota exceeded".
_FULL_CODES = {1021, 1114}
_FULL_TEXT = re.compile(r"(errno:|[Ee]rror) 28\b|[Nn]o space left|quota exceeded")


def is_full(error: Exception) -> bool:
    """Say whether *error* means that there is no room on the disk, or none for the table."""
    if _sqlite_code(error) == sqlite3.SQLITE_FULL or _extended_code(error) == _NO_ROOM_FOR_INDEX:
        return True
    code = error_code(error)
    return code in _FULL_CODES or (code is not None and bool(_FULL_TEXT.search(str(_original(error)))))


# MariaDB: table opened read-only, --read-only, transaction read-only, InnoDB read-only.
_READ_ONLY_CODES = {1036, 1290, 1792, 1836}


def is_read_only(error: Exception) -> bool:
    """Say whether *error* means that the database takes no changes."""
    return _sqlite_code(error) == sqlite3.SQLITE_READONLY or error_code(error) in _READ_ONLY_CODES


_FILE_REMEDIES = {
    sqlite3.SQLITE_IOERR: "check the disk and the system's log; Didier continues by itself when it works",
    sqlite3.SQLITE_CANTOPEN: "check the file, its directory and their permissions, and"
    " whether the process may open more files",
    sqlite3.SQLITE_CORRUPT: "stop Didier, run 'didier doctor', and restore a backup",
    sqlite3.SQLITE_NOTADB: "stop Didier, and restore a backup",
}


def _failed_file(error: Exception) -> FileFailed | None:
    remedy = _FILE_REMEDIES.get(_sqlite_code(error) or 0)
    return FileFailed(str(_original(error)), remedy) if remedy else None


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
    if isinstance(error, PendingRollbackError):  # said of a statement behind the one that lost it
        return True
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
    original = _original(error)
    code = original.args[0] if original is not None and original.args else None
    return code if isinstance(code, int) else None


def _original(error: Exception) -> BaseException | None:
    return (
        error.orig if isinstance(error, DBAPIError) else error if isinstance(error, sqlite3.Error) else None
    )


def _extended_code(error: Exception) -> int | None:
    code: int | None = getattr(_original(error), "sqlite_errorcode", None)
    return code


def _sqlite_code(error: Exception) -> int | None:
    """Return SQLite's number of *error* without what narrows it down, None when it has none."""
    code = _extended_code(error)
    return None if code is None else code & 0xFF
