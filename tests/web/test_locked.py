"""Another program holds a lock: whoever wants to store something is told, and readers read on."""

import base64
import json
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, closing, contextmanager
from dataclasses import dataclass

import pytest
import sqlalchemy as sa

from didier.storage.tables import vicidial_tables
from support.authenticator import CODE, set_up
from support.load import Copying, new_targets
from support.measurements import note
from support.process import until
from support.server import Didier, didier

BUSY = "ERROR: THE DATABASE IS IN USE BY ANOTHER PROGRAM, NOTHING WAS CHANGED, TRY AGAIN\n"
SIGN_IN = {"Authorization": "Basic " + base64.b64encode(b"admin:1234").decode()}
LIST = "/api/v1/dids?limit=1"
REPORT = "/vicidial/non_agent_api.php?function=list_dids&user=admin&pass=1234&source=test"


@dataclass
class Home:
    """A database whose locks are waited for shortly, and the ways in which another program locks it."""

    url: str
    locked: Callable[[], AbstractContextManager[None]]
    patterns: Callable[[], list[str]]


def _sqlite(file) -> Home:
    @contextmanager
    def locked() -> Iterator[None]:
        with closing(sqlite3.connect(file, isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            yield

    def patterns() -> list[str]:
        with closing(sqlite3.connect(file)) as conn:
            return [row[0] for row in conn.execute("SELECT did_pattern FROM vicidial_inbound_dids")]

    return Home(f"sqlite:///{file}?timeout=0.2", locked, patterns)


def _mariadb(url, lock) -> Home:
    engine = sa.create_engine(url, poolclass=sa.NullPool)
    with engine.begin() as conn:
        vicidial_tables().create_all(conn)
    waits = "SET SESSION innodb_lock_wait_timeout = 1, lock_wait_timeout = 1"

    @contextmanager
    def locked() -> Iterator[None]:
        with engine.connect() as other:
            other.exec_driver_sql(lock)
            yield
            other.exec_driver_sql("UNLOCK TABLES")

    def patterns() -> list[str]:
        with engine.connect() as conn:
            return list(conn.exec_driver_sql("SELECT did_pattern FROM vicidial_inbound_dids").scalars())

    url_with_waits = sa.engine.make_url(url).update_query_dict({"init_command": waits})
    return Home(url_with_waits.render_as_string(hide_password=False), locked, patterns)


LOCKS = {
    "row": "SELECT * FROM vicidial_users FOR UPDATE",
    "table": "LOCK TABLES vicidial_inbound_dids WRITE",
}


@pytest.fixture(scope="module", params=["sqlite", "row", "table"])
def home(request, tmp_path_factory) -> Home:
    """A database in each home, on MariaDB locked in two ways."""
    if request.param == "sqlite":
        return _sqlite(tmp_path_factory.mktemp("home") / "didier.db")
    return _mariadb(request.getfixturevalue("mariadb").database(), LOCKS[request.param])


@pytest.fixture(scope="module")
def served(tmp_path_factory, home) -> Iterator[Didier]:
    """A server on it."""
    server = Didier(tmp_path_factory.mktemp("served"), "--demo", "--database", home.url).start()
    yield server
    server.stop()


def test_a_lock_is_waited_for_and_named(served, home):
    """All copies are refused while it lasts, and made when it is over; nothing is lost or doubled."""
    served.request("GET", LIST, headers=SIGN_IN)  # the password is compared before the lock
    load = Copying(served, new_targets(1))
    load.start(50)
    with home.locked():
        load.join()
        body = json.dumps({"source": "18001234567", "targets": ["77"]})
        headers = {**SIGN_IN, "Content-Type": "application/json"}
        answer = served.exchange("POST", "/api/v1/copies", body, headers)
    after = served.tutorial(target="7771")

    assert [(503, BUSY)] * load.clients == load.others
    assert (503, "5") == (answer.status, answer.headers["retry-after"])
    assert "/problems/database-busy" == json.loads(answer.text)["type"]
    assert after.startswith("SUCCESS: ")
    assert sorted(["18001234567", *load.acknowledged, "7771"]) == sorted(home.patterns())
    note("locked by another program while copies are made", 1, len(load.acknowledged), 0)


def test_reading_goes_on_while_it_is_locked(served, home, request):
    """Lists are read while nobody can store that they were; a locked table alone cannot be read."""
    served.request("GET", LIST, headers=SIGN_IN)
    with home.locked():
        statuses = [served.request("GET", path, headers=SIGN_IN)[0] for path in (LIST, REPORT)]
    readable = "table" not in request.node.callspec.id

    assert [200 if readable else 503] * 2 == statuses
    assert 200 == served.request("GET", LIST, headers=SIGN_IN)[0]


def test_passwords_are_not_guessed_meanwhile(tmp_path):
    """Who gives wrong passwords while failures cannot be counted is told nothing more until they can."""
    home = _sqlite(tmp_path / "didier.db")
    server = Didier(tmp_path, "--demo", "--database", home.url).start()

    def asked(password):
        return server.call(function="list_dids", user="admin", source="test", **{"pass": password})

    try:
        with home.locked():
            first = asked("1234")
            wrong = [asked(f"wrong{i}") for i in range(10)]
            right = asked("1234")
            elsewhere = server.request("GET", LIST, headers=SIGN_IN)[0]
        until(lambda: "18001234567" in asked("1234"))
    finally:
        server.stop()

    assert "18001234567" in first
    assert [BUSY] * 11 == [*wrong, right]
    assert 503 == elsewhere


def test_no_code_is_good_twice_meanwhile(tmp_path):
    """It could not be used up, so that it lets nobody in until it can be, and then once."""
    home = _sqlite(tmp_path / "didier.db")
    server = Didier(tmp_path, "--demo", "--database", home.url).start()
    code = {**SIGN_IN, CODE: set_up(server).recovery[0]}
    try:
        server.request("GET", LIST, headers=SIGN_IN)  # the password is compared before the lock
        with home.locked():
            meanwhile = [server.request("GET", LIST, headers=code)[0] for _ in range(2)]
        until(lambda: server.get("/readyz")[0] == 200)
        after = [server.request("GET", LIST, headers=code)[0] for _ in range(2)]
    finally:
        server.stop()

    assert ([503, 503], [200, 401]) == (meanwhile, after)


def test_start_while_it_is_locked(tmp_path):
    """A start that has to write waits shortly, then says why it ends, without a traceback."""
    home = _sqlite(tmp_path / "didier.db")
    Didier(tmp_path, "--demo", "--database", home.url).start().stop()
    with home.locked():
        ended = didier(tmp_path, "serve", "--demo", "--database", home.url, "--port", "1")

    assert (4, "") == (ended.returncode, ended.stdout)
    assert ended.stderr.startswith("didier: the database is in use by another program")
    assert "end the program that holds the lock" in ended.stderr
