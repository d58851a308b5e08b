"""HTTP as a transport of the process.

One process, so that a kill leaves nothing behind that holds the port, and a stop can wait for the
requests that were accepted.
"""

import asyncio
import socket
import ssl
from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

from starlette.types import Receive, Scope, Send

from didier.config import Settings
from didier.errors import WrongSetting
from didier.web.connections import Connection, Served
from didier.web.listening import listen, most_connections, secured
from didier.web.stopping import drain

HANDSHAKE_SECONDS = 10.0
"""How long a client may take to begin with TLS."""

_POLL_SECONDS = 0.01
_AT_ONCE = 16  # connections


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
        self._served = Served(app, settings.idle_seconds, self._leave)
        self._most = most_connections(settings.connection_limit)
        self._tls = secured(settings)
        self._opening: set[asyncio.Task[None]] = set()
        self._listener: socket.socket | None = None
        self._accepting = self._stopping = False
        self._ended = asyncio.Event()

    @property
    def running(self) -> int:
        """How many requests are being answered."""
        return self._app.running

    async def start(self) -> None:
        """Take connections; return once the server listens."""
        self._listener = listen(self._settings)
        self._take()

    async def serve(self) -> None:
        """Return when `stop` was called and all connections have ended."""
        await self._ended.wait()

    async def drain(self, seconds: float) -> None:
        """Take no new connections, and tell every client that its own ends; *seconds* at most."""
        if self._listener:
            await drain(self._served, self._listener, seconds)

    def stop(self) -> None:
        """Close silent connections, and the others behind their answers."""
        self._stopping = self._served.ended = True
        if self._listener:
            self._wait()
            self._listener.close()
        for connection in list(self._served.connections):
            connection.shutdown()
        self._look_for_end()

    def _take(self) -> None:
        """Accept connections as they come."""
        if self._listener and not (self._accepting or self._stopping):
            self._accepting = True
            asyncio.get_running_loop().add_reader(self._listener, self._accept, self._listener)

    def _wait(self) -> None:
        """Let connections wait that come now."""
        if self._listener and self._accepting:
            self._accepting = False
            asyncio.get_running_loop().remove_reader(self._listener)

    def _accept(self, listener: socket.socket) -> None:
        """Accept some of the connections that wait: requests that are under way get their turns between."""
        for _ in range(_AT_ONCE):
            if not self._accepting:
                return
            try:
                sock, address = listener.accept()
            except (BlockingIOError, ConnectionError):  # none waits, or the client has gone
                return
            except OSError:  # no file is left for it
                self._wait()
                asyncio.get_running_loop().call_later(_POLL_SECONDS, self._take)
                return
            self._served.open += 1
            if self._served.open >= self._most:
                self._wait()
            opening = asyncio.get_running_loop().create_task(self._open(sock, address[:2]))
            self._opening.add(opening)
            opening.add_done_callback(self._opening.discard)

    async def _open(self, sock: socket.socket, client: tuple[str, int]) -> None:
        sock.setblocking(False)
        limits = {
            "ssl_handshake_timeout": HANDSHAKE_SECONDS,
            "ssl_shutdown_timeout": self._settings.reading_seconds,  # it is the last of an answer's time, too
        } if self._tls else {}  # fmt: skip
        try:
            await asyncio.get_running_loop().connect_accepted_socket(
                lambda: Connection(self._served, sock, client), sock, ssl=self._tls, **limits
            )
        except OSError:  # no handshake: it has not become a connection
            sock.close()
            self._leave()

    def _leave(self) -> None:
        """Note that a connection has ended: there is a place for another one."""
        self._served.open -= 1
        self._take()
        self._look_for_end()

    def _look_for_end(self) -> None:
        if self._stopping and not self._served.connections:
            self._ended.set()


SERVED = (("host", "port"), ("agi_host", "agi_port"))
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
        raise WrongSetting(
            f"{name}: cannot listen on {host}:{port}: {error.strerror}; another port can be set"
        ) from None


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
