import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
import sqlalchemy as sa

from didier.storage.tables import vicidial_tables
from support.server import Didier


@pytest.fixture(scope="session")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Didier, sqlite3.Connection]]:
    """A server process for all tests, and its database as it was at the start."""
    directory = tmp_path_factory.mktemp("running")
    server = Didier(directory, "--demo", "--database", f"sqlite:///{directory}/didier.db").start()
    with closing(sqlite3.connect(":memory:")) as as_it_was:
        with closing(sqlite3.connect(server.database)) as now:
            now.backup(as_it_was)
        yield server, as_it_was
    server.stop()


@pytest.fixture
def server(running: tuple[Didier, sqlite3.Connection]) -> Didier:
    """A server with nothing but the tutorial's user and DID, and an empty log.

    The process is shared, its database is as new. A test that stops it, or alters a table, takes
    `own_server`.
    """
    server, as_it_was = running
    with closing(sqlite3.connect(server.database, timeout=30)) as now:
        as_it_was.backup(now)
    os.truncate(server.log, 0)
    return server


@pytest.fixture
def own_server(tmp_path: Path) -> Iterator[Didier]:
    """A server with the tutorial's user and DID that nobody else uses."""
    server = Didier(tmp_path, "--demo", "--database", f"sqlite:///{tmp_path}/didier.db").start()
    yield server
    server.stop()


@pytest.fixture(scope="module", params=["sqlite", "mariadb"])
def home(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Didier, sa.Engine]]:
    """A server for all tests on each database, and a way to look into that."""
    directory = tmp_path_factory.mktemp("home")
    url = f"sqlite:///{directory}/didier.db"
    if request.param == "mariadb":
        url = request.getfixturevalue("mariadb").database()
    engine = sa.create_engine(url, poolclass=sa.NullPool)
    if request.param == "mariadb":
        with engine.begin() as conn:
            vicidial_tables().create_all(conn)
    unlimited = {"DIDIER_RATE_LIMIT": "0"}
    server = Didier(directory, "--demo", "--database", url, environment=unlimited).start()
    yield server, engine
    server.stop()
