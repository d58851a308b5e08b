"""An Asterisk in a few lines: says what it is told to say, and keeps what it is told to do."""

import asyncio
import socket
from contextlib import suppress

from didier.agi.channel import Channel
from didier.domain.calls.call import Place
from didier.domain.calls.decision import Decision
from didier.domain.calls.targets import Target

END_SECONDS = 60
"""How long a conversation may take before it counts as one without end: far more than it does."""

OK = b"200 result=0\n"
UNSET = b"GET VARIABLE VICIrecGatewayID"
CONTEXT, EXTENSION, PRIORITY = b"SET CONTEXT default", b"SET EXTENSION 8301", b"SET PRIORITY 1"
WHOLE = [UNSET, CONTEXT, EXTENSION, PRIORITY]
"""The commands of a call that goes to 8301."""


def environment(script="did-route", **more):
    """Return what a channel says of itself."""
    values = {"network_script": script, "uniqueid": "1764375000.7", "extension": "18001234567", **more}
    return "".join(f"agi_{name}: {value}\n" for name, value in values.items()).encode() + b"\n"


TARGET = Target("default", "8301")


def decided(call, target=TARGET, **more):
    """Return the decision that *call* goes to *target*."""
    place = Place("192.0.2.1", {}, {})
    return Decision(call, place, call.caller.number, call.caller.number, target=target, **more)


async def to_extension(call):
    """Decide on a call."""
    return decided(call)


async def pair(seconds):
    """Return both ends of a connection: a channel that waits *seconds* for a word, and reader and writer."""
    ours, theirs = socket.socketpair()
    loop = asyncio.get_running_loop()
    _, channel = await loop.create_connection(lambda: Channel(seconds, lambda *_: None), sock=ours)
    return channel, await asyncio.open_connection(sock=theirs)


async def talk(reader, writer, *said):
    """Send the first of *said*, and one more behind each command; close behind the last.

    None closes; an empty one is silence. Returns the commands, once the other side has closed.
    """
    commands, left = [], list(said)
    with suppress(ConnectionError):
        while left:
            say = left.pop(0)
            if say is None:
                break
            for piece in say if isinstance(say, tuple) else (say,):
                writer.write(piece)
                await writer.drain()
            if not (line := await reader.readline()):
                break
            commands.append(line.removesuffix(b"\n"))
        else:
            commands += [line.removesuffix(b"\n") for line in (await reader.read()).splitlines()]
    writer.close()
    with suppress(OSError):
        await writer.wait_closed()
    return commands


async def ended(conversation):
    """Return what *conversation* comes to; fail when it has no end."""
    async with asyncio.timeout(END_SECONDS):
        return await conversation
