"""A client that sends what it likes, byte by byte, and reads as it likes."""

import socket
from collections.abc import Iterator
from contextlib import contextmanager

from support.server import Didier

SECONDS = 60
"""How long an answer is waited for; one that does not come fails the test."""


def connect(server: Didier, window: int | None = None) -> socket.socket:
    """Connect to *server*; with *window* take about so many bytes without reading them."""
    sock = socket.socket()
    sock.settimeout(SECONDS)
    if window:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, window)
    sock.connect(("127.0.0.1", server.port))
    return sock


@contextmanager
def connected(server: Didier, count: int) -> Iterator[list[socket.socket]]:
    """Hold *count* connections."""
    socks: list[socket.socket] = []
    try:
        socks.extend(connect(server) for _ in range(count))
        yield socks
    finally:
        for sock in socks:
            sock.close()


def ended(sock: socket.socket) -> bytes:
    """Return what comes until the server ends the connection."""
    parts = []
    try:
        while part := sock.recv(65536):
            parts.append(part)
    except ConnectionResetError:  # it did not read all that was sent
        pass
    return b"".join(parts)


def send(server: Didier, data: bytes, *, half_closed: bool = False) -> bytes:
    """Send *data* on a connection of its own; return all that comes until the server ends it."""
    with connect(server) as sock:
        try:
            sock.sendall(data)
            if half_closed:
                sock.shutdown(socket.SHUT_WR)
        except (BrokenPipeError, ConnectionResetError):  # it has heard enough
            pass
        return ended(sock)


def status(answer: bytes) -> int | None:
    """Return the status of the first answer, None when there is none."""
    return int(answer.split(b" ", 2)[1]) if answer.startswith(b"HTTP/1.") else None


def request(method: str, target: str, body: bytes = b"", close: bool = True, **headers: str) -> bytes:
    """Write a request; the underscores in names of *headers* are hyphens."""
    sent = {"host": "didier", **headers}
    if close:
        sent["connection"] = "close"
    if body and "transfer_encoding" not in headers:
        sent.setdefault("content_length", str(len(body)))
    lines = "".join(f"{name.replace('_', '-')}: {value}\r\n" for name, value in sent.items())
    return f"{method} {target} HTTP/1.1\r\n{lines}\r\n".encode() + body
