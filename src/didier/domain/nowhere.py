"""Why calls to a DID lead nowhere: its route needs something that is not named, not there or not active.

The rules are those of VICIdial's routing (``agi-DID_route.agi``): an agent who is not there is no dead end
where calls have somewhere else to go. Filters and redirects are not looked at: they send some calls
elsewhere, often into nothing on purpose. What else takes the calls of a route is in `fallbacks`.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal

from didier.domain.fields import CALL_MENUS, IN_GROUPS, NONE, PHONES, SERVERS, UNAVAILABLE_ACTIONS, USERS

Row = Mapping[str, str | int | None]


@dataclass(frozen=True, slots=True)
class Need:
    """What a route needs in a *column*: a *kind* of thing, which stands in *reference* if that is known.

    Together with the column *beside* it has its name; one that *may_be_empty* is needed only where it is set.
    *absent* says of a thing that it is not there.
    """

    column: str
    kind: str
    reference: str = ""
    beside: str = ""
    may_be_empty: bool = False
    absent: str = "does not exist"


_BOX = Need("voicemail_ext", "voicemail box")
_SERVER = Need("server_ip", "server", SERVERS, may_be_empty=True)  # without one it is the call's own

NEEDS: Mapping[str, tuple[Need, ...]] = MappingProxyType({
    "EXTEN": (Need("extension", "extension"),),
    "VOICEMAIL": (_BOX, _SERVER),
    "VMAIL_NO_INST": (_BOX, _SERVER),
    "PHONE": (_SERVER, Need("phone", "phone", PHONES, beside="server_ip")),
    "IN_GROUP": (Need("group_id", "in-group", IN_GROUPS),),
    "CALLMENU": (Need("menu_id", "call menu", CALL_MENUS),),
    "AGENT": (Need("user", "agent", USERS),),
})  # fmt: skip
"""What each route needs to lead somewhere."""

OTHERWISE = "user_unavailable_action"
"""The column with the route of calls that the agent of route AGENT does not take."""

COLUMNS = tuple(dict.fromkeys(
    ("did_active", "did_route", OTHERWISE, *(need.column for needs in NEEDS.values() for need in needs))
))  # fmt: skip
"""The columns by which calls lead somewhere or not."""

Thing = tuple[str, str, str]
"""What a DID refers to: the column of a table in which it stands, its name, and what stands beside that."""

Gone = Mapping[Thing, Literal["missing", "inactive"]]
"""Those things of which calls that are sent there get nowhere."""

Kind = Literal["no_destination", "missing", "inactive"]


@dataclass(frozen=True, slots=True)
class DeadEnd:
    """Where calls get nowhere: of which *kind* it is, and the *reason* in words."""

    kind: Kind
    reason: str


def things(row: Row) -> Iterator[Thing]:
    """Yield what calls to the DID with the columns *row* need to be there and active."""
    if text(row, "did_active") != "Y":
        return
    for column in ("did_route", OTHERWISE):
        route = text(row, column)
        for need in NEEDS.get(route, ()):
            if need.reference and text(row, need.column):
                yield _thing(row, need)
        if route != "AGENT":
            return


def reason(row: Row, gone: Gone) -> str | None:
    """Say why calls to the DID with the columns *row* lead nowhere; None where they lead somewhere."""
    found = dead_end(row, gone)
    return None if found is None else found.reason


def dead_end(row: Row, gone: Gone) -> DeadEnd | None:
    """Return where calls to the DID with the columns *row* get nowhere; None where they lead somewhere.

    *gone* are those of its `things` that are not there or not active. A DID that is not active takes no
    calls, which is what was wanted of it.
    """
    if text(row, "did_active") != "Y":
        return None
    route = text(row, "did_route")
    if route not in NEEDS:
        return DeadEnd("no_destination", "no route is set")
    found = _unmet(row, route, gone)
    if found is None or route != "AGENT":
        return found
    action = text(row, OTHERWISE)
    if action not in UNAVAILABLE_ACTIONS:
        return found
    other = _unmet(row, action, gone)
    return other and DeadEnd(found.kind, f"{found.reason}, and for calls that no agent takes {other.reason}")


def _unmet(row: Row, route: str, gone: Gone) -> DeadEnd | None:
    return next(filter(None, (_missing(row, need, gone) for need in NEEDS[route])), None)


def _missing(row: Row, need: Need, gone: Gone) -> DeadEnd | None:
    named = text(row, need.column)
    if not named:
        return None if need.may_be_empty else DeadEnd("no_destination", f"no {need.kind} is set")
    beside = text(row, need.beside)
    place = f" on the server {beside}" if beside else " without a server" if need.beside else ""
    return lost(need, _thing(row, need), gone, place)


def lost(need: Need, thing: Thing, gone: Gone, place: str = "") -> DeadEnd | None:
    """Return the dead end that *thing*, which *need* names, is if it is *gone*; *place* says where it is."""
    state = gone.get(thing)
    if state is None:
        return None
    _, named, _ = thing
    what = need.absent if state == "missing" else "is not active"
    return DeadEnd(state, f"the {need.kind} {named}{place} {what}")


def _thing(row: Row, need: Need) -> Thing:
    return need.reference, text(row, need.column), text(row, need.beside)


def text(row: Row, column: str) -> str:
    """Return what stands in *column*, without blanks around it; what means none is empty."""
    value = row.get(column) if column else None
    text = "" if value is None else str(value).strip(" ")
    return "" if text == NONE else text
