"""What DIDs lead to: in-groups, call menus, phones and servers, and the columns of each.

Of VICIdial's columns these are the ones that a call is routed by, and what people call the thing. VICIdial
creates them on its own pages; Didier where it is at home alone, in an embedded database.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from ipaddress import AddressValueError, IPv4Address
from types import MappingProxyType

from didier.domain import fields
from didier.domain.fields import Field, Rule, number, one_of, text, word
from didier.domain.users import EVERY_GROUP
from didier.errors import InvalidField

Value = str | int | None
"""What a column holds."""

TIMEOUT_MOST = 65_535  # menu_timeout is a smallint without a sign
REPEAT_MOST = 255  # menu_repeat is a tinyint without a sign


def address(value: str) -> str | None:
    """Allow an IPv4 address: calls to a phone on another server are routed by its four numbers."""
    try:
        IPv4Address(value)
    except AddressValueError:
        return "an IPv4 address, such as 192.0.2.10"
    return None


def offset(value: str) -> str | None:
    """Allow the hours that a clock is before or behind UTC, as VICIdial writes them: ``-5.00``."""
    return None if re.fullmatch(r"-?(1[0-4]|[0-9])\.(00|25|50|75)", value) else "hours, such as -5.00 or 5.50"


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of things that DIDs lead to.

    *name* is that of `fields.KINDS`, *title* and *path* are those of its list; *key* are the columns that
    tell one from another, *required* those that a new one must be given, *called* the column that says what
    people call it. *section* and *code* are VICIdial's words in its admin log.
    """

    name: str
    title: str
    path: str
    table: str
    reference: str
    key: tuple[str, ...]
    required: tuple[str, ...]
    called: str
    section: str
    code: str
    fields: tuple[Field, ...]
    numbers: frozenset[str] = frozenset()

    @property
    def columns(self) -> tuple[str, ...]:
        """All columns of a thing, its key first."""
        return tuple(field.column for field in self.fields)

    @property
    def page(self) -> str:
        """The address of the panel's page of one of them."""
        return self.name.replace(" ", "-")

    @property
    def named_by(self) -> str:
        """The column by which DIDs name a thing."""
        return self.reference.partition(".")[2]

    @property
    def fixed(self) -> frozenset[str]:
        """The columns that never change: by these a thing is named."""
        return frozenset({*self.key, self.named_by})

    @property
    def has_options(self) -> bool:
        """Whether callers choose among options there."""
        return self.reference == fields.CALL_MENUS

    def field(self, column: str) -> Field:
        """Return the field of *column*."""
        return next(field for field in self.fields if field.column == column)

    def named(self, values: Mapping[str, Value]) -> str:
        """Return how a thing is named in messages, as ``gs102 on 192.0.2.10``."""
        return " on ".join(str(values[column]) for column in self.key)


def _field(
    column: str, label: str, rule: Rule, meaning: str, refers_to: str = "", *, empty: str | None = ""
) -> Field:
    special = (EVERY_GROUP,) if refers_to == fields.USER_GROUPS else ()
    return Field(column, rule, meaning, refers_to, empty, special, label)


_GROUP = _field(
    "user_group", "Admin User Group", text(1, 20), f"User group that can see it; {EVERY_GROUP} for all",
    fields.USER_GROUPS, empty=None,
)  # fmt: skip


def _active(meaning: str) -> Field:
    return _field("active", "Active", one_of("Y", "N"), meaning, empty=None)


IN_GROUP = Kind(
    "in-group", "In-groups", "in-groups", "vicidial_inbound_groups", fields.IN_GROUPS, ("group_id",),
    ("group_id", "group_name"), "group_name", "INGROUPS", "INGROUP",
    (
        _field("group_id", "Group ID", word(2, 20), "What DIDs name it by", empty=None),
        _field("group_name", "Group Name", text(2, 30), "What people call it", empty=None),
        _active("Whether it takes calls"),
        _GROUP,
    ),
)  # fmt: skip

CALL_MENU = Kind(
    "call menu", "Call menus", "call-menus", "vicidial_call_menu", fields.CALL_MENUS, ("menu_id",),
    ("menu_id", "menu_name"), "menu_name", "CALLMENUS", "CALL MENU",
    (
        _field("menu_id", "Menu ID", word(2, 50), "Name in DIDs, and dialplan context", empty=None),
        _field("menu_name", "Menu Name", text(1, 100), "What people call it", empty=None),
        _field("menu_prompt", "Menu Prompt", text(1, 255), "Sound file that callers hear"),
        _field("menu_timeout", "Menu Timeout", number(TIMEOUT_MOST), "Seconds in which callers choose",
               empty=None),
        _field("menu_repeat", "Menu Repeat", number(REPEAT_MOST), "How often the prompt is repeated",
               empty=None),
        _GROUP,
    ),
    frozenset({"menu_timeout", "menu_repeat"}),
)  # fmt: skip

