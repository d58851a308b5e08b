"""A second port for scripts that do not percent-encode their addresses; a transport of the process.

VICIdial's Apache takes the bytes of `BARE` in an address as they are; Granian and uvicorn refuse some or all
of them. Here they are encoded before uvicorn parses the request. A connection is for one request, so that the
end of its head can be told without following bodies. Why it is a port of its own:
``docs/decisions/0024-lenient-port.md``.
"""

import asyncio
import logging
import re
import socket
import ssl
from contextlib import suppress
from email.utils import formatdate
from http import HTTPStatus

from uvicorn.config import Config
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol
from uvicorn.server import ServerState

from didier.config import Settings
from didier.web.connections import LENIENT_CONNECTIONS, limit_reading, most_connections
from didier.web.server import HEAD_LIMIT, Application
from didier.web.stopping import Draining

BARE = re.compile(rb'["<>\x80-\xff]')
"""What Apache takes in an address and RFC 3986 does not know: quotes, angle brackets and all but ASCII."""

LINE_LIMIT = 65_534
"""Bytes of a request line, encoded: as many as a target may have at the other port."""

HEADER_LIMIT = 100

_HEAD_END = re.compile(rb"\n\r?\n")
_CHUNKED = re.compile(rb"\ntransfer-encoding[ \t]*:", re.IGNORECASE)
_HANDSHAKE_SECONDS = 10.0
_POLL_SECONDS = 0.01

# Its lines about bad requests would stand among ours without being JSON.
logging.getLogger("uvicorn.error").setLevel(logging.CRITICAL)


class LenientServer:
    """Serves *app* on `lenient_port`; a `didier.runtime.process.Transport`."""

    def __init__(self, app: Application, settings: Settings, port: int) -> None:
        self._app = app
        self._settings = settings
        self._port = port
        self._draining = Draining(app, port)
        self._state = ServerState()
        self._config = Config(
            self._draining, interface="asgi3", ws="none", lifespan="off", log_config=None, access_log=False,
            proxy_headers=False,
        )  # fmt: skip
        self._config.load()
        self._places = asyncio.Semaphore(most_connections(LENIENT_CONNECTIONS))
        self._opening: set[asyncio.Task[None]] = set()
        self._accepting: asyncio.Task[None] | None = None

    @property
    def running(self) -> int:
        """How many requests are being answered."""
        return self._app.running

    async def start(self) -> None:
        """Take connections; return once the server listens."""
        host = self._settings.host
        family = socket.getaddrinfo(host, self._port, type=socket.SOCK_STREAM)[0][0]
        listener = socket.create_server((host, self._port), family=family, backlog=1024)
        listener.setblocking(False)
        await limit_reading(self._port, self._settings.reading_seconds)
        self._accepting = asyncio.create_task(self._accept(listener, _tls(self._settings)))

    async def serve(self) -> None:
        """Return when `stop` was called and all connections have ended."""
        if self._accepting:
            await asyncio.wait({self._accepting})
            if not self._accepting.cancelled():
                self._accepting.result()
        while self._state.connections:
            await asyncio.sleep(_POLL_SECONDS)

    async def drain(self, seconds: float) -> None:
        """Take no new connections, and answer what those that are open have sent; *seconds* at most."""
        await self._draining.drain(seconds)

    def stop(self) -> None:
        """Close silent connections, and the others behind their answers."""
        if self._accepting:  # else it has not started
            self._accepting.cancel()
        for connection in list(self._state.connections):
            connection.shutdown()

    async def _accept(self, listener: socket.socket, tls: ssl.SSLContext | None) -> None:
        """Take a connection whenever there is a place for one; the others wait."""
        with listener:
            while True:
                await self._places.acquire()
                opening = asyncio.create_task(self._open(await _accepted(listener), tls))
                self._opening.add(opening)
                opening.add_done_callback(self._opening.discard)

    async def _open(self, sock: socket.socket, tls: ssl.SSLContext | None) -> None:
        loop = asyncio.get_running_loop()
        connection = _Connection(self._config, self._state, self._places, self._settings.idle_seconds)
        seconds = _HANDSHAKE_SECONDS if tls else None
        try:
            await loop.connect_accepted_socket(
                lambda: connection, sock, ssl=tls, ssl_handshake_timeout=seconds
            )
        except OSError:  # no handshake: it has not become a connection
            sock.close()
            self._places.release()


async def _accepted(listener: socket.socket) -> socket.socket:
    while True:
        with suppress(OSError):  # no file is left for it, or the client has gone
            return (await asyncio.get_running_loop().sock_accept(listener))[0]
        await asyncio.sleep(_POLL_SECONDS)


class _Connection(HttpToolsProtocol):
    """A connection for one request, whose head is limited and encoded before it is parsed."""

    def __init__(self, config: Config, state: ServerState, places: asyncio.Semaphore, seconds: float) -> None:
        super().__init__(config, state, {})
        self._places = places
        self._seconds = seconds
        self._head: bytearray | None = bytearray()
        self._whole = False
        self._late: asyncio.TimerHandle

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn's
        self.server_state.default_headers = [(b"date", formatdate(usegmt=True).encode())]
        super().connection_made(transport)
        self._late = self.loop.call_later(self._seconds, transport.abort)

    def connection_lost(self, exc: Exception | None) -> None:
        self._late.cancel()
        super().connection_lost(exc)
        self._places.release()

    def on_message_complete(self) -> None:
        super().on_message_complete()
        self._whole = True

    def data_received(self, data: bytes) -> None:
        if self._whole:  # another request, which is not answered
            return
        if self._head is None:
            super().data_received(data)
            return
        begin = max(0, len(self._head) - 3)
        self._head += data if self._head else data.lstrip(b"\r\n")
        if end := _HEAD_END.search(self._head, begin):
            self._begin(bytes(self._head[: end.end()]), bytes(self._head[end.end() :]))
        elif len(self._head) > HEAD_LIMIT:
            self._refuse(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE)

    def _begin(self, head: bytes, rest: bytes) -> None:
        self._head = None
        self._late.cancel()
        line, _, headers = head.partition(b"\n")
        line = BARE.sub(lambda found: b"%%%02X" % found[0][0], line)
        if len(line) > LINE_LIMIT:
            self._refuse(HTTPStatus.REQUEST_URI_TOO_LONG)
        elif len(headers) > HEAD_LIMIT or headers.count(b"\n") > HEADER_LIMIT + 1:
            self._refuse(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE)
        elif _CHUNKED.search(head):  # uvicorn keeps all headers that follow such a body
            self._refuse(HTTPStatus.LENGTH_REQUIRED)
        else:
            super().data_received(line + b"\n" + headers)
            self.shutdown()  # behind the answer
            if rest and not self._whole:
                super().data_received(rest)

    def _refuse(self, status: HTTPStatus) -> None:
        self._whole = True
        self.transport.write(STATUS_LINE[status] + b"content-length: 0\r\nconnection: close\r\n\r\n")
        self.transport.close()


def _tls(settings: Settings) -> ssl.SSLContext | None:
    if not settings.tls_cert:
        return None
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.minimum_version = ssl.TLSVersion.TLSv1_2  # older ones must not be negotiated (RFC 9325, 3.1.1)
    context.load_cert_chain(settings.tls_cert, settings.tls_key)
    context.set_alpn_protocols(["http/1.1"])
    return context
