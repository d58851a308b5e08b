"""`didier webhook listen`: a receiver of webhooks on this machine, for those who write one."""

import json
import threading
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Annotated, Any

import typer

from didier.cli.terminal import say, say_json
from didier.domain import signatures
from didier.errors import WrongSetting

HOST, PORT = "127.0.0.1", 8484

BODY_MOST = 10_000_000
"""Most bytes of a message; Didier's own are far smaller."""

SECONDS = 30.0
"""How long a sender, and the program to which messages are sent on, may be silent."""

_SENT_ON = ("content-type", "user-agent", signatures.ID, signatures.TIMESTAMP, signatures.SIGNATURE)


def listen(
    port: Annotated[
        int, typer.Option(min=0, max=65_535, help=f"Port on {HOST}; 0: any that is free.")
    ] = PORT,
    secret_file: Annotated[
        typer.FileText | None,
        typer.Option(help="File with the secret, by which messages are verified; - for standard input."),
    ] = None,
    forward: Annotated[
        str | None,
        typer.Option(
            help="Address of your program: messages are sent on to it, and get its answer.", metavar="URL"
        ),
    ] = None,
) -> None:
    """Listen on this machine, print each message of a webhook, and verify it; Ctrl-C ends it.

    A message is answered with 204, or with the status of your program; with 401 if the secret says that it
    is not to be trusted. The server has to reach this machine: see its setting webhook_networks.

    Example: didier webhook listen --secret-file secret.txt --forward http://127.0.0.1:3000/hook
    """
    secret = _secret(secret_file) if secret_file else None
    if forward is not None and not forward.startswith(("http://", "https://")):
        raise typer.BadParameter("an address begins with http:// or https://", param_hint="--forward")
    with _opened(port, secret, forward) as receiver, suppress(KeyboardInterrupt):
        say(f"Listening on http://{HOST}:{receiver.server_port}/; Ctrl-C ends it.")
        receiver.serve_forever()


def _secret(file: typer.FileText) -> str:
    try:
        secret = file.readline().strip()
        signatures.headers([secret], "", 0, b"")
    except ValueError as error:  # also text that is not in UTF-8
        raise typer.BadParameter(f"no secret: {error}", param_hint="--secret-file") from None
    return secret


def _opened(port: int, secret: str | None, forward: str | None) -> "Receiver":
    try:
        return Receiver(port, secret, forward)
    except OSError as error:
        raise WrongSetting(f"--port: port {port} cannot be used: {error.strerror}") from None


@dataclass(frozen=True, slots=True)
class Message:
    """What was sent; the names of its *headers* are in small letters."""

    headers: Mapping[str, str]
    body: bytes

    @property
    def event(self) -> Any:
        """The body read as JSON; its text where it is none."""
        try:
            return json.loads(self.body)
        except (ValueError, RecursionError):
            return self.body.decode(errors="replace")


class Receiver(ThreadingHTTPServer):
    """Answers messages, and prints them one after the other."""

    daemon_threads = True

    def __init__(self, port: int, secret: str | None, forward: str | None) -> None:
        super().__init__((HOST, port), _Handler)
        self._secret = secret
        self._forward = forward
        self._printing = threading.Lock()

    def take(self, message: Message) -> int:
        """Print *message*; return the status that it is answered with."""
        trust, status = "not verified: there is no --secret-file", 204
        if self._secret is not None:
            wrong = signatures.problem(self._secret, dict(message.headers), message.body, time.time())
            trust, status = (f"NOT TO BE TRUSTED: {wrong}", 401) if wrong else ("signed", 204)
        if self._forward and status != 401:
            status, trust = self._send_on(self._forward, message, trust)
        with self._printing:
            _show(message, f"{trust}, answered {status}")
        return status

    def _send_on(self, url: str, message: Message, trust: str) -> tuple[int, str]:
        """Send *message* to a program; return its status, 502 without one, and what is said of it."""
        import httpx2

        headers = {name: message.headers[name] for name in _SENT_ON if name in message.headers}
        try:
            answer = httpx2.post(url, content=message.body, headers=headers, timeout=SECONDS)
        except (httpx2.HTTPError, httpx2.InvalidURL) as error:
            return 502, f"{trust}, {url} does not answer: {error}"
        return answer.status_code, trust


def _show(message: Message, outcome: str) -> None:
    event = message.event
    kind = event.get("type", "") if isinstance(event, dict) else "no event"
    say(f"{time.strftime('%H:%M:%S')} {kind} {message.headers.get(signatures.ID, '')}: {outcome}")
    say_json(json.dumps(event, indent=2, ensure_ascii=False))


class _Handler(BaseHTTPRequestHandler):
    server: Receiver
    timeout = SECONDS

    def do_POST(self) -> None:
        length = self.headers.get("Content-Length", "")
        if not (length.isascii() and length.isdigit() and len(length) < 10):
            self.send_error(411)
        elif int(length) > BODY_MOST:
            self.send_error(413)
        else:
            self._answer(self.rfile.read(int(length)), int(length))

    def _answer(self, body: bytes, length: int) -> None:
        if len(body) < length:
            return  # who sent it has ended
        headers = {name.lower(): value for name, value in self.headers.items()}
        self.send_response(self.server.take(Message(headers, body)))
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: Any) -> None:
        """Say nothing: messages are printed."""
