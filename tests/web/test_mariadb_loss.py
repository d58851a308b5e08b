from collections.abc import Iterator
from contextlib import contextmanager

import pytest
import sqlalchemy as sa

from support.homes import vicidial
from support.load import Copying, new_targets
from support.mariadb import MariaDB, running_mariadb
from support.measurements import note
from support.process import until
from support.server import PATH, TUTORIAL, Didier

LOST = "ERROR: THE DATABASE CANNOT BE REACHED, NOTHING IS ACKNOWLEDGED, TRY AGAIN\n"


@pytest.fixture(scope="module")
def database() -> Iterator[MariaDB]:
    """A database server that these tests may kill."""
    with running_mariadb() as server:
        yield server


@pytest.fixture(params=["InnoDB", "MyISAM"])
def url(request, database):
    """VICIdial's tables in both engines that it knows."""
    return vicidial(database, request.param)


@pytest.fixture
def served(tmp_path, url):
    server = Didier(tmp_path, "--demo", "--database", url).start()
    yield server
    server.stop()


def patterns(url):
    engine = sa.create_engine(url)
    with engine.connect() as conn:
        found = [row[0] for row in conn.exec_driver_sql("SELECT did_pattern FROM vicidial_inbound_dids")]
    engine.dispose()
    return found


@contextmanager
def down(database):
    """Kill the database; start it again at the end."""
    database.kill()
    try:
        yield
    finally:
        database.start()


def test_loss_under_load(served, database, url):
    """Whoever waits is told that nothing is acknowledged; what was acknowledged is there afterwards."""
    load = Copying(served, new_targets(3), clients=8)
    load.start(300)
    with down(database):
        load.join()

    assert [(503, LOST)] * load.clients == load.others
    until(lambda: served.get("/readyz")[0] == 200)
    assert served.tutorial(target="5550001").startswith("SUCCESS")  # also what a crash left is put right
    there = patterns(url)
    assert set(load.acknowledged) <= set(there)
    assert len(there) == len(set(there))
    note("MariaDB killed while copies are made, and started again", 1, len(load.acknowledged), 0)


def test_a_restart_between_two_requests(served, database):
    """A request that comes when the database is up again does not notice that it was away."""
    assert served.tutorial(target="5550001").startswith("SUCCESS")
    database.stop()
    database.start()

    assert served.tutorial(target="5550002").startswith("SUCCESS")


def test_didier_recovers_by_itself(served, database, url):
    """While the database is away each request says so; when it is back they are carried out again."""
    assert served.tutorial(target="5550001").startswith("SUCCESS")
    with down(database):
        answers = [served.tutorial(target=f"555010{i}") for i in range(3)]
        ready = served.get("/readyz")
        health = served.get("/healthz")[0]

    assert [LOST] * 3 == answers
    assert (503, 200) == (ready[0], health)
    assert "the database cannot be reached" in ready[1]
    until(lambda: served.get("/readyz")[0] == 200)
    assert served.tutorial(target="5550002").startswith("SUCCESS")
    assert {"5550001", "5550002"} <= set(patterns(url))


def test_passwords_cannot_be_compared_while_it_is_away(served, database):
    """A user who has not signed in lately is not told that the password was wrong."""
    with down(database):
        answer = served.tutorial(target="5550001", **{"pass": "1234"})
        other = served.tutorial(target="5550001", user="other")

    assert {LOST} == {answer, other}


def test_loss_in_every_dialect(served, database):
    """The status is 503 in VICIdial's form of the request as in the tutorial's."""
    with down(database):
        query = "function=copy_did&source=test&user=admin&pass=1234&source_did_pattern=1&new_dids=22"
        statuses = [served.get(f"{PATH}?{query}")[0]]
        statuses.append(served.request("POST", PATH, "&".join(f"{k}={v}" for k, v in TUTORIAL.items()),
                                       {"Content-Type": "application/x-www-form-urlencoded"})[0])  # fmt: skip

    assert [503, 503] == statuses


def test_connections_that_were_closed_are_not_noticed(served, database, url):
    """A connection that the database ended while nobody used it costs one refusal at most."""
    served.tutorial(target="5550001")
    engine = sa.create_engine(url)
    with engine.begin() as conn:
        own = conn.exec_driver_sql("SELECT connection_id()").scalar()
        for (number,) in conn.exec_driver_sql("SELECT id FROM information_schema.processlist"
                                              " WHERE user = 'root'").all():  # fmt: skip
            if number != own:
                conn.exec_driver_sql(f"KILL {number}")
    engine.dispose()
    answers = [served.tutorial(target=f"555000{i}") for i in (2, 3)]

    assert answers[0] == LOST or answers[0].startswith("SUCCESS")
    assert answers[1].startswith("SUCCESS")


def test_the_log_names_the_loss_and_no_password(served, database):
    """The operator finds the loss in the log, without a stack trace for each request."""
    served.tutorial(target="5550001")
    with down(database):
        served.tutorial(target="5550002")

    log = served.logged()
    assert "database_unavailable" in log
    assert "order_failed" not in log
    assert "request_failed" not in log
