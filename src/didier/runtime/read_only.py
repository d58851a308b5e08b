"""A connection that reads, and forgets what it is told to store."""

from typing import Any

from sqlalchemy.engine import Connection


class NothingStored(Exception):
    """Work on a forgetful connection wants to know the id of what it has stored."""


def forgetful(conn: Connection) -> Connection:
    """Return *conn* for work that reads and keeps counts besides: of its statements only reads are run.

    Work that cannot do without the others raises `NothingStored`.
    """
    return _Forgetful(conn)


class _Forgetful(Connection):
    """The connection itself, in its transaction, with other cursors for `statements.run`."""

    def __init__(self, conn: Connection) -> None:
        self.__dict__.update(conn.__dict__)

    @property
    def connection(self) -> Any:
        return _Driver(super().connection)


class _Driver:
    def __init__(self, connection: Any) -> None:
        self._connection = connection

    def __getattr__(self, name: str) -> Any:
        return getattr(self._connection, name)

    def cursor(self) -> "_Cursor":
        return _Cursor(self._connection.cursor())


class _Cursor:
    """What `statements.run` needs of a cursor."""

    def __init__(self, cursor: Any) -> None:
        self._cursor = cursor

    @property
    def description(self) -> Any:
        return self._cursor.description

    def execute(self, sql: str, values: Any) -> None:
        if sql.lstrip().partition(" ")[0].upper() in {"SELECT", "WITH", "SHOW", "PRAGMA"}:
            self._cursor.execute(sql, values)
        elif "RETURNING" in sql:
            raise NothingStored

    @property
    def rowcount(self) -> int:
        raise NothingStored

    def fetchall(self) -> Any:
        return self._cursor.fetchall()

    def close(self) -> None:
        self._cursor.close()
