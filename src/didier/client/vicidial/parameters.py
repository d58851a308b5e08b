"""The parameters of VICIdial's functions, by column: their names, and what VICIdial keeps of a value.

VICIdial removes the characters it does not expect and then stores what is left, ignores values that are
empty, and stores some wrong ones as nothing. So a value that would not be stored as it was given is
refused here, before anything is sent. What VICIdial refuses itself, it is left to refuse: versions differ.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from didier.client import values as words
from didier.client.vicidial.errors import invalid_field, invalid_pattern
from didier.client.vicidial.lines import MASK
from didier.domain import fields, patterns

BLANK = "--BLANK--"
"""The value with which VICIdial's ``update_user``, and no other function, empties a field."""

# Stored as nothing when VICIdial does not know them.
_STORED_WRONGLY = frozenset({"agent_search_method", "list_id"})


@dataclass(frozen=True, slots=True)
class Kept:
    """The characters that VICIdial keeps: *symbols*, digits, and letters.

    *letters* are ``any`` (of every script where the server has ``use_non_latin`` on), ``ascii``, ``capital``
    or ``none``.
    """

    symbols: str = ""
    letters: str = "any"
    digits: bool = True
    _removed: re.Pattern[str] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        letters = {"capital": "A-Z", "none": ""}.get(self.letters, "A-Za-z")
        kept = f"{letters}{'0-9' if self.digits else ''}{re.escape(self.symbols)}"
        object.__setattr__(self, "_removed", re.compile(f"[^{kept}]"))

    def clean(self, text: str, *, non_latin: bool) -> str:
        """Return what VICIdial leaves of *text*."""
        if not non_latin or self.letters != "any":
            return self._removed.sub("", text)
        return "".join(c for c in text if not self._removed.match(c) or _is_letter(c))

    def __str__(self) -> str:
        letters = {"any": ["letters"], "ascii": ["letters A to Z"], "capital": ["capital letters"]}
        parts = [*letters.get(self.letters, []), *(["digits"] if self.digits else [])]
        symbols = " ".join(self.symbols.replace(" ", ""))
        parts += [*(["spaces"] if " " in self.symbols else []), *([symbols] if symbols else [])]
        return f"{', '.join(parts[:-1])} and {parts[-1]}" if len(parts) > 1 else parts[0]


def _is_letter(character: str) -> bool:
    return "\x7f" < character <= "\uffff" and character.isalpha()  # others become question marks


@dataclass(frozen=True, slots=True)
class Parameter:
    """How the column *column* is sent, and in which words VICIdial refuses a value of it."""

    column: str
    name: str
    refusal: str
    allowed: str
    kept: Kept


_NAME = Kept("-_")
_DIGITS = Kept(letters="none")
_FLAG = Kept(letters="capital", digits=False)
_TEXT = Kept(" -.,_")
_NAMED = Kept(" -+.:/@_")
PATTERN = Kept(patterns.SYMBOLS)

