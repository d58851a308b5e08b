"""Calls that come together, that come back, and whose home is slow or away."""

import asyncio
from contextlib import asynccontextmanager

import pytest
import sqlalchemy as sa

from didier.config import Settings
from didier.domain.calls.live import Undecided
from didier.runtime.call_facts import CallFacts
from didier.runtime.call_log import CallLog
from didier.runtime.call_router import ROUNDS, CallRouter
from didier.runtime.committer import Committer
from didier.runtime.outage import Outage
from didier.runtime.readers import Readers
from didier.storage.dids import did_fields, dids
from didier.storage.statements import run
from didier.storage.tables import DID_LOG, DIDS
from support.answering import silent, web
from support.inbound import IP, add_did, call

LONG = 600.0
CALLS = 100


def router_of(engine, committer, **settings):
    facts = CallFacts(Readers(engine, "calls", 1, CALLS), None, Outage(), LONG, CALLS)
    return CallRouter(facts, CallLog(committer), Settings(**{"agi_seconds": LONG} | settings))


@asynccontextmanager
async def routing(engine, **settings):
    committer = Committer(engine)
    committer.start()
    try:
        yield router_of(engine, committer, **settings), committer
    finally:
        await committer.stop()


def add(engine, pattern, **values):
    with engine.begin() as conn:
        add_did(conn, pattern, **values)


def fall_back(engine, *destinations):
    with engine.begin() as conn:
        found = dids.find(conn, ["1800"]).get("1800")
        did_fields.put(conn, {found.did_id: {"fallbacks": " ".join(destinations)}})


def logged(engine):
    with engine.begin() as conn:
        return [row[0] for row in run(conn, f"SELECT extension FROM {DID_LOG} ORDER BY uniqueid")]


def extension(decision):
    return decision and decision.target and decision.target.extension


def test_rows_are_stored_when_it_is_said_where_a_call_goes(engine):
    """Others see them then."""
    add(engine, "1800")

    async def test():
        async with routing(engine) as (router, _):
            return extension(await router.route(call("1800"), IP)), logged(engine)

    assert ("8301", ["1800"]) == asyncio.run(test())


def test_calls_that_come_together_are_read_together(engine):
    """What a hundred want to know is asked for once, and each has its own answer."""
    for n in range(CALLS):
        add(engine, f"1800{n:03}", extension=f"83{n:03}")
    readings = []
    sa.event.listen(engine, "checkout", lambda *_: readings.append(1))

    async def test():
        async with routing(engine) as (router, _):
            await router.route(call("1800000"), IP)  # the committer has connected
            readings.clear()
            calls = [call(f"1800{n:03}", uniqueid=f"1.{n}") for n in range(CALLS)]
            return [
                extension(each) for each in await asyncio.gather(*(router.route(one, IP) for one in calls))
            ]

    assert [f"83{n:03}" for n in range(CALLS)] == asyncio.run(test())
    assert 1 <= len(readings) <= 2


def test_who_gives_up_keeps_nobody_else_waiting(engine):
    """A call that is cut while its question is answered, with others that ask the same."""
    add(engine, "1800")

    async def test():
        async with routing(engine) as (router, _):
            calls = [
                asyncio.ensure_future(router.route(call("1800", uniqueid=f"1.{n}"), IP)) for n in range(9)
            ]
            await asyncio.sleep(0)
            for cut in calls[::2]:
                cut.cancel()
            found = await asyncio.gather(*calls, return_exceptions=True)
            again = await router.route(call("1800"), IP)
            return [extension(each) for each in found[1::2]], extension(again)

    assert (["8301"] * 4, "8301") == asyncio.run(test())


def test_a_call_is_routed_when_its_rows_cannot_be_stored(engine):
    """No call is lost over a row of a log."""
    add(engine, "1800")

    async def test():
        async with routing(engine) as (router, committer):
            await committer.stop()
            return extension(await router.route(call("1800"), IP))

    assert "8301" == asyncio.run(test())
    assert [] == logged(engine)


def test_a_call_is_not_routed_when_nothing_is_known_in_time(engine):
    """The setting counts from when it has come, and the next one is routed."""
    add(engine, "1800")

    async def test():
        async with routing(engine, agi_seconds=1e-9) as (router, committer):
            late = await router.route(call("1800"), IP)
            in_time = router_of(engine, committer)
            return late, extension(await in_time.route(call("1800"), IP))

    assert (Undecided("too slow"), "8301") == asyncio.run(test())


