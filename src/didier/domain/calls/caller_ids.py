"""Who calls: what the channel says about the caller, and how a DID has that cleaned.

The rules are those of VICIdial's call routing: "Caller id" and "Cleaning" in
``tests/conformance/agi/routing.md``.
"""

import re
from typing import NamedTuple

_QUOTED = re.compile('".*"')
_BRACKETED = re.compile("<[0-9]{10}>")
_UNKNOWN = re.compile("unknown", re.IGNORECASE)
_NO_DIGITS = re.compile("[^0-9]")
_UNSAFE = re.compile("['\";\\\\]")
_RULES = (
    ("R", re.compile("R([0-9]+)")),  # keep the last characters
    ("L", re.compile(r"L(\S+)")),  # remove a beginning
    ("T", re.compile("T([0-9]+)")),  # keep the first characters
)


class CallerId(NamedTuple):
    """The caller's number and name; both may be empty. The name stands for a number that is not there."""

    number: str
    name: str


def safe(text: str) -> str:
    """Return *text* without quotes, semicolons and backslashes, which can be told in no dialplan."""
    return _UNSAFE.sub("", text)


def read(number: str, name: str) -> CallerId:
    """Return who calls, from the *number* and the *name* of a channel."""
    if _QUOTED.search(number) and (name in {"", "0"} or _UNKNOWN.search(name)):
        name = _BRACKETED.sub("", number).replace('"', "")
    digits = _NO_DIGITS.sub("", number)
    name = _UNKNOWN.sub("", name).replace("'", "")
    return CallerId(safe(name if digits in {"", "0"} else digits), safe(name))


def cleaned(number: str, rules: str) -> str:
    """Return *number* as *rules* (``filter_clean_cid_number``) want it, applied in the order R, L, T.

    ``R10`` keeps the last ten characters, ``L1`` removes a leading 1, ``T9`` keeps the first nine. Rules of
    one character say nothing.
    """
    if len(rules) < 2:
        return number
    for kind, rule in _RULES:
        if found := rule.search(rules):
            number = _applied(kind, found[1], number)
    return number


def _applied(kind: str, value: str, number: str) -> str:
    if kind == "L":
        return number.removeprefix(value)
    count = int(value)
    if count >= len(number):
        return number
    return number[len(number) - count :] if kind == "R" else number[:count]