DID_PARAMETERS = (
    Parameter("did_description", "did_description", "DID DESCRIPTION MUST BE FROM 6 TO 50 CHARACTERS",
              "6 to 50 characters", _TEXT),
    Parameter("did_active", "active", "ACTIVE MUST BE Y OR N", "Y or N", _FLAG),
    Parameter("did_route", "did_route", "DID ROUTE IS NOT VALID", f"one of {', '.join(fields.ROUTES)}",
              _NAME),
    Parameter("record_call", "record_call", "RECORD CALL MUST BE Y OR N", "Y, N or Y_QUEUESTOP", _NAME),
    Parameter("extension", "extension", "EXTENSION MUST BE FROM 1 TO 50 CHARACTERS", "1 to 50 characters",
              _NAME),
    Parameter("exten_context", "exten_context", "EXTENSION CONTEXT MUST BE FROM 1 TO 50 CHARACTERS",
              "1 to 50 characters", _NAME),
    Parameter("voicemail_ext", "voicemail_ext", "VOICEMAIL EXTENSION MUST BE FROM 1 TO 10 CHARACTERS",
              "1 to 10 characters", Kept("*#._")),
    Parameter("phone", "phone_extension", "PHONE EXTENSION MUST BE FROM 1 TO 100 CHARACTERS",
              "1 to 100 characters", _NAME),
    Parameter("server_ip", "server_ip", "SERVER IP MUST BE A VALID SERVER IN THE SYSTEM",
              "the address of a server that VICIdial knows", Kept("-.:_", "ascii")),
    Parameter("group_id", "group", "GROUP ID MUST BE A VALID INBOUND GROUP IN THE SYSTEM",
              "an in-group that is there", Kept("-_|")),
    Parameter("menu_id", "menu_id", "MENU ID MUST BE A VALID CALL MENU IN THE SYSTEM",
              "a call menu that is there", _NAME),
    Parameter("filter_clean_cid_number", "filter_clean_cid_number",
              "CLEAN CID NUMBER MUST BE FROM 1 TO 20 CHARACTERS", "1 to 20 characters", _TEXT),
    Parameter("call_handle_method", "call_handle_method",
              "CALL HANDLE METHOD MUST BE FROM 3 TO 20 CHARACTERS", "3 to 20 characters", Kept("_", "ascii")),
    Parameter("agent_search_method", "agent_search_method", "AGENT SEARCH METHOD MUST BE 2 CHARACTERS",
              "2 characters", Kept("_", "ascii")),
    Parameter("list_id", "list_id", "LIST ID MUST BE FROM 3 TO 14 DIGITS", "3 to 14 digits",
              Kept("-_", "ascii")),
    Parameter("entry_list_id", "entry_list_id", "ENTRY LIST ID MUST BE FROM 1 TO 14 DIGITS",
              "1 to 14 digits", _DIGITS),
    Parameter("campaign_id", "campaign_id", "CAMPAIGN MUST BE FROM 1 TO 8 CHARACTERS", "1 to 8 characters",
              _NAME),
    Parameter("phone_code", "phone_code", "PHONE CODE MUST BE FROM 1 TO 10 CHARACTERS", "1 to 10 digits",
              _DIGITS),
)  # fmt: skip
"""The columns of a DID that VICIdial's functions can set, in the order in which it checks them."""

USER_PARAMETERS = (
    Parameter("full_name", "agent_full_name", "YOU MUST USE A VALID FULL NAME", "1 to 50 characters", _NAMED),
    Parameter("user_level", "agent_user_level", "YOU MUST USE A VALID USER LEVEL",
              "a level from 1 to 9 that the caller may give", _DIGITS),
    Parameter("user_group", "agent_user_group", "YOU MUST USE A VALID USER GROUP",
              "a user group that is there", _NAME),
    Parameter("phone_login", "phone_login", "YOU MUST USE A VALID PHONE LOGIN", "1 to 20 characters", _NAME),
    Parameter("phone_pass", "phone_pass", "YOU MUST USE A VALID PHONE PASSWORD", "1 to 20 characters",
              _NAME),
    Parameter("hotkeys_active", "hotkeys_active", "YOU MUST USE A VALID HOTKEYS SETTING", "0 or 1", _DIGITS),
    Parameter("voicemail_id", "voicemail_id", "YOU MUST USE A VALID VOICEMAIL ID", "2 to 10 characters",
              Kept()),
    # A quote in an address makes VICIdial fail, and a plus sign becomes a space.
    Parameter("email", "email", "YOU MUST USE A VALID EMAIL", "5 to 100 characters", Kept("-.:/@%_")),
    *(
        Parameter(f"custom_{n}", f"custom_{n}", f"YOU MUST USE A VALID CUSTOM {n.upper()}",
                  "1 to 100 characters", _NAMED)
        for n in ("one", "two", "three", "four", "five")
    ),
    Parameter("active", "active", "ACTIVE MUST BE Y OR N", "Y or N", _FLAG),
    Parameter("wrapup_seconds_override", "wrapup_seconds_override",
              "wrapup_seconds_override MUST BE A VALID DIGIT BETWEEN -1 AND 9999", "-1 to 9999",
              Kept("-", "none")),
    *(
        Parameter(column, column, f"{column} MUST BE A VALID DIGIT BETWEEN 0 AND 1", "0 or 1", _DIGITS)
        for column in ("agent_choose_ingroups", "agent_choose_blended", "closer_default_blended")
    ),
    Parameter("closer_campaigns", "in_groups", "YOU MUST USE VALID IN-GROUPS",
              "in-groups with | between them", Kept("-_,|")),
)  # fmt: skip
"""The columns of a user that VICIdial's functions can set."""

PASSWORD = Parameter("pass", "agent_pass", "YOU MUST USE A VALID PASSWORD", "1 to 100 characters", _NAME)

_DIDS = MappingProxyType({parameter.column: parameter for parameter in DID_PARAMETERS})
_USERS = MappingProxyType({parameter.column: parameter for parameter in USER_PARAMETERS})


