"""Cuts the bytes of a connection into requests; it knows of no socket.

llhttp parses (by httptools). Around it is what it does not do: heads are limited, the bytes of `BARE` in
their first lines are encoded before it sees them, and it never gets more than one request at a time. Where a
body ends is computed here as well, and where llhttp sees another end the request is refused: no byte can be a
part of a body to one and of a request to the other (RFC 9112, 11.2). Why so:
``docs/decisions/0027-one-http-server.md``.
"""

import re
from http import HTTPStatus
from typing import Protocol

import httptools

BARE = re.compile(rb'["<>\x80-\xff]')
"""What Apache takes in an address and RFC 3986 does not know: quotes, angle brackets and all but ASCII."""

HEAD_LIMIT = 98_304
"""Bytes of a head that are kept while more of it is waited for, and most that its headers may have."""

LINE_LIMIT = 65_534
"""Bytes of a request line, encoded."""

HEADER_LIMIT = 100
"""Headers of a request, and as many behind a body in chunks."""

_EMPTY = b"\r\n\r\n"
_HEAD_END = re.compile(rb"\n\r?\n")
_VERSIONS = (b" HTTP/1.1\r\n", b" HTTP/1.0\r\n")
_UPGRADE = re.compile(rb"\nupgrade:[^\n]*(?=\n)", re.IGNORECASE)
_MOST_DIGITS = 19  # of a length; the application has limits of its own


class Refused(Exception):
    """What came is no request that is taken, and what follows it cannot be told from it."""

    def __init__(self, status: HTTPStatus = HTTPStatus.BAD_REQUEST) -> None:
        super().__init__(status)
        self.status = status


class Head:
    """The head of a request; names of headers are in lower case."""

    __slots__ = ("address", "expects_continue", "framing", "headers", "last", "method", "target", "version")

    def __init__(self) -> None:
        self.method = self.version = ""
        self.target = b""
        self.address = b"", b""  # path and query
        self.headers: list[tuple[bytes, bytes]] = []
        self.framing: list[tuple[bytes, bytes]] = []  # those of the headers that say how long the body is
        self.last = False  # none follows it on this connection
        self.expects_continue = False


class Requests(Protocol):
    """Who is told of the requests."""

    def begin(self, head: Head) -> None:
        """A request begins with *head*."""

    def body(self, data: bytes) -> None:
        """This is the next part of its body."""

    def whole(self) -> None:
        """It has come whole."""


