"""Ways: by the route of a DID, or by the first of its destinations that takes calls.

The numbers are those of ``tests/conformance/agi/routing.md``.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from didier.domain import fallbacks, nowhere, schedules
from didier.domain.calls import targets
from didier.domain.calls.call import Place, Row
from didier.domain.calls.decision import Decision
from didier.domain.calls.questions import Asking, Gone, LiveAgent, ScheduleOf
from didier.domain.calls.targets import Target, text
from didier.domain.route_texts import Destination
from didier.domain.routes import destination


@dataclass(frozen=True, slots=True)
class Way:
    """A *row* by whose route a call goes: how that is *logged*, and the *reason* that is told who takes it.

    *context* stands for that of the route, if there is one.
    """

    row: Row
    logged: str
    reason: str
    context: str | None = None


def by_route(decision: Decision, row: Row, place: Place, reason: str) -> Asking[None]:
    """Send the call where the route of *row* says (12, 13)."""
    way = yield from _with_agent(decision, Way(row, decision.route, reason))
    _send(decision, way, (yield from _target(way, place)))


def _with_agent(decision: Decision, way: Way) -> Asking[Way]:
    """Return the way that calls go for an agent who is not there; others are as they were (12)."""
    if text(way.row, "did_route") != "AGENT":
        return way
    user = text(way.row, "user")
    is_live = yield LiveAgent(user)
    decision.note("agent", f"{user} is {'live' if is_live else 'not live'}")
    if is_live:
        return way
    action = text(way.row, "user_unavailable_action")
    return Way({**way.row, "did_route": action}, f"NA_{action}", "NOAGENT", "default")


def _target(way: Way, place: Place) -> Asking[Target | None]:
    """Return where a way leads in the dialplan; None where that is not whole (13)."""
    target = yield from targets.of(way.row, place, way.reason)
    if target and way.context and text(way.row, "did_route") != "IN_GROUP":
        target = replace(target, context=way.context)
    return target if target and target.is_whole else None


def _send(decision: Decision, way: Way, target: Target | None) -> None:
    decision.route, decision.routed, decision.target = way.logged, way.row, target
    where = f"{target.extension} in {target.context}" if target else "nowhere"
    decision.note("route", f"{text(way.row, 'did_route') or 'none'}: {where}")


def by_destinations(decision: Decision, row: Row, place: Place, at: datetime) -> Asking[None]:
    """Send the call to the first destination of the DID that takes calls, behind those that have failed.

    Without schedule and fallbacks that is the route, which VICIdial does not check.
    """
    row = {**row, "did_active": "Y"}
    route = Way(row, decision.route, "DID")
    first = (yield from _outside_hours(decision, row, at)) or route
    others = [_other(row, each, "FB") for each in fallbacks.of(row)]
    if first is route and not others and not decision.call.next:
        yield from by_route(decision, row, place, "DID")
        return
    decision.has_next = True
    if (yield from _by_first([first, *others], decision, place)):
        return
    if decision.call.next:
        decision.note("next", "no further destination is there: the dialplan goes on")
    else:
        decision.note("fallback", "no destination is there: the route is taken as it is")
        yield from by_route(decision, row, place, "DID")


def _outside_hours(decision: Decision, row: Row, at: datetime) -> Asking[Way | None]:
    """Return the way that calls go while the schedule of *row* is closed, None while it is not."""
    name = text(row, "schedule")
    if not name:
        return None
    schedule = yield ScheduleOf(name)
    if schedule is None:
        decision.note("schedule", f"{name} does not exist: calls go as if it were open")
        return None
    state = schedules.state(schedule, at)
    if state.is_open:
        decision.note("schedule", f"{name} is open: {state.reason}")
        return None
    opening = schedules.next_opening(schedule, at)
    opens = f"{opening:%Y-%m-%d %H:%M} {schedule.time_zone}" if opening else "not within a year"
    decision.note("schedule", f"{name} is closed: {state.reason}; it opens {opens}")
    return _other(row, schedule.outside, "SCH")


def _by_first(ways: Sequence[Way], decision: Decision, place: Place) -> Asking[bool]:
    """Send the call the first of *ways* that takes it, behind those that failed; say whether one does."""
    things = frozenset(thing for way in ways for thing in nowhere.things(way.row))
    gone = (yield Gone(things)) if things else {}
    tried = decision.call.next
    for way in ways:
        present = yield from _with_agent(decision, way)
        target = yield from _target(present, place)
        if why := _cannot_take(present, gone, target):
            decision.note("fallback", f"{destination(way.row)} cannot take the call: {why}")
        elif tried:
            tried -= 1
            decision.note("next", f"{destination(way.row)} was tried")
        else:
            if way.logged.startswith("FB_"):
                decision.note("fallback", f"{destination(way.row)} takes the call")
            _send(decision, present, target)
            return True
    return False


def _other(row: Row, other: Destination, mark: str) -> Way:
    """Return the way to a destination beside the route of *row*; *mark* says in the log why it is taken."""
    return Way(fallbacks.sent(row, other), f"{mark}_{other.route}", fallbacks.told(row, other))


def _cannot_take(way: Way, gone: nowhere.Gone, target: Target | None) -> str | None:
    """Say why no call can go that way; None if one can."""
    if not text(way.row, "did_route"):
        return "the agent is not live" if way.logged.startswith("NA_") else "no route is set"
    if why := nowhere.reason(way.row, gone):
        return why
    if not way.reason:
        return fallbacks.NOT_NAMED
    return None if target else "no place in the dialplan is set"
