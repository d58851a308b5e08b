"""Calls as they come: what this process knows of its own, and VICIdial's log for those of all others."""

import asyncio
import time
from collections import Counter, deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from didier.domain.calls.live import LiveCall, LiveSnapshot, NoCall
from didier.errors import NotPermitted
from didier.runtime.change_board import has_failed
from didier.runtime.readers import Readers
from didier.services.calls import live
from didier.services.calls.live import PERIOD, RecentCalls, Sight
from didier.services.users.authentication import Caller
from didier.storage.statements import as_text

CALLS_MOST = 10_000
"""How many calls, and connections that came to none, are remembered: about 6 MB."""

LOOK_SECONDS = 1.0
"""How often VICIdial's log is looked at while somebody watches."""

WHOLE_SECONDS = 60.0
"""How often it is read as a whole: rows may be written late, as after an outage."""


class LiveCalls:
    """What this process knows of the calls of the last hour on which it has decided.

    *observe* is told how each ended, and after how many seconds; None for what came to no call.
    """

    def __init__(self) -> None:
        self._calls: deque[LiveCall] = deque(maxlen=CALLS_MOST)
        self._turned_away: deque[tuple[datetime, NoCall]] = deque(maxlen=CALLS_MOST)
        self.observe: Callable[[str, float | None], None] = lambda _result, _seconds: None

    def add(self, call: LiveCall) -> None:
        """Remember a call that has ended, as far as it concerns Didier."""
        self._calls.append(call)
        self.observe(call.result, call.seconds)

    def turn_away(self, reason: NoCall, now: datetime) -> None:
        """Count a connection that came to no call."""
        self._turned_away.append((now, reason))
        self.observe(reason, None)

    def since(self, moment: str) -> list[LiveCall]:
        """Return the calls since *moment*, a time as calls have it."""
        return [call for call in self._calls if call.came_at >= moment]

    def turned_away_since(self, moment: datetime) -> Mapping[NoCall, int]:
        """Return how many connections came to no call since then, by the reason."""
        return Counter(reason for at, reason in self._turned_away if at >= moment)


@dataclass(slots=True)
class _Look:
    """What a look at the log has found, and the snapshots that were made of it for those who watch."""

    recent: RecentCalls
    at: datetime
    turned_away: Mapping[NoCall, int]
    snapshots: dict[Sight, LiveSnapshot] = field(default_factory=dict)


class CallBoard:
    """The calls of the last hour on all servers: those who watch share one reading of VICIdial's log."""

    def __init__(self, own: LiveCalls, readers: Readers, clock: Callable[[], float] = time.monotonic) -> None:
        self._own = own
        self._readers = readers
        self._clock = clock
        self._recent: RecentCalls | None = None
        self._whole_at = self._looked_at = float("-inf")
        self._looking: asyncio.Future[_Look] | None = None

    async def snapshot(self, caller: Caller) -> LiveSnapshot | NotPermitted:
        """Return the calls as *caller* sees them; raise `Unavailable`."""
        sight = live.sight_of(caller)
        if isinstance(sight, NotPermitted):
            return sight
        found = await self._look()
        if sight not in found.snapshots:
            made = await asyncio.to_thread(live.snapshot, found.recent, sight, found.at, found.turned_away)
            found.snapshots[sight] = made
        return found.snapshots[sight]

    async def _look(self) -> _Look:
        """Return what was found within a second, or look again; all who ask meanwhile wait for the same."""
        looking, is_old = self._looking, self._clock() - self._looked_at >= LOOK_SECONDS
        if looking is None or (looking.done() and (is_old or has_failed(looking))):
            self._looked_at = self._clock()
            self._looking = looking = asyncio.ensure_future(self._read())
        return await asyncio.shield(looking)

    async def _read(self) -> _Look:
        now, before = datetime.now(), self._recent
        if self._clock() - self._whole_at >= WHOLE_SECONDS:
            self._whole_at, before = self._clock(), None
        self._recent = None  # a failure is followed by reading the whole
        logged = await self._readers.run(lambda conn: live.logged(conn, now, before))
        self._recent = logged
        own = self._own.since(logged.since or as_text(now - PERIOD))
        # Off the loop, as the snapshots are: calls are routed on it, and do not wait for who watches.
        recent = await asyncio.to_thread(live.with_own, logged, own)
        return _Look(recent, now, self._own.turned_away_since(now - PERIOD))
