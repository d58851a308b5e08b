"""Counting calls by processes that come and go, from a copy of the database if there is one."""

import asyncio
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

import pytest
from structlog.testing import capture_logs

from didier.runtime.committer import Committer
from didier.runtime.leases import LeaseHolder
from didier.runtime.usage_worker import UsageWorker
from didier.storage.database import reading, writing
from didier.storage.statements import run
from didier.storage.usage import rollups
from support import call_history
from support.call_history import ZONE
from support.engines import opened
from support.homes import ready
from support.process import until

BEGINS = datetime(2026, 3, 2, 23)
DIDS = {0: "", 1: "18001234567"}
NOW = (BEGINS + timedelta(hours=20)).replace(tzinfo=UTC).timestamp()


@contextmanager
def process(engine, source=None, seconds=0.01, term=600.0):
    """A process that counts every so many *seconds*."""
    committer = Committer(engine)
    leases = LeaseHolder(engine, committer, term)
    worker = UsageWorker(engine, committer, leases, ZONE, seconds, 13, source, lambda: NOW)
    committer.start()
    worker.start()
    try:
        yield worker
    finally:
        worker.stop()
        leases.stop()
        asyncio.run(committer.stop())


def log(engine, seed, hours=3):
    rows = call_history.history(seed, BEGINS, hours, 5, DIDS)
    with writing(engine) as conn:
        call_history.store(conn, rows)
    return len(rows.did_log)


def known(engine):
    with reading(engine) as conn:
        sql = "SELECT SUM(calls) FROM didier_usage_hours WHERE did_id >= 0"
        return int(run(conn, sql)[0][0] or 0)


@pytest.fixture
def engine(url):
    with opened(url) as engine:
        yield engine


def test_calls_are_counted_from_a_copy(engine, tmp_path, now):
    """Where the settings name one, the logs are read there, and nothing is stored in it."""
    with ready(f"sqlite:///{tmp_path}/copy.db", now) as copy:
        calls = log(copy, 1)
        log(engine, 2, hours=1)  # that nobody reads
        with process(engine, copy):
            until(lambda: known(engine) == calls)
        assert 0 == known(copy)


def test_all_is_counted_anew_when_that_is_wanted(engine):
    """By the process that has the lease, at once."""
    calls = log(engine, 3)
    with process(engine, seconds=600.0):
        until(lambda: known(engine) == calls)
        with writing(engine) as conn:
            run(conn, "DELETE FROM didier_usage_hours")
            rollups.want_anew(conn)
        until(lambda: known(engine) == calls)


def test_another_process_goes_on(engine):
    """It knows what the one before has counted, and counts what was logged since."""
    calls = log(engine, 4, hours=1)
    with capture_logs() as told, process(engine):
        until(lambda: known(engine) == calls)  # it is stopped in the middle of the round, most likely
    assert [] == [one for one in told if one["log_level"] == "error"]
    with writing(engine) as conn:
        call_history.store(conn, late := call_history.history(5, BEGINS + timedelta(hours=18), 1, 5, DIDS))
    with process(engine):
        until(lambda: known(engine) == calls + len(late.did_log))
