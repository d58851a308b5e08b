"""Parameters of a Non-Agent API call, read and cleaned as VICIdial reads and cleans them.

Bytes in, values out: no socket, no database. The rules are those of PHP and of VICIdial's clean-up
(characters outside a parameter's set are removed, then the value is checked); where Didier differs on
purpose, the reason stands beside it. Sections and scenarios named here are those of
``tests/conformance/behaviour.md``, what VICIdial was seen to do.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import Enum
from types import MappingProxyType

from didier.domain import patterns, targets
from didier.masking import Masking
from didier.storage.users.users import StoredPassword

SECRETS = frozenset({"pass", "agent_pass", "phone_pass"})
"""Parameters that hold a password; what else is masked in logs, `didier.masking` says."""

BLANK = "--BLANK--"
"""The value that empties a field.

VICIdial's ``update_user`` alone has it; its ``update_did`` stores it as text
(update_did.blank_marker_not_supported).
"""


class Dialect(Enum):
    """In which words a call is asked and answered."""

    TUTORIAL = "tutorial"
    VICIDIAL = "vicidial"


@dataclass(frozen=True, slots=True)
class _Kept:
    """The characters that a clean-up keeps: *symbols*, digits, and letters of the kind given."""

    symbols: str
    letters: str = "any"  # any: of every script if use_non_latin is on; ascii; none
    digits: bool = True
    removed: re.Pattern[str] = field(init=False)

    def __post_init__(self) -> None:
        letters = "" if self.letters == "none" else "A-Za-z"
        allowed = f"{letters}{'0-9' if self.digits else ''}{re.escape(self.symbols)}"
        object.__setattr__(self, "removed", re.compile(f"[^{allowed}]+"))

    def clean(self, text: str, non_latin: bool) -> str:
        if not non_latin or self.letters != "any" or text.isascii():
            return self.removed.sub("", text)
        return "".join(c for c in text if not self.removed.match(c) or (not c.isascii() and c.isalpha()))


_NAME = _Kept("-_")
_PATTERN = _Kept(patterns.SYMBOLS)
_LIST = _Kept(patterns.SYMBOLS + ",")
_TEXT = _Kept(" -.,_")
_NAMED = _Kept(" -+.:/@_")
_SIGNED = _Kept("-", "none")
# VICIdial keeps capital letters alone and ignores what is then empty: "n" made an active DID
# (add_did.active_lower_case_ignored). Didier keeps letters and digits, so that such a value is understood or
# refused.
_FLAG = _Kept("", "ascii")
# VICIdial removes dial characters from extensions, which silently changes where the call goes
# (add_did.extension_characters).
_EXTENSION = _Kept("-_*#.+:")

# VICIdial's sets, section 2, but for those that a comment is beside.
CLEAN_UP: Mapping[str, _Kept] = MappingProxyType({
    "function": _Kept("-_", "ascii"),
    "user": _NAME,
    "pass": _NAME,
    "source": _Kept(""),
    "did_pattern": _PATTERN,
    "source_did_pattern": _PATTERN,
    "new_did_pattern": _LIST,
    "new_dids": _LIST,
    "did_active": _FLAG,
    "did_description": _TEXT,
    "filter_clean_cid_number": _TEXT,
    "active": _FLAG,
    "did_route": _NAME,
    "record_call": _NAME,
    "exten_context": _NAME,
    "extension": _EXTENSION,
    "phone_extension": _NAME,
    "menu_id": _NAME,
    "campaign_id": _NAME,
    "voicemail_ext": _Kept("*#._"),
    "server_ip": _Kept("-.:_", "ascii"),
    "group": _Kept("-_|"),
    "call_handle_method": _Kept("_", "ascii"),
    "agent_search_method": _Kept("_", "ascii"),
    "list_id": _Kept("-_", "ascii"),
    "entry_list_id": _Kept("", "none"),
    "delete_did": _FLAG,
    "force": _FLAG,
    "phone_code": _Kept("", "none"),
    # The parameters of reports. VICIdial keeps digits and commas of a number, so that it cannot be asked for
    # one with a plus sign or letters (did_log_export.number_cleaned).
    "phone_number": _LIST,
    "date": _Kept("-", "none"),
    "stage": _Kept("-_", "ascii"),
    "header": _Kept("", "ascii"),
    "agent_user": _NAME,
    "lead_id": _Kept("", "none"),
    "search": _Kept(patterns.SYMBOLS + " -,"),
    "user_group": _NAME,
    "limit": _Kept("-_", "ascii"),
    "offset": _Kept("-_", "ascii"),
    # The parameters of users.
    "agent_pass": _NAME,
    "agent_user_level": _Kept("", "none"),
    "agent_full_name": _NAMED,
    "agent_user_group": _NAME,
    "source_user": _NAME,
    "phone_login": _NAME,
    "phone_pass": _NAME,
    "hotkeys_active": _Kept("", "none"),
    "voicemail_id": _Kept(""),
    "email": _Kept(" -'.:/@%_+"),  # VICIdial makes a plus sign a space, see `users`
    "custom_one": _NAMED,
    "custom_two": _NAMED,
    "custom_three": _NAMED,
    "custom_four": _NAMED,
    "custom_five": _NAMED,
    "in_groups": _Kept("-_,|"),
    "wrapup_seconds_override": _SIGNED,
    "agent_choose_ingroups": _Kept("", "none"),
    "agent_choose_blended": _Kept("", "none"),
    "closer_default_blended": _Kept("", "none"),
    "campaign_rank": _SIGNED,
    "campaign_grade": _SIGNED,
    "camp_rg_only": _Kept("", "none"),
    "ingroup_rank": _SIGNED,
    "ingroup_grade": _SIGNED,
    "ingrp_rg_only": _Kept("", "none"),
    "group_id": _NAME,
    "reset_password": _Kept("", "none"),
    "delete_user": _FLAG,
    # Beyond VICIdial.
    "format": _Kept("", "ascii"),
    "summary": _FLAG,
    "dry_run": _FLAG,
    "idempotency_key": _Kept("-_.:+/=@#*~$!,;()", "ascii"),
})  # fmt: skip
"""Every parameter that Didier reads, with the characters that are kept of it."""


@dataclass(frozen=True, slots=True)
class Parameters:
    """The parameters that were sent, decoded but not cleaned; *arrays* are names sent as ``name[]``."""

    values: Mapping[str, bytes]
    arrays: frozenset[str] = frozenset()

    @property
    def ascii(self) -> bool:
        """Whether cleaning is the same whatever ``use_non_latin`` says."""
        return b"".join(self.values.values()).isascii()


def read_parameters(query: bytes, form: Iterable[tuple[bytes, bytes]] = ()) -> Parameters:
    """Read the query string and the fields of a form as PHP does.

    The last of repeated names counts; a name in the query, even if empty, hides the one in the form; dots
    and spaces in names read as underscores; an unencoded plus is a space; ``%`` without two hex digits
    stays (section 1: request.repeated_parameter, request.get_beats_post, request.dotted_parameter_name,
    request.raw_plus_is_a_space, request.malformed_percent).
    """
    values: dict[str, bytes] = {}
    arrays: set[str] = set()
    for raw_name, value in (*form, *split_form(query)):
        name = _KNOWN_NAMES.get(raw_name)
        if name is None:
            name, is_array = _name(raw_name)
            if is_array:
                arrays.add(name)
                continue
        if name:
            values[name] = value
    return Parameters(values, frozenset(arrays))


_KNOWN_NAMES = {name.encode(): name for name in CLEAN_UP}


def split_form(text: bytes) -> list[tuple[bytes, bytes]]:
    """Take ``a=1&b=2`` apart and decode it, once."""
    # Semicolons do not separate (request.semicolon_is_not_a_separator).
    plain = b"%" not in text and b"+" not in text
    pairs = []
    for piece in text.split(b"&"):
        name, _, value = piece.partition(b"=")
        if name:
            pairs.append((name, value) if plain else (_decode(name), _decode(value)))
    return pairs


# urllib's function makes an object for every percent sign: a million of them hold everybody up for a second.
_ENCODED = re.compile(rb"%[0-9A-Fa-f]{2}")
_HEX = "0123456789ABCDEFabcdef"
_DECODED = MappingProxyType({f"%{a}{b}".encode(): bytes([int(a + b, 16)]) for a in _HEX for b in _HEX})


def _decode(text: bytes) -> bytes:
    return _ENCODED.sub(lambda found: _DECODED[found[0]], text.replace(b"+", b" "))


def _name(raw: bytes) -> tuple[str, bool]:
    text = raw.decode("utf-8", "replace").lstrip(" ")
    name, bracket, rest = text.partition("[")
    is_array = bool(bracket) and "]" in rest
    if bracket and not is_array:
        name = f"{name}_{rest}"
    return re.sub(r"[ .]", "_", name), is_array


MASKING = Masking(CLEAN_UP)
"""How addresses and forms are stored and logged."""


@dataclass(slots=True)
class Call:
    """One call of the Non-Agent API."""

    parameters: Parameters
    non_latin: bool
    address: str  # of the client
    script: str  # address of the script that was called
    host: str  # host in it
    url: str  # as received, secrets masked
    received: float = 0.0  # seconds since the epoch
    region: str = "US"  # the country from which numbers are dialled
    new_password: StoredPassword | None = field(default=None, repr=False)  # what agent_pass is stored as
    function: str = field(init=False)
    user: str = field(init=False)  # as sent, cleaned
    source: str = field(init=False)
    dialect: Dialect = field(init=False)
    _cleaned: dict[str, str] = field(default_factory=dict, init=False, repr=False)

    def __post_init__(self) -> None:
        self.function = self.get("function")
        self.user = self.get("user")
        self.source = self.get("source")
        self.dialect = self._dialect()

    def _dialect(self) -> Dialect:
        sent = self.parameters.values
        if (
            "new_did_pattern" in sent
            and "new_dids" not in sent
            and "source_did_pattern" not in sent
            and self.function in {"", "copy_did"}
        ):
            return Dialect.TUTORIAL
        return Dialect.VICIDIAL

    @property
    def in_json(self) -> bool:
        """Whether the answer is wanted as JSON."""
        return "format" in self.parameters.values and self.get("format").lower() == "json"

    def raw(self, name: str) -> str:
        """Return the parameter *name* as text; bytes that are not UTF-8 are dropped.

        With ``use_non_latin`` VICIdial drops the whole value (request.invalid_utf8_non_latin).
        """
        return self.parameters.values.get(name, b"").decode("utf-8", "ignore")

    def get(self, name: str) -> str:
        """Return the parameter *name* cleaned, an empty text when it was not sent."""
        known = self._cleaned.get(name)
        if known is None:
            raw = self.parameters.values.get(name)
            known = self._cleaned[name] = self.clean(name, raw.decode("utf-8", "ignore")) if raw else ""
        return known

    def clean(self, name: str, text: str) -> str:
        """Return *text* as the parameter *name* would be cleaned."""
        return CLEAN_UP[name].clean(text, self.non_latin)

    def patterns(self, name: str) -> tuple[str, ...]:
        """Return the patterns in the list parameter *name*, each cleaned; ranges are written out."""

        def clean(item: str) -> str:
            return _PATTERN.clean(item, self.non_latin)

        text = self.raw(name)
        if "-" in text:
            return tuple(targets.expand(targets.split(text, clean)))
        return tuple(patterns.split_list(text, clean))

    @property
    def bad_parameter(self) -> str | None:
        """A known parameter that was sent as an array, which no parameter may be.

        VICIdial's script fails on it, without a word (request.array_parameter).
        """
        return next((name for name in sorted(self.parameters.arrays) if name in CLEAN_UP), None)
