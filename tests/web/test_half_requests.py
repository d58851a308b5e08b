"""Clients that go away in the middle: nothing is made of half a request, and nothing of it stays behind."""

import base64
import re
import socket
import struct
import urllib.parse
from threading import Thread

import pytest

from support.measurements import note
from support.process import Process, until
from support.raw import connect, request, send, status
from support.server import FORM, PATH, TUTORIAL, Didier

ROUNDS = 400
CLIENTS = 8
SOURCE = "18001234567"
SIGN_IN = "Basic " + base64.b64encode(b"admin:1234").decode()
MEGABYTES = 60
"""Most that thousands of clients that went away may leave behind."""


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    """A server for all tests of this file."""
    directory = tmp_path_factory.mktemp("halves")
    server = Didier(
        directory, "--demo", "--database", f"sqlite:///{directory}/didier.db",
        environment={"DIDIER_RATE_LIMIT": "0"},
    ).start()  # fmt: skip
    yield server
    server.stop()


def copy(target):
    return urllib.parse.urlencode({**TUTORIAL, "new_did_pattern": target})


def get(target, close=True):
    return request("GET", f"{PATH}?{copy(target)}", close=close)


def post(target):
    """A form that says all at its beginning, and has a field more."""
    body = f"{copy(target)}&more={'x' * 100}".encode()
    return request("POST", PATH, body, content_type=FORM)


def upload(path, line, kind):
    """A text that says all in its first line, and has thousands more."""
    body = f"{line}\n".encode() + b"\n" * 5_000
    return request("POST", f"/api/v1{path}", body, content_type=kind, authorization=SIGN_IN)


def reset(sock):
    """Close a connection as a process does that dies: at once, with what is on its way lost."""
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


class Leaving:
    """Clients that go away at every point of a request, and some that stay for the answer."""

    def __init__(self, server):
        self.server = server
        self.acknowledged, self.never, self.others = [], [], []
        self.tried = CLIENTS * ROUNDS * 4

    def run(self):
        threads = [Thread(target=self._work, args=[number]) for number in range(CLIENTS)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    def _work(self, number):
        for turn in range(ROUNDS):
            first = 18_000_000_000 + 10 * (number * ROUNDS + turn)
            rough = bool(turn % 2)
            self._half(get(first), 60, rough)
            self._half(get(first + 1), -2, rough)  # all but the end of the head
            self._half(post(first + 2), -1, rough)  # all but one byte
            self._half(get(first + 3), None, rough)
            if turn % 20 == 0:
                self._answered(first + 4)
                self.never += [first, first + 1, first + 2]

    def _half(self, data, end, rough):
        with connect(self.server) as sock:
            sock.sendall(data[:end])
            if rough:
                reset(sock)

    def _answered(self, target):
        answer = send(self.server, get(target))
        (self.acknowledged if b"\r\n\r\nSUCCESS: " in answer else self.others).append(str(target))


def waiting(server):
    return float(re.search(r"^didier_waiting_orders (\S+)", server.get("/metrics")[1], re.MULTILINE)[1])


def test_thousands_go_away(server):
    """Of thousands of broken requests no file, thread, memory or order is left; who stayed was served."""
    server.tutorial()
    process = Process(server.process.pid)
    clients = Leaving(server)
    server.get("/metrics")
    files, megabytes, threads = process.files, process.megabytes, process.threads
    clients.run()
    until(lambda: process.files <= files)
    until(lambda: waiting(server) == 0)
    made = set(server.patterns())
    lost = set(clients.acknowledged) - made
    note(
        "clients that go away at every point of a request",
        clients.tried,
        len(clients.acknowledged),
        len(lost),
    )

    assert [] == clients.others
    assert not lost
    assert not {str(target) for target in clients.never} & made
    assert process.megabytes - megabytes < MEGABYTES
    assert process.threads <= threads + 8  # pools that had not grown yet
    assert "Traceback" not in server.logged()


@pytest.mark.parametrize(
    "data",
    [
        post("18003330001"),
        upload("/copies?source=18001234567", "18003330002", "text/plain"),
        upload("/copies?source=18001234567", "did_pattern\n18003330003", "text/csv"),
        upload("/imports", "did_pattern,did_description\n18003330004,Sales line", "text/csv"),
        request(
            "POST", "/api/v1/copies", b'{"source": "18001234567", "targets": ["18003330005"]}' + b" " * 100,
            content_type="application/json", authorization=SIGN_IN,
        ),
        request("POST", "/admin/login", b"user=admin&password=1234&" + b"x" * 100, content_type=FORM),
    ],
    ids=["form", "text", "csv", "import", "json", "sign-in"],
)  # fmt: skip
def test_half_a_body(server, data):
    """A body that ends too early is refused, and nothing of it is done, however much of it makes sense."""
    before = server.patterns()
    answer = send(server, data[:-50], half_closed=True)

    assert status(answer) in {None, 400, 422}
    assert before == server.patterns()
    assert "Traceback" not in server.logged()


def test_a_client_that_ends_its_side_is_taken_for_gone(server):
    """Who closes for sending before the answer may get none; what was asked is done as a whole or not."""
    answer = send(server, get("18003330009"), half_closed=True)
    until(lambda: waiting(server) == 0)

    assert answer == b"" or b"SUCCESS: " in answer
    assert "Traceback" not in server.logged()


def test_watchers_that_leave_at_once_leave_their_place(server):
    """Whoever stops watching a batch makes room for another, also before the first event."""
    body = b'{"source": "18001234567", "targets": ["18003330010"]}'
    send(
        server,
        request("POST", "/api/v1/copies", body, content_type="application/json", authorization=SIGN_IN),
    )
    watch = request("GET", "/api/v1/batches/1/events", authorization=SIGN_IN)
    for turn in range(300):
        with connect(server) as sock:
            sock.sendall(watch)
            if turn % 2:
                reset(sock)
    until(lambda: status(send(server, watch)) == 200)  # 503 while those that left are being answered

    assert b"event: end" in send(server, watch)
