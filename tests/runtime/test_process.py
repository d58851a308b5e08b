"""The order in which a process starts and ends, whatever protocols it speaks."""

import asyncio
import multiprocessing
import os
import signal
from contextlib import asynccontextmanager
from multiprocessing.connection import Connection

import pytest

from didier.runtime.process import Process

SECONDS = 60
WHOLE = ["begin", "start", "announce", "ending", "drain", "stop", "served", "end"]
EACH = {"start", "drain", "stop", "served"}
"""What each transport says for itself."""


class Work:
    """Says when it begins and ends."""

    def __init__(self, say):
        self._say = say

    @asynccontextmanager
    async def running(self):
        self._say("begin")
        yield
        self._say("end")

    def ending(self):
        self._say("ending")


class Transport:
    """Says what it is asked to do, and has nobody to serve."""

    running = 1

    def __init__(self, say):
        self._say = say
        self._stopped = asyncio.Event()

    async def start(self):
        self._say("start")

    async def serve(self):
        await self._stopped.wait()
        self._say("served")

    async def drain(self, seconds):
        self._say("drain")

    def stop(self):
        self._say("stop")
        self._stopped.set()


class Endless(Transport):
    """Has a client that stalls."""

    async def serve(self):
        await asyncio.Event().wait()


class Failing(Transport):
    """Cannot listen."""

    async def start(self):
        raise OSError("the address is in use")


def run(events: Connection, transports, stop_seconds):
    signal.signal(signal.SIGHUP, signal.SIG_DFL)  # the tests may have been started by nohup(1)
    say = events.send
    made = [transport(say) for transport in transports]
    Process(Work(say), made, stop_seconds, lambda: say("announce")).run()


def ran(*transports, until="announce", by=signal.SIGTERM, stop_seconds=SECONDS):
    """Run a process up to the event *until*, end it *by* a signal; return its events and its status."""
    ours, its = multiprocessing.Pipe(duplex=False)
    process = multiprocessing.get_context("spawn").Process(target=run, args=[its, transports, stop_seconds])
    process.start()
    its.close()
    events = []
    with ours:
        while True:
            try:
                events.append(ours.recv())
            except EOFError:
                break
            if events[-1] == until:
                os.kill(process.pid, by)
    process.join(SECONDS)
    return events, process.exitcode


@pytest.mark.parametrize("by", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_a_signal_ends_it_in_order(by):
    """Each signal that asks for an end lets transports and work come to theirs; that is status 0."""
    assert (WHOLE, 0) == ran(Transport, by=by)


def test_transports_start_and_stop_together():
    """Several are announced when all have started, drained before one is stopped, and all waited for."""
    events, status = ran(Transport, Transport)

    assert [event for event in WHOLE for _ in range(2 if event in EACH else 1)] == events
    assert 0 == status


def test_workers_alone():
    """A process without transports works until it is asked to end."""
    assert (["begin", "ending", "end"], 0) == ran(until="begin")


def test_a_client_that_stalls_is_not_waited_for(capfd):
    """What is not answered after the seconds for a stop is given up, and the log says so."""
    events, status = ran(Endless, stop_seconds=0)

    assert (["begin", "start", "announce", "ending", "drain", "stop", "end"], 0) == (events, status)
    assert "stopped_with_requests_running" in capfd.readouterr().out


def test_a_transport_that_fails_ends_the_others(capfd):
    """Its error is that of the process, behind the end of all others; nothing is announced."""
    events, status = ran(Transport, Failing)

    assert ["begin", "start", "ending", "drain", "drain", "stop", "stop", "served", "end"] == events
    assert 1 == status
    assert "the address is in use" in capfd.readouterr().err
