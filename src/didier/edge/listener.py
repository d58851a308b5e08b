"""What an agent answers on its own machine: Kamailio, which hands over calls, and Prometheus."""

import hmac
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from didier.edge import calls, status
from didier.edge.calls import Spool
from didier.edge.status import Status

BODY_MOST = 1_000_000
SECONDS = 10.0


class Listener(ThreadingHTTPServer):
    """Listens at a port of the loopback address; calls come with the secret that Kamailio shares."""

    daemon_threads = True
    allow_reuse_address = True

    def __init__(self, port: int, secret: str, spool: Path, status: Status) -> None:
        self.bearer = f"Bearer {secret}".encode()
        self.spool, self.status = spool, status
        super().__init__(("127.0.0.1", port), _Handler)


class _Handler(BaseHTTPRequestHandler):
    server: Listener
    protocol_version = "HTTP/1.1"
    timeout = SECONDS

    def do_GET(self) -> None:
        if self.path == "/metrics":
            text = status.exposition(self.server.status.figures)
            self._answer(HTTPStatus.OK, text, "text/plain; version=0.0.4; charset=utf-8")
        else:
            self._answer(HTTPStatus.NOT_FOUND)

    def do_POST(self) -> None:
        length = self.headers.get("Content-Length", "")
        if self.path != "/calls":
            self._refuse(HTTPStatus.NOT_FOUND)
        elif not hmac.compare_digest(self.headers.get("Authorization", "").encode(), self.server.bearer):
            self._refuse(HTTPStatus.UNAUTHORIZED)
        elif not (length.isascii() and length.isdecimal()):
            self._refuse(HTTPStatus.LENGTH_REQUIRED)
        elif len(length) > len(str(BODY_MOST)) or int(length) > BODY_MOST:
            self._refuse(HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
        else:
            self._take(self.rfile.read(int(length)), int(length))

    def _take(self, body: bytes, length: int) -> None:
        if (
            len(body) < length
        ):  # it was cut off, perhaps within a call: the sender has no answer, and tries again
            self.close_connection = True
            return
        lines = [line for line in body.decode(errors="replace").split("\n") if line]
        found = [call for line in lines if (call := calls.read(line)) is not None]
        with Spool(self.server.spool) as spool:
            lost = spool.add(found)
        unread = len(lines) - len(found)
        self.server.status.count(calls_received=len(lines), calls_dropped=unread + lost)
        self._answer(HTTPStatus.OK)

    def _refuse(self, code: HTTPStatus) -> None:
        """Answer without reading the body, which ends the connection."""
        self.close_connection = True
        self._answer(code)

    def _answer(self, code: HTTPStatus, text: str = "", kind: str = "text/plain; charset=utf-8") -> None:
        body = (text or f"{code.phrase}\n").encode()
        self.send_response(code)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *arguments: object) -> None:
        """Say nothing for each request."""
