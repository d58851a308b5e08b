"""A connection: its requests are read and answered one at a time, and it has its times and its end."""

import asyncio
import socket
import struct
import urllib.parse
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from http import HTTPStatus

from starlette.types import ASGIApp, Scope

from didier.web.exchange import STATUS_LINES, Exchange
from didier.web.reader import Head, Refused, RequestReader

LINGER_SECONDS = 2.0
"""How long a client may go on sending what is not read: a reset would take the answer from it.

RFC 9112, 9.6.
"""

LINGER_BYTES = 10_000_000
"""How much it may send in that time."""

_SENDING_SECONDS = 0.5

BEHIND_LIMIT = 65_536
"""Bytes behind a request that are kept while it is answered; so long it is noticed when the client goes."""

_AT_ONCE = struct.pack("ii", 1, 0)
"""For ``SO_LINGER`` (socket(7)): what is not sent is dropped, and the client gets a reset."""

_ASGI = {"version": "3.0", "spec_version": "2.3"}


@dataclass(slots=True)
class Served:
    """What the connections of a server have in common."""

    app: ASGIApp
    idle_seconds: float  # how long a head may take, and how long nothing may come between two requests
    left: Callable[[], None]  # called when a connection has ended
    open: int = 0  # connections, with those that have not begun with TLS
    arrived: int = 0  # requests
    ending: bool = False  # each answer closes its connection
    ended: bool = False  # no request is taken any more
    connections: "set[Connection]" = field(default_factory=set)
    tasks: set[asyncio.Task[None]] = field(default_factory=set)


