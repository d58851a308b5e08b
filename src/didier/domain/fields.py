"""The DID fields that callers may set: one ordered row each, with its rule.

The order is that in which VICIdial checks them, so that of several bad fields the same one is named.
Lengths are counted in characters.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from types import MappingProxyType

from didier.errors import InvalidField

Rule = Callable[[str], str | None]
"""Takes a value; returns None when it is allowed, otherwise what would be."""

ROUTES = ("EXTEN", "VOICEMAIL", "AGENT", "PHONE", "IN_GROUP", "CALLMENU", "VMAIL_NO_INST")
AGENT_SEARCH_METHODS = ("LO", "LB", "SO")
# The names VICIdial's in-groups know are built from a few parts; the list in its admin page is one of them
# per line.
CALL_HANDLE_METHOD = re.compile(
    "CID(LOOKUP(RL|RC)?(ALT)?(ADDR3)?(OWNERCUSTOMX)?)?|ANI(LOOKUP(RL|RC)?)?"
    "|VID(PROMPT(SPECIAL)?)?(LOOKUP(RL|RC)?)?|CLOSER|(3|4|5|10)DIGITID"
)


def text(shortest: int, longest: int) -> Rule:
    """Allow *shortest* to *longest* characters."""

    def check(value: str) -> str | None:
        if shortest <= len(value) <= longest and all(ord(c) <= 0xFFFF for c in value):
            return None
        return f"{shortest} to {longest} characters"

    return check


def one_of(*allowed: str) -> Rule:
    """Allow exactly the values given."""
    return lambda value: None if value in allowed else f"one of {', '.join(allowed)}"


def call_handle_method(value: str) -> str | None:
    """Allow the names of VICIdial's ways to find a caller's lead."""
    if CALL_HANDLE_METHOD.fullmatch(value):
        return None
    return "a method such as CID, CIDLOOKUP, CIDLOOKUPRL, ANI, VIDPROMPT, CLOSER or 3DIGITID"


def digits(shortest: int, longest: int) -> Rule:
    """Allow *shortest* to *longest* digits."""

    def check(value: str) -> str | None:
        if value.isascii() and value.isdigit() and shortest <= len(value) <= longest:
            return None
        return f"{shortest} to {longest} digits"

    return check


@dataclass(frozen=True, slots=True)
class Field:
    """A DID column that callers may set."""

    column: str
    rule: Rule
    help: str
    refers_to: str = ""  # "table.column" in which the value must stand
    empty: str | None = ""  # what stands for no value; None where there must be one


DID_FIELDS: tuple[Field, ...] = (
    Field("did_description", text(6, 50), "Shown in lists and reports"),
    Field("did_active", one_of("Y", "N"), "Whether calls to the number are accepted", empty=None),
    Field("did_route", one_of(*ROUTES), "Where calls go", empty=None),
    Field("record_call", one_of("Y", "N", "Y_QUEUESTOP"), "Whether calls are recorded", empty=None),
    Field("extension", text(1, 50), "Dialplan extension, for route EXTEN"),
    Field("exten_context", text(1, 50), "Dialplan context of the extension"),
    Field("voicemail_ext", text(1, 10), "Voicemail box, for route VOICEMAIL"),
    Field("phone", text(1, 100), "Phone, for route PHONE"),
    Field("server_ip", text(1, 15), "Server of the phone", "servers.server_ip"),
    Field("group_id", text(1, 20), "In-group, for route IN_GROUP", "vicidial_inbound_groups.group_id"),
    Field("menu_id", text(1, 50), "Call menu, for route CALLMENU", "vicidial_call_menu.menu_id"),
    Field("filter_clean_cid_number", text(1, 20), "How caller numbers are cleaned up"),
    Field("call_handle_method", call_handle_method, "How the caller's lead is found", empty=None),
    Field(
        "agent_search_method", one_of(*AGENT_SEARCH_METHODS), "On which servers agents are sought", empty=None
    ),
    Field("list_id", digits(3, 14), "List that new leads go to", empty=None),
    Field("entry_list_id", digits(1, 14), "Entry list stored with the lead", empty="0"),
    Field("campaign_id", text(1, 8), "Campaign of the call"),
    Field("phone_code", text(1, 10), "Country code of the caller"),
)

BY_COLUMN = MappingProxyType({field.column: field for field in DID_FIELDS})


def problem(column: str, value: str) -> InvalidField | None:
    """Say what is wrong with *value* in *column*, or return None; references are not looked up."""
    allowed = BY_COLUMN[column].rule(value)
    return (allowed and InvalidField(column, value, allowed)) or None
