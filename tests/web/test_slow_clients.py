"""Clients that send or read very slowly: others do not notice, and the slow ones are dropped in the end."""

import base64
import itertools
import json
import time
import urllib.parse
from contextlib import ExitStack
from threading import Event, Thread

import pytest

from support.process import Process, until
from support.raw import connect, ended, request, status
from support.server import FORM, PATH, TUTORIAL, Didier

COPY = urllib.parse.urlencode(TUTORIAL)
SIGN_IN = "Basic " + base64.b64encode(b"admin:1234").decode()
JSON = "application/json"
SECONDS = 1
"""How long a client may take for a head, a body and to read: short, so that the tests are."""

DIDS = 20_000
"""Rows of the answers that are not read: some ten megabytes each."""

MEGABYTES = 80
"""Most that all of them may take."""

targets = map(str, itertools.count(18_200_000_000))


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    """A server with little patience and many DIDs."""
    directory = tmp_path_factory.mktemp("slow")
    settings = ("IDLE_SECONDS", "BODY_SECONDS", "READING_SECONDS")
    server = Didier(
        directory, "--demo", "--database", f"sqlite:///{directory}/didier.db",
        environment={f"DIDIER_{name}": str(SECONDS) for name in settings} | {"DIDIER_RATE_LIMIT": "0"},
    ).start()  # fmt: skip
    order = {"source": "18001234567", "ranges": [f"18100000000-{18_100_000_000 + DIDS - 1}"]}
    server.request(
        "POST", "/api/v1/copies", json.dumps(order), {"Content-Type": JSON, "Authorization": SIGN_IN}
    )
    until(lambda: server.sql("SELECT count(*) FROM vicidial_inbound_dids") == [(DIDS + 1,)])
    yield server
    server.stop()


def make_copies(server, count=20):
    """Copy as an honest client does beside the slow ones."""
    for target in itertools.islice(targets, count):
        answer = server.tutorial(target=target)

        assert answer.startswith("SUCCESS: ")


def trickle(sock, data, stop):
    """Send *data* byte by byte until it is over or the server has had enough."""
    try:
        for byte in data:
            sock.sendall(bytes([byte]))
            if stop.wait(0.02):
                return
    except OSError:
        pass


@pytest.mark.parametrize(
    ("data", "answers"),
    [
        (request("GET", f"{PATH}?{COPY}&x={'x' * 10_000}"), {None, 408}),
        (request("POST", PATH, COPY.encode() + b"&x=" + b"x" * 10_000, content_type=FORM), {400, 408}),
        (request("POST", "/api/v1/copies", b" " * 10_000, content_type=JSON, authorization=SIGN_IN), {408}),
        (request("POST", "/admin/login", b"x" * 10_000, content_type=FORM), {400, 408}),
    ],
    ids=["head", "form", "json", "sign-in"],
)
def test_a_request_byte_by_byte(server, data, answers):
    """Who sends slowly is dropped when the time is over, and told so where a request can be seen."""
    head, _, body = data.partition(b"\r\n\r\n")
    stop = Event()
    with ExitStack() as stack:
        socks = [stack.enter_context(connect(server)) for _ in range(20)]
        begun = head + b"\r\n\r\n" if body else b""
        threads = [Thread(target=trickle, args=[sock, data[len(begun) :], stop]) for sock in socks]
        for sock, thread in zip(socks, threads, strict=True):
            sock.sendall(begun)
            thread.start()
        make_copies(server)
        found = {status(ended(sock)) for sock in socks}
        stop.set()
        for thread in threads:
            thread.join()

    assert found <= answers
    assert "Traceback" not in server.logged()


@pytest.mark.parametrize(
    "sent",
    [b"", b"GET / HT", request("GET", "/healthz", close=False)],
    ids=["nothing", "half a head", "one request"],
)
def test_a_silent_connection_is_closed(server, sent):
    """A connection on which no head comes is closed, new or kept open."""
    with connect(server) as sock:
        sock.sendall(sent)

        assert status(ended(sock)) in ({200} if sent.endswith(b"\r\n\r\n") else {None, 408})


