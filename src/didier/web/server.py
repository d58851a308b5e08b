"""HTTP as a transport of the process: Granian embedded in its loop.

One process, so that a kill leaves nothing behind that holds the port, and a stop can wait for the
requests that were accepted.
"""

import asyncio
import socket
import ssl
from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

from granian.constants import HTTPModes, Interfaces, SSLProtocols
from granian.http import HTTP1Settings
from granian.server.embed import Server
from starlette.types import ASGIApp, Receive, Scope, Send

from didier.config import Settings
from didier.errors import WrongSetting
from didier.web.connections import LENIENT_CONNECTIONS, limit_reading, most_connections
from didier.web.stopping import Draining

HEAD_LIMIT = 98_304
"""Bytes of a request's head that are kept for each connection while more of it is waited for.

Somewhat more may come: the library looks when it has read. A target alone may have 65,534 of them.
"""


class Application(Protocol):
    """What can be served: an ASGI application for HTTP."""

    running: int  # requests that are being answered

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""


class HttpServer:
    """Serves *app*; a `didier.runtime.process.Transport`."""

    def __init__(self, app: Application, settings: Settings) -> None:
        self._app = app
        self._settings = settings
        self._draining = Draining(app, settings.port)
        self._server = _granian(self._draining, settings)
        self._stopping = False
        self._serving: asyncio.Future[None]

    @property
    def running(self) -> int:
        """How many requests are being answered."""
        return self._app.running

    async def start(self) -> None:
        """Take connections; return once the server listens."""
        self._serving = asyncio.ensure_future(self._server.serve())
        limits = limit_reading(self._settings.port, self._settings.reading_seconds)
        limiting = asyncio.ensure_future(limits)
        await asyncio.wait({self._serving, limiting}, return_when="FIRST_COMPLETED")
        limiting.cancel()
        if self._serving.done():
            await self.serve()

    async def serve(self) -> None:
        """Return when `stop` was called and all connections have ended."""
        await self._serving
        if not self._stopping:  # Granian says nothing when the part of it that serves has failed
            raise RuntimeError("the HTTP server has ended by itself")

    async def drain(self, seconds: float) -> None:
        """Take no new connections, and tell every client that its own ends; *seconds* at most."""
        await self._draining.drain(seconds)

    def stop(self) -> None:
        """Close silent connections, and the others behind their answers."""
        self._stopping = True
        self._server.stop()  # type: ignore[no-untyped-call]  # Granian's has no types


def _granian(app: ASGIApp, settings: Settings) -> Server:
    return Server(
        app,
        address=settings.host,
        port=settings.port,
        interface=Interfaces.ASGINL,
        websockets=False,
        backlog=1024,
        backpressure=_most_connections(settings),  # it counts connections, also idle ones
        log_enabled=False,
        http=HTTPModes.http1,
        ssl_cert=Path(settings.tls_cert) if settings.tls_cert else None,
        ssl_key=Path(settings.tls_key) if settings.tls_key else None,
        ssl_protocol_min=SSLProtocols.tls12,  # older ones must not be negotiated (RFC 9325, 3.1.1)
        http1_settings=HTTP1Settings(
            header_read_timeout=int(settings.idle_seconds * 1000), max_buffer_size=HEAD_LIMIT
        ),
    )


def _most_connections(settings: Settings) -> int:
    others = LENIENT_CONNECTIONS if settings.lenient_port else 0
    return most_connections(settings.connection_limit, others)


SERVED = (("host", "port"), ("host", "lenient_port"), ("agi_host", "agi_port"))
"""The settings that say where `didier serve` listens: host and port."""


def check_ports(settings: Settings, wanted: Sequence[tuple[str, str]] = SERVED) -> None:
    """Raise `WrongSetting` when what is *wanted*, by the names of its settings, cannot be listened on."""
    taken: dict[int, str] = {}
    for host_name, name in wanted:
        host, port = getattr(settings, host_name), getattr(settings, name)
        if port and port in taken:
            raise WrongSetting(f"{name}: it is the same as {taken[port]}; it must be another")
        if port:
            taken[port] = name
            check_address(f"{host_name} and {name}", host, port)


def check_address(name: str, host: str, port: int) -> None:
    """Raise `WrongSetting`, by the settings' *name*, when *host* and *port* cannot be listened on."""
    try:
        family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][0]
        with socket.socket(family, socket.SOCK_STREAM) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind((host, port))
    except OSError as error:
        raise WrongSetting(f"{name}: cannot listen on {host}:{port}: {error.strerror}") from None


def check_tls(settings: Settings) -> None:
    """Raise `WrongSetting` when certificate and key cannot be used, or one of them is missing."""
    if not settings.tls_cert and not settings.tls_key:
        return
    if not settings.tls_cert or not settings.tls_key:
        missing = "tls_key" if settings.tls_cert else "tls_cert"
        raise WrongSetting(f"{missing}: TLS needs both a certificate and its key; this one is missing")
    for name, file in (("tls_cert", settings.tls_cert), ("tls_key", settings.tls_key)):
        try:
            Path(file).read_bytes()
        except OSError as error:
            raise WrongSetting(f"{name}: cannot read {file}: {error.strerror}") from None
    try:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(settings.tls_cert, settings.tls_key, password=_no_password)
    except _Encrypted:
        raise WrongSetting(f"tls_key: {settings.tls_key} is encrypted; Didier needs a plain key") from None
    except ssl.SSLError as error:
        if error.reason == "KEY_VALUES_MISMATCH":
            problem = f"{settings.tls_key} is not the key of the certificate in {settings.tls_cert}"
        else:
            problem = f"{settings.tls_cert} and {settings.tls_key} must be PEM files ({error.reason})"
        raise WrongSetting(f"tls_cert and tls_key: {problem}") from None


class _Encrypted(Exception):
    """The key asks for a password."""


def _no_password() -> str:
    raise _Encrypted
