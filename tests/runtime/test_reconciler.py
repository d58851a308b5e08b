"""Finding what is done beside Didier, by processes that come, go and write at the same time."""

import asyncio
import threading
from contextlib import contextmanager
from datetime import datetime
from functools import partial

from sqlalchemy.exc import DBAPIError

from didier.cli.local import CALLER
from didier.runtime.committer import ATTEMPTS, Committer
from didier.runtime.leases import LeaseHolder
from didier.runtime.reconciler import LEASE, Reconciler
from didier.runtime.sequencer import Sequencer
from didier.services.batches import copies, edits, journal
from didier.services.batches.copies import CopyOrder
from didier.services.batches.edits import DeleteOrder, UpdateOrder
from didier.storage.changes import reconcile
from didier.storage.database import reading
from didier.storage.failures import is_passing
from didier.storage.statements import run
from support.engines import opened
from support.leases import expire
from support.passes import beside, replayed, table
from support.process import until

NOW = datetime(2026, 3, 4, 5, 6, 7)
SOURCE = "18001234567"
INSERT = "INSERT INTO {} (did_pattern, user_group) VALUES (?, 'SALES')"
CHANGE = "UPDATE {} SET user_group = 'OTHER' WHERE did_pattern = ?"
ROUNDS = 6
copy, update, delete = (partial(service, now=NOW) for service in (copies.copy, edits.update, edits.delete))


class Process:
    """What stores, numbers and finds changes in a process."""

    def __init__(self, engine, seconds):
        self.engine = engine
        self.committer = Committer(
            engine, recover=lambda conn: not journal.take_back(conn) and journal.is_clear(conn)
        )
        self.lease_holder = LeaseHolder(engine, self.committer, 600.0)
        self.sequencer = Sequencer(engine, self.committer, self.lease_holder)
        self.reconciler = Reconciler(engine, self.committer, self.lease_holder, seconds, lambda: NOW)

    def start(self):
        self.committer.start()
        self.sequencer.start()
        self.reconciler.start()

    def stop(self):
        self.reconciler.stop()
        self.sequencer.stop()
        self.lease_holder.stop()
        asyncio.run(self.committer.stop())

    def do(self, service, order):
        """Have an order carried out; again when another process was faster."""
        asyncio.run(self.committer.run(service, order))


@contextmanager
def process(url, seconds=0.0):
    with opened(url) as engine:
        one = Process(engine, seconds)
        one.start()
        try:
            yield one
        finally:
            one.stop()


def found(engine):
    """Return what was found, as the log has it."""
    sql = "SELECT action, did_pattern FROM didier_changes WHERE cause = 'outside' ORDER BY change_id"
    with reading(engine) as conn:
        return run(conn, sql)


def learned(engine):
    """Say whether a pass is complete."""
    with reading(engine) as conn:
        return reconcile.last_pass(conn)


def test_what_is_done_beside_is_found(url):
    """Each once, in turn; the lag is known once a pass is complete."""
    with process(url) as one, beside(one.engine) as sql:
        until(lambda: learned(one.engine))
        for number in ("5550001", "5550002"):
            before = len(found(one.engine))
            sql(INSERT, number)
            until(lambda: len(found(one.engine)) > before)  # noqa: B023
        sql("DELETE FROM {} WHERE did_pattern = '5550001'")
        until(lambda: len(found(one.engine)) > 2)

        assert [("created", "5550001"), ("created", "5550002"), ("deleted", "5550001")] == found(one.engine)
        assert one.reconciler.lag_seconds >= 0


def test_the_time_of_a_change_hurries_the_pass(url):
    """It would be due in an hour: what is seen of the newest DIDs has it begin at once."""
    with process(url, 3600.0) as one, beside(one.engine) as sql:
        until(lambda: learned(one.engine))
        sql(INSERT, "5550001")
        until(lambda: found(one.engine))

        assert [("created", "5550001")] == found(one.engine)


def test_another_goes_on(url):
    """When one process has stopped, and when its lease was taken from it."""
    with process(url) as one, beside(one.engine) as sql:
        until(lambda: learned(one.engine))
        with process(url):
            expire(one.engine, LEASE)
            sql(INSERT, "5550001")
            until(lambda: found(one.engine))
        sql(INSERT, "5550002")
        until(lambda: len(found(one.engine)) > 1)

        assert [("created", "5550001"), ("created", "5550002")] == found(one.engine)


def write(one, prefix, failures):
    """Copy, change and delete DIDs of its own, over and over."""
    try:
        for turn in range(ROUNDS):
            numbers = tuple(f"{prefix}{turn}{place}" for place in range(8))
            one.do(copy, CopyOrder(CALLER, SOURCE, numbers, {"did_active": "N"}))
            for number in numbers[:4]:
                one.do(update, UpdateOrder(CALLER, number, {"extension": f"83{turn}"}))
                one.do(update, UpdateOrder(CALLER, number, {"extension": f"84{turn}"}))
            for number in numbers[2:6]:
                one.do(delete, DeleteOrder(CALLER, number, force=True))
    except Exception as error:
        failures.append(error)


def test_own_changes_of_several_processes_are_not_found(url):
    """While both look, and SQL writes between them; the log is the table in the end."""
    failures = []
    with process(url) as one, process(url) as two, beside(one.engine) as sql:
        until(lambda: learned(one.engine))
        with reading(one.engine) as conn:
            before = table(conn)
        writers = [
            threading.Thread(target=write, args=(process, prefix, failures))
            for process, prefix in ((one, "551"), (two, "552"))
        ]
        for writer in writers:
            writer.start()
        for turn in range(20):
            insistently(sql, INSERT, f"6660{turn:02}")
            insistently(sql, CHANGE, f"6660{turn // 2:02}")
        for writer in writers:
            writer.join()
        insistently(sql, INSERT, "66699")
        until(lambda: ("created", "66699") in found(one.engine))
        until(lambda: is_replayed(one.engine, before))

        assert [] == failures
        assert {"666"} == {pattern[:3] for _, pattern in found(one.engine)}


def insistently(sql, text, *values):
    """Run SQL again when the database has chosen it to end a deadlock with copies of the numbers beside."""
    for _ in range(ATTEMPTS):
        try:
            return sql(text, *values)
        except DBAPIError as error:
            if not is_passing(error):
                raise
    raise AssertionError(text)


def is_replayed(engine, before):
    with reading(engine) as conn:
        return table(conn) == replayed(conn, before)
