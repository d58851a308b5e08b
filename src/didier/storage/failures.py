"""What the databases' errors mean."""

import re
import sqlite3

from sqlalchemy.exc import DBAPIError, IntegrityError

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
