"""Calls while MariaDB is killed, stopped or cut off: each finds its way, and leaves its rows once.

``make faults`` rings for longer, OUTAGE_CALLS in each part, and prints how long calls have waited.
"""

import os
import signal
import statistics
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from datetime import datetime

import pytest

from cli.test_agi import SERVES, Agi
from didier.storage.database import reading
from didier.storage.statements import run
from didier.storage.tables import CALL_LOG, DID_LOG, RECORDING_LOG
from support.homes import ready
from support.inbound import add_did, emptied
from support.mariadb import running_mariadb
from support.measurements import note
from support.partition import partition
from support.process import until
from support.ringing import ringing
from support.server import Didier

CALLS = int(os.environ.get("OUTAGE_CALLS", "30"))
"""How many calls come before, in and behind an outage."""

RATE = float(os.environ.get("OUTAGE_RATE", "30"))
NUMBERS = tuple(str(18005550000 + n) for n in range(50))
SETTINGS = {"DIDIER_AGI_SECONDS": "60"}
"""However slow the machine is: what is tried is what becomes of calls."""


@pytest.fixture(scope="module", params=["innodb", "myisam"])
def home(request):
    """A server of MariaDB, behind a network that can be taken away, and a database with DIDs that record."""
    with ExitStack() as stack:
        server = stack.enter_context(running_mariadb())
        network = stack.enter_context(partition(server.port))
        home = ready(server.database(), datetime(2026, 3, 4), myisam=request.param == "myisam")
        engine = stack.enter_context(home)
        with engine.begin() as conn:
            for number in NUMBERS:
                add_did(conn, number, record_call="Y")
        yield server, network, engine


@pytest.fixture
def database(home):
    """The same without calls."""
    with home[2].begin() as conn:
        emptied(conn)
    return home


def killed(server, _):
    server.kill()
    return server.start


def stopped(server, _):
    server.process.send_signal(signal.SIGSTOP)
    return lambda: server.process.send_signal(signal.SIGCONT)


def cut_off(_, network):
    network.cut()
    return network.heal


@contextmanager
def outage(kind, server, network):
    """Have the database away for a while."""
    mend = kind(server, network)
    try:
        yield
    finally:
        mend()


def address(engine, network):
    return engine.url.set(port=network.port).render_as_string(hide_password=False)


def served(tmp_path, engine, network, port=None):
    return Agi(tmp_path, "--database", address(engine, network), environment=SETTINGS, port=port)


def said(agi, event):
    return agi.log.read_text().count(f'"event":"{event}"')


def logged(engine, table, column="uniqueid"):
    with reading(engine) as conn:
        return sorted(row[0] for row in run(conn, f"SELECT {column} FROM {table}"))


def assert_once(engine, calls, others=frozenset()):
    """Fail unless every call has its rows once, and nothing but *others* has any besides."""
    for table, column in ((DID_LOG, "uniqueid"), (CALL_LOG, "uniqueid"), (RECORDING_LOG, "vicidial_id")):
        until(lambda t=table, c=column: calls <= set(logged(engine, t, c)))
        there = logged(engine, table, column)
        assert sorted(set(there)) == there
        assert set(there) <= calls | others


def waits(calls, began, ended):
    """Say how long those calls took that came from the first second of the outage on to its end."""
    took = [call.took for call in calls if began + 1 < call.came < ended] or [0.0, 0.0]
    half, most = statistics.median(took), statistics.quantiles(took, n=100)[98]
    return f"of {len(took)} calls behind the first second half within {half:.0f}, 99 % within {most:.0f} ms"


@pytest.mark.parametrize("kind", [killed, stopped, cut_off])
def test_calls_find_their_way_while_the_database_is_away(database, tmp_path, kind):
    """All of them, and what they leave in the logs is there once, when it is back."""
    server, network, engine = database
    agi = served(tmp_path, engine, network)
    until(lambda: said(agi, "replica_is_complete"))
    with ringing(agi.port, NUMBERS, RATE) as ring:
        until(ring.more(CALLS))
        begun = time.perf_counter()
        with outage(kind, server, network):
            until(lambda: said(agi, "calls_without_database"))
            until(ring.more(CALLS))
            until(lambda: begun + CALLS / RATE < time.perf_counter())
        ended = time.perf_counter()
        until(lambda: said(agi, "calls_with_database_again"))
        until(ring.more(CALLS))
    missed = {call.uniqueid for call in ring.calls} - ring.sent_on

    assert set() == missed
    assert_once(engine, ring.sent_on)
    assert 0 == agi.stop()
    name = f"MariaDB {kind.__name__.replace('_', ' ')}, {RATE:.0f} calls a second; "
    note(name + waits(ring.calls, begun - ring.began, ended - ring.began), 1, len(ring.sent_on), 0)


def test_a_process_that_is_killed_while_it_spools(database, tmp_path):
    """The next one starts without the database, and delivers what both have kept."""
    server, network, engine = database
    agi = served(tmp_path, engine, network)
    until(lambda: said(agi, "replica_is_complete"))
    with outage(stopped, server, network):
        with ringing(agi.port, NUMBERS, RATE) as first:
            until(first.more(CALLS))
            agi.process.kill()
            agi.process.wait(60)
        again = served(tmp_path, engine, network, agi.port)
        with ringing(agi.port, NUMBERS, RATE, first=1_000_000) as second:
            until(second.more(CALLS))
    calls = first.sent_on | second.sent_on
    others = {call.uniqueid for call in first.calls} - first.sent_on

    assert {call.uniqueid for call in second.calls} == second.sent_on
    assert first.sent_on
    assert_once(engine, calls, others)
    assert 0 == again.stop()
    note("didier agi killed while it spools, MariaDB stopped", 1, len(calls), 0)


def test_without_a_replica_it_does_not_start_while_the_database_is_away(database, tmp_path):
    """There is nothing to route by; that is said, and nothing else happens."""
    server, network, engine = database
    with outage(stopped, server, network), pytest.raises(AssertionError, match="cannot be opened"):
        served(tmp_path, engine, network)


def test_a_server_that_is_started_meanwhile_routes_calls_first(database, tmp_path):
    """With HTTP it waits for the database; calls do not, nor do those that come when it is back."""
    server, network, engine = database
    agi = served(tmp_path, engine, network)
    until(lambda: said(agi, "replica_is_complete"))
    agi.stop()
    settings = {**SETTINGS, "DIDIER_AGI_PORT": str(agi.port), "DIDIER_RECONCILE": "false"}
    http = Didier(tmp_path, "--demo", "--database", address(engine, network), environment=settings)
    with outage(cut_off, server, network), ThreadPoolExecutor() as threads:
        starting = threads.submit(http.start)
        until(lambda: http.log.exists() and SERVES in http.log.read_text())
        with ringing(agi.port, NUMBERS, RATE) as first:
            until(first.more(CALLS))
        network.heal()
        starting.result()
    with ringing(agi.port, NUMBERS, RATE, first=1_000_000) as second:
        until(second.more(CALLS))

    assert [set(), set()] == [{call.uniqueid for call in one.calls} - one.sent_on for one in (first, second)]
    assert_once(engine, first.sent_on | second.sent_on)  # what is spooled is delivered while the server runs
    http.stop()
