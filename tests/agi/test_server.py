"""Who may connect, how many, for how long, and how the server comes to its end."""

import asyncio
import random
import socket
from contextlib import asynccontextmanager, suppress
from datetime import datetime
from ipaddress import ip_network

import pytest

from agi.asterisk import OK, UNSET, WHOLE, decided, ended, environment, talk, to_extension
from didier.agi.channel import Channel
from didier.agi.protocol import ENVIRONMENT_BYTES
from didier.agi.server import AgiServer
from didier.config import Settings
from didier.domain.calls.targets import Target
from didier.runtime.live_calls import LiveCalls
from support.mariadb import free_port

SECONDS = 0.05
"""How long is waited for a word, where that is to end."""

LONG = 600.0


class Router:
    """Decides as it is told to; says from which server the calls came."""

    def __init__(self, decide=to_extension):
        self._decide = decide
        self.servers = []

    async def route(self, call, ip):
        self.servers.append(ip)
        return await self._decide(call)


class Held:
    """Decides on calls when it is let to."""

    def __init__(self):
        self.waiting = 0
        self.come = asyncio.Condition()
        self.go = asyncio.Event()

    async def __call__(self, call):
        async with self.come:
            self.waiting += 1
            self.come.notify_all()
        await self.go.wait()
        return decided(call)

    async def until(self, count):
        async with self.come:
            await self.come.wait_for(lambda: self.waiting == count)


@asynccontextmanager
async def serving(decide=to_extension, *, seconds=LONG, **more):
    port = free_port()
    given = Settings(agi_port=port, agi_seconds=seconds, **more)
    router = Router(decide)
    server = AgiServer(router, given, calls := LiveCalls())
    await server.start()
    server.router, server.port, server.calls, server.begun = router, port, calls, datetime.now()
    server.seconds = seconds
    try:
        yield server
    finally:
        await server.drain(0)
        server.stop()
        await ended(server.serve())


async def connected(server):
    return await asyncio.open_connection("127.0.0.1", server.port)


async def call(server, *said):
    return await ended(talk(*await connected(server), *said))


def run(test):
    """Run *test*, a coroutine function, to its end."""
    asyncio.run(ended(test()))


def test_calls_are_answered_side_by_side():
    """A call whose decision takes long keeps nobody else waiting."""

    async def test():
        held = Held()
        slow = iter([held])
        async with serving(lambda call: next(slow, to_extension)(call)) as server:
            first = asyncio.ensure_future(call(server, environment(), *[OK] * 4))
            await held.until(1)
            second = await call(server, environment(), *[OK] * 4)
            running = server.running
            held.go.set()

            assert (WHOLE, 1) == (second, running)
            assert WHOLE == await first
            assert ["127.0.0.1"] * 2 == server.router.servers

    run(test)


def test_a_server_has_the_address_that_vicidial_knows():
    """The setting counts, not where the connection comes from."""

    async def test():
        async with serving(agi_server_ip="192.0.2.7") as server:
            await call(server, environment(), *[OK] * 4)

            assert ["192.0.2.7"] == server.router.servers

    run(test)


@asynccontextmanager
async def taken(server, address=("127.0.0.1", 5)):
    """Return both ends of a connection that *server* answers, as one from *address*, and its answering."""
    loop = asyncio.get_running_loop()
    made = loop.create_future()
    listening = await loop.create_server(
        lambda: Channel(server.seconds, lambda channel, _: made.set_result(channel)), "127.0.0.1", free_port()
    )
    asterisk = await asyncio.open_connection(*listening.sockets[0].getsockname())
    answering = server.answer(await made, address)
    yield asterisk, answering or asyncio.sleep(0)
    listening.close()


@pytest.mark.parametrize(
    ("address", "is_welcome"),
    [
        ("127.0.0.1", True),
        ("::1", True),
        ("::ffff:127.0.0.1", True),
        ("192.0.2.9", True),
        ("::ffff:192.0.2.9", True),
        ("192.0.3.9", False),
        ("2001:db8::9", True),
        ("2001:db9::9", False),
        ("fe80::1%eth0", False),
        (None, False),
    ],
)
def test_networks(address, is_welcome):
    """This machine and the networks of the settings may ask; others are closed without a command."""

    async def test():
        networks = (ip_network("192.0.2.0/24"), ip_network("2001:db8::/32"))
        async with serving(agi_networks=networks) as server:
            async with taken(server, address and (address, 5)) as (asterisk, answering):
                commands = await talk(*asterisk, environment(), *[OK] * 4)
                await answering

            assert (WHOLE if is_welcome else []) == commands

    run(test)


def test_connections_are_limited():
    """One too many is closed without a command; when another has ended, there is room."""

    async def test():
        held = Held()
        async with serving(held, agi_connections=2) as server:
            first = [asyncio.ensure_future(call(server, environment(), *[OK] * 4)) for _ in range(2)]
            await held.until(2)
            refused = await call(server, environment(), *[OK] * 4)
            held.go.set()
            done = await asyncio.gather(*first)

            assert [] == refused
            assert [WHOLE, WHOLE] == done
            assert WHOLE == await call(server, environment(), *[OK] * 4)

    run(test)


@pytest.mark.parametrize(
    "said", [environment(x="1" * 70_000), b"agi_x: 1\n" * 300, b"GET / HTTP/1.1\r\n\r\n"]
)
def test_what_is_no_environment_is_closed(said):
    """It is too long, has too many lines, or is somebody else's protocol."""

    async def test():
        async with serving() as server:
            assert [] == await call(server, said, OK)
            assert [] == server.router.servers

    run(test)