def test_a_text_that_does_not_come(server):
    """A long text that is read piece by piece has its time too."""
    data = request("POST", "/api/v1/copies?source=18001234567", b"1" * 100_000, content_type="text/csv",
                   authorization=SIGN_IN)  # fmt: skip
    with connect(server) as sock:
        sock.sendall(data[:500])

        assert 408 == status(ended(sock))
    assert "Traceback" not in server.logged()


LOGIN = urllib.parse.urlencode({"function": "list_dids", "user": "admin", "pass": "1234", "source": "test"})


@pytest.mark.parametrize(
    ("target", "readers", "count"),
    [
        ("/api/v1/exports/dids.csv", 15, 1),
        (f"{PATH}?{LOGIN}&limit={DIDS}", 4, 1),
        ("/api/v1/dids?limit=1000", 15, 10),
    ],
    ids=["csv", "list_dids", "pages"],
)
def test_answers_that_nobody_reads(server, target, readers, count):
    """An answer that is not read takes little memory, for little time, and nobody else waits for it."""
    make_copies(server, 1)
    process = Process(server.process.pid)
    process.forget_peak()
    before, sockets = process.megabytes, process.sockets
    asked = request("GET", target, close=False, authorization=SIGN_IN)
    with ExitStack() as stack:
        for _ in range(readers):
            sock = stack.enter_context(connect(server, window=4096))
            sock.sendall(asked * count)
        make_copies(server)
        until(lambda: process.sockets <= sockets)

    assert process.peak - before < MEGABYTES
    assert "Traceback" not in server.logged()


def test_an_answer_that_is_read_drop_by_drop(server):
    """Who reads a few bytes at a time, so as to look alive, is dropped too."""
    make_copies(server, 1)
    stop = Event()

    def drip(sock):
        try:
            while not stop.wait(0.05) and sock.recv(30):
                pass
        except OSError:
            pass

    with connect(server, window=4096) as sock:
        sock.sendall(request("GET", "/api/v1/exports/dids.csv", authorization=SIGN_IN))
        reader = Thread(target=drip, args=[sock])
        reader.start()
        try:
            until(lambda: not reader.is_alive())
        finally:
            stop.set()
            reader.join()


def test_a_slow_answer_is_whole(server):
    """A client that reads slowly and steadily gets all of its answer."""
    with connect(server, window=65536) as sock:
        sock.sendall(request("GET", "/api/v1/exports/dids.csv", authorization=SIGN_IN))
        parts, turns = [], 0
        while part := sock.recv(65536):
            parts.append(part)
            turns += 1
            if turns < 100:
                time.sleep(0.02)
        answer = b"".join(parts)

    assert DIDS < answer.count(b"\r\n")
    assert answer.endswith(b"0\r\n\r\n")


def test_watchers_that_do_not_read(server):
    """Who watches a batch and reads nothing costs little; others are served meanwhile."""
    process = Process(server.process.pid)
    process.forget_peak()
    before = process.megabytes
    order = json.dumps({"source": "18001234567", "ranges": ["18300000000-18300019999"]})
    headers = {"Content-Type": JSON, "Authorization": SIGN_IN}
    batch = json.loads(server.request("POST", "/api/v1/copies", order, headers)[1])["id"]
    watch = request("GET", f"/api/v1/batches/{batch}/events", authorization=SIGN_IN)
    with ExitStack() as stack:
        for _ in range(100):
            sock = stack.enter_context(connect(server, window=2048))
            sock.sendall(watch)
        make_copies(server)
        until(lambda: '"state":"done"' in server.request("GET", f"/api/v1/batches/{batch}", None, headers)[1])

    assert process.peak - before < MEGABYTES
