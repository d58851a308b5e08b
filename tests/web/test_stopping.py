"""SIGTERM under load: every request that was sent whole gets a whole answer, or was never begun."""

import base64
import http.client
import itertools
import json
import os
import random
import signal
import socket
import threading
import time
import urllib.parse
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field

import pytest

from didier.web.stopping import QUIET_SECONDS
from support.measurements import note
from support.process import until
from support.raw import connect, ended, request
from support.server import FORM, PATH, TUTORIAL, Didier

ROUNDS = int(os.environ.get("STOP_ROUNDS", "1"))
SOURCE = "18001234567"
SIGN_IN = {"Authorization": "Basic " + base64.b64encode(b"admin:1234").decode()}
JSON = {**SIGN_IN, "Content-Type": "application/json"}
END_SECONDS = 60


@dataclass
class Clients:
    """Clients that copy until they are refused a connection, and write down each request's end.

    *kept*: each keeps its connection for as long as the server lets it; *pause* is the longest time between
    an answer and the next request.
    """

    server: Didier
    count: int
    kept: bool = True
    pause: float = 0.0
    targets: Iterator[int] = field(default_factory=lambda: itertools.count(18_100_000_000))
    acknowledged: list[str] = field(default_factory=list)
    unanswered: list[str] = field(default_factory=list)
    others: list[str] = field(default_factory=list)
    _threads: list[threading.Thread] = field(default_factory=list)

    def start(self) -> None:
        """Begin; return when each has been answered once, on average."""
        self._threads = [threading.Thread(target=self._work) for _ in range(self.count)]
        for thread in self._threads:
            thread.start()
        until(lambda: len(self.acknowledged) >= max(20, self.count))

    def join(self) -> None:
        """Wait until nobody is connected any more."""
        for thread in self._threads:
            thread.join(END_SECONDS)
            assert not thread.is_alive()

    def _work(self) -> None:
        while True:
            try:
                sock = socket.create_connection(("127.0.0.1", self.server.port), END_SECONDS)
            except ConnectionRefusedError:
                return
            with sock:
                while self._copy(sock):
                    time.sleep(random.uniform(0, self.pause))

    def _copy(self, sock: socket.socket) -> bool:
        """Send one request; say whether the connection goes on."""
        target = str(next(self.targets))
        query = urllib.parse.urlencode({**TUTORIAL, "new_did_pattern": target})
        close = "" if self.kept else "Connection: close\r\n"
        try:
            sock.sendall(f"GET {PATH}?{query} HTTP/1.1\r\nHost: didier\r\n{close}\r\n".encode())
            answer = http.client.HTTPResponse(sock)
            answer.begin()
            text = answer.read().decode()
        except (OSError, http.client.HTTPException):
            self.unanswered.append(target)
            return False
        if text.startswith("SUCCESS: "):
            self.acknowledged.append(target)
        else:
            self.others.append(text)
        return not answer.will_close


def terminate(server: Didier) -> None:
    server.process.send_signal(signal.SIGTERM)


# The first three say where and how it went wrong once; with more rounds there are more kinds of clients.
KINDS = ((32, True, 0.05), (32, False, 0.0), (200, True, 0.02), (1, True, 0.0), (32, True, 0.0))


@pytest.mark.parametrize(("count", "kept", "pause"), KINDS if ROUNDS > 1 else KINDS[:3])
def test_nobody_is_cut_off(tmp_path, count, kept, pause):
    """Each request is answered whole, each answered copy is stored and no other; nobody sees a reset."""
    total = Counter()
    for place in range(ROUNDS):
        directory = tmp_path / str(place)
        directory.mkdir()
        server = Didier(directory, "--demo", "--database", f"sqlite:///{directory}/didier.db").start()
        clients = Clients(server, count, kept, pause)
        clients.start()
        terminate(server)
        clients.join()

        assert 0 == server.process.wait(END_SECONDS)
        assert ([], []) == (clients.unanswered, clients.others)
        assert sorted([SOURCE, *clients.acknowledged]) == sorted(server.patterns())
        total["acknowledged"] += len(clients.acknowledged)
    how = "kept connections" if kept else "new connections"
    seldom = f", with up to {pause} s between two requests" if pause else ""
    note(f"SIGTERM while {count} clients copy on {how}{seldom}", ROUNDS, total["acknowledged"], 0)


