"""Runs the application in this process: Granian embedded in an asyncio loop.

One process, so that a kill leaves nothing behind that holds the port, and a stop can wait for the
requests that were accepted.
"""

import asyncio
import gc
import signal
import socket

import uvloop
from granian.constants import Interfaces
from granian.http import HTTP1Settings
from granian.server.embed import Server
from starlette.types import ASGIApp

from didier.config import Settings
from didier.errors import WrongSetting

HEADER_SECONDS = 30
"""How long a client may take to send a request's head."""


def run(app: ASGIApp, settings: Settings) -> None:
    """Serve *app* until SIGTERM or SIGINT."""
    _check_address(settings.host, settings.port)
    gc.freeze()  # what was imported is never garbage: looking through it would slow every request
    uvloop.run(_serve(app, settings))


def _check_address(host: str, port: int) -> None:
    """Raise `WrongSetting` when the address cannot be listened on."""
    try:
        family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][0]
        with socket.socket(family, socket.SOCK_STREAM) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind((host, port))
    except OSError as error:
        raise WrongSetting(f"host and port: cannot listen on {host}:{port}: {error.strerror}") from None


async def _serve(app: ASGIApp, settings: Settings) -> None:
    server = Server(
        app,
        address=settings.host,
        port=settings.port,
        interface=Interfaces.ASGI,
        websockets=False,
        backlog=1024,
        log_enabled=False,
        http1_settings=HTTP1Settings(header_read_timeout=HEADER_SECONDS * 1000),
    )
    loop = asyncio.get_running_loop()
    for name in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(name, server.stop)
    await server.serve()
