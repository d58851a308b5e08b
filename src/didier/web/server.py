"""Runs the application in this process: Granian embedded in an asyncio loop.

One process, so that a kill leaves nothing behind that holds the port, and a stop can wait for the
requests that were accepted.
"""

import asyncio
import gc
import os
import signal
import socket
import ssl
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Protocol

import structlog
import uvloop
from granian.constants import HTTPModes, Interfaces, SSLProtocols
from granian.http import HTTP1Settings
from granian.server.embed import Server
from starlette.types import Receive, Scope, Send

from didier.config import Settings
from didier.errors import WrongSetting
from didier.logging import finish as finish_log
from didier.web.connections import limit_reading, most_connections
from didier.web.stopping import Draining

HEAD_LIMIT = 98_304
"""Bytes of a request's head that are kept for each connection while more of it is waited for.

Somewhat more may come: the library looks when it has read. A target alone may have 65,534 of them.
"""

_COLLECTIONS = (2_000, 20, 20)
"""When Python looks for garbage in cycles: at a third of the usual times, which gave 3 % more copies."""

log = structlog.get_logger()


class Application(Protocol):
    """What can be served: an ASGI application for HTTP with a beginning and an end."""

    running: int  # requests that are being answered

    def ending(self) -> None:
        """The server takes no new requests from now on: answers without end come to theirs."""

    def lifespan(self) -> AbstractAsyncContextManager[None]:
        """Serve requests while this lasts."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""


def run(app: Application, settings: Settings) -> None:
    """Serve *app* until SIGTERM or SIGINT, then take no new requests and finish those that run."""
    gc.freeze()  # what was imported is never garbage: looking through it would slow every request
    gc.set_threshold(*_COLLECTIONS)
    if not uvloop.run(_serve(app, settings)):
        finish_log()
        os._exit(0)  # clients that stall hold connections, for which the server's threads would wait


def check_address(host: str, port: int) -> None:
    """Raise `WrongSetting` when the address cannot be listened on."""
    try:
        family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][0]
        with socket.socket(family, socket.SOCK_STREAM) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind((host, port))
    except OSError as error:
        raise WrongSetting(f"host and port: cannot listen on {host}:{port}: {error.strerror}") from None


def check_tls(settings: Settings) -> None:
    """Raise `WrongSetting` when certificate and key cannot be used, or one of them is missing."""
    if not settings.tls_cert and not settings.tls_key:
        return
    if not settings.tls_cert or not settings.tls_key:
        missing = "tls_key" if settings.tls_cert else "tls_cert"
        raise WrongSetting(f"{missing}: TLS needs a certificate and its key, and this one is not given")
    for name, file in (("tls_cert", settings.tls_cert), ("tls_key", settings.tls_key)):
        try:
            Path(file).read_bytes()
        except OSError as error:
            raise WrongSetting(f"{name}: cannot read {file}: {error.strerror}") from None
    try:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(settings.tls_cert, settings.tls_key, password=_no_password)
    except _Encrypted:
        raise WrongSetting(f"tls_key: {settings.tls_key} is encrypted; Didier needs it without") from None
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


async def _serve(app: Application, settings: Settings) -> bool:
    """Serve until a signal; say whether all connections came to their end."""
    draining = Draining(app, settings.port)
    server = Server(
        draining,
        address=settings.host,
        port=settings.port,
        interface=Interfaces.ASGINL,
        websockets=False,
        backlog=1024,
        backpressure=most_connections(settings.connection_limit),  # it counts connections, also idle ones
        log_enabled=False,
        http=HTTPModes.http1,
        ssl_cert=Path(settings.tls_cert) if settings.tls_cert else None,
        ssl_key=Path(settings.tls_key) if settings.tls_key else None,
        ssl_protocol_min=SSLProtocols.tls12,
        http1_settings=HTTP1Settings(
            header_read_timeout=int(settings.idle_seconds * 1000), max_buffer_size=HEAD_LIMIT
        ),
    )
    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()
    for name in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(name, stopping.set)
    async with app.lifespan():
        serving = asyncio.ensure_future(server.serve())
        limiting = asyncio.ensure_future(limit_reading(settings.port, settings.reading_seconds))
        await asyncio.wait({serving, asyncio.ensure_future(stopping.wait())}, return_when="FIRST_COMPLETED")
        app.ending()
        end = loop.time() + settings.stop_seconds
        await draining.drain(settings.stop_seconds)
        server.stop()  # type: ignore[no-untyped-call]  # Granian's has no types
        await asyncio.wait({serving}, timeout=max(0.0, end - loop.time()))
        limiting.cancel()
    if serving.done():
        serving.result()  # an error of the server is the command's error
        return True
    log.warning("stopped_with_requests_running", running=app.running)
    return False
