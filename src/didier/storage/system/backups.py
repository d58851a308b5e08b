"""Copies of an embedded database: made while it is written to, checked, and put back."""

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from didier.errors import DatabaseInUse, NoDatabase
from didier.storage import private_files
from didier.storage.migrations import HEAD, VERSION_TABLE
from didier.storage.tables import DIDS, USERS

PAGES = 1_000
"""Pages that are copied between two progress reports: 4 MB."""

Progress = Callable[[int, int], object]
"""Called with the number of copied pages, and of all pages."""


@dataclass(frozen=True, slots=True)
class Contents:
    """What a database has in it."""

    revision: str
    dids: int
    users: int


def examine(file: Path) -> Contents:
    """Return what the database *file* has in it.

    Raises `NoDatabase` unless it is sound, and one that this release can work with.
    """
    try:
        with _opened(file) as conn:
            return _contents(file, conn)
    except sqlite3.DatabaseError as error:
        raise NoDatabase(f"{file} is not a valid Didier database: {error}") from error


def _contents(file: Path, conn: sqlite3.Connection) -> Contents:
    [(found, *_), *_] = conn.execute("PRAGMA integrity_check").fetchall()
    if found != "ok":
        raise NoDatabase(f"{file} is damaged: {found}")
    [(revision,)] = conn.execute(f"SELECT version_num FROM {VERSION_TABLE}").fetchall() or [("",)]
    if not revision:
        raise NoDatabase(f"{file} is not a Didier database: it has no revision")
    if revision > HEAD:
        raise NoDatabase(f"{file} was used by a newer Didier (revision {revision}, this is {HEAD})")
    counts = (conn.execute(f"SELECT count(*) FROM {table}").fetchone()[0] for table in (DIDS, USERS))
    return Contents(str(revision), *counts)


def backup(database: Path, to: Path, progress: Progress) -> Contents:
    """Copy *database*, as it is at this moment, into the file *to*; others read and write meanwhile.

    The copy is there when it is whole, checked and on the disk, and not before.
    """
    part = _new_private(to.with_name(f"{to.name}.part"))
    try:
        with _opened(database) as source:
            # A snapshot: without it the copy would begin again with every commit of another process.
            source.execute("BEGIN")
            source.execute("SELECT count(*) FROM sqlite_master").fetchone()
            _copy(source, part, progress)
        contents = examine(part)
        private_files.sync(part)
        part.replace(to)
        private_files.sync(to.parent)
    except sqlite3.DatabaseError as error:
        raise NoDatabase(f"{database} cannot be copied: {error}") from error
    finally:
        part.unlink(missing_ok=True)
    return contents


def _copy(source: sqlite3.Connection, to: Path, progress: Progress) -> None:
    with closing(sqlite3.connect(to, isolation_level=None)) as target:
        source.backup(target, pages=PAGES, progress=lambda _, left, total: progress(total - left, total))
        target.execute("PRAGMA journal_mode=DELETE")  # one file, without another beside it


def restore(file: Path, database: Path, kept: Path, progress: Progress) -> Contents:
    """Put the copy *file* in the place of *database*, of which a copy is made in *kept* first.

    Raises `NoDatabase` when *file* is not sound, and `DatabaseInUse` while anybody else has the database
    open; then nothing is changed. It is put in place in one transaction: a crash leaves what was there.
    """
    wanted = examine(file)
    if database.exists():
        _restore_over(file, database, kept, progress)
    else:
        _restore_new(file, database, kept, progress)
    found = examine(database)
    if found != wanted:
        raise NoDatabase(f"{database} differs from {file}; the previous database is in {kept}")
    return found


def _restore_over(file: Path, database: Path, kept: Path, progress: Progress) -> None:
    try:
        with _alone(database) as target:
            _copy(target, _new_private(kept), _silent)
            private_files.sync(kept)
            with _opened(file) as source:
                source.backup(
                    target, pages=PAGES, progress=lambda _, left, total: progress(total - left, total)
                )
    except sqlite3.DatabaseError as error:
        if _is_locked(error):
            raise DatabaseInUse(
                f"{database} is in use by a server or a command: stop it first; nothing was changed"
            ) from error
        kept.unlink(missing_ok=True)
        _restore_new(file, database, kept, progress)  # what is there cannot be read: it is kept as it is


def _is_locked(error: sqlite3.DatabaseError) -> bool:
    return getattr(error, "sqlite_errorcode", None) in {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED}


@contextmanager
def _alone(database: Path) -> Iterator[sqlite3.Connection]:
    """Open *database* such that nobody else has it open, or can open it."""
    with _opened(database) as conn:
        conn.execute("PRAGMA busy_timeout=0")
        conn.execute("PRAGMA locking_mode=EXCLUSIVE")
        conn.execute("BEGIN EXCLUSIVE")
        conn.execute("SELECT count(*) FROM sqlite_master").fetchone()
        conn.execute("COMMIT")  # the lock stays until the connection is closed
        yield conn


def _restore_new(file: Path, database: Path, kept: Path, progress: Progress) -> None:
    """Create *database* from *file*; what is in its place, readable or not, is moved to *kept*."""
    part = _new_private(database.with_name(f"{database.name}.part"))
    with _opened(file) as source:
        _copy(source, part, progress)
    private_files.sync(part)
    for beside in ("", "-wal", "-shm"):
        left = database.with_name(database.name + beside)
        if left.exists():
            left.rename(kept.with_name(kept.name + beside))
    part.replace(database)
    private_files.sync(database.parent)


@contextmanager
def _opened(file: Path) -> Iterator[sqlite3.Connection]:
    """Open a database that is there."""
    if not file.is_file():
        raise NoDatabase(f"there is no database at {file}")
    address = f"file:{quote(str(file))}?mode=rw"
    with closing(sqlite3.connect(address, uri=True, isolation_level=None)) as conn:
        yield conn


def _new_private(file: Path) -> Path:
    """Make an empty file that its owner alone may read: it will hold password hashes."""
    try:
        private_files.new(file).close()
    except OSError as error:
        raise NoDatabase(f"{file} cannot be created: {error.strerror}") from error
    return file


def _silent(done: int, total: int) -> None:
    return None
