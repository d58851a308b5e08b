"""One server for all cases, on each kind of database."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import sqlalchemy as sa

from didier.storage.database import open_engine
from didier.storage.tables import vicidial_tables
from security.world import World
from support.mariadb import MariaDB
from support.server import STILL, Didier


@pytest.fixture
def world(request: pytest.FixtureRequest) -> World:
    """The world on the kind of database that is asked for, SQLite unless it is."""
    found: World = request.getfixturevalue(f"{getattr(request, 'param', 'sqlite')}_world")
    return found


@pytest.fixture(scope="module")
def sqlite_world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """A world on an embedded database."""
    directory = tmp_path_factory.mktemp("authorization")
    with _running(directory, f"sqlite:///{directory}/didier.db") as world:
        yield world


@pytest.fixture(scope="module")
def mariadb_world(tmp_path_factory: pytest.TempPathFactory, mariadb: MariaDB) -> Iterator[World]:
    """A world on VICIdial's kind of database."""
    url = mariadb.database()
    vicidial_tables().create_all(sa.create_engine(url, poolclass=sa.NullPool))
    with _running(tmp_path_factory.mktemp("authorization"), url) as world:
        yield world


@contextmanager
def _running(directory: Path, url: str) -> Iterator[World]:
    # What a request has stored is put back beside the server.
    settings = {"DIDIER_RATE_LIMIT": "0", **STILL}
    server = Didier(directory, "--demo", "--database", url, environment=settings).start()
    engine = open_engine(url)
    yield World(server, engine)
    engine.dispose()
    server.stop()
