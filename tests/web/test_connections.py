"""Connections: kept or closed, half closed, of HTTP/1.0, and given up without the answer being lost."""

import asyncio
import json
import re
import signal
import socket
import struct

import pytest

from didier.config import Settings
from didier.web.exchange import Exchange
from didier.web.server import HttpServer
from support.mariadb import free_port
from support.process import until
from support.raw import connect, ended, request, send, status
from support.server import FORM, PATH, TUTORIAL

HEALTH = request("GET", "/healthz", close=False)
PAGE = b"\r\n\r\nok\n"
FOREVER = b"GET /healthz HTTP/1.1\r\n" + b"x: %s\r\n" % (b"x" * 60_000)


def received(sock, count):
    """Return what comes until *count* answers of /healthz are there."""
    answers = b""
    while answers.count(PAGE) < count:
        part = sock.recv(65536)
        assert part
        answers += part
    return answers


def test_a_connection_is_kept(server):
    """Requests follow each other on one connection, until one says that it is the last."""
    with connect(server) as sock:
        sock.sendall(HEALTH)
        first = received(sock, 1)
        sock.sendall(request("GET", "/healthz"))
        last = ended(sock)

    assert b"\r\nconnection:" not in first
    assert b"\r\nconnection: close\r\n" in last
    assert re.search(rb"\r\ndate: \w{3}, \d\d \w{3} \d{4} \d\d:\d\d:\d\d GMT\r\n", first)


@pytest.mark.parametrize("path", ["/healthz", "/", "/nothing", f"{PATH}?function=version"])
def test_an_answer_to_head_has_no_body(server, path):
    """What follows it is the next answer."""
    with connect(server) as sock:
        sock.sendall(request("HEAD", path, close=False) + HEALTH)
        head, _, rest = received(sock, 1).partition(b"\r\n\r\n")

    assert b"\r\ncontent-length: " in head
    assert rest.startswith(b"HTTP/1.1 200 ")


def test_http_1_0(server):
    """Who speaks HTTP/1.0 gets answers without chunks, which end with the connection (RFC 9112, 6.1)."""
    answers = [
        send(server, f"GET {path} HTTP/1.0\r\nauthorization: Basic YWRtaW46MTIzNA==\r\n\r\n".encode())
        for path in ("/healthz", "/api/v1/exports/dids.csv")
    ]

    assert [200, 200] == [status(answer) for answer in answers]
    assert all(b"\r\nconnection: close\r\n" in answer for answer in answers)
    assert all(b"transfer-encoding" not in answer for answer in answers)
    assert answers[1].endswith(b"\r\n")


def test_chunks_go_out_whole(server):
    """An answer without a length comes in chunks, and the connection is kept behind it."""
    with connect(server) as sock:
        export = request(
            "GET", "/api/v1/exports/dids.csv", close=False, authorization="Basic YWRtaW46MTIzNA=="
        )
        sock.sendall(export + HEALTH)
        answers = received(sock, 1)

    assert b"\r\ntransfer-encoding: chunked\r\n" in answers
    assert b"\r\n0\r\n\r\nHTTP/1.1 200 " in answers


def test_a_client_of_http_1_0_is_not_asked_for_its_body(server):
    """It does not know that answer (RFC 9110, 10.1.1)."""
    form = b"function=version&user=admin&pass=1234&source=crm"
    head = f"POST {PATH} HTTP/1.0\r\nexpect: 100-continue\r\ncontent-type: {FORM}\r\n"
    answer = send(server, head.encode() + b"content-length: %d\r\n\r\n" % len(form) + form)

    assert 200 == status(answer)
    assert b" 100 " not in answer


def test_a_client_that_has_gone_has_its_address(server):
    """Also one that resets its connection before the server takes that: lists of addresses count for it."""
    server.process.send_signal(signal.SIGSTOP)
    try:
        with connect(server) as sock:
            sock.sendall(request("GET", "/gone"))
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    finally:
        server.process.send_signal(signal.SIGCONT)
    until(lambda: '"/gone"' in server.log.read_text())
    [line] = [line for line in server.log.read_text().splitlines() if '"/gone"' in line]

    assert "127.0.0.1" == json.loads(line)["client"]


