"""One connection of Asterisk: a call is asked about, decided on and sent on its way."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import datetime

import structlog

from didier.agi.protocol import Environment, Misunderstood, Reading, Reply, command
from didier.domain.calls import commands
from didier.domain.calls.call import Call
from didier.domain.calls.decision import Decision

SCRIPTS = frozenset({"did-route", "did_route", "agi-DID_route.agi"})
"""Names by which the script is asked for; ``did-route`` is the one to write."""

GATEWAY = "GET VARIABLE VICIrecGatewayID"
"""Asks for the id of the gateway that records a call."""

READ_BYTES = 65_536

Route = Callable[[Call], Awaitable[Decision | None]]
"""Decides on a call, and keeps what there is to be kept; None: it cannot."""

log = structlog.get_logger()


class Session:
    """Talks to the channel on *reader* and *writer*, for whose words it waits *seconds* each at most."""

    def __init__(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, route: Route, seconds: float
    ) -> None:
        self._reader = reader
        self._writer = writer
        self._route = route
        self._seconds = seconds
        self._reading = Reading()

    async def run(self) -> None:
        """Send the call on its way, or end: then the dialplan goes on by itself."""
        try:
            environment = await self._environment()
            if environment.script in SCRIPTS:
                await self._send_on(environment)
        except (Misunderstood, OSError) as error:
            log.info("call_not_routed", reason=str(error) or type(error).__name__)

    async def _environment(self) -> Environment:
        async with asyncio.timeout(self._seconds):
            while self._reading.environment is None:
                await self._read()
        return self._reading.environment

    async def _send_on(self, environment: Environment) -> None:
        gateway = await self._told(GATEWAY)
        call = Call.of(environment.values, gateway.value, f"{datetime.now():%Y%m%d%H%M%S}")
        decision = await self._route(call)
        if decision is None:
            return
        for told in commands.of(decision):
            if self._reading.hung_up:
                return
            reply = await self._told(told.line)
            if told.needed and not reply.is_done:
                log.info("call_not_routed", reason=f"refused with {reply.code}", dialled=call.dialled)
                return

    async def _told(self, line: str) -> Reply:
        """Send a command and return the reply: there is one on the way at a time."""
        self._reading.ask()
        self._writer.write(command(line))
        async with asyncio.timeout(self._seconds):
            await self._writer.drain()
            while self._reading.reply is None:
                await self._read()
        return self._reading.reply

    async def _read(self) -> None:
        data = await self._reader.read(READ_BYTES)
        if not data:
            raise ConnectionError("the channel has closed the connection")
        self._reading.feed(data)
