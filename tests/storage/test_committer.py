import asyncio
import threading
from dataclasses import dataclass, field
from functools import partial

import pytest
from sqlalchemy.exc import IntegrityError

from didier.errors import Overloaded, Stopping
from didier.runtime.committer import ATTEMPTS, GROUP_LIMIT, Committer
from didier.storage.statements import run

PATIENCE = 30
"""Seconds after which something that should have happened has not."""

INSERT = "INSERT INTO didier_settings (name, value) VALUES (?, 'x')"


def store(conn, orders):
    """A service: store each name; its outcome is the name in capitals."""
    for order in orders:
        run(conn, INSERT, order)
    return [order.upper() for order in orders]


def store_unless_bad(conn, orders):
    """A service that stores what it can and then raises for the order "bad"."""
    outcomes = store(conn, orders)
    if "bad" in orders:
        raise ZeroDivisionError
    return outcomes


@dataclass
class Gate:
    """A service that waits: `entered` tells that it runs, `opened` lets it finish."""

    entered: threading.Event = field(default_factory=threading.Event)
    opened: threading.Event = field(default_factory=threading.Event)
    groups: list[list[str]] = field(default_factory=list)

    def __call__(self, conn, orders):
        self.groups.append(list(orders))
        self.entered.set()
        assert self.opened.wait(PATIENCE)
        return store(conn, orders)

    __hash__ = object.__hash__


class Running:
    """A committer in use: the gate holds its thread, so that orders collect behind it."""

    def __init__(self, engine, observe=None, **settings):
        self.engine = engine
        self.gate = Gate()
        self.committer = Committer(engine, **settings)
        self.committer.observe = observe or self.committer.observe

    async def __aenter__(self):
        self.committer.start()
        return self

    async def __aexit__(self, *_):
        self.gate.opened.set()
        await self.committer.stop()

    async def hold(self):
        """Occupy the thread; return the task that ends when the gate opens."""
        task = asyncio.create_task(self.committer.run(self.gate, "held"))
        assert await asyncio.to_thread(self.gate.entered.wait, PATIENCE)
        return task

    async def begin(self, service, *orders):
        """Hand over orders; return their tasks once all wait."""
        tasks = [asyncio.create_task(self.committer.run(service, order)) for order in orders]
        await asyncio.sleep(0)  # each task runs up to its waiting
        return tasks


def stored(engine):
    with engine.begin() as conn:
        found = [name for (name,) in run(conn, "SELECT name FROM didier_settings")]
    return set(found) - {"demo"}


def gathered(tasks):
    return asyncio.wait_for(asyncio.gather(*tasks, return_exceptions=True), PATIENCE)


def in_loop(test):
    """Run a test that is a coroutine."""
    return asyncio.run(asyncio.wait_for(test, 2 * PATIENCE))


def test_an_outcome_for_each_order(engine):
    """Of a group each caller gets the outcome of the own order."""

    async def scenario():
        async with Running(engine) as running:
            held = await running.hold()
            tasks = await running.begin(store, *"abcdefgh")
            running.gate.opened.set()
            return await gathered([held, *tasks])

    assert ["HELD", *"ABCDEFGH"] == in_loop(scenario())
    assert {"held", *"abcdefgh"} == stored(engine)


def test_what_waits_shares_a_transaction(engine):
    """Orders that wait behind a commit are one group; a service gets all of its orders at once."""
    groups = []

    def seen(conn, orders):
        groups.append(list(orders))
        return orders

    async def scenario():
        sizes = []
        async with Running(engine, observe=lambda size, _: sizes.append(size)) as running:
            held = await running.hold()
            tasks = (
                await running.begin(seen, *"abc")
                + await running.begin(store, "x")
                + await running.begin(seen, "d")
            )
            running.gate.opened.set()
            await gathered([held, *tasks])
        return sizes

    assert [1, 5] == in_loop(scenario())
    assert [list("abcd")] == groups


def test_groups_are_bounded(engine):
    """No transaction takes more than its limit of orders; all are carried out, in order."""
    groups = []

    def seen(conn, orders):
        groups.append(list(orders))
        return orders

    async def scenario():
        async with Running(engine) as running:
            held = await running.hold()
            tasks = await running.begin(seen, *range(GROUP_LIMIT + 1))
            running.gate.opened.set()
            await gathered([held, *tasks])

    in_loop(scenario())

    assert [GROUP_LIMIT, 1] == [len(group) for group in groups]
    assert list(range(GROUP_LIMIT + 1)) == [order for group in groups for order in group]


