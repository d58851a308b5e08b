"""Two servers on one MariaDB database: one works on large batches, and another when that one is gone."""

import json
import signal
from collections import Counter
from contextlib import contextmanager

import pytest

from didier.runtime.batch_worker import LEASE
from didier.storage.batches import progress
from didier.storage.database import reading
from didier.storage.statements import run
from support.engines import opened
from support.leases import expire
from support.process import until
from support.server import BASIC, Didier

SOURCE, FIRST, COUNT = "18001234567", 5_500_000, 60_000
JSON = {**BASIC, "Content-Type": "application/json"}
HELD = f'didier_lease_held{{lease="{LEASE}"}} 1.0'
TERM = {"DIDIER_LEASE_SECONDS": "3600"}
"""A lease that is not over while the test lasts."""


@pytest.fixture
def url(fresh_database):
    """The URL of a database of MariaDB."""
    return fresh_database.url()


@pytest.fixture
def home(url):
    """The database, looked at beside the servers."""
    with opened(url) as engine:
        yield engine


@pytest.fixture
def servers(url, tmp_path):
    """Two servers."""
    with serving(tmp_path / "a", url) as a, serving(tmp_path / "b", url) as b:
        yield a, b


@contextmanager
def serving(directory, url):
    directory.mkdir()
    server = Didier(directory, "--demo", "--database", url, environment=TERM).start()
    try:
        yield server
    finally:
        server.stop()


def has_lease(server):
    return HELD in server.get("/metrics")[1]


def batch(home, batch_id):
    """Return phase, position and how many DIDs a batch has made."""
    with reading(home) as conn:
        sql = "SELECT phase, position, added FROM didier_batches WHERE batch_id = ?"
        return run(conn, sql, batch_id)[0]


def ordered(server):
    """Order a large batch; return its id."""
    body = json.dumps({"source": SOURCE, "ranges": [f"{FIRST}-{FIRST + COUNT - 1}"], "mode": "best_effort"})
    status, text = server.request("POST", "/api/v1/copies", body, JSON)
    assert 202 == status, text
    return json.loads(text)["id"]


def begun(servers, home):
    """Order a batch; return its id when one of the servers has made a part, that server, and the other."""
    batch_id = ordered(servers[0])
    until(lambda: batch(home, batch_id)[1])
    [holder] = [server for server in servers if has_lease(server)]
    [other] = [server for server in servers if server is not holder]
    return batch_id, holder, other


def assert_made_once(home, batch_id):
    """Every number is there, and was counted, once."""
    until(lambda: batch(home, batch_id)[0] is None)
    with reading(home) as conn:
        patterns = Counter(row[0] for row in run(conn, "SELECT did_pattern FROM vicidial_inbound_dids"))
        items = [placed.item for placed in progress.items(conn, batch_id, 0, COUNT)]
    assert {str(number): 1 for number in range(FIRST, FIRST + COUNT)} == {
        pattern: count for pattern, count in patterns.items() if pattern.startswith("55")
    }
    assert ({"added"}, COUNT) == ({item.outcome for item in items}, sum(item.size for item in items))
    assert (None, COUNT, COUNT) == batch(home, batch_id)


def test_another_server_goes_on_when_the_lease_of_one_that_was_killed_is_over(servers, home):
    """Before that it does nothing; after it every number is made once."""
    batch_id, holder, other = begun(servers, home)
    holder.kill()
    left = batch(home, batch_id)
    assert left[1] < COUNT
    assert not has_lease(other)
    expire(home, LEASE)

    assert_made_once(home, batch_id)


def test_another_server_goes_on_at_once_when_one_is_stopped(servers, home):
    """The lease, which would last for an hour, is given back."""
    batch_id, holder, other = begun(servers, home)
    holder.stop()

    assert_made_once(home, batch_id)
    assert has_taken(other)
    until(lambda: not has_lease(other))


def test_a_server_that_was_paused_changes_nothing_any_more(servers, home):
    """It finds out that another goes on with its batch, or has done so."""
    batch_id, holder, other = begun(servers, home)
    try:
        until(lambda: is_overtaken(holder, other, home))
    finally:
        holder.process.send_signal(signal.SIGCONT)
    until(lambda: not has_lease(holder))

    assert_made_once(home, batch_id)


def is_overtaken(holder, other, home):
    """Pause *holder* until *other* has its lease; say no when it was in a transaction, which keeps it."""
    holder.process.send_signal(signal.SIGSTOP)
    until(lambda: has_taken(other) or not ended(home))
    if has_taken(other):
        return True
    holder.process.send_signal(signal.SIGCONT)
    return False


def has_taken(server):
    """Say whether a server has ever had the lease."""
    lines = (json.loads(line) for line in server.logged().splitlines() if line.startswith("{"))
    return any(line["event"] == "lease_taken" and line["lease"] == LEASE for line in lines)


def ended(home):
    """Let the lease be over unless its row is locked."""
    with home.begin() as conn:
        free = run(conn, "SELECT name FROM didier_leases WHERE name = ? FOR UPDATE SKIP LOCKED", LEASE)
        sql = "UPDATE didier_leases SET expires_at = utc_timestamp(6) WHERE name = ?"
        return bool(free) and run(conn, sql, LEASE) == []
