"""Deciding where a call goes: asks what it has to know, question by question, and comes to a `Decision`.

The rules, and their order, are those of VICIdial's call routing without its defects: both stand in
``tests/conformance/agi/routing.md``, whose numbers are named here.
"""

import re
from collections.abc import Generator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, TypeVar

from didier.domain import nowhere, patterns, route_texts, schedules
from didier.domain.calls import caller_ids, number_lists, recent_calls, targets, urls
from didier.domain.calls.call import Call, Place, Row
from didier.domain.calls.number_lists import BLANK
from didier.domain.calls.questions import (
    ActiveDids,
    AgentsOf,
    Container,
    Gone,
    Listed,
    LiveAgent,
    NotToBeCalled,
    PlaceOf,
    Question,
    ScheduleOf,
    Waiting,
    WebAnswer,
)
from didier.domain.calls.targets import REDIRECTED, Target, text
from didier.domain.route_texts import DESTINATIONS, Destination
from didier.domain.routes import destination

SYSTEM_FILTER = "did_system_filter"
DEFAULT = "default"

_STATES = {"Y": "any", "NO_PAUSED": "not paused", "READY_ONLY": "ready"}
_NO_DIGITS = re.compile("[^0-9]")
_UNLOGGED = re.compile(r"[;|\\]")
_GOOD = range(200, 300)
_RECORDED = frozenset({"Y", "Y_QUEUESTOP"})
_BY_FILTER = ("extension", "exten_context", "voicemail_ext", "phone", "server_ip", "user",
              "user_unavailable_action", "menu_id", "group_id")  # fmt: skip
"""Columns that come from those of the filter (``filter_…``) after its hit."""

Answer = TypeVar("Answer")
Asking = Generator[Question | tuple[Question, ...], Any, Answer]
"""What asks questions, one or some at a time, is sent answers in the same form, and comes to an answer."""


@dataclass(frozen=True, slots=True)
class Step:
    """One thing that was looked at on the way: a *rule*, and what it came to in words."""

    rule: str
    outcome: str


@dataclass(frozen=True, slots=True)
class Asked:
    """A web address that was asked, and its answer as the log has it."""

    url: str
    response: str


@dataclass(slots=True)
class Decision:
    """Where a *call* goes, and all that is told of it.

    Without *target* the dialplan goes on by itself. *did* is the row that has decided, None if there is no
    DID; *route* the way that the call took, as VICIdial's log has it (F_EXTEN: by a filter to an extension).
    *number* is the caller's after cleaning, *logged_number* the one that is logged. *routed* is the row
    by whose route the call was sent, as detours have made it; None where a detour itself has a target.
    *has_next*: it is sent to one of the DID's own destinations, behind which there may be others.
    """

    call: Call
    place: Place
    number: str
    logged_number: str
    did: Row | None = None
    route: str = ""
    stored_route: str = ""  # before detours
    group: str = ""  # the in-group of that
    target: Target | None = None
    routed: Row | None = None
    has_next: bool = False
    is_recorded: bool = False
    asked: list[Asked] = field(default_factory=list)
    steps: list[Step] = field(default_factory=list)

    @property
    def is_cleaned(self) -> bool:
        """Whether the caller's number is another one now, which the channel is told."""
        return len(self.number) != len(self.call.caller.number)

    def note(self, rule: str, outcome: str) -> None:
        """Add a step."""
        self.steps.append(Step(rule, outcome))


def decide(
    call: Call, ip: str, forms: Sequence[str] = (), *, at: datetime, may_return: bool = True
) -> Asking[Decision]:
    """Decide on *call*, which has arrived at the moment *at* at the server with the address *ip*.

    *forms* are other spellings of what was dialled, looked for behind that itself. A call that has come
    back too often *may_return* no more: it is not sent to where calls arrive, which leads here again.
    """
    decision = yield from _decided(call, ip, forms, at)
    if decision.target and call.next and not decision.has_next:
        decision.note("next", "detours have one destination: the dialplan goes on")
        decision.target = None
    target = decision.target
    if target and target.context in {REDIRECTED, call.context} and not may_return:
        decision.note("loop", f"the call goes in circles: it is not sent to {target.extension} once more")
        decision.target = None
    return decision