def of_did(values: Mapping[str, object], *, non_latin: bool) -> dict[str, str]:
    """Return the parameters that set columns of a DID to *values*.

    Raises `InvalidField` for a column that VICIdial's functions cannot set, and for a value that it would
    not store as it is given.
    """
    sent = {}
    for name, value in values.items():
        column = words.column(name)
        parameter = _known(_DIDS, column, value)
        sent[parameter.name] = text = _text(parameter, value, non_latin=non_latin)
        if text == BLANK:
            raise invalid_field(column, text, "VICIdial cannot empty a field, it would store these letters")
        if column in _STORED_WRONGLY and (problem := fields.problem(column, text)):
            raise invalid_field(column, text, problem.allowed)
    return sent


def of_user(values: Mapping[str, object], *, non_latin: bool) -> dict[str, str]:
    """Return the parameters that set columns of a user to *values*; raises as `of_did` does."""
    sent = {}
    for column, value in values.items():
        parameter = _known(_USERS, column, value)
        if column == "voicemail_id" and value == BLANK:
            raise invalid_field(column, BLANK, "VICIdial cannot empty this field")
        blank = value == BLANK
        sent[parameter.name] = BLANK if blank else _text(parameter, value, non_latin=non_latin)
    return sent


def password(value: str, *, non_latin: bool) -> dict[str, str]:
    """Return the parameter with the new password of a user; raises `InvalidField`, which does not show it."""
    if not value or PASSWORD.kept.clean(value, non_latin=non_latin) != value:
        raise invalid_field("pass", MASK, f"only {PASSWORD.kept}; VICIdial would drop the rest of it")
    return {PASSWORD.name: value}


def _known(known: Mapping[str, Parameter], column: str, value: object) -> Parameter:
    if column in known:
        return known[column]
    named = next((parameter.column for parameter in known.values() if parameter.name == column), None)
    hint = f"it is called {named} here" if named else "VICIdial's functions cannot set this column"
    raise invalid_field(column, str(value), hint)


def _text(parameter: Parameter, value: object, *, non_latin: bool) -> str:
    text = ("Y" if value else "N") if isinstance(value, bool) else str("" if value is None else value)
    if not text:
        raise invalid_field(parameter.column, text, "VICIdial ignores empty values, it cannot empty a field")
    if parameter.kept.clean(text, non_latin=non_latin) != text:
        shown = MASK if parameter.column == "phone_pass" else text
        raise invalid_field(parameter.column, shown, f"only {parameter.kept}; VICIdial drops the rest")
    return text


def described(description: str | None, *, non_latin: bool) -> dict[str, str]:
    """Return the parameter with the *description* of copies.

    VICIdial checks it in the middle of its work, so its length, in bytes, is checked here.
    """
    if description is None:
        return {}
    sent = of_did({"did_description": description}, non_latin=non_latin)
    if not 6 <= len(description.encode()) <= 50:
        raise invalid_field("did_description", description, "6 to 50 characters")
    return sent


def pattern(text: str, *, non_latin: bool) -> str:
    """Return *text* if it is a DID's pattern that VICIdial stores as it is; raise `InvalidPattern` if not."""
    if reason := pattern_problem(text, non_latin=non_latin):
        raise invalid_pattern(text, reason)
    return text


def pattern_problem(text: str, *, non_latin: bool) -> str | None:
    """Say why VICIdial would make another DID than *text*, or None when it would not."""
    cleaned = PATTERN.clean(text, non_latin=non_latin)
    if cleaned != text:
        return f"only {PATTERN} are allowed; VICIdial would make {cleaned or 'an empty DID'} of it"
    if len(text) < patterns.MIN_LENGTH:  # the single s too: no function of VICIdial can change it
        return f"it must have {patterns.MIN_LENGTH} to {patterns.MAX_LENGTH} characters"
    found = patterns.problem(text)
    return found.reason if found else None


def refused_column(text: str) -> Parameter | None:
    """Return the parameter of which a line with *text* says that its value is not allowed, if one does."""
    words = text.removesuffix(", THIS IS AN OPTIONAL FIELD")
    if words == text:
        return None
    known = {parameter.refusal: parameter for parameter in (*DID_PARAMETERS, *USER_PARAMETERS, PASSWORD)}
    if words.startswith("DID DESCRIPTION MUST BE"):  # copy_did has its own words for it
        words = DID_PARAMETERS[0].refusal
    return known.get(words)
