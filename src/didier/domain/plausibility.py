"""Which patterns can be the number that a call comes to; others are DIDs that no call will ever match.

VICIdial compares patterns as they are: ``_X.`` is no wildcard there. What may stand for calls without a
number (``s``, ``default``) or for a code (``*98``) is allowed by whoever orders it, on purpose.
"""

import re
from functools import lru_cache

import phonenumbers

from didier.domain.number_groups import DIGITS_MOST
from didier.domain.targets import Range

_DIGITS = re.compile(rf"[0-9]{{2,{DIGITS_MOST}}}")
_ALIKE = 4
"""Digits at the end of a number that say nothing on whether it is possible."""


def doubt(pattern: str) -> str | None:
    """Say why no call is likely to come to *pattern*; None of one that may be a telephone number.

    Digits alone may be one, up to 15 of them: carriers send 4, 7 or 10.
    """
    if _DIGITS.fullmatch(pattern):
        return None
    digits = pattern.removeprefix("+")
    if digits.isascii() and digits.isdigit():
        if len(digits) > DIGITS_MOST:
            return f"no number has more than {DIGITS_MOST} digits"
        return _impossible(pattern[:-_ALIKE], len(pattern))
    if pattern.startswith("_"):
        return "DIDs are compared as they are written: no call will match this wildcard"
    return "a telephone number has digits, and perhaps a plus sign before them"


def block_doubt(block: Range) -> str | None:
    """Say the same of the numbers of a whole block."""
    return doubt(block.pattern(block.first)) or doubt(block.pattern(block.last))


@lru_cache(4096)
def _impossible(begin: str, length: int) -> str | None:
    """Say what is wrong with a number that begins with a plus sign and with *begin*."""
    try:
        number = phonenumbers.parse(begin.ljust(length, "0"))
    except phonenumbers.NumberParseException:
        number = None
    if number is None or not phonenumbers.is_possible_number(number):
        return "there is no such number in any country"
    country = f"+{number.country_code}"
    # libphonenumber drops the zero; calls come without it.
    if begin.startswith(f"{country}0") and not number.italian_leading_zero:
        return f"the 0 behind {country} is dialled within the country only: leave it out"
    return None