def test_a_web_address_that_is_silent_is_no_hit(engine):
    """However long it may be waited for: the call has to be routed in time."""
    with web(silent) as server:
        add(engine, "1800", filter_inbound_number="URL", filter_url=server.url, filter_action="EXTEN")

        async def test():
            async with routing(engine, agi_seconds=3.0, agi_url_seconds=LONG) as (router, _):
                return extension(await router.route(call("1800"), IP))

        assert "8301" == asyncio.run(test())
    assert 1 == len(server.asked)


HERE = "trunkinbound"
CIRCLES = {
    "itself": [{"pattern": "1800", "exten_context": HERE, "extension": "1800"}],
    "each other": [
        {"pattern": "1800", "exten_context": HERE, "extension": "1801"},
        {"pattern": "1801", "exten_context": HERE, "extension": "1800"},
    ],
    "the default": [{"pattern": "default", "exten_context": HERE, "extension": "nobody"}],
    "with blanks and quotes": [{"pattern": "1800", "exten_context": HERE, "extension": " 18'00 "}],
    "another context": [{"pattern": "1800", "exten_context": "from-carrier", "extension": "1800"}],
}


def as_asterisk_says(extension):
    return extension.strip(" ")


@pytest.mark.parametrize("circle", CIRCLES.values(), ids=CIRCLES)
def test_calls_that_go_in_circles_stop(engine, circle):
    """After some rounds they are sent nowhere, so that the dialplan goes on; others are not concerned."""
    for values in circle:
        add(engine, **values)
    context = circle[0]["exten_context"]

    async def rounds(router, uniqueid):
        count, target = 0, "1800"
        while target and count <= ROUNDS * 2:
            came = call(as_asterisk_says(target), uniqueid=uniqueid, context=context)
            target = extension(await router.route(came, IP))
            count += 1
        return count

    async def test():
        async with routing(engine) as (router, _):
            return [await rounds(router, uniqueid) for uniqueid in ("1.1", "1.2", "1.1")]

    assert [ROUNDS + 1] * 3 == asyncio.run(test())
    assert 3 * (ROUNDS + 1) == len(logged(engine))


def test_further_destinations_are_no_circle(engine):
    """However often a dialplan asks in vain for the next, also where they have the number dialled."""
    add(engine, "1800", exten_context=HERE, extension="1800")
    fall_back(engine, *[f"EXTEN:1800@{HERE}"] * 9)

    async def test():
        async with routing(engine) as (router, _):
            return [
                extension(await router.route(call("1800", context=HERE, arg_1=f"next={k}"), IP))
                for n in range(2)
                for k in range(ROUNDS + 1)
            ]

    assert [*["1800"] * ROUNDS, None] * 2 == asyncio.run(test())
    assert ["1800"] * 2 == logged(engine)


def test_a_dialplan_that_begins_again_goes_in_circles(engine):
    """One that asks for the route, then for the next destination, then for the route again."""
    add(engine, "1800", exten_context=HERE, extension="1800")
    fall_back(engine, f"EXTEN:1800@{HERE}")

    async def test():
        async with routing(engine) as (router, _):
            return [
                extension(await router.route(call("1800", context=HERE, arg_1=f"next={k}"), IP))
                for n in range(ROUNDS + 2)
                for k in range(2)
            ]

    assert 2 * ROUNDS == asyncio.run(test()).index(None)


def test_a_number_that_is_called_often_goes_nowhere_else(engine):
    """Many calls to one number, and one call to many numbers, are no circle."""
    add(engine, "default", exten_context=HERE, extension="1800")

    async def test():
        async with routing(engine) as (router, _):
            calls = [call("1801", uniqueid=f"1.{n}") for n in range(3 * ROUNDS)]
            calls += [call(f"2{n}", uniqueid="2.1") for n in range(3 * ROUNDS)]
            return {extension(await router.route(each, IP)) for each in calls}

    assert {"1800"} == asyncio.run(test())


def test_a_fault_is_that_of_the_calls_that_met_it(engine):
    """The next ones are routed again."""
    add(engine, "1800")

    async def test():
        async with routing(engine) as (router, _):
            with engine.begin() as conn:
                run(conn, f"ALTER TABLE {DIDS} RENAME TO away")
            met = await asyncio.gather(
                *(router.route(call("1800", uniqueid=f"1.{n}"), IP) for n in range(3)), return_exceptions=True
            )
            with engine.begin() as conn:
                run(conn, f"ALTER TABLE away RENAME TO {DIDS}")
            return met, extension(await router.route(call("1800"), IP))

    met, after = asyncio.run(test())
    assert not any(map(extension, (each for each in met if not isinstance(each, Exception))))
    assert "8301" == after
