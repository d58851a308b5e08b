"""Deciding where a call goes: asks what it has to know, question by question, and comes to a `Decision`.

The rules, and their order, are those of VICIdial's call routing without its defects: both stand in
``tests/conformance/agi/routing.md``, whose numbers are named here.
"""

from collections.abc import Sequence
from datetime import datetime

from didier.domain.calls import caller_ids, detours, ways
from didier.domain.calls.call import Call, Place, Row
from didier.domain.calls.decision import Decision
from didier.domain.calls.questions import ActiveDids, Asking, PlaceOf
from didier.domain.calls.targets import REDIRECTED, Target, text

SYSTEM_FILTER = "did_system_filter"
DEFAULT = "default"

_RECORDED = frozenset({"Y", "Y_QUEUESTOP"})


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
    filtered = yield from detours.filtered(decision, row, place)
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
    yield from ways.by_route(decision, filtered, place, "FILTER")
    return True


def _begin(decision: Decision, row: Row) -> None:
    """Set down that *row* decides."""
    decision.did = row
    decision.route = decision.stored_route = text(row, "did_route")
    decision.group = text(row, "group_id") if decision.route == "IN_GROUP" else ""


def _by_did(decision: Decision, row: Row, place: Place, at: datetime) -> Asking[None]:
    """Decide by the DID itself: its detours in their order, then its route."""
    detour = yield from detours.pre_filtered(decision, row)
    if recent := (yield from detours.recently_called(decision, row)):
        detour = recent
    if detour is None:
        filtered = yield from detours.filtered(decision, row, place)
        if isinstance(filtered, Target):
            decision.route, detour = "F_DID", filtered
        elif filtered is not None:
            decision.route = f"F_{text(filtered, 'did_route')}"
            yield from ways.by_route(decision, filtered, place, "FILTER")
            return
    if detour is None and not decision.call.next:  # these say whether the first destination takes calls
        detour = (yield from detours.without_agents(decision, row)) or (
            yield from detours.with_queue(decision, row)
        )
    if detour is None:
        yield from ways.by_destinations(decision, row, place, at)
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