@pytest.mark.parametrize("said", [[], [b"agi_x: 1\n"], [environment(), b""], [environment(), b"200 result"]])
def test_silence_has_an_end(said):
    """However far the conversation has come: the call waits for no longer than the setting says."""

    async def test():
        async with serving(seconds=SECONDS) as server:
            commands = await call(server, *said or [b""])

            assert commands in ([], [UNSET][: len(said) - 1])  # none: the environment was not there in time
            assert [] == server.router.servers

    run(test)


@pytest.mark.parametrize("begin", [b"agi_x: ", environment() + b"200 result=0 "])
def test_slowness_has_an_end(begin):
    """Somebody who says a letter at a time does not keep the connection."""

    async def test():
        async with serving(seconds=SECONDS) as server:
            reader, writer = await connected(server)
            writer.write(begin)
            reading, sent = asyncio.ensure_future(reader.read()), 0
            while not reading.done():
                writer.write(b"1")
                sent += 1
                await asyncio.sleep(0.001)
            writer.close()

            assert 0 < sent < ENVIRONMENT_BYTES
            assert [] == server.router.servers

    run(test)


MORE_THAN_SYSTEMS_KEEP = 12_000_000
"""Bytes that are not sent as long as nobody takes them: Linux keeps 4 MB of them."""


def test_deafness_has_an_end():
    """Somebody who takes nothing of what is said does not keep the connection."""

    async def test():
        async def decide(call):
            return decided(call, Target("default", "1" * MORE_THAN_SYSTEMS_KEEP))

        async with serving(decide, seconds=SECONDS) as server, taken(server) as ((reader, writer), answering):
            for word in (environment(), OK):
                writer.write(word)
                await reader.readline()
            writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1)  # the least
            writer.write(OK)  # from then on it is deaf
            await answering
            writer.transport.abort()

            assert 0 == server.running

    run(test)


WORDS = (
    environment(), environment()[:40], environment("other"), OK, OK[:5], b"HANGUP\n", b"510 no\n",
    b"520-use\n", b"520 end\n", b"\n", b"\0", b"GET / HTTP/1.1\r\n\r\n", b"1" * 70_000,
)  # fmt: skip
STRANGERS = 300


def test_no_stranger_ends_the_server():
    """Whatever some hundreds say, and however they go, the next call is answered."""
    chance = random.Random(4573)

    async def stranger(server):
        reader, writer = await connected(server)
        with suppress(ConnectionError):
            for word in chance.choices(WORDS, k=chance.randrange(6)):
                writer.write(word)
                await writer.drain()
                if chance.random() < 0.3:
                    await reader.readline()
        writer.transport.abort() if chance.random() < 0.5 else writer.close()

    async def test():
        async with serving(seconds=SECONDS) as server:
            for _ in range(STRANGERS // 30):
                await asyncio.gather(*(stranger(server) for _ in range(30)))
            while WHOLE != await call(server, environment(), *[OK] * 4):
                pass  # not in time, on a machine that is busy

    run(test)


def test_a_fault_is_the_end_of_its_call_alone():
    """The connection is closed, so that the dialplan goes on, and the next call is answered."""

    async def test():
        faults = iter([ZeroDivisionError])

        async def decide(call):
            for fault in faults:
                raise fault
            return decided(call)

        async with serving(decide) as server:
            assert [UNSET] == await call(server, environment(), OK, OK)
            assert WHOLE == await call(server, environment(), *[OK] * 4)

    run(test)


def test_connections_that_go_at_once_leave_nothing():
    """Many that are reset as soon as they are there do no harm."""

    async def test():
        async with serving() as server:
            for _ in range(50):
                _, writer = await connected(server)
                writer.write(environment())
                writer.transport.abort()
            assert WHOLE == await call(server, environment(), *[OK] * 4)
            while server.running:
                await asyncio.sleep(0)

    run(test)


def test_a_call_is_answered_while_the_server_drains():
    """Its decision is waited for; new connections are refused meanwhile."""

    async def test():
        held = Held()
        async with serving(held) as server:
            calling = asyncio.ensure_future(call(server, environment(), *[OK] * 4))
            await held.until(1)
            draining = asyncio.ensure_future(server.drain(LONG))
            await asyncio.sleep(0)
            with pytest.raises(ConnectionError):
                await connected(server)
            held.go.set()

            assert WHOLE == await calling
            await draining
            assert 0 == server.running

    run(test)


def test_the_others_are_cut():
    """What is still being talked about when the drain is over is closed, and the server ends."""

    async def test():
        held = Held()
        async with serving(held) as server:
            calling = asyncio.ensure_future(call(server, environment(), *[OK] * 4))
            silent = asyncio.ensure_future(call(server, b""))
            await held.until(1)
            await server.drain(SECONDS)
            server.stop()
            await server.serve()

            assert ([UNSET], []) == (await calling, await silent)
            assert 0 == server.running

    run(test)


def test_a_server_that_has_not_started_can_be_drained():
    """Its port is taken: the process ends, and says why."""

    async def test():
        async with serving() as server:
            second = AgiServer(server.router, Settings(agi_port=server.port), LiveCalls())
            with pytest.raises(OSError, match="in use"):
                await second.start()
            await second.drain(LONG)
            second.stop()
            await second.serve()

    run(test)
