"""Thousands of connections, and too few files for them: others are served, and the process goes on."""

import resource
import sys
from contextlib import ExitStack, suppress

import pytest

from support.measurements import note
from support.missing import cannot_run
from support.process import Process, until
from support.raw import connect, connected, ended, request, status
from support.server import FORM, PATH, TUTORIAL, Didier

IDLE = 10_000
FILES = IDLE + 500
KILOBYTES = 12
"""Most that a connection may take that is open and says nothing; it takes some 3."""

MEGABYTES = 400
"""Most that 30 MB of heads and 630 MB of bodies may take: the bodies have 100, and what moving them takes."""

HEALTH = request("GET", "/healthz", close=False)


@pytest.fixture
def files():
    """Let this process have as many files open as it may."""
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    if before[1] != resource.RLIM_INFINITY and before[1] < FILES:
        cannot_run(f"a hard limit of {FILES} open files (ulimit -Hn)")
    resource.setrlimit(resource.RLIMIT_NOFILE, (before[1], before[1]))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, before)


@pytest.fixture
def start(tmp_path):
    """Start servers with settings, behind a limit of the shell's `ulimit`."""
    with ExitStack() as stack:

        def started(limit="", **settings):
            python = tmp_path / "python"
            python.write_text(f'#!/bin/sh\n{limit}\nexec {sys.executable} "$@"\n')
            python.chmod(0o755)
            environment = {f"DIDIER_{name.upper()}": str(value) for name, value in settings.items()}
            database = f"sqlite:///{tmp_path}/didier.db"
            server = Didier(
                tmp_path, "--demo", "--database", database, environment=environment, python=python
            ).start()
            stack.callback(server.stop)
            return server

        yield started


def test_ten_thousand_idle_connections(start, files):
    """They cost a few kilobytes each, nobody waits for them, and a stop ends them."""
    server = start(idle_seconds=60)
    process = Process(server.process.pid)
    server.tutorial()
    before = process.megabytes
    with connected(server, IDLE) as socks:
        until(lambda: process.sockets > IDLE)
        taken = process.megabytes - before
        for sock in socks[::100]:
            sock.sendall(HEALTH)
        answers = {status(sock.recv(65536)) for sock in socks[::100]}

        copies = [server.tutorial(target=str(18_100_000_000 + n)) for n in range(100)]
        note("10,000 connections that are silent, while copies are made", 1, len(copies), 0)

        assert {200} == answers
        assert all(answer.startswith("SUCCESS: ") for answer in copies)
        assert 102 == len(server.patterns())
        assert taken * 1024 / IDLE < KILOBYTES
        assert 0 == server.stop()


def test_connections_that_come_and_go(start, files):
    """Of connections that were closed no file is left."""
    server = start()
    process = Process(server.process.pid)
    server.get("/healthz")
    before = process.sockets
    for _ in range(3):
        with connected(server, 1_000):
            until(lambda: process.sockets >= 1_000)
        until(lambda: process.sockets <= before)


def test_the_soft_limit_on_files_is_no_limit(start, files):
    """A shell's limit of a few files is raised as far as the system lets it be."""
    server = start("ulimit -Sn 64")
    with connected(server, 200) as socks:
        for sock in socks:
            sock.sendall(HEALTH)

        assert {200} == {status(sock.recv(65536)) for sock in socks}


def test_connections_beyond_the_limit_wait(start):
    """They are taken when others end, and silent ones do not last."""
    server = start(connection_limit=2, idle_seconds=1)
    with connect(server) as first, connect(server) as second:
        first.sendall(HEALTH)
        second.sendall(HEALTH)

        assert server.tutorial().startswith("SUCCESS: ")
        assert [200, 200] == [status(ended(first)), status(ended(second))]


def test_heads_and_bodies_that_do_not_end(start, files):
    """Hundreds of large ones that are held back take as much as is set aside for them, and no more."""
    server = start(body_seconds=60, idle_seconds=60)
    process = Process(server.process.pid)
    server.post(**TUTORIAL)
    before = process.megabytes
    head = request("GET", f"/?{'x' * 60_000}", more="x" * 30_000)[:-2]
    form = request("POST", PATH, b"x=" + b"x" * 900_000, content_type=FORM)[:-1]
    with connected(server, 300) as heads, connected(server, 700) as bodies:
        for sock in heads:
            sock.sendall(head)
        for sock in bodies:
            with suppress(BrokenPipeError, ConnectionResetError):  # there was no room for it
                sock.sendall(form)
        until(lambda: server.log.read_text().count('"status":503') > 400)
        answer = server.post(**{**TUTORIAL, "new_did_pattern": "18002220001"})
        most = process.peak - before

    assert answer.startswith("SUCCESS: ")
    assert most < MEGABYTES


def test_too_few_files(start):
    """Where the system allows few files, fewer connections are taken, and all are served in time."""
    server = start("ulimit -n 128", idle_seconds=1)
    process = Process(server.process.pid)
    with connected(server, 40):
        until(lambda: process.sockets > 10)
        answers = [server.tutorial(target=str(18_100_000_000 + n)) for n in range(5)]
        files = process.files

    assert all(answer.startswith("SUCCESS: ") for answer in answers)
    assert files < 128
    assert "Traceback" not in server.logged()
    assert '"event":"fewer_connections"' in server.logged()
