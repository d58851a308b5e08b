"""The DID fields that callers may set: one ordered row each, with its rule.

The order and the groups are those of VICIdial's own page. Lengths are counted in characters; VICIdial counts
bytes, so that 26 accented letters are too long for 50 (add_did.non_latin_length_in_bytes). Scenarios named
here are those of ``tests/conformance/behaviour.md``, whose section 5 has the limits of VICIdial's own API.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any

from didier import characters
from didier.domain import route_texts
from didier.domain.route_texts import Destination
from didier.errors import InvalidField

Rule = Callable[[str], str | None]
"""Takes a value; returns None when it is allowed, otherwise what would be."""

ROUTES = ("EXTEN", "VOICEMAIL", "AGENT", "PHONE", "IN_GROUP", "CALLMENU", "VMAIL_NO_INST")
UNAVAILABLE_ACTIONS = ("IN_GROUP", "EXTEN", "VOICEMAIL", "PHONE", "VMAIL_NO_INST")
# VICIdial takes any two characters, and stores nothing for others (add_did.agent_search_method_unknown); its
# column has no case.
AGENT_SEARCH_METHODS = ("LO", "LB", "SO")
FILTERS = ("DISABLED", "GROUP", "URL", "DNC_INTERNAL", "DNC_CAMPAIGN", "GROUP_AREACODE")
NO_AGENT_REDIRECTS = ("DISABLED", "Y", "NO_PAUSED", "READY_ONLY")
# VICIdial's page has 88 of them, each release some more, and 60 longer than the 20 characters of its API: the
# column, a varchar(40), takes any word.
CALL_HANDLE_METHOD = re.compile("[A-Za-z0-9_]{3,40}")
CALL_HANDLE_METHOD_API = 20
"""Most characters of a method in VICIdial's own API (behaviour.md, section 5)."""

# What a TEXT column of 65,535 bytes holds, whatever the letters: in utf8mb3 they have three bytes at most.
LONG = 21_845
LARGEST_SMALLINT = 32_767  # max_queue_ingroup_calls is a smallint with a sign

CALL_MENUS = "vicidial_call_menu.menu_id"
CAMPAIGNS = "vicidial_campaigns.campaign_id"
IN_GROUPS = "vicidial_inbound_groups.group_id"
PHONES = "phones.extension"
SERVERS = "servers.server_ip"
USERS = "vicidial_users.user"
USER_GROUPS = "vicidial_user_groups.user_group"
SCHEDULES = "didier_schedules.name"
GATEWAYS = "didier_gateways.name"

KINDS = MappingProxyType({
    CALL_MENUS: "call menu",
    CAMPAIGNS: "campaign",
    IN_GROUPS: "in-group",
    PHONES: "phone",
    SERVERS: "server",
    USERS: "user",
    USER_GROUPS: "user group",
    SCHEDULES: "schedule",
    GATEWAYS: "gateway set",
})  # fmt: skip
"""What stands in each column that fields refer to."""

NONE = "---NONE---"
"""What VICIdial's lists of in-groups and call menus have for none."""


def text(shortest: int, longest: int) -> Rule:
    """Allow *shortest* to *longest* characters, none of which commands whoever shows them.

    Towards the least, letters beyond ASCII count as VICIdial counts them, by their bytes: two letters of
    Chinese are six (add_did.non_latin_short_in_bytes).
    """

    def check(value: str) -> str | None:
        is_short = len(value) < shortest and len(value.encode("utf-8", "surrogatepass")) < shortest
        if is_short or len(value) > longest:
            return f"{shortest} to {longest} characters"
        if rare := next((character for character in value if character > "\uffff"), None):
            # VICIdial's tables are utf8mb3: they have none beyond the basic plane.
            return f"{shortest} to {longest} characters, none of them rare or an emoji (U+{ord(rare):04X})"
        return characters.refused(value)

    return check