def test_a_failing_order_costs_no_other(engine):
    """One order that fails gets its error; the others of the group, of every service, are stored."""

    async def scenario():
        async with Running(engine) as running:
            held = await running.hold()
            tasks = await running.begin(store, "a") + await running.begin(store_unless_bad, "b", "bad", "c")
            tasks += await running.begin(store, "d")
            running.gate.opened.set()
            return (await gathered([held, *tasks]))[1:]

    a, b, bad, c, d = in_loop(scenario())
    assert list("ABCD") == [a, b, c, d]
    assert isinstance(bad, ZeroDivisionError)
    assert {"held", *"abcd"} == stored(engine)


def test_a_failing_order_leaves_nothing(engine):
    """What an order stored before it failed is rolled back, and the next order works."""

    async def scenario():
        async with Running(engine) as running:
            failed = await gathered([running.committer.run(store_unless_bad, "bad")])
            return failed + await gathered([running.committer.run(store, "next")])

    failed, after = in_loop(scenario())
    assert isinstance(failed, ZeroDivisionError)
    assert "NEXT" == after
    assert {"next"} == stored(engine)


@pytest.mark.parametrize("outcomes", [[], ["one", "too many"]])
def test_a_service_without_an_outcome_for_each_order_fails(engine, outcomes):
    """Outcomes that do not match the orders are an error, and nothing is stored."""

    def careless(conn, orders):
        store(conn, orders)
        return outcomes

    async def scenario():
        async with Running(engine) as running:
            return await gathered([running.committer.run(careless, "a")])

    [error] = in_loop(scenario())
    assert isinstance(error, ValueError)
    assert set() == stored(engine)


def test_an_outcome_comes_after_the_commit(engine):
    """When a caller has its outcome, other connections see what was stored."""

    async def scenario():
        async with Running(engine) as running:
            seen = []
            for name in "abc":
                await running.committer.run(store, name)
                seen.append(await asyncio.to_thread(stored, engine))
            return seen

    assert [{"a"}, {"a", "b"}, {"a", "b", "c"}] == in_loop(scenario())


def test_before_the_commit_there_is_no_outcome(engine):
    """While the transaction is open its callers wait."""

    async def scenario():
        async with Running(engine) as running:
            held = await running.hold()
            waiting = not held.done()
            running.gate.opened.set()
            return waiting, await asyncio.wait_for(held, PATIENCE)

    assert (True, "HELD") == in_loop(scenario())


class Racing:
    """A service that loses against another writer the first *lost* times."""

    def __init__(self, lost):
        self.lost = lost
        self.tries = 0

    def __call__(self, conn, orders):
        self.tries += 1
        outcomes = store(conn, orders)
        if self.tries <= self.lost:
            run(conn, INSERT, "demo")  # is there: as if another process had just stored it
        return outcomes


def test_a_lost_race_is_tried_again(engine):
    """A transaction that another writer was faster than is carried out anew, and stored once."""
    racing = Racing(lost=ATTEMPTS - 1)

    async def scenario():
        async with Running(engine) as running:
            return await gathered([running.committer.run(racing, "a")])

    assert ["A"] == in_loop(scenario())
    assert ATTEMPTS == racing.tries
    assert {"a"} == stored(engine)


def test_a_race_that_is_always_lost_ends(engine):
    """After the last attempt the caller gets the database's error, and nothing is stored."""
    racing = Racing(lost=1000)

    async def scenario():
        async with Running(engine) as running:
            return await gathered([running.committer.run(racing, "a")])

    [error] = in_loop(scenario())
    assert isinstance(error, IntegrityError)
    assert ATTEMPTS == racing.tries
    assert set() == stored(engine)


def test_another_error_is_not_tried_again(engine):
    """An order that fails by itself is tried once."""
    tries = []

    def fail(conn, orders):
        tries.append(orders)
        raise ZeroDivisionError

    async def scenario():
        async with Running(engine) as running:
            await gathered([running.committer.run(fail, "a")])

    in_loop(scenario())
    assert [["a"]] == tries


