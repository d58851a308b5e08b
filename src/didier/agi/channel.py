"""The connection of a channel of Asterisk: its words as they come, and what it is told."""

import asyncio
from collections.abc import Callable
from typing import Any, cast

from didier.agi.protocol import Environment, Misunderstood, Reading, Reply, command

Connected = Callable[["Channel", Any], object]
"""Is told of a new connection, and the address from which it comes, as sockets have it."""


class Channel(asyncio.Protocol):
    """Talks to Asterisk, for whose words it waits *seconds* each at most; *connected* is told of it.

    A protocol and no streams: calls are short, and a third of their processor time went into streams.
    """

    def __init__(self, seconds: float, connected: Connected) -> None:
        self._seconds = seconds
        self._connected = connected
        self._reading = Reading()
        self._loop = asyncio.get_running_loop()
        self._transport: asyncio.Transport
        self._waiter: asyncio.Future[None] | None = None
        self._failure: Exception | None = None
        self._deadline = 0.0  # of the word that is waited for, by the loop's time
        self._timer: asyncio.TimerHandle | None = None

    @property
    def hung_up(self) -> bool:
        """Whether the caller has gone."""
        return self._reading.hung_up

    async def environment(self) -> Environment:
        """Return what the channel says of itself.

        Raises `Misunderstood`, or `OSError` where it says nothing in time or has closed the connection.
        """
        self._expect()
        while self._reading.environment is None:
            await self._word()
        return self._reading.environment

    async def told(self, line: str) -> Reply:
        """Send a command and return the reply: there is one on the way at a time. Raises as `environment`."""
        if self._failure:
            raise self._failure
        self._reading.ask()
        self._transport.write(command(line))
        self._expect()
        while self._reading.reply is None:
            await self._word()
        return self._reading.reply

    def close(self) -> None:
        """Close the connection, behind what is still to be sent, unless nobody takes that in time."""
        self._transport.close()
        if self._timer:
            self._timer.cancel()
        if self._transport.get_write_buffer_size():
            self._loop.call_later(self._seconds, self._transport.abort)

    def _expect(self) -> None:
        """Let the time for the next word begin."""
        self._deadline = self._loop.time() + self._seconds
        if self._timer is None:
            self._timer = self._loop.call_at(self._deadline, self._look)

    def _look(self) -> None:
        """See whether a word has taken too long: one timer for all words of a call, as few take any time."""
        self._timer = None
        if self._loop.time() >= self._deadline:
            self._fail(TimeoutError())
        else:
            self._timer = self._loop.call_at(self._deadline, self._look)

    async def _word(self) -> None:
        """Wait for something to be said."""
        if self._failure:
            raise self._failure
        self._waiter = self._loop.create_future()
        try:
            await self._waiter
        finally:
            self._waiter = None

    def _fail(self, error: Exception) -> None:
        """Say that there is nothing more to be understood; the first reason counts."""
        self._failure = self._failure or error
        self._wake()

    def _wake(self) -> None:
        if self._waiter and not self._waiter.done():
            self._waiter.set_result(None)

    # What the loop calls

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Take the connection."""
        self._transport = cast(asyncio.Transport, transport)  # that of a stream of bytes
        self._connected(self, transport.get_extra_info("peername"))

    def data_received(self, data: bytes) -> None:
        """Take what was said; behind what is misunderstood nothing is read."""
        if self._failure:
            return
        try:
            self._reading.feed(data)
        except Misunderstood as error:
            self._transport.pause_reading()
            self._fail(error)
        else:
            self._wake()

    def connection_lost(self, _: Exception | None) -> None:
        """Say that nothing more comes."""
        self._fail(ConnectionError("the channel has closed the connection"))
