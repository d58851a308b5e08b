"""One number that is written in groups: ``+49 (30) 1234-567``, ``800.222.0100``.

People group the digits of a number by what divides a list, a range, a date or a decimal as well. What may be
any of these is not certain to be one number, and is not read as one.
"""

import re

from didier.domain import targets
from didier.domain.targets import Range

DIGITS_MOST = 15
"""Most digits of a telephone number (ITU-T E.164, section 6)."""

WHOLE_NUMBER = 7
"""Least digits of what stands beside others in a cell and is a number by itself."""

FULL_NUMBER = 10
"""Digits of what needs no more groups: a number of North America without its country code."""

DIALLED = re.compile(r"\+?[0-9]+")

_SEPARATORS = str.maketrans("", "", " -()[]/.")
_IN_BRACKETS = re.compile(r"(?:\([0-9]-[0-9]+\))?[^()\[\]]*(?:\([+0-9 ]*\)[^()\[\]]*)*")
_TRUNK_ZERO = re.compile(r"(\(?\+?[0-9]{1,6}\)?[ -]?)\(0\) ?")

_DECIMAL = re.compile(r"[0-9]+\.[0-9]{1,3}")
_SHORT_GROUP = re.compile(r".*\.[0-9]")
_ADDRESS = re.compile(r"[0-9]{1,3}(?:\.[0-9]{1,3}){3}")
_OCTET = re.compile("0|[1-9][0-9]?|1[0-9]{2}|2[0-4][0-9]|25[0-5]")
_DATE = re.compile(
    r"(?:19|20)[0-9]{2}([-/.])[0-9]{1,2}(?:\1[0-9]{1,2})?"
    r"|(?:[0-9]{1,2}([-/.]))?[0-9]{1,2}[-/.](?:19|20)[0-9]{2}"
    r"|[0-9]{1,2}([-/.])[0-9]{1,2}\3[0-9]{2}"
)
_ITEM = re.compile(r"//|--|[0-9]{1,4}\. |\([0-9]{1,2}\) ?[0-9]{10}")
"""How a line begins that is commented out, or is the item of a numbered list."""

_FULL_AND_MORE = re.compile(r"[0-9]{10}[^0-9]+[0-9]|[0-9]{7}[^0-9]+[0-9]{7}|[.-]{2}")
"""A number that needs no more groups and more, two whole ones, or marks that divide the ends of a range."""
_TWO_GROUPS = re.compile(r"(.*?)([0-9]{2,6})( ?- ?)([0-9]{2,6})")
_LAST_GROUP = re.compile(r"((?:.*[0-9)])?([ +.(-]*)(?<![0-9])([0-9]+)\)?)([ .-]+)([0-9]+)")
_ABROAD = re.compile(r"\+|00(?!1)")
"""How a number begins that may be of any length; those of North America have ten digits behind the 1."""
_PAIR = 2


def digits_of(text: str) -> str:
    """Return *text* without what divides groups of digits."""
    return text.translate(_SEPARATORS)


def dialled(text: str) -> str | None:
    """Return the digits of one number that is written in groups; None where that is not certain."""
    text = _TRUNK_ZERO.sub(r"\1", text, count=1) if _TRUNK_ZERO.match(text) else text
    plain = digits_of(text)
    if not DIALLED.fullmatch(plain):
        return None
    if len(plain) == len(text):
        return plain
    if len(plain.lstrip("+")) > DIGITS_MOST or "(0)" in text[1:] or not _IN_BRACKETS.fullmatch(text):
        return None
    return None if _is_something_else(text) or _may_be_two(text) else plain


def is_no_number(text: str) -> bool:
    """Say whether a text is a date, or the address of a server."""
    groups = text.split(".") if _ADDRESS.fullmatch(text) else []
    is_in_pairs = all(len(group) == _PAIR for group in groups)  # 12.34.56.78 is a number
    return bool(_DATE.fullmatch(text)) or bool(
        groups and not is_in_pairs and all(map(_OCTET.fullmatch, groups))
    )


def _is_something_else(text: str) -> bool:
    """Say whether a text of digits is a decimal, a date, an address, or an item of a list."""
    return bool(
        is_no_number(text) or _DECIMAL.fullmatch(text) or _SHORT_GROUP.fullmatch(text) or _ITEM.match(text)
    )


def _may_be_two(text: str) -> bool:
    """Say whether a text may be two numbers: ``18002220100/01``, or a range: ``800-222-0100-0109``."""
    before, slash, _ = text.rpartition("/")
    in_front, bracket, _ = text.rpartition("(")
    for mark, there in ((slash, before), (bracket, in_front)):
        if mark and sum(map(str.isdigit, there)) >= WHOLE_NUMBER:
            return True
    return bool(_FULL_AND_MORE.search(text)) or _are_alike(text) or _may_have_end(text)


def _are_alike(text: str) -> bool:
    """Say whether two short numbers may be the ends of a range: ``4000-4099``, ``555-0100 - 0109``."""
    ends = _TWO_GROUPS.fullmatch(text)
    if not ends or (ends[1] and ends[3] == "-"):
        return False
    first, last = ends[2], ends[4]
    half = len(first) // 2
    return len(first) == len(last) and first <= last and first[:half] == last[:half]


def _may_have_end(text: str) -> bool:
    """Say whether the last group may be the end of a range that begins with the groups before it.

    Those are a whole number then. A plus sign or a zero at the beginning leaves room for longer ones, whose
    last group is an extension within a company's block (DIN 5008: ``+49 89 1234567-0``).
    """
    found = _LAST_GROUP.fullmatch(text)
    if not found:
        return False
    before, mark_before, previous, mark, last = found.groups()
    first, is_dash = digits_of(before), "-" in mark
    if len(first.lstrip("+")) < FULL_NUMBER:
        return False
    is_alike = mark == mark_before
    if is_alike and (len(previous) == len(last) == _PAIR or (is_dash and _ABROAD.match(first))):
        return False
    if first.startswith(("+", "0")):
        return is_dash and isinstance(targets.parse(f"{first}-{last}"), Range)
    return True
