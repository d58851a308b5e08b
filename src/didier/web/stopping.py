"""A stop that no client sees: what comes is answered to the end, and connections are given up one by one.

A connection that is kept open is closed by the answer that says so. Whoever closed it in between would
sooner or later do so while a request is on its way, to which there is no answer then (RFC 9112, 9.5 and 9.6).
What each part is worth was measured: ``docs/decisions/0016-edges-of-http.md``.
"""

import asyncio
import ctypes
import os
import select
import socket
import struct
from collections.abc import Callable, Iterator, MutableMapping
from contextlib import ExitStack, closing, contextmanager, suppress
from typing import Any

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from didier.web.connections import FILES, listeners, sockets

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


class Draining:
    """The application, and the way in which its connections come to an end."""

    def __init__(self, app: ASGIApp, port: int) -> None:
        self._app = app
        self._port = port
        self._ending = False
        self._arrived = 0

    def __call__(self, scope: Scope, receive: Receive, send: Send) -> Any:
        """Pass a request on; at the end its answer closes the connection."""
        self._arrived += 1
        return self._app(scope, receive, _closing(send) if self._ending else send)

    async def drain(self, seconds: float) -> None:
        """Take no new connections, and tell every client that its own ends; *seconds* at most."""
        self._ending = True
        with suppress(TimeoutError), _refusing(self._port) as not_accepted:
            async with asyncio.timeout(min(seconds, DRAIN_SECONDS)):
                await self._silence(not_accepted)

    async def _silence(self, not_accepted: Callable[[], object]) -> None:
        """Wait until nobody is connected, or nothing has come for long enough."""
        loop = asyncio.get_running_loop()
        arrived, since = self._arrived, loop.time()
        while not_accepted() or (loop.time() - since < QUIET_SECONDS and any(_connections(self._port))):
            await asyncio.sleep(_POLL_SECONDS)
            if arrived != self._arrived:
                arrived, since = self._arrived, loop.time()


def _closing(send: Send) -> Send:
    async def closing_send(message: Message) -> None:
        if message["type"] == "http.response.start":
            _add_header(message)
        await send(message)

    return closing_send


def _add_header(message: MutableMapping[str, Any]) -> None:
    message["headers"] = [*message.get("headers", ()), (b"connection", b"close")]


@contextmanager
def _refusing(port: int) -> Iterator[Callable[[], object]]:
    """Let no new connection come to be; give a function that says whether some are not accepted yet.

    What wants to connect is not answered, tries again after a second (RFC 6298, 2.1), and finds the next
    server, or none.
    Where that cannot be (Linux alone can), connections that were not accepted are reset by the end.
    """
    program = ctypes.create_string_buffer(_DROP_SYN)
    filter_ = struct.pack("HP", len(_DROP_SYN) // 8, ctypes.addressof(program))
    waiting = select.poll()  # a socket that connections come in by can be read while one is not accepted
    with ExitStack() as stack:
        for listener in map(stack.enter_context, listeners(port)):
            waiting.register(listener, select.POLLIN)
            with suppress(OSError):
                listener.setsockopt(socket.SOL_SOCKET, _SO_ATTACH_FILTER, filter_)
        yield lambda: waiting.poll(0)


def _connections(port: int) -> Iterator[bool]:
    """Give something for each connection to *port*; also where they cannot be seen."""
    if not os.path.isdir(FILES):
        yield True
    for sock in sockets(port):
        with closing(sock), suppress(OSError):
            sock.getpeername()  # an error for those that are not connected
            yield True