def _decided(call: Call, ip: str, forms: Sequence[str], at: datetime) -> Asking[Decision]:
    wanted = (SYSTEM_FILTER, call.dialled, *forms, DEFAULT)
    place, (system, *found) = yield PlaceOf(ip), ActiveDids(wanted)
    decision = Decision(call, place, call.caller.number, call.caller.number)
    if call.has_bad_next:
        decision.note("next", f"{call.asked_next!r} is no number of destinations, and ignored")
    is_on = text(place.settings, "did_system_filter") == "1"
    if is_on and system and (yield from _by_system_filter(decision, system, place)):
        return decision
    row = next(filter(None, found), None)
    decision.number = decision.logged_number = call.caller.number
    if row is None:
        decision.note("did", f"{call.dialled} is no active DID, and there is no default")
        return decision
    decision.note("did", f"the DID {text(row, 'did_pattern')}")
    _begin(decision, row)
    decision.is_recorded = text(row, "record_call") in _RECORDED and not call.next  # it is going on
    _clean(decision, row)
    yield from _by_did(decision, row, place, at)
    return decision


def _by_system_filter(decision: Decision, row: Row, place: Place) -> Asking[bool]:
    """Decide by the filter for all DIDs, *row*; say whether it has hit (2)."""
    _clean(decision, row)
    filtered = yield from _filtered(decision, row, place)
    decision.note("system filter", "hit" if filtered else "no hit")
    if filtered is None:
        return False
    decision.logged_number = decision.number
    if isinstance(filtered, Target):
        _begin(decision, row)
        decision.route, decision.target = "F_DID", filtered
        return True
    _begin(decision, filtered)
    decision.route = f"F_{decision.route}"
    yield from _routed(decision, filtered, place, "FILTER")
    return True


def _begin(decision: Decision, row: Row) -> None:
    """Set down that *row* decides."""
    decision.did = row
    decision.route = decision.stored_route = text(row, "did_route")
    decision.group = text(row, "group_id") if decision.route == "IN_GROUP" else ""


def _by_did(decision: Decision, row: Row, place: Place, at: datetime) -> Asking[None]:
    """Decide by the DID itself: its detours in their order, then its route."""
    detour = yield from _pre_filtered(decision, row)
    if recent := (yield from _recently_called(decision, row)):
        detour = recent
    if detour is None:
        filtered = yield from _filtered(decision, row, place)
        if isinstance(filtered, Target):
            decision.route, detour = "F_DID", filtered
        elif filtered is not None:
            decision.route = f"F_{text(filtered, 'did_route')}"
            yield from _routed(decision, filtered, place, "FILTER")
            return
    if detour is None and not decision.call.next:  # these say whether the first destination takes calls
        detour = (yield from _without_agents(decision, row)) or (yield from _with_queue(decision, row))
    if detour is None:
        yield from _by_destinations(decision, row, place, at)
    else:
        decision.target = detour if detour.is_whole else None


def _clean(decision: Decision, row: Row) -> None:
    """Clean the caller's number as *row* wants it (6), once: the channel has it cleaned then."""
    if decision.call.next:
        return
    rules = text(row, "filter_clean_cid_number")
    before = decision.number
    decision.number = caller_ids.cleaned(before, rules)
    if decision.number != before:
        decision.note("caller id", f"{before} is {decision.number} by {rules}")


def _pre_filtered(decision: Decision, row: Row) -> Asking[Target | None]:
    """Detour calls from numbers in the groups of the pre-filter (7)."""
    groups, extension = text(row, "pre_filter_phone_group_id"), text(row, "pre_filter_extension")
    if not groups or not extension:
        return None
    hit = yield Listed(number_lists.groups(groups), (decision.number or BLANK,))
    decision.note("pre-filter", f"{groups}: {_word(hit)}")
    if not hit:
        return None
    decision.route = "PF_DID"
    return Target(REDIRECTED, extension)


