"""What is wrong with where a DID sends calls: its destinations, its detours, and calls that come back.

The rules are those of VICIdial's routing, see `domain.calls.deciding`. What the database cannot know is no
finding: a filter may send calls into nothing on purpose, and ``trunkinbound`` may have extensions of its own
in the dialplan, so that a number there that is no DID is none.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal

from didier.domain import fallbacks, nowhere
from didier.domain.calls import number_lists
from didier.domain.calls.targets import REDIRECTED
from didier.domain.fields import CAMPAIGNS, FILTERS, IN_GROUPS, NO_AGENT_REDIRECTS
from didier.domain.nowhere import COLUMNS, Gone, Need, Row, Thing, text
from didier.domain.route_texts import BESIDE, Destination

Kind = Literal[
    "no_destination", "missing", "inactive", "fallback_only", "schedule", "loop", "context", "detour"
]

KINDS: Mapping[str, str] = MappingProxyType({
    "no_destination": "no destination",
    "missing": "missing destination",
    "inactive": "inactive destination",
    "fallback_only": "only fallbacks left",
    "schedule": "dead schedule",
    "loop": "loop",
    "context": "unknown context",
    "detour": "dead detour",
})  # fmt: skip
"""The kinds of findings, and what they are called."""

DEAD_ENDS = ("no_destination", "missing", "inactive")
"""Those of a DID that leads nowhere."""

ANY = "any"
"""What stands for all `KINDS` where one is asked for."""

Sought = Literal[Kind, "any"]

FILTER_GROUPS = "vicidial_filter_phone_numbers.filter_phone_group_id"
CONTAINERS = "vicidial_settings_containers.container_id"


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that is wrong with a DID: of which *kind* it is, and the *reason* in words."""

    kind: Kind
    reason: str


@dataclass(frozen=True, slots=True)
class Switch:
    """When a *column* has a detour on: if it is one of *on*, or without these anything but *off* or empty."""

    column: str
    on: tuple[str, ...] = ()
    off: tuple[str, ...] = ()

    def is_on(self, row: Row) -> bool:
        """Say whether the columns *row* have it on."""
        value = text(row, self.column)
        return value in self.on if self.on else bool(value) and value not in self.off


@dataclass(frozen=True, slots=True)
class Detour:
    """What sends some calls elsewhere while all *switches* are on, by the things that it *needs* for that."""

    name: str
    switches: tuple[Switch, ...]
    needs: tuple[Need, ...]

    def is_on(self, row: Row) -> bool:
        """Say whether the columns *row* have it on."""
        return all(switch.is_on(row) for switch in self.switches)


def _group(column: str) -> Need:
    return Need(column, "filter group", FILTER_GROUPS, absent="has no numbers")


PRE_FILTER = (Switch("pre_filter_phone_group_id"), Switch("pre_filter_extension"))
RECENT_CALLS = (Switch("pre_filter_recent_call", off=("DISABLED",)), Switch("pre_filter_recent_extension"))
FILTER = Switch("filter_inbound_number", on=FILTERS[1:])

DETOURS = (
    Detour("pre-filter", PRE_FILTER, (_group("pre_filter_phone_group_id"),)),
    Detour("recent calls", RECENT_CALLS, (Need("pre_filter_recent_call", "settings container", CONTAINERS),)),
    Detour(
        "filter", (Switch("filter_inbound_number", on=("GROUP", "GROUP_AREACODE")),),
        (_group("filter_phone_group_id"),),
    ),
    Detour(
        "filter", (Switch("filter_inbound_number", on=("DNC_CAMPAIGN",)),),
        (Need("filter_dnc_campaign", "campaign", CAMPAIGNS),),
    ),
    Detour(
        "no-agent redirect", (Switch("no_agent_ingroup_redirect", on=NO_AGENT_REDIRECTS[1:]),),
        (
            Need("no_agent_ingroup_id", "in-group", IN_GROUPS),
            Need("no_agent_ingroup_extension", "extension"),
        ),
    ),
    Detour(
        "queue limit", (Switch("max_queue_ingroup_calls", off=("0",)),),
        (
            Need("max_queue_ingroup_id", "in-group", IN_GROUPS),
            Need("max_queue_ingroup_extension", "extension"),
        ),
    ),
)  # fmt: skip
"""The detours beside the route of a filter, which is looked at as a DID's own."""

BY_REDIRECT = Switch("filter_url_did_redirect", on=("Y",))
"""With it the answer of a web address says where calls go, and the filter's own route does not count."""

IN_CONTEXT = ("EXTEN", "VOICEMAIL", "VMAIL_NO_INST", "PHONE")
"""The routes that send calls into the context of a DID; what an agent does not take goes to ``default``."""

KNOWN_CONTEXTS = frozenset({
    "default", REDIRECTED, "loopback-no-log", "monitor", "monitor_exit", "vicidial-auto",
    "vicidial-auto-external", "vicidial-auto-internal", "vicidial-auto-phones",
})  # fmt: skip
"""The contexts of every VICIdial: of its sample of extensions.conf, and of what it generates beside that.

Others that it ships, as ``defaultlog``, are call menus in the database.
"""

