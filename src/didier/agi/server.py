"""FastAGI as a transport of the process: sockets, who may connect, and how many."""

import asyncio
import time
from collections.abc import Sequence
from datetime import datetime
from functools import lru_cache
from ipaddress import IPv4Network, IPv6Network, ip_address
from typing import Any

import structlog

from didier.agi.channel import Channel
from didier.agi.session import Session
from didier.config import Settings
from didier.domain.calls.call import Call
from didier.domain.calls.decision import Decision
from didier.domain.calls.live import LiveCall, NoCall, Undecided
from didier.runtime.call_router import CallRouter
from didier.runtime.live_calls import LiveCalls

log = structlog.get_logger()


class AgiServer:
    """Answers Asterisk on the settings' *agi_port*; a `didier.runtime.process.Transport`.

    *calls* is told how each connection ended.
    """

    def __init__(self, router: CallRouter, settings: Settings, calls: LiveCalls) -> None:
        self._router = router
        self._settings = settings
        self._calls = calls
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
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(self._channel, settings.agi_host, settings.agi_port)

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

    def _channel(self) -> Channel:
        return Channel(self._settings.agi_seconds, self.answer)

    def answer(self, channel: Channel, address: Any) -> "asyncio.Task[None] | None":
        """Answer a connection from *address*, if it is welcome, and close it; return the answering."""
        peer = str(address[0]).removeprefix("::ffff:") if address else ""  # None: it has gone already
        if not peer or not self._is_welcome(peer):
            channel.close()
            return None
        task = asyncio.ensure_future(self._answered(channel, peer))
        self._sessions.add(task)
        task.add_done_callback(self._sessions.discard)
        return task

    async def _answered(self, channel: Channel, peer: str) -> None:
        ip = self._settings.agi_server_ip or peer
        came_at, began = datetime.now(), time.perf_counter()

        async def route(call: Call) -> Decision | Undecided:
            return await self._router.route(call, ip)

        session = Session(channel, route)
        try:
            await session.run()
        except Exception:
            log.exception("call_failed")  # the dialplan goes on
        finally:
            channel.close()
            self._tell(session, ip, came_at, time.perf_counter() - began)

    def _tell(self, session: Session, ip: str, came_at: datetime, seconds: float) -> None:
        """Say how a connection ended."""
        if session.call is None:
            self._calls.turn_away("no_call", came_at)
        else:
            call, decision, ending = session.call, session.decision, session.ending
            moment = came_at.isoformat(" ", "seconds")
            self._calls.add(LiveCall.of(call, decision, ending, ip, moment, seconds))

    def _is_welcome(self, peer: str) -> bool:
        if len(self._sessions) >= self._settings.agi_connections:
            return self._refuse("too_many", "too many connections", peer)
        if _is_in(peer, self._settings.agi_networks):
            return True
        return self._refuse("stranger", "not from an allowed network", peer)

    def _refuse(self, result: NoCall, reason: str, peer: str) -> bool:
        log.warning("call_not_routed", reason=reason, address=peer)
        self._calls.turn_away(result, datetime.now())
        return False


@lru_cache(maxsize=1_000)
def _is_in(peer: str, networks: Sequence[IPv4Network | IPv6Network]) -> bool:
    """Say whether *peer* is this machine or in one of *networks*; a few ask again and again."""
    address = ip_address(peer)
    return address.is_loopback or any(address in network for network in networks)
