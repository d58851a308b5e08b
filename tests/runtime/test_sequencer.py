"""The sequence of changes while many write at the same time, and processes that number them come and go."""

import asyncio
import itertools
import os
import random
import threading
from contextlib import contextmanager
from datetime import datetime

import pytest

from didier.runtime.committer import Committer
from didier.runtime.leases import LeaseHolder
from didier.runtime.sequencer import LEASE, Sequencer
from didier.storage.changes import change_log, sequence
from didier.storage.changes.change_log import Author, Change
from didier.storage.database import reading
from didier.storage.statements import run
from support.engines import opened
from support.leases import expire
from support.process import until

WRITERS = 4
EACH = int(os.environ.get("SEQUENCE_CHANGES", "150"))
"""Transactions of each writer."""

NOW = datetime(2026, 3, 4, 5, 6, 7)


@pytest.fixture
def url(fresh_database):
    """A MariaDB database: the only kind that needs a sequencer."""
    return fresh_database.url()


class Process:
    """What numbers changes in a process."""

    def __init__(self, engine):
        self.committer = Committer(engine)
        self.lease_holder = LeaseHolder(engine, self.committer, 600.0)
        self.sequencer = Sequencer(engine, self.committer, self.lease_holder)

    def start(self):
        self.committer.start()
        self.sequencer.start()

    def stop(self):
        self.sequencer.stop()
        self.lease_holder.stop()
        asyncio.run(self.committer.stop())


@contextmanager
def process(url):
    with opened(url) as engine:
        one = Process(engine)
        one.start()
        try:
            yield one
        finally:
            one.stop()


def write(url, ids, failures):
    """Record changes of a DID of its own in transactions of one to three, some of which are rolled back."""
    order = random.Random(next(ids))
    with opened(url) as engine, engine.connect() as conn:
        for _ in range(EACH):
            did_id = next(ids)
            changes = [
                Change(Author("admin", 1, ""), action, "copy", did_id, str(did_id))
                for action in ("created", "updated", "deleted")[: order.randint(1, 3)]
            ]
            transaction = conn.begin()
            change_log.record(conn, changes, NOW)
            if order.random() < 0.1:
                transaction.rollback()
                failures.append(did_id)
            else:
                transaction.commit()


def follow(engine, seen, ending):
    """Read on until nothing more comes, as one does who has to hear of everything once."""
    while True:
        is_over = ending.is_set()
        with reading(engine) as conn:
            found = sequence.after(conn, seen[-1].number if seen else 0, 100)
        seen += found
        if is_over and not found:
            return


def in_order(seen):
    """Say whether no number was left out or came twice, and each DID was changed in its order."""
    numbers = [one.number for one in seen]
    of_each = {}
    for one in seen:
        of_each.setdefault(one.recorded.change.did_id, []).append(one.recorded.change_id)
    return numbers == list(range(1, len(numbers) + 1)) and all(ids == sorted(ids) for ids in of_each.values())


def test_who_follows_hears_of_everything_once(url):
    """However many write, and whoever numbers what they have written; the last of them is cut off."""
    ids, failures, seen, ending = itertools.count(1), [], [], threading.Event()
    writers = [threading.Thread(target=write, args=(url, ids, failures)) for _ in range(WRITERS)]
    with opened(url) as engine:
        follower = threading.Thread(target=follow, args=(engine, seen, ending))
        follower.start()
        for writer in writers:
            writer.start()
        while any(map(threading.Thread.is_alive, writers)):
            heard = len(seen)
            with process(url):
                until(lambda: len(seen) > heard or not any(map(threading.Thread.is_alive, writers)))  # noqa: B023
                expire(engine, LEASE)  # as if it had been paused for too long
        with process(url):
            until(lambda: is_complete(engine))
        ending.set()
        follower.join()

        assert in_order(seen)
        assert [(len(seen), len(seen))] == table(engine)
        assert set() == {one.recorded.change.did_id for one in seen} & set(failures)


def is_complete(engine):
    with reading(engine) as conn:
        return sequence.is_complete(conn)


def table(engine):
    """Return how many changes there are, and the highest number."""
    with reading(engine) as conn:
        return run(conn, "SELECT COUNT(*), MAX(sequence) FROM didier_changes")


def test_of_two_processes_one_numbers(url):
    """The other goes on when it stops, from where that was."""
    with opened(url) as engine, process(url):
        with process(url):
            for number in (1, 2):
                with engine.begin() as conn:
                    change_log.record(
                        conn, [Change(Author("x", 1, ""), "created", "copy", number, "55")], NOW
                    )
                until(lambda: is_complete(engine))
        with engine.begin() as conn:
            change_log.record(conn, [Change(Author("x", 1, ""), "created", "copy", 3, "55")], NOW)
        until(lambda: is_complete(engine))

        assert [(3, 3)] == table(engine)
