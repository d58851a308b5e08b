"""What the databases' errors mean to callers."""

import sqlite3

import pymysql
import pytest
from sqlalchemy.exc import DBAPIError, OperationalError, PendingRollbackError

from didier.errors import DatabaseBusy, DatabaseLost, DiskFull, FileFailed, ReadOnly, TableDamaged
from didier.storage.failures import unavailable
from didier.storage.statements import run


@pytest.mark.parametrize(
    ("code", "text", "meaning"),
    [
        (1021, "Disk full (/tmp/#sql-1); waiting for someone to free some space", DiskFull),
        (1114, "The table 'vicidial_inbound_dids' is full", DiskFull),
        (1030, 'Got error 28 "No space left on device" from storage engine InnoDB', DiskFull),
        (1026, "Error writing file './a.MYD' (errno: 28 \"No space left on device\")", DiskFull),
        (3, "Error writing file '/tmp/x' (Errcode: 122 \"Disk quota exceeded\")", DiskFull),
        (1290, "The MariaDB server is running with the --read-only option", ReadOnly),
        (1036, "Table 'vicidial_inbound_dids' is read only", ReadOnly),
        (1205, "Lock wait timeout exceeded; try restarting transaction", DatabaseBusy),
        (2013, "Lost connection to MySQL server during query", DatabaseLost),
        (1194, "Table 'vicidial_users' is marked as crashed and should be repaired", TableDamaged),
        (1054, "Unknown column 'x' in 'field list'", None),
        (1030, "Got error 128 from storage engine", None),
    ],
)
def test_errors_of_mariadb(code, text, meaning):
    """Each error that means that nothing can be stored now has its refusal; all others have none."""
    error = DBAPIError.instance("SELECT 1", None, pymysql.err.OperationalError(code, text), pymysql.err.Error)

    assert meaning is (type(unavailable(error)) if meaning else unavailable(error))


@pytest.mark.parametrize(
    ("code", "meaning"),
    [
        (sqlite3.SQLITE_FULL, DiskFull),
        (sqlite3.SQLITE_IOERR_SHMSIZE, DiskFull),
        (sqlite3.SQLITE_READONLY, ReadOnly),
        (sqlite3.SQLITE_READONLY_CANTINIT, ReadOnly),
        (sqlite3.SQLITE_BUSY, DatabaseBusy),
        (sqlite3.SQLITE_BUSY_SNAPSHOT, DatabaseBusy),
        (sqlite3.SQLITE_IOERR_WRITE, FileFailed),
        (sqlite3.SQLITE_CANTOPEN, FileFailed),
        (sqlite3.SQLITE_CORRUPT, FileFailed),
        (sqlite3.SQLITE_NOTADB, FileFailed),
        (sqlite3.SQLITE_ERROR, None),
    ],
)
def test_errors_of_sqlite(code, meaning):
    """The same for the embedded database, also for errors that SQLAlchemy has not wrapped."""
    original = sqlite3.OperationalError("said by SQLite")
    original.sqlite_errorcode = code
    wrapped = OperationalError("SELECT 1", None, original)

    assert [meaning] * 2 == [found and type(found) for found in map(unavailable, (original, wrapped))]


@pytest.mark.parametrize(
    "trouble",
    [DatabaseBusy(), DiskFull(), ReadOnly(), DatabaseLost(), TableDamaged("t"), FileFailed("", "x")],
)
def test_the_operator_is_told_what_to_do(trouble):
    """Whatever keeps changes out has a remedy, and passes as it is."""
    assert trouble.repair
    assert trouble is unavailable(trouble)


def test_a_lost_connection_is_lost_for_what_follows(engine):
    """What is run behind the statement that found the connection lost, to clean up say, hides nothing."""
    with engine.connect() as conn:
        transaction = conn.begin()
        conn.invalidate()
        with pytest.raises(PendingRollbackError) as caught:
            run(conn, "SELECT 1")
        transaction.rollback()

    assert DatabaseLost is type(unavailable(caught.value))
