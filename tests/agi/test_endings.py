"""How a conversation ended is told once: with which result, and why the call was not sent on."""

import asyncio

import pytest

from agi.asterisk import OK, WHOLE, decided, ended, environment, to_extension
from agi.test_server import LONG, SECONDS, Held, call, run, serving, taken
from didier.domain.calls.decision import Step
from didier.domain.calls.live import Undecided
from didier.domain.calls.targets import Target
from didier.errors import DatabaseLost

ROW = {"did_pattern": "18001234567", "user_group": "SALES"}

EARLY = "1000-01-01"
NO = b"510 Invalid or unknown command\n"


def found(server):
    """Return result and reason of each call."""
    return [(call.result, call.reason) for call in server.calls.since(EARLY)]


def nowhere(call):
    steps = [Step("did", "the DID"), Step("route", "EXTEN: nowhere")]
    return decided(call, None, did=ROW, steps=steps)


def loop(call):
    return decided(call, None, did=ROW, steps=[Step("loop", "the call goes in circles")])


def failing(call):
    raise DatabaseLost


ENDINGS = {
    "routed": (decided, [OK] * 4, ("routed", "")),
    "no DID": (
        lambda call: decided(call, None), [OK],
        ("unknown", "no DID has the number, and there is no default"),
    ),
    "nowhere": (nowhere, [OK], ("nowhere", "EXTEN: nowhere")),
    "an empty target": (
        lambda call: decided(call, Target("default", ""), did=ROW), [OK], ("nowhere", ""),
    ),
    "in circles": (loop, [OK], ("loop", "the call goes in circles")),
    "undecided": (lambda _: Undecided("too slow"), [OK], ("not_routed", "too slow")),
    "a fault": (
        failing, [OK], ("not_routed", "Didier was stopped, or has failed: its log says why"),
    ),
    "refused": (decided, [OK, NO], ("refused", "Asterisk refused SET CONTEXT with 510")),
    "refused at last": (
        decided, [OK, OK, OK, NO], ("refused", "Asterisk refused SET PRIORITY with 510"),
    ),
    "hung up before": (
        decided, [b"HANGUP\n" + OK], ("hung_up", "the caller hung up before the call was on its way"),
    ),
    "hung up meanwhile": (
        decided, [OK, b"HANGUP\n" + NO],
        ("hung_up", "the caller hung up before the call was on its way"),
    ),
    "closed": (decided, [OK, None], ("not_routed", "the channel has closed the connection")),
    "nonsense": (decided, [OK, b"what\n"], ("not_routed", "no reply")),
}  # fmt: skip


@pytest.mark.parametrize(("decide", "said", "ending"), ENDINGS.values(), ids=ENDINGS)
def test_an_ending_has_a_result_and_a_reason(decide, said, ending):
    """Each call is told of once, whatever became of it."""

    async def route(call):
        return decide(call)

    async def test():
        async with serving(route) as server:
            await call(server, environment(), *said)
            while server.running:
                await asyncio.sleep(0)

            assert [ending] == found(server)
            assert {} == server.calls.turned_away_since(server.begun)

    run(test)


def test_silence_is_a_reason():
    """Asterisk does not answer a command."""

    async def test():
        async with serving(seconds=SECONDS) as server:
            await call(server, environment(), b"")
            while server.running:
                await asyncio.sleep(0)

            assert [("not_routed", "Asterisk said nothing in time")] == found(server)

    run(test)


def test_a_call_is_described():
    """By its number, the DID with its group, where it was sent, and how long that took."""

    async def route(call):
        return decided(call, did=ROW, route="EXTEN")

    async def test():
        async with serving(route, agi_server_ip="192.0.2.7") as server:
            await call(server, environment(callerid="7275551212"), *[OK] * 4)
            while server.running:
                await asyncio.sleep(0)
            [one] = server.calls.since(EARLY)

            assert ("18001234567", "7275551212", "18001234567", "SALES", "EXTEN", "192.0.2.7") == (
                one.dialled, one.caller, one.did, one.group, one.route, one.server_ip,
            )  # fmt: skip
            assert "8301 in default" == one.target
            assert one.seconds > 0

    run(test)


@pytest.mark.parametrize("said", [b"GET / HTTP/1.1\r\n\r\n", environment("other"), None])
def test_what_is_no_call_is_counted_alone(said):
    """It is somebody else's protocol, another script, or nothing."""

    async def test():
        async with serving() as server:
            await call(server, said, None)
            while server.running:
                await asyncio.sleep(0)

            assert ([], {"no_call": 1}) == (found(server), server.calls.turned_away_since(server.begun))

    run(test)


def test_strangers_and_those_too_many_are_counted():
    """They are closed before they are read."""

    async def test():
        held = Held()
        async with serving(held, agi_connections=1) as server:
            async with taken(server, ("192.0.3.9", 5)) as (_, answering):
                await answering
            first = asyncio.ensure_future(call(server, environment(), *[OK] * 4))
            await held.until(1)
            await call(server, environment())
            held.go.set()
            await first

            assert {"stranger": 1, "too_many": 1} == server.calls.turned_away_since(server.begun)

    run(test)


def test_a_call_that_is_cut_is_told_of():
    """The server stops while it is decided on."""

    async def test():
        held = Held()
        async with serving(held, seconds=LONG) as server:
            calling = asyncio.ensure_future(call(server, environment(), *[OK] * 4))
            await held.until(1)
            await server.drain(SECONDS)
            server.stop()
            await ended(server.serve())
            await calling

            assert ["not_routed"] == [result for result, _ in found(server)]

    run(test)


def test_what_is_observed_is_counted_once():
    """Metrics are told the result and the seconds of a call, and no seconds of what is none."""

    async def test():
        seen = []
        async with serving(to_extension) as server:
            server.calls.observe = lambda result, seconds: seen.append((result, seconds is not None))
            assert WHOLE == await call(server, environment(), *[OK] * 4)
            await call(server, environment("other"))
            while server.running:
                await asyncio.sleep(0)

            assert [("routed", True), ("no_call", False)] == seen

    run(test)