class RequestReader:
    """Reads the requests of one connection, and tells *requests* of them."""

    def __init__(self, requests: Requests) -> None:
        self._requests = requests
        self._parser = httptools.HttpRequestParser(self)
        self._begun = bytearray()  # of a head
        self._head: Head
        self._in_body = False
        self._left: int | None = 0  # bytes of the body; None where it comes in chunks
        self._headed = self._whole = False  # how far llhttp is with the request
        self._chunks = bytearray()
        self._unseen = self._trailers = 0

    @property
    def in_head(self) -> bool:
        """Whether a part of a head has come."""
        return bool(self._begun)

    def feed(self, data: bytes) -> bytes:
        """Read *data* up to the end of a request; return what is behind it. Raises `Refused`."""
        if not self._in_body:
            data = self._read_head(data)
        if self._in_body and data:
            data = self._read_chunks(data) if self._left is None else self._read_body(data)
        return data

    def _read_head(self, data: bytes) -> bytes:
        if not self._begun:
            data = data.lstrip(b"\r\n")  # empty lines before a request (RFC 9112, 2.2)
            if data and not data[:1].isalpha():  # TLS or noise, in which the end of a head may never come
                raise Refused
            # Nearly always a head comes whole and alone: then it need not be collected.
            if data.endswith(_EMPTY) and data.find(_EMPTY) == len(data) - 4:
                self._begin(data)
                return b""
        unsearched = max(0, len(self._begun) - 2)
        self._begun += data
        end = _HEAD_END.search(self._begun, unsearched)
        if end is None:
            if len(self._begun) > HEAD_LIMIT:
                raise Refused(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE)
            return b""
        head, rest = bytes(self._begun[: end.end()]), bytes(self._begun[end.end() :])
        self._begun.clear()
        self._begin(head)
        return rest

    def _begin(self, data: bytes) -> None:
        self._headed = self._whole = False
        self._left = 0
        # Other protocols are not taken up (RFC 9110, 7.8), which llhttp would wait for instead of the body.
        self._parse(_UPGRADE.sub(b"", _encoded(data)))
        if not self._headed:
            raise Refused
        head = self._head
        if not data[: data.find(b"\n") + 1].endswith(_VERSIONS):
            raise Refused(HTTPStatus.HTTP_VERSION_NOT_SUPPORTED)
        left = _length(head) if head.framing else 0
        if self._whole != (left == 0):
            raise Refused
        head.address = _address(head.target)
        if left is None or head.version == "1.0":
            head.last = True
        self._requests.begin(head)
        if left == 0:
            self._requests.whole()
        else:
            self._in_body, self._left = True, left

    def _read_body(self, data: bytes) -> bytes:
        left = self._left or 0
        part, rest = (data, b"") if len(data) <= left else (data[:left], data[left:])
        self._parse(part)
        self._left = left - len(part)
        if self._whole != (self._left == 0):
            raise Refused
        self._requests.body(part)
        if self._whole:
            self._end()
        return rest

    def _read_chunks(self, data: bytes) -> bytes:
        """Read *data*, with what may be behind the chunks: where they end llhttp does not say."""
        self._unseen += len(data)
        self._parse(data)
        if self._chunks:
            self._requests.body(bytes(self._chunks))
            self._chunks.clear()
        if self._whole:
            self._end()
        elif self._unseen > HEAD_LIMIT or self._trailers > HEADER_LIMIT:
            raise Refused
        return b""

    def _end(self) -> None:
        self._in_body = False
        self._requests.whole()

    def _parse(self, data: bytes) -> None:
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserUpgrade:  # CONNECT, which has no address that is taken
            pass
        except httptools.HttpParserInvalidMethodError:
            raise Refused(HTTPStatus.NOT_IMPLEMENTED) from None  # RFC 9110, 9.1
        except httptools.HttpParserError:
            if not (self._whole and self._left is None):
                raise Refused from None

    def on_message_begin(self) -> None:
        """llhttp: a request begins."""
        if self._headed:  # behind an end that is none here
            raise Refused
        self._head = Head()

    def on_url(self, part: bytes) -> None:
        """llhttp: a part of the target."""
        self._head.target += part

    def on_header(self, name: bytes, value: bytes) -> None:
        """llhttp: a header; those behind chunks are counted and forgotten."""
        if self._headed:
            self._unseen = 0
            self._trailers += 1
            return
        name, value = name.lower(), value.rstrip(b" \t")
        self._head.headers.append((name, value))
        if name in {b"content-length", b"transfer-encoding"}:
            self._head.framing.append((name, value))
        elif name == b"expect":
            self._head.expects_continue = value.lower() == b"100-continue"

    def on_headers_complete(self) -> None:
        """llhttp: the head has ended."""
        head, parser = self._head, self._parser
        head.method = parser.get_method().decode()
        head.version = parser.get_http_version()
        head.last = not parser.should_keep_alive()
        head.expects_continue = head.expects_continue and head.version == "1.1"  # RFC 9110, 10.1.1
        self._headed = True

    def on_body(self, data: bytes) -> None:
        """llhttp: a part of a body, which is of interest only where it was in a chunk."""
        if self._left is None:
            self._unseen = 0
            self._chunks += data

    def on_message_complete(self) -> None:
        """llhttp: the request has ended."""
        self._whole = True
        if self._left is None:
            raise Refused  # it would go on with what is behind the chunks


def _encoded(head: bytes) -> bytes:
    """Return *head* with its first line encoded; raise `Refused` where it is too large."""
    end = head.find(b"\n")
    if BARE.search(head, 0, end):
        line = BARE.sub(lambda found: b"%%%02X" % found[0][0], head[:end])
        head, end = line + head[end:], len(line)
    if end > LINE_LIMIT:
        raise Refused(HTTPStatus.REQUEST_URI_TOO_LONG)
    if len(head) - end > HEAD_LIMIT or head.count(b"\n") > HEADER_LIMIT + 2:
        raise Refused(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE)
    return head


def _length(head: Head) -> int | None:
    """Return how long the body is, None for chunks; raise `Refused` where that can be read in two ways.

    RFC 9112, 6.1 and 6.3.
    """
    if len(head.framing) > 1:
        raise Refused
    [(name, value)] = head.framing
    if name == b"content-length":
        if not value.isdigit():
            raise Refused
        if len(value) > _MOST_DIGITS:
            raise Refused(HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
        return int(value)
    if value.lower() != b"chunked" or head.version == "1.0":
        raise Refused
    return None


def _address(target: bytes) -> tuple[bytes, bytes]:
    """Return path and query of the *target* of a request (RFC 9112, 3.2)."""
    if target.startswith(b"/"):
        path, _, query = target.partition(b"#")[0].partition(b"?")
        return path, query
    if target == b"*":
        return target, b""
    try:
        url = httptools.parse_url(target)
    except httptools.HttpParserError:
        raise Refused from None
    if not url.schema:  # of CONNECT: there is no tunnel here
        raise Refused
    return url.path or b"/", url.query or b""
