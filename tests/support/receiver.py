"""A receiver of webhooks: it answers as it is told, and remembers what it was sent."""

import json
import socket
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self

WAIT_SECONDS = 60
"""How long `Receiver.until` waits for another event."""


@dataclass(frozen=True)
class Message:
    """What was sent: its path, headers by their names in small letters, and body."""

    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def event(self) -> Any:
        """The body, read as JSON."""
        return json.loads(self.body)


Behaviour = Callable[[BaseHTTPRequestHandler, Message], None]
"""Answers a message."""


def status(number: int, text: str = "", **headers: str) -> Behaviour:
    """Return what answers with a status."""

    def answer(handler: BaseHTTPRequestHandler, message: Message) -> None:
        handler.send_response(number)
        for name, value in headers.items():
            handler.send_header(name.replace("_", "-"), value)
        handler.send_header("Content-Length", str(len(text.encode())))
        handler.end_headers()
        handler.wfile.write(text.encode())

    return answer


TAKEN = status(204)


def half(handler: BaseHTTPRequestHandler, message: Message) -> None:
    """Close half-way through the answer."""
    handler.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf")
    closed(handler, message)


def closed(handler: BaseHTTPRequestHandler, message: Message) -> None:
    """Close without an answer."""
    handler.wfile.flush()
    handler.close_connection = True
    handler.connection.shutdown(socket.SHUT_RDWR)


class Receiver:
    """A server that listens on this machine; *behave* says how a message is answered, port 0 is any."""

    def __init__(self, behave: Behaviour = TAKEN, port: int = 0) -> None:
        self.behave = behave
        self.messages: list[Message] = []
        self.changed = threading.Condition()
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                receiver._take(self)

            def log_message(self, *_: Any) -> None:
                """Say nothing."""

        class Server(ThreadingHTTPServer):
            daemon_threads = True
            request_queue_size = 100

            def handle_error(self, *_: Any) -> None:
                """Say nothing: who sends may have been killed."""

        self._server = Server(("127.0.0.1", port), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, args=[0.05], daemon=True)

    @property
    def url(self) -> str:
        """Where it is sent to."""
        return f"http://127.0.0.1:{self._server.server_address[1]}/hook"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    def _take(self, handler: BaseHTTPRequestHandler) -> None:
        length = int(handler.headers.get("content-length") or 0)
        body = handler.rfile.read(length)
        if len(body) < length:
            return  # who sent it has ended
        headers = {name.lower(): value for name, value in handler.headers.items()}
        message = Message(handler.path, headers, body)
        with self.changed:
            self.messages.append(message)
            behave = self.behave
        with suppress(OSError):
            behave(handler, message)
        with self.changed:
            self.changed.notify_all()

    @property
    def events(self) -> list[Any]:
        """The events that were sent, in order."""
        with self.changed:
            return [message.event for message in self.messages]

    def until(self, happened: Callable[[list[Any]], bool]) -> list[Any]:
        """Wait until *happened* holds of the events; return them. Fails when no more of them come."""
        count, deadline = -1, 0.0
        while not happened(found := self.events):
            if len(found) != count:
                count, deadline = len(found), time.monotonic() + WAIT_SECONDS
            if time.monotonic() > deadline:
                last = [(one["type"], one["id"]) for one in found[-5:]]
                raise AssertionError(f"that did not happen; of {count} events the last are {last}")
            with self.changed:
                self.changed.wait(0.1)
        return found