@dataclass(frozen=True, slots=True)
class OneOf:
    """The rule that allows exactly the values *allowed*; *any_case*: in lower case too."""

    allowed: tuple[str, ...]
    any_case: bool = False

    def __call__(self, value: str) -> str | None:
        """Say what would be allowed instead of *value*."""
        known = value.upper() if self.any_case and value.isascii() else value
        return None if known in self.allowed else f"one of {', '.join(self.allowed)}"


def one_of(*allowed: str) -> OneOf:
    """Allow exactly the values given."""
    return OneOf(allowed)


def call_handle_method(value: str) -> str | None:
    """Allow what may be the name of a way to find a caller's lead."""
    if CALL_HANDLE_METHOD.fullmatch(value):
        return None
    allowed = "3 to 40 letters, digits and _, such as CIDLOOKUP"
    return (characters.refused(value) if 3 <= len(value) <= 40 else None) or allowed


def call_handle_method_api(value: str) -> str | None:
    """Allow what VICIdial's own API allows of them."""
    if len(value) <= CALL_HANDLE_METHOD_API and not call_handle_method(value):
        return None
    return f"3 to {CALL_HANDLE_METHOD_API} letters, digits and _, such as CIDLOOKUP"


def word(shortest: int, longest: int) -> Rule:
    """Allow *shortest* to *longest* letters, digits, ``-`` and ``_``: VICIdial drops all others."""
    allowed = re.compile(rf"[0-9A-Za-z_-]{{{shortest},{longest}}}")

    def check(value: str) -> str | None:
        return None if allowed.fullmatch(value) else f"{shortest} to {longest} letters, digits, - and _"

    return check


def digits(shortest: int, longest: int) -> Rule:
    """Allow *shortest* to *longest* digits."""

    def check(value: str) -> str | None:
        if value.isascii() and value.isdigit() and shortest <= len(value) <= longest:
            return None
        return f"{shortest} to {longest} digits"

    return check


def number(highest: int) -> Rule:
    """Allow 0 to *highest*."""

    def check(value: str) -> str | None:
        if value.isascii() and value.isdigit() and len(value) <= len(str(highest)) and int(value) <= highest:
            return None
        return f"0 to {highest}"

    return check


def whole(least: int, most: int) -> Rule:
    """Allow the whole numbers from *least* to *most*, written with as many digits as the longest of them."""
    written = re.compile(rf"-?[0-9]{{1,{len(str(most))}}}", re.ASCII)

    def check(value: str) -> str | None:
        if written.fullmatch(value) and least <= int(value) <= most:
            return None
        return f"{least} to {most}"

    return check


@dataclass(frozen=True, slots=True)
class Field:
    """A DID column that callers may set."""

    column: str
    rule: Rule
    help: str
    refers_to: str = ""  # "table.column" in which the value must stand
    empty: str | None = ""  # what stands for no value; None where there must be one
    special: tuple[str, ...] = ()  # values that need not stand in what it refers to
    label: str = ""  # what VICIdial's page calls it
    group: str = ""  # heading under which forms show it
    tidy: Callable[[str], str] = str  # returns a value as it is stored
    api_rule: Rule | None = None  # where VICIdial's own API allows less

    @property
    def choices(self) -> tuple[str, ...]:
        """The values that are allowed, where these are few."""
        return self.rule.allowed if isinstance(self.rule, OneOf) else ()


def _field(
    column: str,
    label: str,
    rule: Rule,
    meaning: str,
    refers_to: str = "",
    *,
    empty: str | None = "",
    special: tuple[str, ...] = (),
    tidy: Callable[[str], str] = str,
    api_rule: Rule | None = None,
) -> Field:
    return Field(column, rule, meaning, refers_to, empty, special, label, tidy=tidy, api_rule=api_rule)


def _group(name: str, *fields: Field) -> tuple[Field, ...]:
    return tuple(replace(field, group=name) for field in fields)


_IDENTITY = _group(
    "Identity",
    _field("did_description", "DID Description", text(6, 50), "Shown in lists and reports"),
    _field(
        "did_carrier_description", "DID Carrier Description", text(1, 255), "What the carrier says about it"
    ),
    _field("did_active", "Active", one_of("Y", "N"), "Whether calls to the number are accepted", empty=None),
    _field(
        "user_group", "Admin User Group", text(1, 20), "User group that can see the DID; ---ALL--- for all",
        USER_GROUPS, empty=None, special=("---ALL---",),
    ),
)  # fmt: skip

