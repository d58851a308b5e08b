"""Large batches of which several processes know: one works, and another goes on where it was left."""

import os
import threading
from contextlib import contextmanager

from didier.runtime.batch_worker import LEASE
from didier.storage.database import database_file
from support.batches import accept, assert_agree, finish, order, running, stored, table, undo, wait_until
from support.leases import epoch_of, expire

BLOCK = "5550100-5550399"
"""Three hundred numbers."""


@contextmanager
def overtaken(engine, now, batch_id):
    """Let one process begin, and another get the lease before the fourth step of the first.

    Yields when the first has found that out, and the second has done nothing yet; ends when the batch does.
    """
    at_fourth, go_on, seen = threading.Event(), threading.Event(), threading.Event()

    def wait_at_fourth(step):
        if step == 4:
            at_fourth.set()
            assert go_on.wait(60)

    with running(engine, now, pace=70, told=wait_at_fourth) as old:
        wait_until(at_fourth.is_set)
        with running(engine, now, pace=70, told=lambda _: seen.wait(60)) as new:
            end_lease(engine, new)
            go_on.set()
            wait_until(lambda: not old.has_lease)
            yield
            seen.set()
            wait_until(lambda: stored(engine, batch_id).phase is None)


def end_lease(engine, new):
    """Let a lease be over, as if its holder had been stopped for long, until *new* has it."""
    file = database_file(engine.url)
    if file:
        os.unlink(f"{file}-{LEASE}")  # only so can another get it while the holder is there
    epoch = epoch_of(engine, LEASE)  # which the old holder may renew, as long as it can
    wait_until(lambda: new.has_lease or (not file and expire(engine, LEASE, epoch=epoch)))


def test_a_step_of_an_old_holder_changes_nothing(clean, now):
    """What it was about to make is made by the new one, once."""
    batch_id = accept(clean, order(BLOCK, atomic=False), now)
    with overtaken(clean, now, batch_id):
        batch, there = stored(clean, batch_id), table(clean)

    assert ("running", "make", 70, 71) == (batch.state, batch.phase, batch.position, len(there))
    assert ("done", 300) == (stored(clean, batch_id).state, stored(clean, batch_id).added)
    assert_agree(clean, batch_id)


def test_a_step_of_an_old_holder_removes_nothing(clean, now):
    """The same while a batch is being undone."""
    [batch] = finish(clean, now, accept(clean, order(f"{BLOCK},5551000-5551799"), now))
    undo(clean, batch.batch_id, now)
    with overtaken(clean, now, batch.batch_id):
        removed, there = stored(clean, batch.batch_id).removed, table(clean)

    assert (140, 961) == (removed, len(there))
    assert ("undone", 1100, 0) == (
        stored(clean, batch.batch_id).state, stored(clean, batch.batch_id).removed, len(table(clean)) - 1
    )  # fmt: skip
    assert_agree(clean, batch.batch_id)


def test_two_processes_carry_out_batches_one_after_the_other(clean, now):
    """Whoever has the lease makes all of them, and the other nothing meanwhile."""
    batch_ids = [accept(clean, order(f"555{n}100-555{n}399", atomic=n % 2 == 0), now) for n in range(4)]
    with running(clean, now, pace=70) as one, running(clean, now, pace=70) as two:
        wait_until(lambda: all(stored(clean, batch_id).phase is None for batch_id in batch_ids))

    assert ["done"] * 4 == [stored(clean, batch_id).state for batch_id in batch_ids]
    assert 4 == one.ended + two.ended
    assert 1201 == len(table(clean))
    for batch_id in batch_ids:
        assert_agree(clean, batch_id)


def test_a_process_that_stops_hands_its_batch_over(clean, now):
    """The other goes on at once, behind the last step."""
    batch_id = accept(clean, order(BLOCK), now)
    with running(clean, now, pace=70, last=4) as one:
        wait_until(lambda: one.has_ended)
        before = stored(clean, batch_id)
        with running(clean, now, pace=70) as two:
            wait_until(lambda: stored(clean, batch_id).phase is None)

    assert "running" == before.state
    assert ("done", 300, 1) == (stored(clean, batch_id).state, stored(clean, batch_id).added, two.ended)
    assert_agree(clean, batch_id)


def test_a_process_without_work_has_no_lease(clean, now):
    """What is done with is given back: nothing is renewed while nothing happens."""
    batch_id = accept(clean, order(BLOCK), now)
    with running(clean, now) as one:
        wait_until(lambda: stored(clean, batch_id).phase is None)
        wait_until(lambda: not one.has_lease)

        assert not one.lease_holder.all[0].wanted
