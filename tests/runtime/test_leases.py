"""Leases that processes have: who works, who waits, and how the work passes from one to the other."""

import asyncio
import threading
from contextlib import contextmanager

import pytest

from didier.runtime.committer import Committer
from didier.runtime.leases import LeaseHolder
from didier.storage.statements import run
from support.engines import opened
from support.leases import expire
from support.process import until

JOB = "rollups"


class Process:
    """A process that has jobs; with MariaDB its leases last for *seconds*."""

    def __init__(self, engine, seconds):
        self.committer = Committer(engine)
        self.lease_holder = LeaseHolder(engine, self.committer, seconds)
        self.changed = threading.Event()
        self.job = self.lease_holder.lease(JOB, self.changed.set)

    def get(self):
        """Want the lease until it is there."""
        self.job.want()
        until(lambda: self.job.lease)
        return self.job.lease


@contextmanager
def process(url, seconds=600.0):
    with opened(url) as engine:
        one = Process(engine, seconds)
        one.committer.start()
        try:
            yield one
        finally:
            one.lease_holder.stop()
            asyncio.run(one.committer.stop())


def row(engine, name=JOB):
    with engine.begin() as conn:
        found = run(conn, "SELECT holder, epoch, expires_at FROM didier_leases WHERE name = ?", name)
    return found[0] if found else None


def test_a_lease_that_is_wanted_is_got(engine, database_url):
    """The worker is told, and others see who has it; before, nothing is taken."""
    with process(database_url) as one:
        before = row(engine), one.job.lease
        lease = one.get()

        assert (None, None) == before
        assert (lease.holder, 1) == row(engine)[:2]
        assert one.changed.is_set()


def test_one_of_two_processes_has_it(database_url):
    """The other one waits, until it is given back."""
    with process(database_url) as one, process(database_url) as two:
        one.get()
        two.job.want()
        other = two.lease_holder.lease("webhooks", lambda: None)
        other.want()
        until(lambda: other.lease)
        alone = one.job.lease, two.job.lease
        one.job.give_back()
        until(lambda: two.job.lease)

        assert (1, None) == (alone[0].epoch, alone[1])
        assert (None, 2) == (one.job.lease, two.job.lease.epoch)


def test_a_process_that_stops_hands_over(database_url):
    """Nobody waits for the term of its lease, which is ten minutes."""
    with process(database_url) as two:
        with process(database_url) as one:
            one.get()
            two.job.want()

        assert 2 == two.get().epoch


def test_a_lease_is_renewed(engine, database_url):
    """On MariaDB, as long as it is wanted; in an embedded database it stays without that."""
    with process(database_url, seconds=1.0) as one:
        lease, first = one.get(), row(engine)
        if engine.dialect.name != "sqlite":
            until(lambda: row(engine)[2] > first[2])

        assert first[:2] == row(engine)[:2]
        assert lease == one.get()


def test_nothing_is_written_where_one_process_has_the_file(fresh_file, tmp_path):
    """An embedded database whose lease is had and kept is not written to."""
    url = fresh_file.url(tmp_path)
    with process(url, seconds=0.001) as one, opened(url) as engine:
        lease, before = one.get(), row(engine)
        other = one.lease_holder.lease("webhooks", lambda: None)
        other.want()
        until(lambda: other.lease)  # the thread has been at it again, long after the term

        assert (lease, before) == (one.job.lease, row(engine))


def test_a_lease_that_was_lost_is_found_to_be(mariadb_url):
    """When another process has taken it, as this one was slow, the renewal finds out and tells the worker."""
    with opened(mariadb_url) as engine, process(mariadb_url, seconds=3.0) as one:
        one.get()
        one.changed.clear()
        with engine.begin() as conn:
            run(
                conn,
                "UPDATE didier_leases SET holder = 'other', epoch = 2,"
                " expires_at = utc_timestamp(6) + INTERVAL 1 HOUR",
            )
        until(one.changed.is_set)

        assert one.job.lease is None
        assert ("other", 2) == row(engine)[:2]


def test_a_worker_that_was_refused_says_so(engine, database_url):
    """What a step was told counts at once; the lease is taken again when it is free."""
    with process(database_url) as one:
        old = one.get()
        with engine.begin() as conn:
            run(conn, "UPDATE didier_leases SET holder = 'other', epoch = 2")
        one.job.lost(old)
        expire(engine, JOB)
        until(lambda: one.job.lease)

        assert (1, 3) == (old.epoch, one.job.lease.epoch)


def test_the_lease_of_a_process_that_ended_is_taken_when_its_term_is_over(engine, database_url):
    """By the database's clock; who waited works in a new epoch."""
    with process(database_url) as one:
        with engine.begin() as conn:
            taken_at, expires_at = "2026-01-01 00:00:00", "2999-01-01 00:00:00"
            run(conn, "INSERT INTO didier_leases VALUES (?, 'gone', 7, ?, ?)", JOB, taken_at, expires_at)
        one.job.want()
        if engine.dialect.name != "sqlite":
            assert one.job.lease is None
            expire(engine, JOB)

        assert 8 == one.get().epoch


def test_a_lease_in_doubt_is_none(mariadb_url):
    """While nothing can be stored nobody can say whose it is; when it can again it is the same."""
    with opened(mariadb_url) as engine, process(mariadb_url, seconds=1.0) as one:
        lease = one.get()
        with engine.connect() as conn:
            conn.begin()
            run(conn, "SELECT * FROM didier_leases FOR UPDATE")
            until(lambda: one.job.lease is None)
            conn.rollback()
        until(lambda: one.job.lease)

        assert lease == one.job.lease


@pytest.fixture
def mariadb_url(fresh_database):
    """The URL of a database of MariaDB: where leases have a term."""
    return fresh_database.url()