FILTER_COLUMNS: Mapping[str, str] = MappingProxyType({
    "did_route": "filter_action",
    **{column: f"filter_{column}" for column in (*COLUMNS, "exten_context") if not column.startswith("did_")},
})  # fmt: skip
"""The columns of a route, each with that which the filter has in its place."""

LOOKED_AT = tuple(dict.fromkeys((
    *COLUMNS, "exten_context", *FILTER_COLUMNS.values(), FILTER.column, BY_REDIRECT.column,
    *(switch.column for detour in DETOURS for switch in detour.switches),
    *(need.column for detour in DETOURS for need in detour.needs),
    "pre_filter_recent_extension",
)))  # fmt: skip
"""The columns by which something is wrong with a DID or not."""


def filtered(row: Row) -> Row | None:
    """Return the columns *row* as a hit of the filter makes them; None where its route does not count."""
    if not FILTER.is_on(row) or (text(row, FILTER.column) == "URL" and BY_REDIRECT.is_on(row)):
        return None
    by_filter = {column: row.get(name) for column, name in FILTER_COLUMNS.items()}
    return {"did_active": row.get("did_active"), **by_filter}


Outside = Mapping[str, Destination | None]
"""Where calls go outside the hours of schedules, by name in small letters; None for one that does not exist.

Of a schedule that is not named there nothing is known.
"""

NO_SCHEDULES: Outside = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Other:
    """Where a DID sends calls beside its route: what that is *called*, and what *kind* it is where dead."""

    kind: Kind
    called: str
    destination: Destination


def others(row: Row, outside: Outside) -> Iterator[Other]:
    """Yield where a DID with the columns *row* sends calls beside its route."""
    name = text(row, fallbacks.SCHEDULE)
    if elsewhere := outside.get(name.lower()):
        yield Other("schedule", f"outside the hours of {name}", elsewhere)
    yield from (Other("detour", f"fallback {other}", other) for other in fallbacks.of(row))


def things(row: Row, outside: Outside = NO_SCHEDULES) -> Iterator[Thing]:
    """Yield what a DID with the columns *row* needs to be there, for its destinations and its detours."""
    if text(row, "did_active") != "Y":
        return
    yield from nowhere.things(row)
    yield from things_beside(row, outside)
    if by_filter := filtered(row):
        yield from nowhere.things(by_filter)
    for detour in DETOURS:
        if detour.is_on(row):
            for need in detour.needs:
                yield from _named(row, need)


def things_beside(row: Row, outside: Outside) -> Iterator[Thing]:
    """Yield what the `others` of a DID with the columns *row* need to be there."""
    for other in others(row, outside):
        yield from nowhere.things(fallbacks.sent(row, other.destination))


def _named(row: Row, need: Need) -> Iterator[Thing]:
    """Yield the things that *need* names; filter groups are a list."""
    named = text(row, need.column)
    if need.reference and named:
        names = number_lists.groups(named) if need.reference == FILTER_GROUPS else (named,)
        yield from ((need.reference, name, "") for name in names if name)


def findings(
    row: Row,
    gone: Gone,
    unknown_contexts: Collection[str],
    circle: Sequence[str],
    outside: Outside = NO_SCHEDULES,
) -> list[Finding]:
    """Return what is wrong with the DID with the columns *row*.

    *gone* are those of its `things` that are not there or not active, *unknown_contexts* those of its
    `contexts` that no dialplan has. *circle* are the numbers over which its calls come back to it.
    """
    if text(row, "did_active") != "Y":
        return []
    return [
        *_dead_ends(row, gone),
        *([Finding("loop", f"calls go in a circle: {_told(circle)}")] if circle else ()),
        *(
            Finding("context", f"{whose} go to the context {context}, which is not known")
            for whose, context in contexts(row)
            if context in unknown_contexts
        ),
        *(Finding("detour", reason) for reason in _dead_detours(row, gone)),
        *findings_beside(row, gone, unknown_contexts, outside),
    ]  # fmt: skip


def _dead_ends(row: Row, gone: Gone) -> Iterator[Finding]:
    """Yield what is wrong with the route: calls are lost by it, or only fallbacks are left for them."""
    if lost := fallbacks.dead_end(row, gone):
        yield Finding(lost.kind, lost.reason)
    elif dead_end := nowhere.dead_end(row, gone):
        yield Finding("fallback_only", f"{dead_end.reason}: calls go to fallbacks")


def findings_beside(
    row: Row, gone: Gone, unknown_contexts: Collection[str], outside: Outside
) -> Iterator[Finding]:
    """Yield what is wrong with the schedule and the fallbacks of the active DID with the columns *row*."""
    name = text(row, fallbacks.SCHEDULE)
    if outside.get(name.lower(), ...) is None:
        yield Finding("schedule", f"the schedule {name} does not exist: calls go as if it were open")
    for other in others(row, outside):
        if why := fallbacks.why_dead(row, other.destination, gone):
            yield Finding(other.kind, f"{other.called}: {why}")
    for whose, context in contexts_beside(row, outside):
        if context in unknown_contexts:
            yield Finding("context", f"{whose}: the context {context} is not known")


