"""Where calls to a DID lead, in words."""

from collections.abc import Mapping
from types import MappingProxyType

from didier.domain.fields import NONE
from didier.domain.route_texts import DESTINATIONS

Row = Mapping[str, str | int | None]

_KINDS: Mapping[str, str] = MappingProxyType({
    "EXTEN": "extension",
    "VOICEMAIL": "voicemail box",
    "VMAIL_NO_INST": "voicemail box",
    "AGENT": "agent",
    "PHONE": "phone",
    "IN_GROUP": "in-group",
    "CALLMENU": "call menu",
})  # fmt: skip
"""What each route leads to."""

_BESIDE: Mapping[str, tuple[str, str]] = MappingProxyType({
    "EXTEN": ("exten_context", "in the context"),
    "PHONE": ("server_ip", "on the server"),
})  # fmt: skip

_REMARKS: Mapping[str, str] = MappingProxyType({"VMAIL_NO_INST": "without instructions"})


def destination(row: Row, *, prefix: str = "", column: str = "did_route") -> str:
    """Return where a route leads, as "in-group SALES"; *prefix* is that of its columns."""
    route = _text(row, column)
    if route not in DESTINATIONS:
        return f"the route {route}" if route else "no route"
    where, kind = DESTINATIONS[route], _KINDS[route]
    named = _text(row, f"{prefix}{where}")
    words = [f"{kind} {named}" if named else f"no {kind}: none is set"]
    if named and route in _BESIDE:
        where, words_before = _BESIDE[route]
        beside = _text(row, f"{prefix}{where}")
        words += [f"{words_before} {beside}"] if beside else []
    words += [_REMARKS[route]] if route in _REMARKS else []
    return " ".join(words)


def sentence(row: Row) -> str:
    """Say in a sentence where calls to the DID with the columns *row* lead."""
    if _text(row, "did_active") == "N":
        return f"Calls are not accepted; if they were, they would go to {_whole(row)}."
    filtered = _text(row, "filter_inbound_number")
    if filtered in {"", "DISABLED"}:
        return f"Calls go to {_whole(row)}."
    elsewhere = destination(row, prefix="filter_", column="filter_action")
    return f"Calls go to {_whole(row)}; those that the filter {filtered} chooses go to {elsewhere}."


def _whole(row: Row) -> str:
    """Return the destination with where calls go instead."""
    route, place = _text(row, "did_route"), destination(row)
    if route == "AGENT" and _text(row, "user_unavailable_action"):
        return f"{place}, or else to {destination(row, column='user_unavailable_action')}"
    if route != "IN_GROUP":
        return place
    redirect, extension = _text(row, "no_agent_ingroup_redirect"), _text(row, "no_agent_ingroup_extension")
    if redirect not in {"", "DISABLED"} and extension:
        place += f", or to extension {extension} when it has no agents"
    return place


def _text(row: Row, column: str) -> str:
    value = row.get(column)
    return "" if value is None or value == NONE else str(value)
