"""A stop that no client sees: what comes is answered to the end, and connections are given up one by one.

A connection that is kept open is closed by the answer that says so. Whoever closed it in between would
sooner or later do so while a request is on its way, to which there is no answer then (RFC 9112, 9.5 and 9.6).
What each part is worth was measured: ``docs/decisions/0016-edges-of-http.md``.
"""

import asyncio
import ctypes
import select
import socket
import struct
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

from didier.web.connections import Served

DRAIN_SECONDS = 3.0
"""How long clients are waited for that hold a connection and send nothing."""

QUIET_SECONDS = 0.5
"""Silence after which nobody is expected to send anything on a connection that is open."""

_POLL_SECONDS = 0.01
_SO_ATTACH_FILTER = 26  # Linux's number; the module has none

# Linux's classic BPF: load the flags of the TCP header (byte 13; RFC 9293, 3.1); is it a SYN, drop it, else
# let it pass.
_DROP_SYN = b"".join(
    struct.pack("HBBI", *instruction)
    for instruction in ((0x30, 0, 0, 13), (0x45, 0, 1, 0x02), (0x06, 0, 0, 0), (0x06, 0, 0, 0xFFFFFFFF))
)


async def drain(served: Served, listener: socket.socket, seconds: float) -> None:
    """Take no new connections by *listener*, and tell every client that its own ends; *seconds* at most."""
    served.ending = True
    with suppress(TimeoutError), _refusing(listener) as not_accepted:
        async with asyncio.timeout(min(seconds, DRAIN_SECONDS)):
            await _silence(served, not_accepted)


async def _silence(served: Served, not_accepted: Callable[[], object]) -> None:
    """Wait until nobody is connected, or nothing has come for long enough."""
    loop = asyncio.get_running_loop()
    arrived, since = served.arrived, loop.time()
    while not_accepted() or (served.open and loop.time() - since < QUIET_SECONDS):
        await asyncio.sleep(_POLL_SECONDS)
        if arrived != served.arrived:
            arrived, since = served.arrived, loop.time()


@contextmanager
def _refusing(listener: socket.socket) -> Iterator[Callable[[], object]]:
    """Let no new connection come to be; give a function that says whether some are not accepted yet.

    What wants to connect is not answered, tries again after a second (RFC 6298, 2.1), and finds the next
    server, or none.
    Where that cannot be (Linux alone can), connections that were not accepted are reset by the end.
    """
    program = ctypes.create_string_buffer(_DROP_SYN)
    filter_ = struct.pack("HP", len(_DROP_SYN) // 8, ctypes.addressof(program))
    waiting = select.poll()  # the socket can be read while a connection is not accepted
    waiting.register(listener, select.POLLIN)
    with suppress(OSError):
        listener.setsockopt(socket.SOL_SOCKET, _SO_ATTACH_FILTER, filter_)
    yield lambda: waiting.poll(0)
