"""Detours: what a DID does with a call before its route counts.

The numbers are those of ``tests/conformance/agi/routing.md``.
"""

import re

from didier.domain.calls import number_lists, recent_calls, urls
from didier.domain.calls.call import Place, Row
from didier.domain.calls.decision import Asked, Decision
from didier.domain.calls.number_lists import BLANK
from didier.domain.calls.questions import (
    AgentsOf,
    Asking,
    Container,
    Listed,
    NotToBeCalled,
    Waiting,
    WebAnswer,
)
from didier.domain.calls.targets import REDIRECTED, Target, text

_STATES = {"Y": "any", "NO_PAUSED": "not paused", "READY_ONLY": "ready"}
_NO_DIGITS = re.compile("[^0-9]")
_UNLOGGED = re.compile(r"[;|\\]")
_GOOD = range(200, 300)
_BY_FILTER = ("extension", "exten_context", "voicemail_ext", "phone", "server_ip", "user",
              "user_unavailable_action", "menu_id", "group_id")  # fmt: skip
"""Columns that come from those of the filter (``filter_…``) after its hit."""


def pre_filtered(decision: Decision, row: Row) -> Asking[Target | None]:
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


def recently_called(decision: Decision, row: Row) -> Asking[Target | None]:
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


def filtered(decision: Decision, row: Row, place: Place) -> Asking[Row | Target | None]:
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


def without_agents(decision: Decision, row: Row) -> Asking[Target | None]:
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


def with_queue(decision: Decision, row: Row) -> Asking[Target | None]:
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


def _word(hit: bool) -> str:
    return "hit" if hit else "no hit"