SHOWN = 6
"""Most numbers of a circle that are named."""


def _told(circle: Sequence[str]) -> str:
    named = " → ".join(circle[:SHOWN])
    more = f" → {len(circle) - SHOWN} more" if len(circle) > SHOWN else ""
    return f"{named}{more} → {circle[0]}"


def contexts(row: Row) -> Iterator[tuple[str, str]]:
    """Yield whose calls a DID with the columns *row* sends into which context."""
    for whose, sending in (("calls", row), ("calls that the filter chooses", filtered(row))):
        if sending and text(sending, "did_route") in IN_CONTEXT and text(sending, "exten_context"):
            yield whose, text(sending, "exten_context")


def contexts_beside(row: Row, outside: Outside) -> Iterator[tuple[str, str]]:
    """Yield into which contexts a DID with the columns *row* sends calls beside its route."""
    for other in others(row, outside):
        to = other.destination
        if to.beside and BESIDE[to.route] == "exten_context":
            yield other.called, to.beside


def _dead_detours(row: Row, gone: Gone) -> Iterator[str]:
    """Say of each detour that is on why it leads nowhere, or never sends a call."""
    by_filter = filtered(row)
    if by_filter and (dead_end := nowhere.dead_end(by_filter, gone)):
        yield f"filter: for calls that it chooses {dead_end.reason}"
    for detour in DETOURS:
        if detour.is_on(row):
            yield from (
                f"{detour.name}: {reason}" for need in detour.needs for reason in _unmet(row, need, gone)
            )


def _unmet(row: Row, need: Need, gone: Gone) -> Iterator[str]:
    if not text(row, need.column):
        yield f"no {need.kind} is set"
    for thing in _named(row, need):
        if found := nowhere.lost(need, thing, gone):
            yield found.reason


def sent_on(row: Row, outside: Outside = NO_SCHEDULES) -> list[str]:
    """Return the numbers to which the active DID with the columns *row* sends calls where calls arrive.

    What it always sends there, for some callers, outside its hours, or where the destinations before do not
    take calls; numbers that a web address answers are not known.
    """
    beside = [fallbacks.sent(row, other.destination) for other in others(row, outside)]
    found = [
        text(sending, "extension")
        for sending in (row, filtered(row), *beside)
        if sending and text(sending, "did_route") == "EXTEN"
        and text(sending, "exten_context").lower() == REDIRECTED
    ]  # fmt: skip
    for switches in (PRE_FILTER, RECENT_CALLS):
        if all(switch.is_on(row) for switch in switches):
            found.append(text(row, switches[-1].column))
    return list(dict.fromkeys(filter(None, found)))


Onward = Mapping[int, Collection[int]]
"""Which DIDs send calls on, and to which."""


def circling(onward: Onward) -> set[int]:
    """Return the DIDs over which calls go in a circle.

    It is Tarjan's search for strong components (1972), without recursion: a circle may have thousands.
    """
    number: dict[int, int] = {}
    lowest: dict[int, int] = {}
    open_: dict[int, None] = {}  # in the order in which they were come to
    found: set[int] = set()
    for start in onward:
        ways = [(start, iter(onward[start]))] if start not in number else []
        while ways:
            node, rest = ways[-1]
            if node not in number:
                number[node] = lowest[node] = len(number)
                open_[node] = None
            following = next((to for to in rest if to in onward and (to not in number or to in open_)), None)
            if following is None:
                ways.pop()
                if ways:
                    before = ways[-1][0]
                    lowest[before] = min(lowest[before], lowest[node])
                if lowest[node] == number[node]:
                    found |= _closed(node, open_, onward)
            elif following in number:
                lowest[node] = min(lowest[node], number[following])
            else:
                ways.append((following, iter(onward[following])))
    return found


def _closed(node: int, open_: dict[int, None], onward: Onward) -> set[int]:
    """Take the DIDs from *node* on out of *open_*; return them, if calls go in a circle over them."""
    part: set[int] = set()
    while node not in part:
        part.add(open_.popitem()[0])
    return part if len(part) > 1 or node in onward[node] else set()


def way_back(start: int, onward: Onward) -> list[int]:
    """Return the shortest way of calls from *start* back to it, without the return; or none."""
    before: dict[int, int] = {}
    reached = [start]
    for node in reached:
        for to in onward.get(node, ()):
            if to == start:
                return _from(start, node, before)
            if to not in before and to in onward:
                before[to] = node
                reached.append(to)
    return []


def _from(start: int, node: int, before: Mapping[int, int]) -> list[int]:
    way = [node]
    while way[-1] != start:
        way.append(before[way[-1]])
    return way[::-1]
