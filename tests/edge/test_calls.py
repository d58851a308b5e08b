"""Calls on their way from Kamailio to the server: read, kept, and reported."""

import http.client
import socket
import threading
from contextlib import contextmanager

import pytest

from didier.client.errors import ConnectionFailed, InvalidField, NotPermitted
from didier.client.retrying import Policy
from didier.edge.calls import REFUSED_SECONDS, CallReports, Spool, read
from didier.edge.listener import Listener
from didier.edge.status import Status

LINE = "a%40b\t%2B4420\t44700\t1772600767\t1772600770\t1772600800\t200\tsip:10.0.0.5:5060"
SECRET = "s3cret"


@pytest.mark.parametrize(("status", "answered", "gateway", "result"), [
    (200, 1772600770, "sip:10.0.0.5", "answered"), (486, 0, "sip:10.0.0.5", "busy"),
    (487, 0, "sip:10.0.0.5", "cancelled"), (487, 0, "", "cancelled"), (480, 0, "sip:10.0.0.5", "no-answer"),
    (404, 0, "", "rejected"), (480, 0, "", "rejected"), (500, 0, "sip:10.0.0.5", "failed"),
])  # fmt: skip
def test_a_line_is_a_call(status, answered, gateway, result):
    """As the API takes it: moments in UTC, texts as they were sent."""
    call = read(f"a%40b\t%2B4420\t\t1772600767\t{answered}\t1772600800\t{status}\t{gateway}")

    assert ("a@b", "+4420", "", status, gateway, result) == tuple(
        call[name] for name in ("call_id", "number", "caller", "sip_status", "gateway", "result")
    )
    assert ("2026-03-04T05:06:07+00:00", "2026-03-04T05:06:40+00:00") == (
        call["started_at"],
        call["ended_at"],
    )
    assert ("2026-03-04T05:06:10+00:00" if answered else None) == call["answered_at"]


@pytest.mark.parametrize("line", [
    "", "a\tb", LINE + "\t1", LINE.replace("200", "x"), LINE.replace("\t200\t", "\t99\t"),
    LINE.replace("a%40b", ""), LINE.replace("%2B4420", ""), LINE.replace("1772600800", "9" * 30),
])  # fmt: skip
def test_other_lines_are_none(line):
    """They are dropped: Kamailio would send them for ever."""
    assert read(line) is None


def test_texts_are_cut_and_cleaned():
    """What comes from outside is as long as the API takes it, and has no control characters."""
    call = read(LINE.replace("a%40b", "x" * 300).replace("44700", "4%0a%094" + "7" * 80))

    assert (255, 64, "447") == (len(call["call_id"]), len(call["caller"]), call["caller"][:3])


def test_texts_of_all_bytes():
    """Whatever a Call-ID is made of, it stays its own."""
    found = [read(LINE.replace("a%40b", written))["call_id"] for written in ("caf%c3%a9", "%ff1", "%fe1")]

    assert ["café", "\\xff1", "\\xfe1"] == found


def test_clocks_that_go_backwards_end_no_call_before_it_began():
    """The API refuses such calls."""
    call = read("a\tb\t\t1772600767\t1772600760\t1772600700\t200\t")

    assert call["started_at"] == call["answered_at"] == call["ended_at"]


@pytest.fixture
def file(tmp_path):
    return tmp_path / "calls.db"


@contextmanager
def listening(file):
    status = Status()
    with Listener(0, SECRET, file, status) as listener:
        thread = threading.Thread(target=listener.serve_forever)
        thread.start()
        try:
            yield listener.server_address[1], status
        finally:
            listener.shutdown()
            thread.join()


