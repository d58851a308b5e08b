"""The columns of a table of DIDs: what they are called, and what becomes of their cells."""

import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from didier.domain import number_cells
from didier.domain.fields import BY_COLUMN

NUMBER, FIRST, LAST = "number", "first", "last"
TEMPLATE, IGNORED = "template", "ignore"
ROLES = (NUMBER, FIRST, LAST, TEMPLATE, IGNORED)
"""What a column may become besides a field of a DID: the number, both ends of a range, something that only
a template of descriptions uses, or nothing."""

ALIASES: Mapping[str, str] = {
    "description": "did_description",
    "active": "did_active",
    "route": "did_route",
    "in_group": "group_id",
    "ingroup": "group_id",
    "call_menu": "menu_id",
    "carrier": "did_carrier_description",
}
"""Other names of DID fields in a header row."""

OF_THE_EXPORTED = frozenset({
    "did_id", "modify_stamp", "copied_from", "version", "managed_by",
    "didier_row", "didier_outcome", "didier_reason",
})  # fmt: skip
"""Columns of an export that belong to the DID that was exported, and of a table of refused rows: left out."""

_NUMBER_WORDS = """
    target did dids didpattern newdid newdids didnumber didnumbers number numbers phonenumber phonenumbers
    phoneno telephone telephonenumber tel telno tn tns fullnumber destinationnumber callednumber calleddid
    10digittn phonenr inboundnumber virtualnumber e164 e164number numbere164 phonee164 msisdn dnis ddi
    ddinumber ani rufnummer rufnummern rufnr telefonnummer telefonnummern telefonnr telnr nummer nummern
    telefon numero numeros telefono telefonos numerodetelefono nodetelefono ndetelefono numerotelefono
    ntelefono ndetelephone numerodetelephone numerotelephone sda numerosda telefone numerodetelefone
    telefoonnummer telefoonnummers numer numery numertelefonu nrtelefonu numara telefonnumarasi номер
    номера телефон номертелефона №телефона 電話番号 电话号码 電話號碼 号码 전화번호 رقم رقمالهاتف
"""
"""What exports call the column of the numbers, in several languages."""

_BOTH_ENDS = (
    ("from", "to"), ("start", "end"), ("first", "last"), ("begin", "end"), ("beginning", "ending"),
    ("low", "high"), ("von", "bis"), ("anfang", "ende"), ("desde", "hasta"), ("inicio", "fin"),
    ("debut", "fin"), ("du", "au"), ("da", "a"), ("inizio", "fine"), ("van", "tot"), ("de", "ate"),
    ("od", "do"),
)  # fmt: skip
_OF_ENDS = (
    "", "number", "did", "tn", "range", "block", "phonenumber", "telephonenumber", "nummer", "rufnummer",
    "numero",
)  # fmt: skip
_ENDS = frozenset(
    pair
    for first, last in _BOTH_ENDS
    for word in _OF_ENDS
    for pair in ((first + word, last + word), (word + first, word + last))
)
"""What the columns of a range's both ends are called."""


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a table: its *header* as written, the *name* that templates know it by, what it *becomes*.

    That is one of `ROLES` or a field of a DID; nothing where it is not known.
    """

    header: str
    name: str
    becomes: str = ""

    @property
    def field(self) -> str | None:
        """The field of a DID that it sets, None when it sets none."""
        return self.becomes if self.becomes in BY_COLUMN else None


def name_of(header: str) -> str:
    """Return the name by which templates know a column: small letters, with underscores for blanks."""
    return re.sub(r"[\s-]+", "_", header.strip().strip("\ufeff#").strip().lower())


def _key(text: str) -> str:
    plain = unicodedata.normalize("NFKD", text).casefold().replace("\u0131", "i")  # as Turkish writes I
    return "".join(c for c in plain if c.isalnum())


_NUMBER_NAMES = frozenset(map(_key, _NUMBER_WORDS.split()))


def is_number_name(header: str) -> bool:
    """Say whether a column of this name has the numbers."""
    return _key(header) in _NUMBER_NAMES


def _ends(headers: Sequence[str]) -> dict[int, str]:
    """Return the places of the columns that have both ends of ranges, with what they become."""
    keys = [_key(header) for header in headers]
    for first, last in _ENDS:
        if first in keys and last in keys:
            return {keys.index(first): FIRST, keys.index(last): LAST}
    return {}


def has_numbers(headers: Sequence[str]) -> bool:
    """Say whether a row names a column of numbers, or those of a range's both ends."""
    return any(map(is_number_name, headers)) or bool(_ends(headers))


def is_named(headers: Sequence[str], name: str) -> bool:
    """Say whether one of *headers* is *name*, in whatever spelling."""
    return _key(name) in map(_key, headers)


def columns_of(headers: Sequence[str], mapping: Mapping[str, str]) -> list[Column]:
    """Return the columns of a header row; *mapping* says what becomes of some, by header or place from 1."""
    asked = {_key(header): becomes for header, becomes in mapping.items()}
    given = [
        (header.strip() and asked.get(_key(header))) or mapping.get(str(place))
        for place, header in enumerate(headers, 1)
    ]
    has_number = any(one in {NUMBER, FIRST, LAST} for one in given)
    ends = {} if has_number or any(map(is_number_name, headers)) else _ends(headers)
    return [
        Column(header.strip(), name_of(header), given[place] or ends.get(place) or _usual(header, has_number))
        for place, header in enumerate(headers)
    ]


def _usual(header: str, has_number: bool) -> str:
    """Return what a column of this name becomes where nobody says otherwise.

    Where somebody has said which column has the numbers, others with such a name are left out.
    """
    name = name_of(header)
    column = ALIASES.get(name, name)
    if column in BY_COLUMN:
        return column
    if name in OF_THE_EXPORTED:
        return IGNORED
    if is_number_name(header):
        return IGNORED if has_number else NUMBER
    return ""


_YES = frozenset({"y", "yes", "true", "t", "1", "active", "on", "enabled"})
_NO = frozenset({"n", "no", "false", "f", "0", "inactive", "off", "disabled"})
_TEXTS = frozenset({
    "did_description", "did_carrier_description", "tags", "exceptions", "schedule", "fallbacks",
    "gateway_set", "custom_one", "custom_two", "custom_three", "custom_four", "custom_five",
})  # fmt: skip
"""Fields in which any text may stand, also one that looks like a number."""


def value_of(column: str, cell: str) -> str:
    """Return what *cell* sets the field *column* to, as people and spreadsheets write it: ``yes``."""
    if column in _TEXTS:
        return cell
    choices = BY_COLUMN[column].choices
    if "Y" in choices and "N" in choices and cell not in choices:
        word = number_cells.unquoted(cell).casefold()
        return "Y" if word in _YES else "N" if word in _NO else cell
    return number_cells.unquoted(cell)


def is_spoiled(column: str, cell: str) -> bool:
    """Say whether *cell* is a number of which a spreadsheet has lost digits."""
    return column not in _TEXTS and number_cells.spoiled(cell)