def _recently_called(decision: Decision, row: Row) -> Asking[Target | None]:
    """Detour calls from numbers that were on a call lately (8); that is final."""
    name, extension = text(row, "pre_filter_recent_call"), text(row, "pre_filter_recent_extension")
    if not name or not extension:
        return None
    entry = yield Container(name)
    for question in recent_calls.questions(entry, decision.number):
        if (yield question):
            decision.note("recent calls", f"{name}: hit ({question.side} {question.of})")
            decision.route = "PFR_DID"
            return Target(REDIRECTED, extension)
    decision.note("recent calls", f"{name}: no hit")
    return None


def _filtered(decision: Decision, row: Row, place: Place) -> Asking[Row | Target | None]:
    """Return the row as a hit of the filter makes it, or where it redirects to; None without a hit (9)."""
    kind = text(row, "filter_inbound_number")
    number = decision.number
    hit = False
    if kind in {"GROUP", "GROUP_AREACODE"}:
        names = number_lists.groups(text(row, "filter_phone_group_id"))
        area = (number_lists.area_code(number),) if kind == "GROUP_AREACODE" else ()
        hit = yield Listed(names, (number or BLANK, *area))
    elif kind in {"DNC_INTERNAL", "DNC_CAMPAIGN"}:
        campaign = text(row, "filter_dnc_campaign") if kind == "DNC_CAMPAIGN" else None
        hit = yield NotToBeCalled((number, number_lists.area_code(number)), campaign)
    elif kind == "URL" and (url := urls.address(row, decision.call, number, place.ip)):
        digits = yield from _web_answer(decision, url)
        hit = bool(digits.strip("0"))
        if hit and text(row, "filter_url_did_redirect") == "Y":
            decision.note("filter", f"{kind}: redirected to {digits}")
            return Target(REDIRECTED, digits)
    else:
        return None
    decision.note("filter", f"{kind}: {_word(hit)}")
    if not hit:
        return None
    by_filter = {column: row.get(f"filter_{column}") for column in _BY_FILTER}
    return {**row, **by_filter, "did_route": row.get("filter_action")}


def _web_answer(decision: Decision, url: str) -> Asking[str]:
    """Return the digits that a web address answers; none where that is no answer that counts."""
    answer = yield WebAnswer(url)
    if answer is None:
        decision.note("web address", "not asked here, which counts as no hit")
        return ""
    status, body = answer
    digits = _NO_DIGITS.sub("", body)
    decision.asked.append(Asked(url, f"{_UNLOGGED.sub('', body)}|{digits}"))
    decision.note("web address", f"status {status or 'none'}, {digits or 'no digits'}")
    return digits if status in _GOOD else ""


def _without_agents(decision: Decision, row: Row) -> Asking[Target | None]:
    """Detour calls while an in-group has no agents (10)."""
    state = _STATES.get(text(row, "no_agent_ingroup_redirect"))
    if state is None:
        return None
    group = text(row, "no_agent_ingroup_id")
    if (yield AgentsOf(group, state)):  # type: ignore[arg-type]  # one of its words
        decision.note("agents", f"{group} has agents")
        return None
    decision.note("agents", f"{group} has no agents")
    decision.route = "NA_EXTEN"
    return Target("default", text(row, "no_agent_ingroup_extension"))


def _with_queue(decision: Decision, row: Row) -> Asking[Target | None]:
    """Detour calls while too many wait for an in-group (11)."""
    limit = int(text(row, "max_queue_ingroup_calls") or 0)
    if not limit:
        return None
    group = text(row, "max_queue_ingroup_id")
    waiting = yield Waiting(group)
    decision.note("queue", f"{waiting} calls wait for {group}, the limit is {limit}")
    if waiting < limit:
        return None
    decision.route = "MQ_EXTEN"
    return Target("default", text(row, "max_queue_ingroup_extension"))


@dataclass(frozen=True, slots=True)
class _Way:
    """A *row* by whose route a call goes: how that is *logged*, and the *reason* that is told who takes it.

    *context* stands for that of the route, if there is one.
    """

    row: Row
    logged: str
    reason: str
    context: str | None = None


