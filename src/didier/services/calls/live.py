"""The calls of the last hour, as far as callers may see them. They only read."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from sqlalchemy.engine import Connection

from didier.domain.calls.live import LiveCall, LiveSnapshot, NoCall, merged
from didier.domain.calls.live import snapshot as snapshot_of
from didier.domain.users import missing_rights
from didier.domain.visibility import Visibility
from didier.errors import NotPermitted
from didier.services.users.authentication import Caller
from didier.storage.calls import live_log
from didier.storage.statements import as_text

READ_MOST = 20_000
"""Most calls that are counted; of more the newest."""

PERIOD = timedelta(hours=1)
"""How far back calls are live."""

NOW = timedelta(minutes=1)
"""How far back they are those of now."""

NUMBERS_MOST = 20
LATEST_MOST = 50
"""Most numbers, and calls, that are shown."""

LATE = timedelta(seconds=15)
"""How late a row may be written to be seen at the next look: it has the time at which its call came."""


@dataclass(frozen=True, slots=True)
class RecentCalls:
    """Calls, the newest first; *since* is set when those before it were too many."""

    calls: Sequence[LiveCall]
    since: str | None = None


@dataclass(frozen=True, slots=True)
class Sight:
    """What makes two callers see the same: which DIDs, and whether they see who called."""

    dids: Visibility
    callers: bool


def sight_of(caller: Caller) -> Sight | NotPermitted:
    """Return what *caller* sees of calls: who called only where they may read the calls to a number too."""
    if missing := missing_rights(caller.user, "list_dids"):
        return missing
    seen = caller.visibility
    return Sight(Visibility(seen.groups, None, seen.prefix), "did_log_export" in caller.reach.functions)


def logged(conn: Connection, now: datetime, before: RecentCalls | None, most: int = READ_MOST) -> RecentCalls:
    """Return the last hour of VICIdial's log; of what was found *before* only the end is read."""
    begin = now - PERIOD
    kept: Sequence[LiveCall] = ()
    if before is not None and before.calls:
        newest = min(now, datetime.fromisoformat(before.calls[0].came_at))  # some clocks are ahead
        again = max(begin, newest - LATE)
        kept = [call for call in before.calls if as_text(begin) <= call.came_at < as_text(again)]
        begin = again
    found = [*live_log.since(conn, begin, most + 1), *kept]
    if len(found) > most:
        return RecentCalls(found[:most], found[most - 1].came_at)
    return RecentCalls(found, before.since if before and kept else None)


def with_own(logged: RecentCalls, own: Collection[LiveCall]) -> RecentCalls:
    """Return the calls of the log with what this process knows of its *own*."""
    return replace(logged, calls=merged(logged.calls, list(own)))


def snapshot(
    recent: RecentCalls, sight: Sight, now: datetime, turned_away: Mapping[NoCall, int]
) -> LiveSnapshot:
    """Return what *recent* calls come to for somebody with *sight*.

    Connections that came to no call belong to no DID: who sees every DID sees their number.
    """
    seen = [call for call in recent.calls if _sees(sight.dids, call)]
    found = snapshot_of(seen, as_text(now - NOW), NUMBERS_MOST, LATEST_MOST)
    latest = found.latest if sight.callers else [replace(call, caller="") for call in found.latest]
    shown = None if sight.dids.is_limited else turned_away
    return replace(found, latest=latest, since=recent.since, turned_away=shown)


def _sees(seen: Visibility, call: LiveCall) -> bool:
    """Say whether a call is seen: by the DID that took it, without one by who sees all groups."""
    return seen.sees(call.group, call.did or call.dialled)