_REDIRECTS = _group(
    "Redirects",
    _field(
        "no_agent_ingroup_redirect", "No-Agent In-Group Redirect", one_of(*NO_AGENT_REDIRECTS),
        "Whether calls go elsewhere when the in-group has no agents", empty=None,
    ),
    _field(
        "no_agent_ingroup_id", "No-Agent In-Group ID", text(1, 20), "In-group whose agents are checked",
        IN_GROUPS, special=(NONE,),
    ),
    _field("no_agent_ingroup_extension", "No-Agent In-Group Extension", text(1, 50), "Where the calls go"),
    _field(
        "max_queue_ingroup_calls", "Max Queue In-Group Calls", number(LARGEST_SMALLINT),
        "Number of waiting calls from which new calls go elsewhere; 0 for no limit", empty="0",
    ),
    _field(
        "max_queue_ingroup_id", "Max Queue In-Group ID", text(1, 20), "In-group whose calls are counted",
        IN_GROUPS, special=(NONE,),
    ),
    _field("max_queue_ingroup_extension", "Max Queue In-Group Extension", text(1, 50), "Where the calls go"),
)  # fmt: skip

_ROUTE = _group(
    "Route",
    _field("did_route", "DID Route", one_of(*ROUTES), "Where calls go", empty=None),
    _field("record_call", "Record Call", one_of("Y", "N", "Y_QUEUESTOP"), "Whether calls are recorded",
           empty=None),
    _field("inbound_route_answer", "Inbound Route Answer", one_of("Y", "N"),
           "Whether the call is answered before it is routed", empty=None),
)  # fmt: skip

_DESTINATION = (
    _field("extension", "Extension", text(1, 50), "Dialplan extension, for route EXTEN"),
    _field("exten_context", "Extension Context", text(1, 50), "Dialplan context of the extension"),
    _field("voicemail_ext", "Voicemail Box", text(1, 10), "Voicemail box, for route VOICEMAIL"),
    _field("phone", "Phone Extension", text(1, 100), "Phone, for route PHONE", PHONES),
    _field("server_ip", "Server IP", text(1, 15), "Server of the phone", SERVERS),
    _field("menu_id", "Call Menu", text(1, 50), "Call menu, for route CALLMENU", CALL_MENUS),
    _field("user", "User Agent", text(1, 20), "Agent, for route AGENT", USERS),
    _field(
        "user_unavailable_action", "User Unavailable Action", one_of(*UNAVAILABLE_ACTIONS),
        "Where calls go when the agent cannot take them", empty=None,
    ),
    _field(
        "user_route_settings_ingroup", "User Route Settings In-Group", text(1, 20),
        "In-group whose settings apply to calls to the agent", IN_GROUPS, special=("AGENTDIRECT", NONE),
    ),
)  # fmt: skip

_IN_GROUP = (
    _field("group_id", "In-Group ID", text(1, 20), "In-group, for route IN_GROUP", IN_GROUPS),
    _field(
        "call_handle_method", "In-Group Call Handle Method", call_handle_method,
        "How the caller's lead is found", empty=None, api_rule=call_handle_method_api,
    ),
    _field(
        "agent_search_method", "In-Group Agent Search Method",
        OneOf(AGENT_SEARCH_METHODS, any_case=True), "Servers on which agents are searched", empty=None,
        tidy=str.upper,
    ),
    _field("list_id", "In-Group List ID", digits(3, 14), "List that new leads go to", empty=None),
    _field("entry_list_id", "In-Group Entry List ID", digits(1, 14), "Entry list stored with the lead",
           empty="0"),
    _field("campaign_id", "In-Group Campaign ID", text(1, 8), "Campaign of the call", CAMPAIGNS),
    _field("phone_code", "In-Group Phone Code", text(1, 10), "Country code of the caller"),
)  # fmt: skip

