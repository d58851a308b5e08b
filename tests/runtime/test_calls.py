"""What a process has to route calls with: files of its own with MariaDB, where it can have them."""

import asyncio
from datetime import datetime

import pytest
from structlog.testing import capture_logs

from didier.config import Settings
from didier.runtime.calls import Calls
from didier.runtime.committer import Committer
from support.engines import opened
from support.homes import ready


@pytest.fixture(scope="module")
def database(mariadb):
    """A database of MariaDB."""
    with ready(mariadb.database(), datetime(2026, 3, 4)) as engine:
        yield engine


def settings(directory, **more):
    """The settings of a process that answers Asterisk."""
    return Settings(agi_port=4573, agi_directory=str(directory), **more)


def test_it_has_files_of_its_own(database, tmp_path):
    """Nobody else may read them, and the next process goes on with them."""
    for _ in range(2):
        calls = Calls(database, settings(tmp_path))
        assert calls.replica
        assert calls.spool

        async def lives(calls=calls):
            async with calls.running():
                pass

        asyncio.run(lives())

    files = {file.name: file.stat().st_mode & 0o777 for file in tmp_path.iterdir()}
    assert {0o600} == set(files.values())
    assert {"didier-calls-4573.db", "didier-calls-4573.spool", "didier-calls-4573.spool-lock"} <= files.keys()


def test_another_process_has_none(database, tmp_path):
    """Two that wrote to one file would deliver each other's rows."""
    first = Calls(database, settings(tmp_path))
    with capture_logs() as logs:
        second = Calls(database, settings(tmp_path))

    assert (True, None, None) == (first.replica is not None, second.replica, second.spool)
    assert ["another process uses it"] == [line["reason"] for line in logs]


def test_where_it_may_not_write_it_has_none(database, tmp_path):
    """Calls are routed all the same, as long as the database answers."""
    with capture_logs() as logs:
        calls = Calls(database, settings(tmp_path / "none"))

    assert calls.replica is None
    assert ["No such file or directory"] == [line["reason"] for line in logs]


def test_it_need_not_have_any(database, tmp_path):
    """A setting turns it off."""
    assert Calls(database, settings(tmp_path, agi_replica=False)).replica is None
    assert [] == list(tmp_path.iterdir())


def test_with_an_embedded_database_there_is_none(fresh_file, tmp_path):
    """What could be away is the file itself."""
    with opened(fresh_file.url(tmp_path)) as engine:
        calls = Calls(engine, settings(tmp_path), Committer(engine))

    assert (None, None) == (calls.replica, calls.spool)
