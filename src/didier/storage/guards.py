"""Locks that end with the process that holds them, so that of several nodes one works on the batches."""

from contextlib import suppress
from types import TracebackType

from sqlalchemy.engine import Connection, Engine
from sqlalchemy.exc import DBAPIError

from didier.storage.statements import run, scalar


class Guard:
    """Holds the lock *name* while it is entered; false when another node holds it.

    MariaDB frees the lock when its connection ends, however it ends. An embedded database has one process.
    """

    def __init__(self, engine: Engine, name: str) -> None:
        self._engine = engine
        self._name = name
        self._conn: Connection | None = None
        self._held = False

    def __enter__(self) -> "Guard":
        if self._engine.dialect.name == "sqlite":
            self._held = True
            return self
        self._conn = self._engine.connect()
        self._held = scalar(self._conn, "SELECT GET_LOCK(concat(database(), ?), 0)", f".{self._name}") == 1
        return self

    def __bool__(self) -> bool:
        return self._held

    def alive(self) -> bool:
        """Say whether the lock is held still; a connection that broke holds none."""
        if self._conn is None:
            return self._held
        with suppress(DBAPIError):
            own = "SELECT IS_USED_LOCK(concat(database(), ?)) = connection_id()"
            return bool(scalar(self._conn, own, f".{self._name}"))
        return False

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._conn is None:
            return
        with suppress(DBAPIError):
            run(self._conn, "SELECT RELEASE_LOCK(concat(database(), ?))", f".{self._name}")
        self._conn.close()