class Connection(asyncio.Protocol):
    """One client's connection; a `didier.web.exchange.Wire` and a `didier.web.reader.Requests`."""

    def __init__(self, served: Served, sock: socket.socket, client: tuple[str, int]) -> None:
        self._served = served
        self._sock = sock
        self._client = client  # the socket itself has forgotten it once the client has reset the connection
        self._loop = asyncio.get_running_loop()
        self._reader: RequestReader | None = None  # most connections that say nothing never need one
        self._exchange: Exchange | None = None
        self._behind = b""  # what has come behind the request that is answered
        self._held = False  # nothing is read for now
        self._deaf = self._lost = False  # nothing that comes counts; nothing can be sent
        self._ignored = 0
        self._in_head = False
        self._deadline: float | None
        self._timer: asyncio.TimerHandle
        self._transport: asyncio.Transport
        self._scope: Scope
        self.paused = False
        self._writable: asyncio.Future[None] | None = None

    @property
    def ending(self) -> bool:
        """Whether the answer is the last one."""
        return self._served.ending

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # it is one
        """Wait for a request."""
        self._transport = transport
        self._served.connections.add(self)
        self._scope = {
            "type": "http",
            "asgi": _ASGI,
            "server": self._sock.getsockname()[:2],
            "client": self._client,
            "scheme": "https" if transport.get_extra_info("sslcontext") else "http",
            "root_path": "",
        }
        self._wait(self._served.idle_seconds)
        self._look()
        if self._served.ended:
            self.shutdown()

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002  # asyncio's
        """Give up what is being answered."""
        self._timer.cancel()
        self._lost = self._deaf = True
        if self._exchange:
            self._exchange.lose()
        self.resume_writing()
        self._served.connections.discard(self)
        self._served.left()

    def data_received(self, data: bytes) -> None:
        """Read what has come, or keep it until the request before it is answered."""
        if self._deaf:
            self._ignored += len(data)
            if self._ignored > LINGER_BYTES:
                self._transport.abort()
        elif self._behind or self.paused or (self._exchange and self._exchange.whole):
            self._behind += data
            self._keep_back()
        else:
            self._read(data)

    def eof_received(self) -> bool:
        """The client sends nothing more; what is being answered is answered, where the protocol can."""
        if self._exchange:
            self._exchange.lose()
        return self._exchange is not None and self._scope["scheme"] == "http"

    def _read(self, data: bytes) -> None:
        reader = self._reader = self._reader or RequestReader(self)
        try:
            self._behind = reader.feed(data)
        except Refused as refused:
            self._refuse(refused.status)
            return
        self._keep_back()
        if self._in_head != reader.in_head:
            self._in_head = reader.in_head
            if self._in_head:
                self._wait(self._served.idle_seconds)

    def _refuse(self, status: HTTPStatus) -> None:
        if self._exchange:  # the application says that its request has not come whole
            self._deaf = True
            self._exchange.lose()
        else:
            self.write(STATUS_LINES[status] + b"content-length: 0\r\nconnection: close\r\n\r\n")
            self._close(heard=False)

    def begin(self, head: Head) -> None:
        """Have the request answered that begins with *head*."""
        raw, query = head.address
        path = raw.decode("ascii")
        scope = {
            **self._scope,
            "http_version": head.version,
            "method": head.method,
            "path": urllib.parse.unquote(path) if "%" in path else path,
            "raw_path": raw,
            "query_string": query,
            "headers": head.headers,
        }
        served = self._served
        served.arrived += 1
        self._deadline = None
        self._exchange = Exchange(self, scope, kept=not head.last, expected=head.expects_continue)
        task = self._loop.create_task(self._exchange.run(served.app))
        served.tasks.add(task)  # the loop itself does not hold it
        task.add_done_callback(served.tasks.discard)

    def body(self, data: bytes) -> None:
        """Pass a part of the body on."""
        if self._exchange and not self._exchange.add(data):
            self._hold()

    def whole(self) -> None:
        """Say that the request has come whole."""
        if self._exchange:
            self._exchange.end()

    def answered(self) -> None:
        """Go on with the next request, or close."""
        exchange, self._exchange = self._exchange, None
        if self._lost or exchange is None:
            return
        if exchange.kept:
            self._wait(self._served.idle_seconds)
            self._go_on()
        else:
            self._close(heard=exchange.whole and not self._held and not self._behind)

    def _go_on(self) -> None:
        """Read what was kept back, unless it must wait still."""
        if self._exchange or self.paused or self._deaf:
            return
        if self._behind:
            data, self._behind = self._behind, b""
            self._read(data)
        self.read_on()

    def _close(self, *, heard: bool) -> None:
        """Close behind what was sent; unless all that comes was *heard*, let it come for a while."""
        self._deaf = True
        if self._scope["scheme"] == "https":  # whose end does not wait for what is not sent
            self._end_now()
            return
        if heard:
            self._transport.close()
            return
        self._behind = b""
        self.read_on()
        self._transport.write_eof()
        self._wait(LINGER_SECONDS)
        self._look_now()

    def _end_now(self) -> None:
        """Let the time of the connection be over, as soon as all is sent."""
        self._wait(0)
        self._look_now()

    def _look_now(self) -> None:
        self._timer.cancel()
        self._look()

    def shutdown(self) -> None:
        """Close a connection that is silent, another one behind its answer."""
        if self._exchange:
            self._exchange.kept = False
        elif not self._deaf:
            self._close(heard=True)

    def abort(self) -> None:
        """Cut the connection, so that nobody takes half an answer for a whole one."""
        self._deaf = True
        with suppress(OSError):  # it has been cut already
            self._sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _AT_ONCE)
        self._transport.abort()

    def write(self, data: bytes) -> None:
        """Send *data*, if there is anybody left to send it to."""
        if not self._lost:
            self._transport.write(data)

    async def writable(self) -> None:
        """Return when the client has taken enough for more to be sent."""
        while self.paused:
            self._writable = self._loop.create_future()
            await self._writable

    def pause_writing(self) -> None:
        """Note that the client does not take what is sent."""
        self.paused = True

    def resume_writing(self) -> None:
        """Go on: the client has taken enough."""
        self.paused = False
        if self._writable and not self._writable.done():
            self._writable.set_result(None)
        self._go_on()

    def _keep_back(self) -> None:
        """Read no more while enough is kept back."""
        if len(self._behind) >= BEHIND_LIMIT:
            self._hold()

    def _hold(self) -> None:
        if not self._held:
            self._held = True
            self._transport.pause_reading()

    def read_on(self) -> None:
        """Read again, unless there is something already to be read."""
        if self._held and not self._behind and not self._lost:
            self._held = False
            self._transport.resume_reading()

    def _wait(self, seconds: float) -> None:
        self._deadline = self._loop.time() + seconds

    def _look(self) -> None:
        """End the connection if its time is over, else look later: one timer each is cheaper."""
        now = self._loop.time()
        if self._deadline is None:
            self._timer = self._loop.call_later(self._served.idle_seconds, self._look)
        elif now < self._deadline:
            self._timer = self._loop.call_at(self._deadline, self._look)
        elif self._transport.get_write_buffer_size():  # the kernel has a limit for that
            self._deadline = now + (_SENDING_SECONDS if self._deaf else self._served.idle_seconds)
            self._timer = self._loop.call_at(self._deadline, self._look)
        elif self._deaf and self._scope["scheme"] == "http":
            self._transport.abort()
        elif self._in_head and not self._deaf:
            self._refuse(HTTPStatus.REQUEST_TIMEOUT)
        else:
            self._transport.close()
