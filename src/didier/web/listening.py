"""Where connections come in: the socket, how many there may be, and the TLS they are secured with."""

import resource
import socket
import ssl
from contextlib import suppress

import structlog

from didier.config import Settings

SPARE_FILES = 200
"""Open files that are left for the database, the log and large answers."""

FEWEST = 16
"""Connections that are taken in any case."""

log = structlog.get_logger()


def listen(settings: Settings) -> socket.socket:
    """Return a socket that connections come in by.

    The kernel ends each one whose client takes nothing of an answer for `reading_seconds`: they inherit that
    from the socket. Only Linux has it (``TCP_USER_TIMEOUT`` in tcp(7)). What it is worth was measured:
    ``docs/decisions/0016-edges-of-http.md``.
    """
    host, port = settings.host, settings.port
    family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][0]
    listener = socket.create_server((host, port), family=family, backlog=1024)
    listener.setblocking(False)
    milliseconds = max(1, int(settings.reading_seconds * 1000))
    with suppress(AttributeError, OSError):
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, milliseconds)
    return listener


def most_connections(wanted: int) -> int:
    """Return how many of the *wanted* connections there may be without running out of files.

    This process may have as many open from now on as the system allows: a shell's own limit is for commands.
    """
    soft, files = resource.getrlimit(resource.RLIMIT_NOFILE)
    with suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_NOFILE, (files, files))
        soft = files
    if soft == resource.RLIM_INFINITY or wanted <= soft - SPARE_FILES:
        return wanted
    most = max(FEWEST, soft - SPARE_FILES)
    log.info("fewer_connections", wanted=wanted, taken=most, open_files=soft)
    return most


def secured(settings: Settings) -> ssl.SSLContext | None:
    """Return how connections are secured, None when they are not."""
    if not settings.tls_cert:
        return None
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.minimum_version = ssl.TLSVersion.TLSv1_2  # older ones must not be negotiated (RFC 9325, 3.1.1)
    context.load_cert_chain(settings.tls_cert, settings.tls_key)
    context.set_alpn_protocols(["http/1.1"])
    return context
