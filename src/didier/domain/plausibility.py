"""Which patterns can be the number that a call comes to; others are DIDs that no call will ever match.

VICIdial compares patterns as they are: ``_X.`` is no wildcard there. What may stand for calls without a
number (``s``, ``default``) or for a code (``*98``) is allowed by whoever orders it, on purpose.
"""

import re
from functools import lru_cache

import phonenumbers

from didier.domain.number_cells import DIGITS_MOST
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
        return (
            None
            if _is_possible(pattern[:-_ALIKE], len(pattern))
            else "there is no such number in any country"
        )
    if pattern.startswith("_"):
        return "DIDs are compared as they are written: no call will match this wildcard"
    return "a telephone number has digits, and perhaps a plus sign before them"


def block_doubt(block: Range) -> str | None:
    """Say the same of the numbers of a whole block."""
    return doubt(block.pattern(block.first)) or doubt(block.pattern(block.last))


@lru_cache(4096)
def _is_possible(begin: str, length: int) -> bool:
    try:
        number = phonenumbers.parse(begin.ljust(length, "0"))
    except phonenumbers.NumberParseException:
        return False
    return phonenumbers.is_possible_number(number)
