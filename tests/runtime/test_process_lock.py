"""The lock beside an embedded database, which ends with the process that holds it."""

import os
import subprocess
import sys

import pytest

from didier.runtime.process_lock import FileLock

HOLDER = """
import pathlib, sys
from didier.runtime.process_lock import FileLock
held = FileLock.taken(pathlib.Path(sys.argv[1]), "batches")
print("held" if held else "not held", flush=True)
sys.stdin.read()
"""
"""A process that holds a lock until its input ends."""


@pytest.fixture
def database(tmp_path):
    """The file of an embedded database."""
    (tmp_path / "didier.db").touch()
    return tmp_path / "didier.db"


def test_one_holds_a_lock(database):
    """While one holds it no other gets it; locks of other names are free."""
    held = FileLock.taken(database, "batches")

    assert FileLock.taken(database, "batches") is None
    assert FileLock.taken(database, "something_else").alive()
    assert held.alive()


def test_a_lock_that_was_released_is_free(database):
    """Who comes after the holder gets it."""
    FileLock.taken(database, "batches").release()

    assert FileLock.taken(database, "batches").alive()


@pytest.mark.parametrize("end", ["exit", "kill"])
def test_another_process_holds_a_lock_until_it_ends(database, end):
    """While a process holds it no other gets it; when it ends, also by a kill, it is free."""
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLDER, database], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    said = holder.stdout.readline()
    during = FileLock.taken(database, "batches")
    if end == "kill":
        holder.kill()
    holder.communicate()

    assert ("held\n", None) == (said, during)
    assert FileLock.taken(database, "batches").alive()


def test_the_file_is_private_and_beside_the_database(database, tmp_path):
    """Its owner, who may be another than who runs the command, alone may open it; it is left behind."""
    lock = FileLock.taken(database, "batches")
    found = (tmp_path / "didier.db-batches").stat()
    lock.release()

    assert (0o600, tmp_path.stat().st_uid) == (found.st_mode & 0o777, found.st_uid)
    assert (tmp_path / "didier.db-batches").exists()


def test_a_lock_whose_file_was_removed_is_not_held(database, tmp_path):
    """Another could hold a new file of this name."""
    lock = FileLock.taken(database, "batches")
    before = lock.alive()
    os.unlink(tmp_path / "didier.db-batches")

    assert (True, False) == (before, lock.alive())


def test_a_directory_that_cannot_be_written_is_an_error(database, tmp_path):
    """A lock that cannot be taken is no lock that another has."""
    (tmp_path / "didier.db-batches").mkdir()

    with pytest.raises(IsADirectoryError):
        FileLock.taken(database, "batches")