def test_the_last_answer_closes_the_connection(own_server):
    """A request that comes while the server stops is answered and told that the connection ends."""
    with closing(http.client.HTTPConnection("127.0.0.1", own_server.port, timeout=END_SECONDS)) as connection:
        connection.request("GET", "/healthz")
        kept = connection.getresponse()
        kept.read()
        terminate(own_server)
        closed = None
        while closed != "close":  # the signal is on its way
            connection.request("GET", "/healthz")
            answer = connection.getresponse()
            closed = answer.headers["connection"]

            assert b"ok\n" == answer.read()

    assert kept.headers["connection"] is None
    assert 0 == own_server.process.wait(END_SECONDS)


def test_a_body_that_is_on_its_way_is_waited_for(own_server):
    """A form whose second half comes after SIGTERM is answered, and what it asks for is done."""
    form = urllib.parse.urlencode(TUTORIAL).encode()
    head = (
        f"POST {PATH} HTTP/1.1\r\nHost: didier\r\nContent-Type: {FORM}\r\nContent-Length: {len(form)}\r\n\r\n"
    )
    with socket.create_connection(("127.0.0.1", own_server.port), END_SECONDS) as sock:
        sock.sendall(head.encode() + form[:20])
        assert 200 == own_server.get("/healthz")[0]  # the server has seen what was sent before
        terminate(own_server)
        until(lambda: refuses(own_server))
        sock.sendall(form[20:])
        answer = http.client.HTTPResponse(sock)
        answer.begin()

        assert answer.read().startswith(b"SUCCESS: ")
    assert 0 == own_server.process.wait(END_SECONDS)
    assert [SOURCE, "18002223333"] == own_server.patterns()


def test_who_waits_for_a_connection_is_answered(tmp_path):
    """While all connections are busy, a request that waits for one is answered when it gets it."""
    server = Didier(
        tmp_path, "--demo", "--database", f"sqlite:///{tmp_path}/didier.db",
        environment={"DIDIER_CONNECTION_LIMIT": "1"},
    ).start()  # fmt: skip
    form = request("POST", PATH, urllib.parse.urlencode(TUTORIAL).encode(), content_type=FORM)
    with connect(server) as busy, connect(server) as waiting:
        busy.sendall(form[:-20])
        waiting.sendall(request("GET", "/healthz"))
        terminate(server)
        until(lambda: refuses(server))
        time.sleep(1.2 * QUIET_SECONDS)  # until silent connections would have been closed
        busy.sendall(form[-20:])

        assert b"SUCCESS: " in ended(busy)
        assert ended(waiting).endswith(b"ok\n")
    assert 0 == server.process.wait(END_SECONDS)


def refuses(server: Didier) -> bool:
    try:
        socket.create_connection(("127.0.0.1", server.port), 0.2).close()
    except OSError:  # refused, or not answered any more
        return True
    return False


def test_streams_come_to_their_end(own_server):
    """An export that is being sent is sent whole, and the events of a batch end with an end of the answer."""
    own_server.request("POST", "/api/v1/copies", copies(20_000), JSON)
    own_server.request("POST", "/api/v1/copies?", copies(90_000, 18_200_000_000), JSON)
    until(lambda: len(own_server.patterns()) > 20_000)
    export, events = (
        opened(own_server, path) for path in ("/api/v1/exports/dids.csv", "/api/v1/batches/2/events")
    )
    first = export.read(1000), events.readline()
    terminate(own_server)
    rest = export.read(), events.read()

    assert 0 == own_server.process.wait(END_SECONDS)
    assert 20_000 < (first[0] + rest[0]).count(b"\r\n")
    assert rest[0].endswith(b"\r\n")
    assert first[1]


def copies(count: int, first: int = 18_100_000_000) -> str:
    return json.dumps({"source": SOURCE, "ranges": [f"{first}-{first + count - 1}"]})


def opened(server: Didier, path: str) -> http.client.HTTPResponse:
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=END_SECONDS)
    connection.request("GET", path, headers=SIGN_IN)
    answer = connection.getresponse()
    assert 200 == answer.status
    return answer