def post(port, body, path="/calls", **headers):
    """Return the status of what is handed over."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    sent = {
        "Authorization": f"Bearer {SECRET}",
        **{name.replace("_", "-"): one for name, one in headers.items()},
    }
    connection.request("POST", path, body, sent)
    status = connection.getresponse().status
    connection.close()
    return status


def test_calls_are_kept_when_they_are_acknowledged(file):
    """Those that can be read."""
    with listening(file) as (port, status):
        done = post(port, f"{LINE}\nrubbish\n{LINE.replace('a%40b', 'c')}\n")
    with Spool(file) as spool:
        kept = [call["call_id"] for _, call in spool.first(10)]

    assert (200, ["a@b", "c"]) == (done, kept)
    assert (3, 1) == (status.figures.calls_received, status.figures.calls_dropped)


@pytest.mark.parametrize(("path", "headers", "expected"), [
    ("/calls", {"Authorization": "Bearer other"}, 401), ("/calls", {"Authorization": ""}, 401),
    ("/numbers", {}, 404), ("/calls", {"Content_Length": "9" * 5000}, 413),
    ("/calls", {"Content_Length": "1000001"}, 413), ("/calls", {"Content_Length": "x"}, 411),
])  # fmt: skip
def test_strangers_hand_over_nothing(file, path, headers, expected):
    """Only who has the secret does, and only so much at once."""
    with listening(file) as (port, status):
        done = post(port, LINE, path, **headers)

    assert (expected, 0) == (done, status.figures.calls_received)


def test_what_is_cut_off_is_not_taken(file):
    """It has no answer, and so comes again as a whole."""
    with listening(file) as (port, status), socket.create_connection(("127.0.0.1", port)) as sent:
        head = (
            f"POST /calls HTTP/1.1\r\nAuthorization: Bearer {SECRET}\r\nContent-Length: 1000\r\n\r\n{LINE}\n"
        )
        sent.sendall(head.encode())
        sent.shutdown(socket.SHUT_WR)
        answer = sent.recv(1000)

    assert (b"", 0) == (answer, status.figures.calls_received)


class Server:
    """Stands for the client: takes calls, or raises what it is told to."""

    def __init__(self, *failures, refuses=(), by=None):
        self.failures, self.refuses, self.by = list(failures), refuses, by
        self.taken = []

    def report_calls(self, source, calls):
        if self.failures:
            raise self.failures.pop(0)
        if any(call["call_id"] in self.refuses for call in calls):
            raise self.by
        self.taken += [(source, call["call_id"]) for call in calls]


def problem(kind, status, **members):
    return kind(status, {"type": "x", "title": "no", "detail": "not this", **members})


NOT_REACHED = problem(NotPermitted, 403, missing=["Pattern prefix of the token: only +44…"])
NOT_VALID = problem(InvalidField, 422, pointer="/calls/1/number")
NO_SCOPE = problem(NotPermitted, 403, missing=["Scope calls:write"])


@pytest.fixture
def reports(file):
    with Spool(file) as spool:
        spool.add({"call_id": name} for name in "abc")
        yield lambda server: CallReports(spool, server, "edge1", Status(), print, Policy(draw=lambda: 0.0))


def test_calls_are_reported_once(reports):
    """In order, and then forgotten."""
    one = reports(server := Server())
    waits = [one.look(), one.look()]

    assert [("edge1", name) for name in "abc"] == server.taken
    assert [0.0, 1.0] == waits
    assert 3 == one.status.figures.calls_reported


@pytest.mark.parametrize("by", [NOT_VALID, NOT_REACHED])
def test_a_call_that_is_refused_holds_up_no_other(reports, by):
    """It is dropped, and counted."""
    one = reports(server := Server(refuses="b", by=by))
    one.look()

    assert [("edge1", "a"), ("edge1", "c")] == server.taken
    assert (2, 1, 0) == (one.status.figures.calls_reported, one.status.figures.calls_dropped, len(one.spool))


def test_calls_wait_where_the_edge_itself_is_refused(reports):
    """As by a name that the server does not take: none of them is dropped for it."""
    by = problem(InvalidField, 422, pointer="/source")
    one = reports(Server(refuses="abc", by=by))
    wait = one.look()

    assert (REFUSED_SECONDS, 3, 0) == (wait, len(one.spool), one.status.figures.calls_dropped)


def test_calls_wait_for_the_server(reports):
    """Longer each time, and longest where the token may not report any."""
    one = reports(server := Server(ConnectionFailed("away"), ConnectionFailed("away"), NO_SCOPE))
    waits = [one.look(), one.look(), one.look()]
    trouble = one.status.trouble
    one.look()

    assert [0.5, 1.0, REFUSED_SECONDS] == waits
    assert ("calls are not reported: ", "") == (trouble[:24], one.status.trouble)
    assert 3 == len(server.taken)