_FILTER = _group(
    "Filter",
    _field("filter_clean_cid_number", "Clean CID Number", text(1, 20), "How caller numbers are cleaned up"),
    _field("pre_filter_phone_group_id", "Pre-Filter Phone Group ID", text(1, LONG),
           "Callers who are sent elsewhere before the filter"),
    _field("pre_filter_extension", "Pre-Filter Extension", text(1, 50), "Where they are sent"),
    _field("pre_filter_recent_call", "Pre-Filter Recent Call", text(1, 20),
           "Callers who called recently are sent elsewhere"),
    _field("pre_filter_recent_extension", "Pre-Filter Recent Extension", text(1, 50), "Where they are sent"),
    _field("filter_inbound_number", "Filter Inbound Number", one_of(*FILTERS),
           "How the callers with a different route are chosen", empty=None),
    _field("filter_phone_group_id", "Filter Phone Group ID", text(1, LONG), "Callers, for GROUP"),
    _field("filter_url", "Filter URL", text(1, 1000), "URL that decides, for URL"),
    _field("filter_url_did_redirect", "Filter URL DID Redirect", one_of("Y", "N"),
           "Whether the address may name another DID", empty=None),
    _field("filter_dnc_campaign", "Filter DNC Campaign", text(1, 8),
           "Campaign whose do-not-call list decides, for DNC_CAMPAIGN", CAMPAIGNS),
    _field("filter_action", "Filter Action", one_of(*ROUTES), "Where filtered calls go", empty=None),
)  # fmt: skip

_CUSTOM = _group(
    "Custom",
    *(
        _field(f"custom_{n}", f"Custom {n.title()}", text(1, 100), "Free for your own use")
        for n in ("one", "two", "three", "four", "five")
    ),
)


def _filtered(field: Field) -> Field:
    """Return the twin of *field* that counts for filtered calls."""
    special = (NONE, *field.special) if field.refers_to in {IN_GROUPS, CALL_MENUS} else field.special
    return replace(
        field,
        column=f"filter_{field.column}",
        label=f"Filter {field.label}",
        help=f"{field.help}; for filtered calls",
        special=tuple(dict.fromkeys(special)),
    )


DID_FIELDS: tuple[Field, ...] = (
    *_IDENTITY,
    *_REDIRECTS,
    *_ROUTE,
    *_group("Destination", *_DESTINATION),
    *_group("In-group", *_IN_GROUP),
    *_FILTER,
    *_group("Filter destination", *map(_filtered, _DESTINATION)),
    *_group("Filter in-group", *map(_filtered, _IN_GROUP)),
    *_CUSTOM,
)

TAG_LONGEST = 40
TAGS_LONGEST = 500


def _words(value: str) -> list[str]:
    return [" ".join(word.split()) for word in value.split(",")]


def tags(value: str) -> str | None:
    """Allow tags divided by commas."""
    words = _words(value)
    if len(tidy_tags(value)) > TAGS_LONGEST or any(len(word) > TAG_LONGEST for word in words):
        return f"tags of 1 to {TAG_LONGEST} characters, divided by commas, {TAGS_LONGEST} characters in all"
    return characters.refused(value)


def tidy_tags(value: str) -> str:
    """Return tags in alphabetical order, each once whatever its case."""
    by_key = {word.casefold(): word for word in reversed(_words(value)) if word}
    return ",".join(by_key[key] for key in sorted(by_key))


EXCEPTIONS_LONGEST = 1_000


def exceptions(value: str) -> str | None:
    """Allow names of fields divided by commas."""
    names = split_exceptions(value)
    if len(tidy_exceptions(value)) > EXCEPTIONS_LONGEST or not BY_COLUMN.keys() >= names:
        return f"names of fields, such as did_description, divided by commas, {EXCEPTIONS_LONGEST} characters"
    return None


def split_exceptions(value: str) -> set[str]:
    """Return the names of the fields that a list of exceptions has."""
    return {name for word in value.split(",") if (name := word.strip().lower())}


def tidy_exceptions(value: str) -> str:
    """Return names of fields in alphabetical order, each once."""
    return ",".join(sorted(split_exceptions(value)))


