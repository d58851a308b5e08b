"""FastAGI as a transport of the process: sockets, who may connect, and how many."""

import asyncio
from contextlib import suppress
from ipaddress import ip_address

import structlog

from didier.agi.session import Session
from didier.config import Settings
from didier.domain.calls.call import Call
from didier.domain.calls.decision import Decision
from didier.runtime.call_router import CallRouter

log = structlog.get_logger()


class AgiServer:
    """Answers Asterisk on the settings' *agi_port*; a `didier.runtime.process.Transport`."""

    def __init__(self, router: CallRouter, settings: Settings) -> None:
        self._router = router
        self._settings = settings
        self._sessions: set[asyncio.Task[None]] = set()
        self._server: asyncio.Server | None = None
        self._stopped = asyncio.Event()

    @property
    def running(self) -> int:
        """How many calls are being decided on."""
        return len(self._sessions)

    async def start(self) -> None:
        """Take connections from now on."""
        settings = self._settings
        self._server = await asyncio.start_server(self.answer, settings.agi_host, settings.agi_port)

    async def serve(self) -> None:
        """Return once `stop` was called and all calls are on their way."""
        await self._stopped.wait()
        while self._sessions:
            await asyncio.wait(self._sessions)

    async def drain(self, seconds: float) -> None:
        """Take no new connections, and send those calls on their way that have come; *seconds* at most."""
        if self._server:
            self._server.close()
        if self._sessions:
            await asyncio.wait(self._sessions, timeout=seconds)

    def stop(self) -> None:
        """End what is still being talked about: its dialplan goes on."""
        for session in self._sessions:
            session.cancel()
        self._stopped.set()

    async def answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer one connection, and close it."""
        name = writer.get_extra_info("peername")  # None: it has gone already
        peer = str(name[0]).removeprefix("::ffff:") if name else ""
        task = asyncio.current_task()
        if task is None or not peer or not self._is_welcome(peer):
            writer.close()
            return
        self._sessions.add(task)
        try:
            ip = self._settings.agi_server_ip or peer

            async def route(call: Call) -> Decision | None:
                return await self._router.route(call, ip)

            await Session(reader, writer, route, self._settings.agi_seconds).run()
        except Exception:
            log.exception("call_failed")  # the dialplan goes on
        finally:
            self._sessions.discard(task)
            await self._close(writer)

    async def _close(self, writer: asyncio.StreamWriter) -> None:
        """Close a connection, behind what is still to be sent, unless nobody takes that."""
        writer.close()
        with suppress(OSError):
            async with asyncio.timeout(self._settings.agi_seconds):
                await writer.wait_closed()
        writer.transport.abort()

    def _is_welcome(self, peer: str) -> bool:
        if len(self._sessions) >= self._settings.agi_connections:
            log.warning("call_not_routed", reason="too many connections", address=peer)
            return False
        address = ip_address(peer)
        if address.is_loopback or any(address in network for network in self._settings.agi_networks):
            return True
        log.warning("call_not_routed", reason="not from an allowed network", address=peer)
        return False
