"""What the reader of requests makes of bytes, without a server."""

from dataclasses import dataclass, field

from didier.web.reader import Head, Refused, RequestReader


@dataclass
class Request:
    """A request that was read; *whole*: to its end."""

    method: str
    path: bytes
    query: bytes
    headers: list[tuple[bytes, bytes]]
    last: bool
    body: bytes = b""
    whole: bool = False


@dataclass
class Reading:
    """What was read, and whether something was refused then."""

    requests: list[Request] = field(default_factory=list)
    refused: bool = False

    def begin(self, head: Head) -> None:
        """Begin a request."""
        assert all(one.whole for one in self.requests)
        self.requests.append(Request(head.method, *head.address, head.headers, head.last))

    def body(self, data: bytes) -> None:
        """Add to its body."""
        assert not self.requests[-1].whole
        self.requests[-1].body += data

    def whole(self) -> None:
        """End it."""
        assert not self.requests[-1].whole
        self.requests[-1].whole = True

    @property
    def ended(self) -> bool:
        """Whether nothing can follow."""
        return self.refused or bool(self.requests and self.requests[-1].whole and self.requests[-1].last)


def read(data: bytes, divided: int = 100_000) -> Reading:
    """Read *data* in pieces of so many bytes, as a connection does that answers each request at once."""
    reading = Reading()
    reader = RequestReader(reading)
    for start in range(0, len(data), divided):
        rest = data[start : start + divided]
        while rest and not reading.ended:
            try:
                rest = reader.feed(rest)
            except Refused:
                reading.refused = True
    return reading