class HalfAnAnswer:
    """An application that fails in the midst of its answer."""

    running = 0

    async def __call__(self, scope, receive, send):
        """Send the first part, and fail."""
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"half", "more_body": True})
        raise ValueError


def test_half_an_answer_is_none():
    """A client of HTTP/1.0, for which an answer ends with the connection, is told by a reset."""

    async def test():
        port = free_port()
        server = HttpServer(HalfAnAnswer(), Settings(port=port))
        await server.start()
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"GET / HTTP/1.0\r\n\r\n")
        with pytest.raises(ConnectionResetError):
            await reader.read()
        writer.close()
        server.stop()
        await server.serve()

    asyncio.run(test())


def test_a_client_that_has_said_all(server):
    """Who closes its side behind a request is answered."""
    copy = "&".join(f"{name}={value}" for name, value in TUTORIAL.items())

    assert b"SUCCESS: " in send(server, request("GET", f"{PATH}?{copy}", close=False), half_closed=True)
    assert PAGE in send(server, HEALTH, half_closed=True)


def test_a_refusal_of_what_is_still_sent(server):
    """A body that is refused as too long is let come for a while: a reset would take the answer away."""
    form = request("POST", PATH, b"x" * 5_000_000, close=False, content_type=FORM)
    answers = [send(server, form) for _ in range(5)]

    assert [413] * 5 == [status(answer) for answer in answers]
    assert all(b"\r\nconnection: close\r\n" in answer for answer in answers)


def test_a_head_without_end(server):
    """A head that goes on and on is refused when it is too long, and its connection closed."""
    sent = 0
    with connect(server) as sock:
        try:
            while sent < 100_000_000:
                sock.sendall(FOREVER)
                sent += len(FOREVER)
        except (BrokenPipeError, ConnectionResetError):
            pass

    assert sent < 100_000_000


class Wire:
    """Takes an answer as a connection does."""

    paused = ending = False

    def __init__(self):
        self.sent, self.cut, self.ended = b"", False, False

    def write(self, data):
        self.sent += data

    def answered(self):
        self.ended = True

    def abort(self):
        self.cut = True


def answered(*messages):
    """Return what becomes of the *messages* of an application."""

    async def app(_scope, _receive, send):
        for message in messages:
            await send(message)

    wire = Wire()
    scope = {"type": "http", "method": "GET", "http_version": "1.1", "path": "/"}
    exchange = Exchange(wire, scope, kept=True, expected=False)
    exchange.end()
    asyncio.run(exchange.run(app))
    return wire


def start(*headers):
    return {"type": "http.response.start", "status": 200, "headers": list(headers)}


def body(data, more=False):
    return {"type": "http.response.body", "body": data, "more_body": more}


LENGTH = (b"content-length", b"3")


@pytest.mark.parametrize(
    "messages",
    [
        [start(LENGTH), body(b"ab")],
        [start(LENGTH), body(b"abcd")],
        [start(LENGTH), body(b"ab", more=True)],
        [start(), body(b"ab", more=True)],
        [start((b"x", b"a\r\ny: b"), LENGTH), body(b"abc")],
        [start((b"x", b"a\ny: b"), LENGTH), body(b"abc")],
        [start((b"x\r", b"a"), LENGTH), body(b"abc")],
    ],
    ids=["short", "long", "half", "chunks", "header", "line feed", "name"],
)
def test_an_answer_that_is_none(messages):
    """An answer of another length than it says, or with a line break in a header, is cut off."""
    wire = answered(*messages)

    assert wire.cut
    assert not wire.ended
    assert b"y: b" not in wire.sent


def test_no_answer():
    """An application that says nothing has failed."""
    wire = answered()

    assert wire.sent.startswith(b"HTTP/1.1 500 Internal Server Error\r\n")
    assert wire.ended
