"""Calls of the last hour: how each of them ended, and what they come to together."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal, get_args

from didier.domain.calls.call import Call
from didier.domain.calls.decision import Decision
from didier.domain.calls.targets import text

CallResult = Literal[
    "routed", "logged", "unknown", "nowhere", "loop", "not_routed", "refused", "hung_up"
]  # fmt: skip
"""How a call ended:

- routed: Asterisk has taken the target;
- logged: a DID took it, says VICIdial's log; what came of it is not known here;
- unknown: no DID has the number, and there is no default;
- nowhere: the DID that decided leads nowhere;
- loop: it goes in circles, and was not sent on once more;
- not_routed: no decision could be made or told;
- refused: Asterisk has not taken the target;
- hung_up: the caller hung up before that.
"""

NoCall = Literal["no_call", "stranger", "too_many"]
"""Why a connection came to no call: it asked for none, came from elsewhere, or was one too many."""

RESULTS: tuple[CallResult, ...] = get_args(CallResult)

FALLEN_THROUGH = frozenset({"unknown", "nowhere", "loop", "not_routed"})
"""Results of calls whose dialplan went on by itself."""

_UNKNOWN = "no DID has the number, and there is no default"
_MOST = {"uniqueid": 20, "server_ip": 50, "dialled": 100, "caller": 18}
"""Characters that are kept, as many as VICIdial's log has: a channel may say far more."""

_WORDS_MOST = 200


@dataclass(frozen=True, slots=True)
class Undecided:
    """No decision could be made on a call, and why."""

    reason: str


@dataclass(frozen=True, slots=True)
class Ending:
    """How a call ended, and the *reason* where it was not sent on."""

    result: CallResult
    reason: str = ""

    @classmethod
    def of(cls, decision: Decision) -> "Ending":
        """Return how a call ends that was told what was decided."""
        if decision.target and decision.target.is_whole:
            return cls("routed")
        if decision.did is None:
            return cls("unknown", _UNKNOWN)
        last = decision.steps[-1] if decision.steps else None
        is_loop = last is not None and last.rule == "loop"
        return cls("loop" if is_loop else "nowhere", last.outcome if last else "")

    @classmethod
    def of_log(cls, did_id: str) -> "Ending":
        """Return how a call ended that the DID with *did_id* took, as far as VICIdial's log says it."""
        return cls("logged") if did_id else cls("unknown", _UNKNOWN)


@dataclass(frozen=True, slots=True)
class LiveCall:
    """A call of the last hour. *came_at* is local time where it was routed, as VICIdial's log writes it.

    *did* is the pattern of the DID that took it, empty without one, and *group* the user group of that, None
    where it is not known. *route* is the way that it took, as VICIdial's log has it. *target* says where it
    was sent; *seconds* is how long the call waited for that, None for calls of other processes.
    """

    came_at: str
    uniqueid: str
    server_ip: str
    dialled: str
    caller: str
    did: str
    group: str | None
    route: str
    result: CallResult
    reason: str = ""
    target: str = ""
    seconds: float | None = None

    @classmethod
    def of(
        cls, call: Call, decision: Decision | None, ending: Ending, ip: str, came_at: str, seconds: float
    ) -> "LiveCall":
        """Return a call on which this process has decided, if *decision* is there, at the server *ip*."""
        did = (decision and decision.did) or {}
        target = decision and decision.target
        return cls(
            came_at=came_at,
            uniqueid=call.uniqueid[: _MOST["uniqueid"]],
            server_ip=ip[: _MOST["server_ip"]],
            dialled=call.dialled[: _MOST["dialled"]],
            caller=(decision.logged_number if decision else call.caller.number)[: _MOST["caller"]],
            did=text(did, "did_pattern"),
            group=text(did, "user_group") if did else None,
            route=decision.route if decision else "",
            result=ending.result,
            reason=ending.reason[:_WORDS_MOST],
            target=f"{target.extension} in {target.context}"[:_WORDS_MOST] if target else "",
            seconds=seconds,
        )


@dataclass(frozen=True, slots=True)
class NumberCalls:
    """The calls to a number, by how they ended."""

    dialled: str
    did: str
    results: Mapping[CallResult, int]
    last_at: str

    @property
    def calls(self) -> int:
        """How many there are."""
        return sum(self.results.values())


@dataclass(frozen=True, slots=True)
class LiveSnapshot:
    """The calls *now* and in the last *hour*, by how they ended; the most called numbers; the last calls.

    *since* is set when there are too many to count all of that hour: those before it are not counted.
    *turned_away* are the connections that came to no call, in the last hour and in this process.
    """

    now: Mapping[CallResult, int]
    hour: Mapping[CallResult, int]
    numbers: Sequence[NumberCalls]
    latest: Sequence[LiveCall]
    since: str | None = None
    turned_away: Mapping[NoCall, int] | None = None


def snapshot(calls: Sequence[LiveCall], now_since: str, numbers_most: int, latest_most: int) -> LiveSnapshot:
    """Return what *calls* of an hour, the newest first, come to; those of now are those since *now_since*."""
    recent = (call for call in calls if call.came_at >= now_since)
    return LiveSnapshot(
        _by_result(recent), _by_result(calls), _numbers(calls)[:numbers_most], calls[:latest_most]
    )


def _by_result(calls: Iterable[LiveCall]) -> Mapping[CallResult, int]:
    counts = Counter(call.result for call in calls)
    return {result: counts[result] for result in RESULTS if counts[result]}


def _numbers(calls: Iterable[LiveCall]) -> list[NumberCalls]:
    by_number: dict[str, list[LiveCall]] = {}
    for call in calls:
        by_number.setdefault(call.dialled, []).append(call)
    found = [
        NumberCalls(number, some[0].did, _by_result(some), some[0].came_at)
        for number, some in by_number.items()
    ]
    return sorted(found, key=lambda one: (-one.calls, one.dialled))


def merged(logged: Sequence[LiveCall], own: Sequence[LiveCall]) -> list[LiveCall]:
    """Return the calls of the log with what this process knows of its *own*, the newest first.

    A call is the same as a row of the log by its id and the number that was dialled: it may come back with
    another one. The DID's pattern and group are those of the log, which has them as they are now. A call
    without a row is among them too: the row could not be written, or is still to come.
    """
    waiting: dict[tuple[str, str], list[LiveCall]] = {}
    for call in own:
        waiting.setdefault((call.uniqueid, call.dialled), []).append(call)
    found = []
    for row in logged:
        same = waiting.get((row.uniqueid, row.dialled))
        found.append(_known(row, same.pop()) if same else row)
    found += [call for calls in waiting.values() for call in calls]
    return sorted(found, key=lambda call: (call.came_at, call.uniqueid), reverse=True)


def _known(row: LiveCall, call: LiveCall) -> LiveCall:
    return replace(row, result=call.result, reason=call.reason, target=call.target, seconds=call.seconds)
