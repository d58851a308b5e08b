"""Many at once: races for one target, and a stop while copies are in flight."""

import re
import signal
import socket
import sqlite3
import threading
import time
from collections import Counter
from contextlib import closing

from support.load import Copying, at_once, new_targets
from support.server import FORM, PATH, Didier

SOURCE = "18001234567"
TARGET = "18002223333"
SUCCESS = f"SUCCESS: {SOURCE} -> {TARGET} | DID Copied Successfully\n"
EXISTS = "ERROR: NEW DID ALREADY EXISTS\n"


def test_one_of_many_copies_to_a_target_succeeds(server):
    """Of 200 simultaneous copies to one target one succeeds; the others are told that it exists."""
    server.tutorial(target=SOURCE)  # the password is compared before the race

    answers = at_once(200, lambda _: server.tutorial(target=TARGET))

    assert {SUCCESS: 1, EXISTS: 199} == Counter(answers)
    assert [SOURCE, TARGET] == server.patterns()


def test_many_first_sign_ins_with_a_plain_password(server):
    """A plain password in the database lets all simultaneous callers in, and none counts as a failure."""
    with closing(sqlite3.connect(server.database, timeout=30)) as database, database:
        database.execute("UPDATE vicidial_users SET pass = '1234', pass_hash = ''")

    answers = at_once(50, lambda i: server.tutorial(target=f"555{i:04}"))

    assert 50 == sum(answer.startswith("SUCCESS: ") for answer in answers)
    with closing(sqlite3.connect(server.database)) as database:
        rows = database.execute(
            "SELECT pass, substr(pass_hash, 1, 9), failed_login_count FROM vicidial_users"
        )
        assert [("", "$argon2id", 0)] == rows.fetchall()


def test_a_race_in_different_cases_has_one_winner(server):
    """Spellings of one pattern that differ in case alone race for the same DID."""
    spellings = ["lobby", "LOBBY", "Lobby", "lObBy"] * 10

    answers = at_once(len(spellings), lambda i: server.tutorial(target=spellings[i]))

    assert 1 == sum(answer.startswith("SUCCESS: ") for answer in answers)
    assert len(spellings) - 1 == answers.count(EXISTS)
    assert 2 == len(server.patterns())


def test_simultaneous_copies_to_different_targets_all_succeed(server):
    """200 simultaneous copies to 200 targets are all made, each answered with its own target."""
    answers = at_once(200, lambda i: server.tutorial(target=f"18002220{i:03}"))

    expected = [f"SUCCESS: {SOURCE} -> 18002220{i:03} | DID Copied Successfully\n" for i in range(200)]
    assert expected == answers
    assert sorted([SOURCE, *(f"18002220{i:03}" for i in range(200))]) == sorted(server.patterns())


def test_bad_requests_do_not_cost_good_ones(server):
    """Refused requests that come at the same moment as good ones leave those alone."""
    wrongs = [
        {"pass": "wrong"},
        {"user": "nobody"},
        {"did_pattern": "999"},
        {"did_active": "X"},
        {"function": "x"},
    ]

    def act(i):
        if i % 2:
            return server.tutorial(**wrongs[i // 2 % len(wrongs)])
        return server.tutorial(target=f"18002220{i:03}")

    answers = at_once(80, act)

    assert [True] * 40 == [answer.startswith("SUCCESS: ") for answer in answers[::2]]
    assert [False] * 40 == [answer.startswith("SUCCESS: ") for answer in answers[1::2]]


def test_simultaneous_failures_are_all_counted(server):
    """Of many simultaneous wrong passwords ten are tried; then the user is locked."""
    answers = at_once(40, lambda i: server.tutorial(**{"pass": f"wrong{i}"}))

    assert {
        "ERROR: INVALID USERNAME OR PASSWORD\n": 10,
        "ERROR: Too many login attempts, try again in 15 minutes: |admin|LOCK|\n": 30,
    } == Counter(answers)


def test_a_stop_keeps_what_was_acknowledged(own_server):
    """On SIGTERM in the middle of copies each copy that was made is answered, each answered one is made."""
    load = Copying(own_server, new_targets(1))
    load.start(200)

    assert 0 == own_server.stop()
    load.join()

    assert sorted([SOURCE, *load.acknowledged]) == sorted(own_server.patterns())
    assert set() == {status for status, _ in load.others} - {503}


def waiting(server):
    return int(float(re.search(r"^didier_waiting_orders (\S+)", server.get("/metrics")[1], re.M)[1]))


JOBS = 4
"""Most of what waits may be steps of jobs, such as that which numbers changes."""


def test_a_stop_answers_what_waits(own_server):
    """Copies that wait for the database when SIGTERM comes are stored and answered before the end."""
    own_server.tutorial(target=SOURCE)  # the password is compared before the database is locked
    answers = {}

    def copy(target):
        try:
            answers[target] = own_server.tutorial(target=target)
        except OSError as error:  # it came too late
            answers[target] = repr(error)

    threads = []
    with closing(sqlite3.connect(own_server.database, isolation_level=None)) as writer:
        writer.execute("BEGIN IMMEDIATE")
        deadline = time.monotonic() + 20
        while waiting(own_server) < 5 + JOBS:
            assert time.monotonic() < deadline
            threads.append(threading.Thread(target=copy, args=[f"18002220{len(threads):03}"]))
            threads[-1].start()
        own_server.process.send_signal(signal.SIGTERM)
        writer.execute("ROLLBACK")
    for thread in threads:
        thread.join(60)

    assert 0 == own_server.stop()
    acknowledged = [target for target, answer in answers.items() if answer.startswith("SUCCESS: ")]
    assert len(acknowledged) >= 5
    assert sorted([SOURCE, *acknowledged]) == sorted(own_server.patterns())


def test_a_stop_ends_idle_connections(own_server):
    """Connections that are open and idle do not keep the process from ending with status 0."""
    with socket.create_connection(("127.0.0.1", own_server.port), 60) as connection:
        connection.sendall(b"GET /healthz HTTP/1.1\r\nHost: didier\r\n\r\n")
        assert connection.recv(65536).startswith(b"HTTP/1.1 200 ")

        assert 0 == own_server.stop()


def test_a_stop_does_not_wait_for_a_client_that_stalls(tmp_path):
    """A request whose body never comes to its end keeps the process no longer than stop_seconds."""
    server = Didier(tmp_path, "--demo", environment={"DIDIER_STOP_SECONDS": "0.1"}).start()
    head = f"POST {PATH} HTTP/1.1\r\nHost: didier\r\nContent-Type: {FORM}\r\nContent-Length: 500\r\n\r\n"
    try:
        with socket.create_connection(("127.0.0.1", server.port), 60) as connection:
            connection.sendall(head.encode() + b"function=")
            assert (200, "ok\n") == server.get("/healthz")  # the server has seen the one before
            server.process.terminate()

            assert 0 == server.process.wait(15)
    finally:
        server.kill()
