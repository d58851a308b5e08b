"""The transport that answers in this process."""

import asyncio
import threading
from contextlib import asynccontextmanager
from datetime import datetime

import httpx2
import pytest

from didier.cli.local import CALLER
from didier.cli.local.inprocess import InProcess
from didier.web.api.callers import LOCAL
from support.homes import ready
from support.terminals import Terminal


class App:
    """Answers as its paths say."""

    def __init__(self):
        self.events = []
        self.seen = []
        self.gone = threading.Event()

    @asynccontextmanager
    async def lifespan(self):
        self.events.append("begun")
        yield
        self.events.append("ended")

    async def __call__(self, scope, receive, send):
        self.seen.append(scope)
        await getattr(self, scope["path"].strip("/"))(receive, send)

    async def _start(self, send, status=200):
        await send({"type": "http.response.start", "status": status, "headers": [(b"x-one", b"1")]})

    async def echo(self, receive, send):
        size, more = 0, True
        while more:
            message = await receive()
            size, more = size + len(message["body"]), message["more_body"]
        await self._start(send)
        await send({"type": "http.response.body", "body": str(size).encode()})

    async def refuse(self, receive, send):
        await self._start(send, 413)
        await send({"type": "http.response.body", "body": b"too large"})

    async def endless(self, receive, send):
        await self._start(send)
        try:
            while True:
                await send({"type": "http.response.body", "body": b"x" * 1_000, "more_body": True})
        except asyncio.CancelledError:
            self.gone.set()
            raise

    async def broken(self, receive, send):
        await self._start(send)
        await send({"type": "http.response.body", "body": b"a part", "more_body": True})
        raise RuntimeError

    async def silent(self, receive, send):
        return


@pytest.fixture
def app():
    return App()


@pytest.fixture
def client(app):
    with httpx2.Client(
        transport=InProcess(app, app.lifespan(), CALLER), base_url="http://localhost"
    ) as client:
        yield client


def test_a_request_is_answered(client, app):
    """With the body that was sent, by the caller of the transport alone."""
    answer = client.post("/echo", params={"a": "b c"}, content=b"x" * 100, headers={LOCAL: "mallory"})

    assert (200, "1", "100") == (answer.status_code, answer.headers["x-one"], answer.text)
    [scope] = app.seen
    assert (CALLER, b"a=b+c", "POST") == (scope[LOCAL], scope["query_string"], scope["method"])


def test_a_large_body_passes_in_pieces(client):
    """More than waits at once."""
    assert str(100 * 65_536) == client.post("/echo", content=(b"x" * 65_536 for _ in range(100))).text


def test_a_body_that_is_refused_is_not_read_to_its_end(client):
    """The application answers; what was not wanted stays unread."""
    read = []

    def pieces():
        while True:
            read.append(1)
            yield b"x" * 65_536

    answer = client.post("/refuse", content=pieces())

    assert (413, "too large") == (answer.status_code, answer.text)
    assert len(read) < 100


def test_an_answer_is_read_as_it_is_made(client, app):
    """Whoever stops reading ends the request."""
    with client.stream("GET", "/endless") as answer:
        pieces = answer.iter_raw()
        assert [1_000, 1_000] == [len(next(pieces)) for _ in range(2)]

    assert app.gone.wait(30)


def test_an_answer_that_breaks_off_is_an_error(client):
    """Nobody takes a part for the whole."""
    with pytest.raises(httpx2.ReadError):
        client.get("/broken")


def test_an_answer_that_does_not_come_is_an_error(client):
    """The connection, so to speak, was closed."""
    with pytest.raises(httpx2.ReadError):
        client.get("/silent")


def test_a_body_that_fails_ends_the_request(client):
    """The error is the caller's."""

    def pieces():
        yield b"x"
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        client.post("/echo", content=pieces())
    assert "1" == client.post("/echo", content=b"x").text


def test_the_application_lives_as_long_as_the_transport(app):
    """It begins and ends once, also with an answer under way."""
    transport = InProcess(app, app.lifespan(), CALLER)
    with httpx2.Client(transport=transport, base_url="http://localhost") as client:
        client.send(client.build_request("GET", "/endless"), stream=True)
    transport.close()

    assert ["begun", "ended"] == app.events
    assert app.gone.is_set()


def test_an_application_that_does_not_begin_leaves_no_thread(app):
    """The error is the caller's."""

    @asynccontextmanager
    async def lifespan():
        raise OSError("no database")
        yield

    with pytest.raises(OSError, match="no database"):
        InProcess(app, lifespan(), CALLER)
    assert "in-process" not in [thread.name for thread in threading.enumerate()]


def test_a_table_that_is_typed_can_be_interrupted(tmp_path):
    """Ctrl-C instead of the end of the text: nothing was ordered, and the command ends."""
    with ready(f"sqlite:///{tmp_path}/didier.db", datetime(2026, 3, 4, 5, 6, 7)):
        pass
    terminal = Terminal(tmp_path, "copy", "18001234567", "--csv", "-", "--database", "sqlite:///didier.db")
    terminal.type("target\n")
    terminal.until(lambda text: "target" in text and "Sending" in text)
    terminal.interrupt()

    assert 130 == terminal.finish()
    assert "interrupted before the order was confirmed" in terminal.text
    assert "Traceback" not in terminal.text