FALLBACKS_MOST = 10
FALLBACKS_LONGEST = 1000


def destination(written: str) -> str | None:
    """Allow a destination as a text, whose parts are those of a DID's columns."""
    found = Destination.of(written)
    if found is None:
        return f"destinations divided by blanks, such as {route_texts.EXAMPLE}"
    problems = ((BY_COLUMN[column], BY_COLUMN[column].rule(part)) for column, part in found.values.items())
    return next(
        (f"{allowed} as the {field.label} of {written}" for field, allowed in problems if allowed), None
    )


def fallbacks(value: str) -> str | None:
    """Allow a list of destinations as a text."""
    listed = route_texts.words(value)
    if len(listed) > FALLBACKS_MOST or len(value) > FALLBACKS_LONGEST:
        return f"up to {FALLBACKS_MOST} destinations divided by blanks, {FALLBACKS_LONGEST} characters in all"
    return characters.refused(value) or next(filter(None, map(destination, listed)), None)


OWN_FIELDS = (
    Field("tags", tags, "Words of your own, divided by commas", label="Tags", group="Identity",
          tidy=tidy_tags),
    Field("locked", one_of("Y", "N"), "Whether it cannot be deleted, not even by force", empty="N",
          label="Locked", group="Identity"),
    Field("exceptions", exceptions, "Fields in which it may differ from the DID that it was copied from",
          label="Exceptions", group="Identity", tidy=tidy_exceptions),
    Field("schedule", word(1, 50), "Opening hours; outside them calls go where these say", SCHEDULES,
          label="Schedule", group="Route"),
    Field("fallbacks", fallbacks, "Where calls go, in order, if the route's destination cannot take them:"
          f" {route_texts.EXAMPLE}", label="Fallbacks", group="Route", tidy=route_texts.tidy),
    Field("gateway_set", word(1, 50), "SIP gateways to which an edge sends calls; empty: by rule", GATEWAYS,
          label="Gateway set", group="Route"),
)  # fmt: skip
"""The fields of Didier's own, which VICIdial does not know."""

BY_COLUMN = MappingProxyType({field.column: field for field in (*DID_FIELDS, *OWN_FIELDS)})

GROUPS = (
    "Identity", "Route", "Destination", "In-group", "Redirects", "Filter", "Filter destination",
    "Filter in-group", "Custom",
)  # fmt: skip
"""The headings under which forms show the fields, in order: the fields' own is that of VICIdial's checks."""

UNCHECKED_BY_VICIDIAL = frozenset({"phone", "campaign_id"})
"""Fields whose references VICIdial's own API does not look up (add_did.campaign_id_not_checked)."""


def problem(column: str, value: str | None, *, api: bool = False) -> InvalidField | None:
    """Say what is wrong with *value* in *column*, or return None; references are not looked up.

    None and the empty text empty the field. *api*: as VICIdial's own API sees it.
    """
    field = BY_COLUMN[column]
    if not value and field.empty is not None:
        return None
    rule = field.api_rule if api and field.api_rule else field.rule
    allowed = rule(value or "")
    return (allowed and InvalidField(column, value or "", allowed)) or None


def stored(values: Mapping[str, str | None]) -> dict[str, str]:
    """Return what is stored for *values*: where one empties its field, what stands there for no value."""
    pairs = ((BY_COLUMN[column], value) for column, value in values.items())
    return {field.column: field.tidy(value or field.empty or "") for field, value in pairs}


def held(values: Mapping[str, str | None], image: Mapping[str, Any]) -> dict[str, Any]:
    """Return *values* as columns like those of the row *image* hold them: ``007`` is 7 in one of numbers."""
    return {
        name: int(value) if isinstance(image.get(name), int) and value.isdigit() else value
        for name, value in stored(values).items()
    }


def updated(image: Mapping[str, Any], values: Mapping[str, str | None]) -> dict[str, Any]:
    """Return the row *image* with *values*; those whose column is not there are left out."""
    return {**image, **{name: value for name, value in held(values, image).items() if name in image}}
