"""Endpoints of webhooks that take everything: of each event they keep what shows that none is missing."""

import asyncio
import re
import threading
from dataclasses import dataclass, field
from typing import NamedTuple

import orjson

_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
_TAKEN = b"HTTP/1.1 204 No Content\r\n\r\n"


class Heard(NamedTuple):
    """An event: its place, what it is known by, its type, and of which DIDs it tells: the first, how many."""

    sequence: int
    id: str
    type: str
    first: str
    size: int


@dataclass
class Endpoint:
    """What an address has been sent, in order; *dids* counts those that it has heard of."""

    url: str = ""
    heard: list[Heard] = field(default_factory=list)
    dids: int = 0

    def take(self, body: bytes) -> None:
        """Keep what a message says."""
        event = orjson.loads(body)
        data = event["data"]
        self.heard.append(
            Heard(event["sequence"], event["id"], event["type"], data["did_pattern"], data["size"])
        )
        self.dids += data["size"]

    def forget(self) -> None:
        """Begin anew."""
        self.heard, self.dids = [], 0


class Endpoints:
    """Servers in a thread of their own, each with a port: to who sends, one is another host."""

    def __init__(self, count: int) -> None:
        self._loop = asyncio.new_event_loop()
        self._count = count
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)

    def __enter__(self) -> list[Endpoint]:
        self._thread.start()
        return [self._listening() for _ in range(self._count)]

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()

    def _listening(self) -> Endpoint:
        endpoint = Endpoint()
        listen = self._loop.create_server(lambda: _Connection(endpoint), "127.0.0.1", 0)
        server = asyncio.run_coroutine_threadsafe(listen, self._loop).result()
        endpoint.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/"
        return endpoint


class _Connection(asyncio.Protocol):
    """Takes messages; what `http.server` does for each takes longer than sending it."""

    def __init__(self, endpoint: Endpoint) -> None:
        self._endpoint = endpoint
        self._received = b""
        self._transport: asyncio.Transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._received += data
        while (head := self._received.find(b"\r\n\r\n")) >= 0:
            found = _LENGTH.search(self._received, 0, head + 2)
            assert found
            begin, end = head + 4, head + 4 + int(found[1])
            if len(self._received) < end:
                return
            self._endpoint.take(self._received[begin:end])
            self._received = self._received[end:]
            self._transport.write(_TAKEN)
