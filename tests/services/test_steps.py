"""Steps of a batch that another node is at too: Galera has no lock across nodes, and a lock can be lost."""

import pytest

from didier.services.batches import job_steps
from didier.services.batches.copy_job import CopyJob
from didier.services.batches.job_steps import Findings, MovedOn
from support.batches import accept, order, stored, table

BLOCK = "5550100-5550299"


class Node:
    """A node that knows a batch as it is now."""

    def __init__(self, engine, batch_id, now):
        self.engine, self.now = engine, now
        self.batch = stored(engine, batch_id)
        with engine.begin() as conn:
            self.job = CopyJob(conn, self.batch)

    def begin_check(self):
        with self.engine.begin() as conn:
            job_steps.begin_check(conn, self.batch)

    def begin(self):
        with self.engine.begin() as conn:
            job_steps.begin(conn, self.batch)

    def refuse(self):
        with self.engine.begin() as conn:
            job_steps.refuse(conn, self.batch, Findings(), self.now)

    def make(self):
        chunk = self.job.take(120)
        with self.engine.begin() as conn:
            self.job.carry_out(conn, chunk, self.now)

    def finish(self):
        with self.engine.begin() as conn:
            job_steps.finish(conn, self.batch, self.now)


@pytest.fixture
def nodes(engine, now):
    """Two nodes that have begun with the same batch."""
    batch_id = accept(engine, order(BLOCK, atomic=False), now)
    Node(engine, batch_id, now).begin()
    return [Node(engine, batch_id, now) for _ in range(2)]


def test_a_chunk_is_made_once(engine, nodes):
    """Who comes second with a chunk makes nothing of it, and counts nothing."""
    first, second = nodes
    first.make()
    with pytest.raises(MovedOn):
        second.make()

    assert (120, 120) == (stored(engine, first.batch.batch_id).added, len(table(engine)) - 1)


@pytest.mark.parametrize("late", ["make", "finish"])
def test_a_batch_ends_once(engine, nodes, late):
    """Who comes with a step of a batch that is done changes nothing."""
    first, second = nodes
    first.make()
    first.make()
    first.finish()
    with pytest.raises(MovedOn):
        getattr(second, late)()

    assert ("done", 200) == (stored(engine, first.batch.batch_id).state, len(table(engine)) - 1)


@pytest.mark.parametrize("late", ["begin", "refuse"])
def test_a_batch_is_decided_on_once(engine, now, late):
    """Who has checked an atomic batch that is being made already has no say: it saw what is being made."""
    batch_id = accept(engine, order(BLOCK), now)
    first, second = (Node(engine, batch_id, now) for _ in range(2))
    first.begin_check()
    first.begin()
    with pytest.raises(MovedOn):
        getattr(second, late)()

    assert ("running", "make") == (stored(engine, batch_id).state, stored(engine, batch_id).phase)
