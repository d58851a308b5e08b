"""Locks that end with the process that holds them, so that of several processes one works on the batches."""

import fcntl
import os
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Protocol

from sqlalchemy.engine import Connection, Engine
from sqlalchemy.exc import DBAPIError

from didier.storage.database import database_file
from didier.storage.statements import run, scalar


class _Lock(Protocol):
    def alive(self) -> bool: ...

    def release(self) -> None: ...


class Guard:
    """Holds the lock *name* while it is entered; false when another process holds it.

    However the holder ends, the lock is free then: MariaDB's with the connection, that of an embedded
    database, a file beside it, with the process.
    """

    def __init__(self, engine: Engine, name: str) -> None:
        self._engine = engine
        self._name = name
        self._lock: _Lock | None = None

    def __enter__(self) -> "Guard":
        file = database_file(self._engine.url)
        if file is None:
            self._lock = _MariaDBLock.taken(self._engine, f".{self._name}")
        else:
            self._lock = FileLock.taken(file, self._name.rpartition(".")[2])
        return self

    def __bool__(self) -> bool:
        return self._lock is not None

    def alive(self) -> bool:
        """Say whether the lock is held still; a connection that broke holds none."""
        return self._lock is not None and self._lock.alive()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._lock:
            self._lock.release()


class _MariaDBLock:
    def __init__(self, conn: Connection, name: str) -> None:
        self._conn = conn
        self._name = name

    @classmethod
    def taken(cls, engine: Engine, name: str) -> "_MariaDBLock | None":
        conn = engine.connect()
        if scalar(conn, "SELECT GET_LOCK(concat(database(), ?), 0)", name) == 1:
            return cls(conn, name)
        conn.close()
        return None

    def alive(self) -> bool:
        with suppress(DBAPIError):
            own = "SELECT IS_USED_LOCK(concat(database(), ?)) = connection_id()"
            return bool(scalar(self._conn, own, self._name))
        return False

    def release(self) -> None:
        with suppress(DBAPIError):
            run(self._conn, "SELECT RELEASE_LOCK(concat(database(), ?))", self._name)
        self._conn.close()


class FileLock:
    """An empty file beside the database; not the database itself, whose closing would free SQLite's locks."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor

    @classmethod
    def taken(cls, database: Path, name: str) -> "FileLock | None":
        owner = database.stat()
        path = database.with_name(f"{database.name}-{name}")
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            if os.geteuid() == 0:  # as SQLite does: what root begins the server's user can go on with
                os.fchown(descriptor, owner.st_uid, owner.st_gid)
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(descriptor)
            return None
        except OSError:
            os.close(descriptor)
            raise
        return cls(descriptor)

    def alive(self) -> bool:
        return os.fstat(self._descriptor).st_nlink > 0

    def release(self) -> None:
        os.close(self._descriptor)
