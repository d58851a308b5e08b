import os
import subprocess
import sys
from pathlib import Path

import pytest

from didier.runtime.process_lock import Guard
from didier.storage.statements import run, scalar
from support.engines import opened

HOLDER = """
import sys
from didier.storage.database import open_engine
from didier.runtime.process_lock import Guard
with Guard(open_engine(sys.argv[1]), "batches") as held:
    print("held" if held else "not held", flush=True)
    sys.stdin.read()
"""
"""A process that holds a guard until its input ends."""


@pytest.fixture
def embedded(tmp_path):
    """The URL of an embedded database."""
    (tmp_path / "didier.db").touch()
    return f"sqlite:///{tmp_path}/didier.db"


def test_one_holds_a_guard(engine, database_url):
    """While one holds it no other gets it; guards of other names are free."""
    with opened(database_url) as other, Guard(engine, "batches") as held:
        with Guard(other, "batches") as second, Guard(other, "something_else") as third:
            assert (True, False, True) == (bool(held), bool(second), bool(third))
            assert (True, False) == (held.alive(), second.alive())
        assert held.alive()


def test_a_guard_that_was_left_is_free(engine, database_url):
    """Who comes after the holder gets it; a guard that is not entered is not held."""
    with Guard(engine, "batches"):
        pass

    with opened(database_url) as other:
        waiting = Guard(other, "batches")
        assert not waiting
        with waiting as held:
            assert held.alive()


@pytest.mark.parametrize("end", ["exit", "kill"])
def test_another_process_holds_a_guard_until_it_ends(engine, database_url, end):
    """While a process holds it no other gets it; when it ends, also by a kill, it is free."""
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLDER, database_url], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    said = holder.stdout.readline()
    with Guard(engine, "batches") as during:
        assert ("held\n", False) == (said, bool(during))

    if end == "kill":
        holder.kill()
    holder.communicate()
    if engine.dialect.name != "sqlite":
        with engine.connect() as conn:  # MariaDB notices a connection that broke a moment later
            scalar(conn, "SELECT GET_LOCK(concat(database(), '.batches'), 30)")
            run(conn, "SELECT RELEASE_LOCK(concat(database(), '.batches'))")
    with Guard(engine, "batches") as after:
        assert after


def test_the_file_of_a_guard_is_private_and_beside_the_database(embedded, tmp_path):
    """Its owner, who may be another than who runs the command, alone may open it; it is left behind."""
    with opened(embedded) as engine, Guard(engine, "didier.batches"):
        found = (tmp_path / "didier.db-batches").stat()

    assert (0o600, tmp_path.stat().st_uid) == (found.st_mode & 0o777, found.st_uid)
    assert (tmp_path / "didier.db-batches").exists()


def test_a_guard_whose_file_was_removed_is_not_held(embedded, tmp_path):
    """Another could hold a new file of this name."""
    with opened(embedded) as engine, Guard(engine, "batches") as held:
        before = held.alive()
        os.unlink(tmp_path / "didier.db-batches")

        assert (True, False) == (before, held.alive())


def test_a_directory_that_cannot_be_written_is_an_error(embedded, tmp_path):
    """A guard that cannot be taken is no guard that another has."""
    (tmp_path / "didier.db-batches").mkdir()

    with opened(embedded) as engine, pytest.raises(IsADirectoryError):
        Guard(engine, "batches").__enter__()
    assert Path(tmp_path / "didier.db-batches").is_dir()


def test_databases_have_guards_of_their_own(mariadb, engine):
    """On one server, the batches of two databases do not wait for each other."""
    with (
        opened(mariadb.database()) as other,
        Guard(engine, "batches") as held,
        Guard(other, "batches") as second,
    ):
        assert held
        assert second


def test_a_connection_that_broke_holds_nothing(mariadb):
    """When its connection ends the holder knows, and another may have it."""
    url = mariadb.database()
    with opened(url) as engine, opened(url) as other, Guard(engine, "batches") as held:
        with other.connect() as conn:
            holder = scalar(conn, "SELECT IS_USED_LOCK(concat(database(), '.batches'))")
            run(conn, f"KILL {holder}")

        assert not held.alive()
        with Guard(other, "batches") as second:
            assert second.alive()