def test_orders_that_were_accepted_are_carried_out(engine):
    """Stopping carries out what waits before it ends; each caller gets its outcome."""

    async def scenario():
        async with Running(engine) as running:
            held = await running.hold()
            tasks = await running.begin(store, *"abc")
            stopping = asyncio.create_task(running.committer.stop())
            await asyncio.sleep(0)
            running.gate.opened.set()
            await stopping
            return await gathered([held, *tasks]), running.committer.alive

    assert (["HELD", "A", "B", "C"], False) == in_loop(scenario())
    assert {"held", *"abc"} == stored(engine)


def test_more_than_a_group_is_carried_out_before_the_end(engine):
    """Stopping carries out every order, also those beyond one group."""

    async def scenario():
        async with Running(engine) as running:
            held = await running.hold()
            tasks = await running.begin(lambda conn, orders: orders, *range(2 * GROUP_LIMIT))
            stopping = asyncio.create_task(running.committer.stop())
            await asyncio.sleep(0)
            running.gate.opened.set()
            await stopping
            return (await gathered([held, *tasks]))[1:]

    assert list(range(2 * GROUP_LIMIT)) == in_loop(scenario())


def test_after_stop_nothing_is_accepted(engine):
    """From the moment of stopping orders are refused, while those before it are carried out."""

    async def scenario():
        async with Running(engine) as running:
            held = await running.hold()
            stopping = asyncio.create_task(running.committer.stop())
            await asyncio.sleep(0)
            during = await gathered([running.committer.run(store, "late")])
            running.gate.opened.set()
            await stopping
            return during + await gathered([running.committer.run(store, "later"), held])

    late, later, held = in_loop(scenario())
    assert [Stopping, Stopping, "HELD"] == [type(late), type(later), held]
    assert {"held"} == stored(engine)


def test_more_than_may_wait_is_refused(engine):
    """Beyond the limit orders are refused at once; those that wait are carried out."""

    async def scenario():
        async with Running(engine, waiting_limit=2) as running:
            held = await running.hold()
            tasks = await running.begin(store, *"abcd")
            waiting = running.committer.waiting
            running.gate.opened.set()
            outcomes = (await gathered([held, *tasks]))[1:]
            return waiting, outcomes, await running.committer.run(store, "after")

    waiting, [a, b, c, d], after = in_loop(scenario())
    assert 2 == waiting
    assert ["A", "B", Overloaded, Overloaded] == [a, b, type(c), type(d)]
    assert "AFTER" == after
    assert {"held", "a", "b", "after"} == stored(engine)


def test_a_caller_who_went_away_costs_nobody(engine):
    """An accepted order is carried out although its caller is gone; the others get their outcomes."""

    async def scenario():
        async with Running(engine) as running:
            held = await running.hold()
            gone, other = await running.begin(store, "gone", "other")
            gone.cancel()
            await asyncio.sleep(0)
            running.gate.opened.set()
            outcomes = await gathered([held, other])
            return outcomes, await running.committer.run(store, "next")

    assert (["HELD", "OTHER"], "NEXT") == in_loop(scenario())
    assert {"held", "gone", "other", "next"} == stored(engine)


def test_alive_tells_whether_orders_are_carried_out(engine):
    """A committer is alive between start and stop."""

    async def scenario():
        committer = Committer(engine)
        before = committer.alive
        committer.start()
        during = committer.alive
        await committer.stop()
        return before, during, committer.alive

    assert (False, True, False) == in_loop(scenario())


class Broken(Exception):
    """What breaks is not an order."""


def breaks(*_):
    raise Broken


def test_broken_metrics_cost_nobody(engine):
    """Whatever fails beside the work itself, the callers get their outcome and the next ones too."""

    async def scenario():
        async with Running(engine, observe=breaks) as running:
            running.gate.opened.set()
            first = await gathered([running.committer.run(store, "a")])
            second = await gathered([running.committer.run(store, "b")])
            return first, second, running.committer.alive

    assert (["A"], ["B"], True) == in_loop(scenario())


def test_recovery_is_tried_until_nothing_remains(engine):
    """While something remains to be put right, each group tries anew."""
    tries = []

    def recover(conn):
        tries.append(conn)
        return len(tries) == 3

    async def scenario():
        async with Running(engine, recover=recover) as running:
            for name in "abcd":
                await gathered([running.committer.run(store, name)])

    in_loop(scenario())

    assert 3 == len(tries)


