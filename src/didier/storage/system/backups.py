"""Copies of an embedded database: made while it is written to, checked, and put back."""

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from urllib.parse import quote

from didier.errors import DatabaseInUse, NoDatabase
from didier.storage import private_files
from didier.storage.changes import restores, sequence
from didier.storage.migrations import HEAD, VERSION_TABLE
from didier.storage.statements import as_text
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


def restore(file: Path, database: Path, kept: Path, now: datetime, progress: Progress) -> Contents:
    """Put the copy *file* in the place of *database*, of which a copy is made in *kept* first.

    Its change log is marked, so that followers hear of what is undone (`storage.changes.restores`).

    Raises `NoDatabase` when *file* is not sound, and `DatabaseInUse` while anybody else has the database
    open; then nothing is changed. It is put in place in one transaction: a crash leaves what was there.
    """
    wanted = examine(file)
    order = _Restore(file, database, kept, now, progress)
    try:
        if database.exists():
            order.replace()
        else:
            order.place()
    finally:
        order.part.unlink(missing_ok=True)
    found = examine(database)
    if found != wanted:
        raise NoDatabase(f"{database} differs from {file}; the previous database is in {kept}")
    return found


@dataclass(frozen=True, slots=True)
class _Restore:
    """The copy *file* that is put in the place of *database*, which is *kept* elsewhere."""

    file: Path
    database: Path
    kept: Path
    now: datetime
    progress: Progress

    @property
    def part(self) -> Path:
        """The copy with its mark, before it is in its place."""
        return self.database.with_name(f"{self.database.name}.part")

    def replace(self) -> None:
        """Put it over what is there; what cannot be read is moved out of the way."""
        try:
            with _alone(self.database) as target:
                _copy(target, _new_private(self.kept), _silent)
                private_files.sync(self.kept)
                self._prepare(target)
                with _opened(self.part) as source:
                    source.backup(target, pages=PAGES)
        except sqlite3.DatabaseError as error:
            if _is_locked(error):
                raise DatabaseInUse(
                    f"{self.database} is in use by a server or a command: stop it first; nothing was changed"
                ) from error
            self.kept.unlink(missing_ok=True)
            self.place()

    def place(self) -> None:
        """Put it where nothing is; what is there all the same, readable or not, is moved to *kept*."""
        self._prepare(None)
        private_files.sync(self.part)
        for beside in ("", "-wal", "-shm"):
            left = self.database.with_name(self.database.name + beside)
            if left.exists():
                left.rename(self.kept.with_name(self.kept.name + beside))
        self.part.replace(self.database)
        private_files.sync(self.database.parent)

    def _prepare(self, replaced: sqlite3.Connection | None) -> None:
        """Make the copy with the mark of a database that takes the place of *replaced*."""
        with _opened(self.file) as source:
            _copy(source, _new_private(self.part), self.progress)
        with _opened(self.part) as conn:
            if _has_log(conn):
                conn.execute(restores.MARK, (_beyond(conn, replaced), as_text(self.now)))


def _has_log(conn: sqlite3.Connection) -> bool:
    """Say whether there is a change log: early releases had none."""
    sql = "SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = 'didier_changes'"
    return conn.execute(sql).fetchone() is not None


def _beyond(restored: sqlite3.Connection, replaced: sqlite3.Connection | None) -> int:
    """Return a number that no follower has seen yet when *restored* takes the place of *replaced*.

    What went on from the copy knows the last number that was given out. Of anything else (none, one that is
    not readable, one on another machine while this one was made anew) nobody knows what became of the copy.
    """
    logs = [restored] if replaced is None or not _has_log(replaced) else [restored, replaced]
    last = [conn.execute("SELECT MAX(change_id) FROM didier_changes").fetchone()[0] or 0 for conn in logs]
    known = {conn.execute(_CHANGE, (last[0],)).fetchone() for conn in logs}
    went_on = len(logs) > 1 and len(known) == 1 and known != {None}
    return max(last) + (1 if went_on else sequence.GAP)


_CHANGE = (
    "SELECT kind, action, cause, changed_at, user_name, did_id, did_pattern, details FROM didier_changes"
    " WHERE change_id = ?"
)
"""What tells changes of the same number apart, and every release with a change log has."""


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
