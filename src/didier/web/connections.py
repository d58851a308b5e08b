"""Connections as the system sees them: how many there may be, and how long their clients may read nothing."""

import asyncio
import os
import resource
import socket
import stat
from collections.abc import Iterator
from contextlib import suppress

import structlog

SPARE_FILES = 200
"""Open files that are left for the database, the log and large answers."""

LENIENT_CONNECTIONS = 256
"""Connections to the second port (`didier.web.lenient`), each of which is for one request."""

FEWEST = 16
"""Connections that are taken in any case."""

FILES = "/proc/self/fd"
"""Where Linux shows the open files of this process."""

_POLL_SECONDS = 0.01

log = structlog.get_logger()


def most_connections(wanted: int, others: int = 0) -> int:
    """Return how many of the *wanted* connections there may be beside *others* without running out of files.

    Granian lets this process have as many files open as the system allows, when it is imported.
    """
    files, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    if files == resource.RLIM_INFINITY or wanted <= files - SPARE_FILES - others:
        return wanted
    most = max(FEWEST, files - SPARE_FILES - others)
    log.info("fewer_connections", wanted=wanted, taken=most, open_files=files)
    return most


async def limit_reading(port: int, seconds: float) -> None:
    """Let the kernel end each connection to *port* whose client takes nothing of an answer for *seconds*.

    Granian waits for it without end. Connections inherit the limit from the socket that they come in by, and
    that is Granian's own: it is waited for. Only Linux has the limit (``TCP_USER_TIMEOUT`` in tcp(7)).
    What it is worth was measured: ``docs/decisions/0016-edges-of-http.md``.
    """
    milliseconds = max(1, int(seconds * 1000))
    while not (listening := list(listeners(port))) and os.path.isdir(FILES):
        await asyncio.sleep(_POLL_SECONDS)
    for listener in listening:
        with listener, suppress(AttributeError, OSError):
            listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, milliseconds)


def listeners(port: int) -> Iterator[socket.socket]:
    """Give a duplicate of each socket of this process that takes connections to *port*."""
    for sock in sockets(port):
        if sock.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN):
            yield sock
        else:
            sock.close()


def sockets(port: int) -> Iterator[socket.socket]:
    """Give a duplicate of each socket of this process that has *port* on our side."""
    for name in _files():
        if sock := _socket(int(name), port):
            yield sock


def _files() -> list[str]:
    with suppress(OSError):  # not Linux, or no file is left to look with
        return os.listdir(FILES)
    return []


def _socket(file: int, port: int) -> socket.socket | None:
    with suppress(OSError):
        if stat.S_ISSOCK(os.fstat(file).st_mode):
            sock = socket.socket(fileno=os.dup(file))
            if sock.family in {socket.AF_INET, socket.AF_INET6} and sock.getsockname()[1] == port:
                return sock
            sock.close()
    return None