def steps(running, *names, log=None):
    """Queue a step for each of *names*, which stores it; return their futures."""

    def work(name, conn):
        if log is not None:
            log.append(name)
        run(conn, INSERT, name)
        if name.startswith("bad"):
            raise ZeroDivisionError
        return name.upper()

    return [running.committer.later(partial(work, name)) for name in names]


def test_steps_of_long_work_are_carried_out_in_order(engine):
    """However many wait at once, each is done, one after the other, and has its outcome."""
    names = [f"step{number:03}" for number in range(200)]
    log = []

    async def scenario():
        async with Running(engine) as running:
            futures = steps(running, *names, log=log)
            return await asyncio.to_thread(lambda: [future.result(PATIENCE) for future in futures])

    assert [name.upper() for name in names] == in_loop(scenario())
    assert names == log
    assert {*names} == stored(engine)


def test_orders_go_first(engine):
    """Between two steps there is a group of those who wait, if anyone does."""
    log = []
    orders = [*range(2 * GROUP_LIMIT + 2)]

    def seen(conn, orders):
        log.extend(orders)
        return orders

    async def scenario():
        async with Running(engine) as running:
            held = await running.hold()
            futures = steps(running, "step1", "step2", "step3", log=log)
            tasks = await running.begin(seen, *orders)
            running.gate.opened.set()
            await gathered([held, *tasks])
            await asyncio.to_thread(lambda: [future.result(PATIENCE) for future in futures])

    in_loop(scenario())

    first, second, last = (orders[n * GROUP_LIMIT : (n + 1) * GROUP_LIMIT] for n in range(3))
    assert ["step1", *first, "step2", *second, "step3", *last] == log


def test_a_step_that_fails_hurts_no_other(engine):
    """What it stored is rolled back, its error is told; those behind it are done."""

    async def scenario():
        async with Running(engine) as running:
            futures = steps(running, "one", "bad", "two")
            tasks = await running.begin(store, "order")
            await gathered(tasks)
            return await asyncio.to_thread(lambda: [future.exception(PATIENCE) for future in futures])

    errors = in_loop(scenario())

    assert [None, ZeroDivisionError, None] == [error and type(error) for error in errors]
    assert {"one", "two", "order"} == stored(engine)


def test_a_step_runs_while_nothing_else_is_ordered(engine):
    """No order is needed to begin one, nor to go on with the next, also when it is queued by the last."""

    async def scenario():
        async with Running(engine) as running:
            [first] = steps(running, "one")
            await asyncio.to_thread(first.result, PATIENCE)
            [second] = steps(running, "two")
            return await asyncio.to_thread(second.result, PATIENCE)

    assert "TWO" == in_loop(scenario())


def test_patient_orders_are_no_rush(engine):
    """Steps stay as long as they are beside them: who follows long work must not make it slow."""

    async def scenario():
        async with Running(engine) as running:
            committer = running.committer
            quiet = [committer.quiet_seconds]
            for is_patient in (True, False):
                for number in range(2):
                    await committer.run(store, f"{is_patient}{number}", is_patient=is_patient)
                quiet.append(committer.quiet_seconds)
            return quiet

    before, patient, rushed = in_loop(scenario())

    assert rushed < before <= patient


def test_steps_that_wait_at_the_end_are_cancelled(engine):
    """A committer that stops cancels the steps, whether they came before, while or after it did."""

    async def scenario():
        running = Running(engine)
        futures = steps(running, "early1", "early2")
        running.committer._stopping = True
        running.committer._queue.put(None)
        running.committer.start()
        futures += steps(running, "late")
        await running.committer.stop()
        return futures + steps(running, "after")

    assert [True] * 4 == [future.cancelled() for future in in_loop(scenario())]
    assert set() == stored(engine)


def test_a_step_that_was_cancelled_is_left_out(engine):
    """Who does not want a step any more may take it back while it waits."""

    async def scenario():
        async with Running(engine) as running:
            held = await running.hold()
            first, second = steps(running, "one", "two")
            assert first.cancel()
            running.gate.opened.set()
            await gathered([held])
            return await asyncio.to_thread(second.result, PATIENCE)

    assert "TWO" == in_loop(scenario())
    assert {"held", "two"} == stored(engine)
