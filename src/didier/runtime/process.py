"""The process: one event loop, its signals, and the order in which everything starts and ends.

What a process does (`Work`) and the protocols by which it is asked (`Transport`) are handed in, so that HTTP,
FastAGI, several of them, or none beside the workers, start and stop in the same way:

1. the work begins, each transport takes requests, and that is announced;
2. a signal comes: SIGTERM, SIGINT (Ctrl-C), or SIGHUP when the terminal goes away;
3. the work is told that the end comes, the transports are drained, all at once, and stopped;
4. the work finishes what it has accepted.

That is status 0. A transport that fails, or ends without having been asked to, ends the process in the same
order, and its error is raised at the end.
"""

import asyncio
import gc
import signal
from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Protocol

import structlog
import uvloop

_COLLECTIONS = (2_000, 20, 20)
"""When Python looks for garbage in cycles: at a third of the usual times, which gave 3 % more copies."""

log = structlog.get_logger()


class Work(Protocol):
    """What a process does, whatever protocols it speaks: a `Runtime`."""

    def running(self) -> AbstractAsyncContextManager[None]:
        """Carry out orders while this lasts; at its end finish those that were accepted."""

    def ending(self) -> None:
        """Bring to a stop what has no end of its own."""


class Transport(Protocol):
    """A protocol that the process serves, on its loop."""

    @property
    def running(self) -> int:
        """How many requests are being answered."""

    async def start(self) -> None:
        """Take requests from now on."""

    async def serve(self) -> None:
        """Return once `stop` was called and all connections have ended; raise when that comes unasked."""

    async def drain(self, seconds: float) -> None:
        """Take no new connections, and let those that are open come to their end; *seconds* at most.

        It may be that `start` has failed.
        """

    def stop(self) -> None:
        """Close connections that are silent, and the others behind their answers."""


class Process:
    """Runs *work* and the *transports* until a signal comes, and waits *stop_seconds* for requests then.

    *announce* is called once all transports take requests; without any it is not.
    """

    def __init__(
        self,
        work: Work,
        transports: Sequence[Transport],
        stop_seconds: float,
        announce: Callable[[], None] = lambda: None,
    ) -> None:
        self._work = work
        self._transports = transports
        self._stop_seconds = stop_seconds
        self._announce = announce
        self._starting = len(transports)

    def run(self) -> None:
        """Run to the end; raise the error of a transport that could not go on."""
        gc.freeze()  # what was imported is never garbage: looking through it would slow every request
        gc.set_threshold(*_COLLECTIONS)
        uvloop.run(self._run())

    async def _run(self) -> None:
        asked = _asked_to_stop()
        async with self._work.running():
            serving = [asyncio.ensure_future(self._serve(transport)) for transport in self._transports]
            await asyncio.wait([*serving, asyncio.ensure_future(asked.wait())], return_when="FIRST_COMPLETED")
            self._work.ending()
            await self._stop(serving)
        for task in filter(asyncio.Future.done, serving):
            task.result()  # the error of a transport is the command's error
        if not all(map(asyncio.Future.done, serving)):
            running = sum(transport.running for transport in self._transports)
            log.warning("stopped_with_requests_running", running=running)

    async def _serve(self, transport: Transport) -> None:
        await transport.start()
        self._starting -= 1
        if not self._starting:
            self._announce()
        await transport.serve()

    async def _stop(self, serving: Sequence["asyncio.Future[None]"]) -> None:
        """Drain and stop the transports; give up on requests that take too long."""
        loop = asyncio.get_running_loop()
        end = loop.time() + self._stop_seconds
        await asyncio.gather(*(transport.drain(self._stop_seconds) for transport in self._transports))
        for transport in self._transports:
            transport.stop()
        if serving:
            await asyncio.wait(serving, timeout=max(0.0, end - loop.time()))


def _asked_to_stop() -> asyncio.Event:
    """Return what is set once a signal asks the process to end; nohup(1) lets it ignore SIGHUP."""
    asked = asyncio.Event()
    names = [signal.SIGTERM, signal.SIGINT]
    if signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:
        names.append(signal.SIGHUP)
    for name in names:
        asyncio.get_running_loop().add_signal_handler(name, asked.set)
    return asked