PHONE = Kind(
    "phone", "Phones", "phones", "phones", fields.PHONES, ("extension", "server_ip"),
    ("extension", "server_ip", "dialplan_number"), "fullname", "PHONES", "PHONE",
    (
        _field("extension", "Phone Extension", word(1, 100), "What DIDs name it by", empty=None),
        _field("server_ip", "Server IP", address, "Server of the phone", fields.SERVERS, empty=None),
        _field("dialplan_number", "Dial Plan Number", text(1, 20), "Number that calls to it are sent to",
               empty=None),
        _field("fullname", "Full Name", text(1, 50), "What people call it"),
        _active("Whether it is in use"),
        _GROUP,
    ),
)  # fmt: skip

SERVER = Kind(
    "server", "Servers", "servers", "servers", fields.SERVERS, ("server_id",),
    ("server_id", "server_ip"), "server_description", "SERVERS", "SERVER",
    (
        _field("server_id", "Server ID", word(2, 10), "What people call it in short", empty=None),
        _field("server_ip", "Server IP Address", address, "What DIDs and phones name it by", empty=None),
        _field("server_description", "Server Description", text(1, 255), "What people call it"),
        _active("Whether it is in use"),
        _field("asterisk_version", "Asterisk Version", text(1, 20), "How calls are recorded depends on it"),
        _field("local_gmt", "Local GMT", offset, "Hours that its clock is before UTC", empty=None),
        _field("ext_context", "Default Context", word(1, 20),
               "Dialplan context of calls to in-groups and agents", empty=None),
        _field("voicemail_dump_exten", "Voicemail Dump Exten", word(1, 20),
               "What the extension of a voicemail box begins with", empty=None),
        _field("voicemail_dump_exten_no_inst", "Voicemail Dump Exten No Inst", word(1, 20),
               "The same without instructions", empty=None),
        _GROUP,
    ),
)  # fmt: skip

KINDS = (IN_GROUP, CALL_MENU, PHONE, SERVER)
"""The kinds in the order of the panel's menu."""

BY_REFERENCE = MappingProxyType({kind.reference: kind for kind in KINDS})


def problem(kind: Kind, column: str, value: str | None) -> InvalidField | None:
    """Say what is wrong with *value* in *column*, or return None; references are not looked up."""
    field = kind.field(column)
    if not value and field.empty is not None:
        return None
    allowed = field.rule(value or "")
    return (allowed and InvalidField(column, value or "", allowed)) or None


OPTION_VALUES = (
    *"0123456789#*ABCD", "TIMECHECK", "TIMEOUT", "INVALID", "INVALID_2ND", "INVALID_3RD",
)  # fmt: skip
"""What callers press, and what else they do, as VICIdial's page of call menus has it."""

OPTION_ROUTES: Mapping[str, str] = MappingProxyType({
    "INGROUP": fields.IN_GROUPS,
    "CALLMENU": fields.CALL_MENUS,
    "DID": "",
    "EXTENSION": "",
    "PHONE": fields.PHONES,
    "VOICEMAIL": "",
    "VMAIL_NO_INST": "",
    "HANGUP": "",
    "AGI": "",
})  # fmt: skip
"""What an option does, and what its value must stand in."""

OPTION_ROUTE_OF: Mapping[str, str] = MappingProxyType(
    {reference: route for route, reference in OPTION_ROUTES.items() if reference}
)

OPTION_FIELDS = (
    _field("option_value", "Option", one_of(*OPTION_VALUES), "What callers press", empty=None),
    _field("option_description", "Description", text(1, 255), "What it is for"),
    _field("option_route", "Route", one_of(*OPTION_ROUTES), "What happens then", empty=None),
    _field("option_route_value", "Value", text(1, 255), "In-group, call menu, DID, extension, phone or box"),
    _field("option_route_value_context", "Context", text(1, 1000), "Dialplan context, or server of a phone"),
)  # fmt: skip

_WITHOUT_VALUE = frozenset({"HANGUP"})


def option_problem(option: Mapping[str, str | None]) -> InvalidField | None:
    """Say what is wrong with an option of a call menu, or return None; references are not looked up."""
    for field in OPTION_FIELDS:
        value = option.get(field.column)
        if not value and field.empty is not None:
            continue
        if allowed := field.rule(value or ""):
            return InvalidField(field.column, value or "", allowed)
    if not option.get("option_route_value") and option.get("option_route") not in _WITHOUT_VALUE:
        return InvalidField("option_route_value", "", f"where {option.get('option_route')} leads")
    return None
