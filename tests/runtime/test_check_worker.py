"""Looking at what is wrong with DIDs, by processes that come and go."""

import asyncio
import time
from contextlib import contextmanager
from datetime import datetime

from didier.runtime.check_worker import LEASE, CheckWorker
from didier.runtime.committer import Committer
from didier.runtime.leases import LeaseHolder
from didier.storage.database import reading
from didier.storage.dids import failed_checks
from didier.storage.statements import run
from support.engines import opened
from support.leases import expire
from support.passes import beside
from support.process import until

NOW = datetime(2026, 3, 4, 5, 6, 7)
INSERT = (
    "INSERT INTO {} (did_pattern, user_group, did_active, did_route, extension)"
    " VALUES (?, 'SALES', 'Y', 'EXTEN', '')"
)
MEND = "UPDATE {} SET extension = '8300' WHERE did_pattern = ?"


@contextmanager
def process(url, seconds=0.001):
    """A process that looks every so many *seconds*, as far as what it finds leaves it the time."""
    with opened(url) as engine:
        committer = Committer(engine)
        leases = LeaseHolder(engine, committer, 600.0)
        worker = CheckWorker(engine, committer, leases, seconds, (), lambda: NOW)
        committer.start()
        worker.start()
        try:
            yield engine
        finally:
            worker.stop()
            leases.stop()
            asyncio.run(committer.stop())


def told(engine):
    """Return what the change log says of checks, in order."""
    sql = "SELECT action, did_pattern FROM didier_changes WHERE kind = 'check' ORDER BY change_id"
    with reading(engine) as conn:
        return [tuple(row) for row in run(conn, sql)]


def looked(engine):
    """Say when the last look at all DIDs began; None before the first is done."""
    with reading(engine) as conn:
        return failed_checks.last_round(conn)


def kept(engine):
    with reading(engine) as conn:
        return failed_checks.within(conn, 0, 10**9)


def test_what_changes_is_told(url):
    """What was so at first is not; then each that begins and ends, once."""
    with opened(url) as engine, beside(engine) as sql:
        sql(INSERT, "5550001")
    with process(url) as engine, beside(engine) as sql:
        until(lambda: looked(engine))
        at_first = [*told(engine)], len(kept(engine))
        sql(INSERT, "5550002")
        until(lambda: told(engine))
        sql(MEND, "5550001")
        until(lambda: len(told(engine)) > 1)
        sql(MEND, "5550002")
        until(lambda: not kept(engine))

    assert ([], 1) == at_first
    assert [("failed", "5550002"), ("passed", "5550001"), ("passed", "5550002")] == told(engine)


def test_another_process_goes_on(url):
    """What one has found another does not tell again; nor when a lease was taken from one at work."""
    with process(url) as first, beside(first) as sql:
        until(lambda: looked(first))
        sql(INSERT, "5550001")
        until(lambda: told(first))
        with process(url) as second:
            expire(second, LEASE)
            before = looked(second)
            until(lambda: looked(second) > before)
            sql(INSERT, "5550002")
            until(lambda: len(told(second)) > 1)

    assert [("failed", "5550001"), ("failed", "5550002")] == told(first)


def test_a_clock_that_was_set_back_stops_nothing(url):
    """The last look seems to have been tomorrow: it is due."""
    with opened(url) as engine, engine.begin() as conn:
        failed_checks.end_round(conn, time.time() + 86_400)
    with process(url, 3600.0) as engine, beside(engine) as sql:
        sql(INSERT, "5550001")
        until(lambda: looked(engine) <= time.time())

    assert looked(engine) <= time.time()
