import gc
import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from datetime import datetime
from pathlib import Path

import pytest
from hypothesis import settings
from sqlalchemy.engine import Engine

from support.engines import opened
from support.fresh import FreshDatabase, FreshFile
from support.homes import ready
from support.mariadb import MariaDB, running_mariadb
from support.missing import missing
from support.places import quick_place
from support.server import STILL, Didier

NOW = datetime(2026, 3, 4, 5, 6, 7)

# No test asserts a time: Hypothesis would fail one that takes 200 ms on a busy machine.
settings.register_profile("didier", deadline=None)
settings.load_profile("didier")

LONG = (
    "tests/web/test_batch_crash.py", "tests/security/", "tests/services/test_model.py",
    "tests/runtime/test_reconciler.py", "tests/web/test_outside.py", "tests/test_tutorials.py",
    "tests/web/test_check_events.py", "tests/web/api/test_openapi.py", "tests/cli/test_terminal.py",
)  # fmt: skip
"""Where there are tests of ten seconds and more."""


@pytest.fixture(scope="session")
def mariadb() -> Iterator[MariaDB]:
    """A private MariaDB server."""
    with running_mariadb() as server:
        yield server


@pytest.fixture(scope="session")
def fresh_file(tmp_path_factory: pytest.TempPathFactory) -> FreshFile:
    """An embedded database with the tutorial's user and DID, for copies."""
    return FreshFile(tmp_path_factory.mktemp("fresh"), NOW)


@pytest.fixture(scope="session")
def fresh_database(mariadb: MariaDB) -> Iterator[FreshDatabase]:
    """A database of MariaDB with the tutorial's user and DID that is put back for each test."""
    fresh = FreshDatabase(mariadb, NOW)
    yield fresh
    fresh.close()


@pytest.fixture(params=["sqlite", "mariadb"])
def empty_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The URL of an empty database, in each home that Didier has."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/didier.db"
    url: str = request.getfixturevalue("mariadb").database()
    return url


@pytest.fixture(params=["sqlite", "mariadb"])
def database_url(request: pytest.FixtureRequest, fresh_file: FreshFile, tmp_path: Path) -> str:
    """The URL of the database that `engine` opens."""
    if request.param == "sqlite":
        return fresh_file.url(tmp_path)
    url: str = request.getfixturevalue("fresh_database").url()
    return url


@pytest.fixture(params=["sqlite", "mariadb", "myisam"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The URL of such a database: in each home, and where tables have no transactions."""
    url = f"sqlite:///{tmp_path}/didier.db"
    if request.param != "sqlite":
        url = request.getfixturevalue("mariadb").database()
    with ready(url, NOW, myisam=request.param == "myisam"):
        yield url


@pytest.fixture
def engine(database_url: str) -> Iterator[Engine]:
    """A database with VICIdial's tables and Didier's, and the tutorial's user and DID in them."""
    with opened(database_url) as engine:
        yield engine


@pytest.fixture
def now() -> datetime:
    """A moment."""
    return NOW


@pytest.fixture(scope="session")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Didier, sqlite3.Connection]]:
    """A server process for all tests, and its database as it was at the start."""
    directory = tmp_path_factory.mktemp("running")
    url = f"sqlite:///{directory}/didier.db"
    # Between tests the database is put back beside the server.
    server = Didier(directory, "--demo", "--database", url, environment=STILL).start()
    with closing(sqlite3.connect(":memory:")) as as_it_was:
        with closing(sqlite3.connect(server.database)) as now:
            now.backup(as_it_was)
        yield server, as_it_was
    server.stop()


@pytest.fixture
def server(running: tuple[Didier, sqlite3.Connection]) -> Didier:
    """A server with nothing but the tutorial's user and DID, and an empty log.

    The process is shared, its database is as new. A test that stops it, alters a table, or looks at the
    dashboard, whose figures the process keeps for a minute, takes `own_server`.
    """
    server, as_it_was = running
    with closing(sqlite3.connect(server.database, timeout=30)) as now:
        as_it_was.backup(now)
    os.truncate(server.log, 0)
    return server


@pytest.fixture
def demo_url(running: tuple[Didier, sqlite3.Connection], tmp_path: Path) -> str:
    """The URL of an embedded database as `didier serve --demo` makes it, which no server has opened."""
    file = tmp_path / "didier.db"
    file.touch(0o600)
    with closing(sqlite3.connect(file)) as new:
        running[1].backup(new)
    return f"sqlite:///{file}"


@pytest.fixture
def own_server(demo_url: str, tmp_path: Path) -> Iterator[Didier]:
    """A server with the tutorial's user and DID that nobody else uses."""
    server = Didier(tmp_path, "--demo", "--database", demo_url).start()
    yield server
    server.stop()


def pytest_configure() -> None:
    """Keep the tests' files in memory, unless it is said where: a commit takes a tenth as long there."""
    if place := quick_place():
        os.environ.setdefault("PYTEST_DEBUG_TEMPROOT", str(place))


@pytest.hookimpl(wrapper=True)
def pytest_collection(session: pytest.Session) -> Iterator[None]:
    """Look for no garbage among ten thousand tests, which stay to the end: not now, nor while they run."""
    gc.disable()
    yield
    gc.freeze()
    gc.enable()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with what is long: in the end all processes have something left that they can share."""
    items.sort(key=lambda item: not item.nodeid.startswith(LONG))


def pytest_xdist_auto_num_workers() -> int:
    """Run more processes than there are processors: for a third of the time a test waits for something."""
    return len(os.sched_getaffinity(0)) * 3 // 2


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Name what was missing, last; the reports come from every process that runs tests."""
    outcomes = ("skipped", "failed", "error")
    if lacking := missing(report for name in outcomes for report in terminalreporter.getreports(name)):
        terminalreporter.section("TESTS THAT COULD NOT RUN", sep="!")
        for what, count in lacking.items():
            terminalreporter.write_line(f"{count} without {what}")
        if os.environ.get("CI") != "true":
            terminalreporter.write_line("With CI=true these are failures.")
