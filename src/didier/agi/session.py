"""One connection of Asterisk: a call is asked about, decided on and sent on its way."""

from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import datetime
from functools import lru_cache

import structlog

from didier.agi.channel import Channel
from didier.agi.protocol import Environment, Misunderstood
from didier.domain.calls import commands
from didier.domain.calls.call import Call
from didier.domain.calls.decision import Decision
from didier.domain.calls.live import Ending, Undecided

SCRIPTS = frozenset({"did-route", "did_route", "agi-DID_route.agi"})
"""Names by which the script is asked for; ``did-route`` is the one to write."""

GATEWAY = "GET VARIABLE VICIrecGatewayID"
"""Asks for the id of the gateway that records a call."""

Route = Callable[[Call], Awaitable[Decision | Undecided]]
"""Decides on a call, and keeps what there is to be kept."""

_CUT_OFF = Ending("not_routed", "Didier was stopped, or has failed: its log says why")
_HUNG_UP = Ending("hung_up", "the caller hung up before the call was on its way")

log = structlog.get_logger()


class Session:
    """Asks a *channel* about its call, has it decided on by *route*, and sends it on.

    Once that is over, *call* is what was asked about, None for nothing; *decision* what was decided on it, if
    anything was; and *ending* how the call ended.
    """

    def __init__(self, channel: Channel, route: Route) -> None:
        self._channel = channel
        self._route = route
        self.call: Call | None = None
        self.decision: Decision | None = None
        self.ending = _CUT_OFF

    async def run(self) -> None:
        """Send the call on its way, or end: then the dialplan goes on by itself."""
        try:
            environment = await self._channel.environment()
            if environment.script in SCRIPTS:
                await self._send_on(environment)
        except (Misunderstood, OSError) as error:
            reason = _reason(error)
            log.info("call_not_routed", reason=reason)
            self.ending = _HUNG_UP if self._channel.hung_up else Ending("not_routed", reason)

    async def _send_on(self, environment: Environment) -> None:
        self.call = Call.of(environment.values, "", _stamp(datetime.now().replace(microsecond=0)))
        gateway = await self._channel.told(GATEWAY)
        self.call = replace(self.call, gateway=gateway.value)
        found = await self._route(self.call)
        if isinstance(found, Undecided):
            self.ending = Ending("not_routed", found.reason)
        else:
            self.decision = found
            self.ending = await self._carried_out(found)

    async def _carried_out(self, decision: Decision) -> Ending:
        """Tell the channel what was decided, up to the first word that it does not do."""
        for told in commands.of(decision):
            if self._channel.hung_up:
                return _HUNG_UP
            reply = await self._channel.told(told.line)
            if told.needed and not reply.is_done:
                if self._channel.hung_up:
                    return _HUNG_UP
                reason = f"Asterisk refused {' '.join(told.line.split(' ')[:2])} with {reply.code}"
                log.info("call_not_routed", reason=reason, dialled=decision.call.dialled)
                return Ending("refused", reason)
        return Ending.of(decision)


def _reason(error: Exception) -> str:
    return (
        "Asterisk said nothing in time"
        if isinstance(error, TimeoutError)
        else str(error) or type(error).__name__
    )


@lru_cache(maxsize=2)
def _stamp(second: datetime) -> str:
    """Return a moment as names of recordings have it; many calls share one."""
    return f"{second:%Y%m%d%H%M%S}"