def _routed(decision: Decision, row: Row, place: Place, reason: str) -> Asking[None]:
    """Send the call where the route of *row* says (12, 13)."""
    way = yield from _with_agent(decision, _Way(row, decision.route, reason))
    _send(decision, way, (yield from _target(way, place)))


def _with_agent(decision: Decision, way: _Way) -> Asking[_Way]:
    """Return the way that calls go for an agent who is not there; others are as they were (12)."""
    if text(way.row, "did_route") != "AGENT":
        return way
    user = text(way.row, "user")
    is_live = yield LiveAgent(user)
    decision.note("agent", f"{user} is {'live' if is_live else 'not live'}")
    if is_live:
        return way
    action = text(way.row, "user_unavailable_action")
    return _Way({**way.row, "did_route": action}, f"NA_{action}", "NOAGENT", "default")


def _target(way: _Way, place: Place) -> Asking[Target | None]:
    """Return where a way leads in the dialplan; None where that is not whole (13)."""
    target = yield from targets.of(way.row, place, way.reason)
    if target and way.context and text(way.row, "did_route") != "IN_GROUP":
        target = replace(target, context=way.context)
    return target if target and target.is_whole else None


def _send(decision: Decision, way: _Way, target: Target | None) -> None:
    decision.route, decision.routed, decision.target = way.logged, way.row, target
    where = f"{target.extension} in {target.context}" if target else "nowhere"
    decision.note("route", f"{text(way.row, 'did_route') or 'none'}: {where}")


def _by_destinations(decision: Decision, row: Row, place: Place, at: datetime) -> Asking[None]:
    """Send the call to the first destination of the DID that takes calls, behind those that have failed.

    Without schedule and fallbacks that is the route, which VICIdial does not check.
    """
    row = {**row, "did_active": "Y"}
    route = _Way(row, decision.route, "DID")
    first = (yield from _outside_hours(decision, row, at)) or route
    others = [_other(row, each, "FB") for each in route_texts.listed(text(row, "fallbacks"))]
    if first is route and not others and not decision.call.next:
        yield from _routed(decision, row, place, "DID")
        return
    decision.has_next = True
    if (yield from _by_first([first, *others], decision, place)):
        return
    if decision.call.next:
        decision.note("next", "no further destination is there: the dialplan goes on")
    else:
        decision.note("fallback", "no destination is there: the route is taken as it is")
        yield from _routed(decision, row, place, "DID")


def _outside_hours(decision: Decision, row: Row, at: datetime) -> Asking[_Way | None]:
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


def _by_first(ways: Sequence[_Way], decision: Decision, place: Place) -> Asking[bool]:
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


def _other(row: Row, other: Destination, mark: str) -> _Way:
    """Return the way to a destination beside the route of *row*; *mark* says in the log why it is taken."""
    return _Way({**row, **other.columns}, f"{mark}_{other.route}", _reason(row, other))


def _cannot_take(way: _Way, gone: nowhere.Gone, target: Target | None) -> str | None:
    """Say why no call can go that way; None if one can."""
    if not text(way.row, "did_route"):
        return "the agent is not live" if way.logged.startswith("NA_") else "no route is set"
    if why := nowhere.reason(way.row, gone):
        return why
    if not way.reason:
        return "VICIdial looks for it in the DID, which does not name it"
    return None if target else "no place in the dialplan is set"


def _reason(row: Row, other: Destination) -> str:
    """Return what tells VICIdial's next script to look for *other* in the DID; empty: nothing does.

    It takes in-groups and agents from the row of the DID alone: those of the route, of the filter, or the
    in-group for calls that no agent takes.
    """
    if other.route not in targets.BY_SCRIPT:
        return "DID"
    column = DESTINATIONS[other.route]
    is_named = _is_named(row, column, other)
    if is_named and text(row, "did_route") == other.route:
        return "DID"
    if _is_named(row, f"filter_{column}", other) and text(row, "filter_action") == other.route:
        return "FILTER"
    return "NOAGENT" if is_named and other.route == "IN_GROUP" else ""


def _is_named(row: Row, column: str, other: Destination) -> bool:
    return patterns.key(text(row, column)) == patterns.key(other.named)


def _word(hit: bool) -> str:
    return "hit" if hit else "no hit"
