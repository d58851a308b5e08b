"""A request and its answer, as the application has them (ASGI)."""

import asyncio
import time
from collections.abc import Sequence
from email.utils import formatdate
from functools import lru_cache
from http import HTTPStatus
from typing import Protocol

import structlog
from starlette.types import ASGIApp, Message, Scope

BODY_LIMIT = 65_536
"""Bytes of a body that are kept while the application does not ask for them; no more is read then."""

STATUS_LINES = {
    status.value: f"HTTP/1.1 {status.value} {status.phrase}\r\n".encode() for status in HTTPStatus
}
_WITHOUT_BODY = frozenset({204, 304})
_CLOSE = b"connection: close\r\n"
_CHUNKED = b"transfer-encoding: chunked\r\n"

log = structlog.get_logger()


class Wire(Protocol):
    """The connection by which an exchange is made."""

    paused: bool  # the client does not take what is sent

    @property
    def ending(self) -> bool:
        """Whether the answer is the connection's last."""

    def write(self, data: bytes) -> None:
        """Send *data*."""

    async def writable(self) -> None:
        """Return when the client has taken enough for more to be sent."""

    def read_on(self) -> None:
        """Read more of the request."""

    def answered(self) -> None:
        """The answer is sent: go on, or close."""

    def abort(self) -> None:
        """Cut the connection, so that nobody takes half an answer for a whole one."""


class Exchange:
    """One request, whose answer goes out by *wire*; with *kept* another one may follow it there.

    `whole` and `gone` say how far it has come: to its end, or to that of the connection.
    """

    __slots__ = (
        "_body", "_chunked", "_expected", "_head", "_left", "_mute", "_scope", "_started", "_taken",
        "_wanted", "_wire", "done", "gone", "kept", "whole",
    )  # fmt: skip

    def __init__(self, wire: Wire, scope: Scope, *, kept: bool, expected: bool) -> None:
        self._wire = wire
        self._scope = scope
        self.kept = kept
        self.whole = self.gone = self.done = False
        self._body = bytearray()
        self._taken = False  # by the application, to its end
        self._expected = expected  # the client waits to be asked for its body
        self._wanted: asyncio.Future[None] | None = None
        self._head = b""  # what is sent with the answer's first bytes
        self._started = self._chunked = self._mute = False
        self._left: int | None = None  # bytes that the answer has still to have

    async def run(self, app: ASGIApp) -> None:
        """Have *app* answer."""
        try:
            await app(self._scope, self.receive, self.send)
            if not self.done and not self.gone:
                log.error("not_answered", path=self._scope["path"])
        except Exception:
            if not self.gone:
                log.exception("not_answered", path=self._scope["path"])
        if not self.done:
            await self._fail()

    async def _fail(self) -> None:
        if self._started or self.gone:
            self._wire.abort()
            return
        await self.send(
            {"type": "http.response.start", "status": 500, "headers": [(b"content-length", b"0")]}
        )
        await self.send({"type": "http.response.body"})

    def add(self, data: bytes) -> bool:
        """Add *data* to the body; return whether more of it can be kept."""
        self._body += data
        self._wake()
        return len(self._body) < BODY_LIMIT

    def end(self) -> None:
        """The request has come whole."""
        self.whole = True
        self._wake()

    def lose(self) -> None:
        """No more of the request comes that could be read; the connection ends with the answer."""
        self.gone = True
        self.kept = False
        self._wake()

    def _wake(self) -> None:
        if self._wanted and not self._wanted.done():
            self._wanted.set_result(None)

    async def receive(self) -> Message:
        """Return the next part of the body; behind that, wait for the client to go or to have its answer."""
        while True:
            if not self._taken and (self._body or self.whole):
                return self._part()
            if self.gone or self.done:
                return {"type": "http.disconnect"}
            if self._expected and not self._started:
                self._wire.write(b"HTTP/1.1 100 Continue\r\n\r\n")
            self._expected = False
            self._wire.read_on()
            self._wanted = asyncio.get_running_loop().create_future()
            await self._wanted

    def _part(self) -> Message:
        data = bytes(self._body)
        self._body.clear()
        self._taken = self.whole
        return {"type": "http.request", "body": data, "more_body": not self.whole}

    async def send(self, message: Message) -> None:
        """Send a part of the answer."""
        if self._wire.paused:
            await self._wire.writable()
        if message["type"] == "http.response.start":
            self._start(message["status"], message["headers"])
        else:
            self._continue(message.get("body", b""), message.get("more_body", False))

    def _start(self, status: int, headers: Sequence[tuple[bytes, bytes]]) -> None:
        self._started = True
        named = dict(headers)
        framing = self._framing(status, named.get(b"content-length"))
        if not self.whole or self._wire.ending or named.get(b"connection") == b"close":
            self.kept = False
        if not self.kept and b"connection" not in named:
            framing += _CLOSE
        head = _head(status, headers, framing)
        if self._left is None:
            self._wire.write(head)  # what follows may take its time
        else:
            self._head = head

    def _framing(self, status: int, length: bytes | None) -> bytes:
        """Return the line that says where the answer ends, if the application has none (RFC 9112, 6.3)."""
        if self._scope["method"] == "HEAD" or status in _WITHOUT_BODY:
            self._mute = True
        elif length is not None:
            self._left = int(length)
        elif self._scope["http_version"] == "1.1":
            self._chunked = True
            return _CHUNKED
        else:
            self.kept = False  # its end is the connection's
        return b""

    def _continue(self, body: bytes, more: bool) -> None:
        if self._mute:
            body = b""
        elif self._chunked:
            body = _chunk(body, more)
        elif self._left is not None:
            self._left -= len(body)
            if self._left < 0 or (self._left and not more):
                raise ValueError("the answer is not as long as it says")
            body, self._head = self._head + body, b""
        if body:
            self._wire.write(body)
        if not more:
            self.done = True
            self._wake()
            self._wire.answered()


def _head(status: int, headers: Sequence[tuple[bytes, bytes]], framing: bytes) -> bytes:
    lines = b"".join([b"%b: %b\r\n" % header for header in headers])
    if not lines.count(b"\r") == lines.count(b"\n") == len(headers):
        raise ValueError("a header of the answer has a line break, behind which there could be another")
    return b"%b%b%bdate: %b\r\n\r\n" % (STATUS_LINES[status], lines, framing, _date(int(time.time())))


@lru_cache(1)
def _date(second: int) -> bytes:
    return formatdate(second, usegmt=True).encode()


def _chunk(body: bytes, more: bool) -> bytes:
    chunk = b"%x\r\n%b\r\n" % (len(body), body) if body else b""
    return chunk if more else chunk + b"0\r\n\r\n"
