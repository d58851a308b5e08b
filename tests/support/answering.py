"""A web server for addresses that Didier asks."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

Answer = Callable[[BaseHTTPRequestHandler], None]
PAUSE = 0.005
"""Between the letters of who is slow."""


class Web(ThreadingHTTPServer):
    """Answers as its *answer*, a function of a handler, does; keeps what it was asked."""

    daemon_threads = True

    def __init__(self, answer: Answer) -> None:
        outer = self
        self.asked: list[tuple[str, dict[str, str]]] = []
        self.released = threading.Event()

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                outer.asked.append((self.path, dict(self.headers)))
                answer(self)

            def log_message(self, *args: object) -> None:
                pass

        super().__init__(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server_port}"

    def handle_error(self, request: object, client_address: object) -> None:
        pass  # who has asked does not read to the end


@contextmanager
def web(answer: Answer) -> Iterator[Web]:
    """Run a server that answers as *answer* does."""
    server = Web(answer)
    thread = threading.Thread(target=server.serve_forever, args=[0.01], daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.released.set()
        server.shutdown()
        thread.join()
        server.server_close()


def said(status: int = 200, body: bytes = b"1", **headers: str) -> Answer:
    """Return what answers *body*."""

    def answer(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(status)
        for name, value in headers.items():
            handler.send_header(name.replace("_", "-"), value)
        handler.send_header("Content-Length", str(len(body)))
        handler.end_headers()
        handler.wfile.write(body)

    return answer


def silent(handler: BaseHTTPRequestHandler) -> None:
    """Say nothing until the server ends."""
    _server(handler).released.wait()


def slow(handler: BaseHTTPRequestHandler) -> None:
    """Say a letter at a time, each before a limit of silence would be over."""
    handler.send_response(200)
    handler.end_headers()
    while not _server(handler).released.wait(PAUSE):
        handler.wfile.write(b"1")


def _server(handler: BaseHTTPRequestHandler) -> Web:
    assert isinstance(handler.server, Web)
    return handler.server
