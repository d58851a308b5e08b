"""What may be the pattern of a DID, and how lists of patterns are taken apart.

A pattern is the text as dialled: a literal of 2 to 50 characters, compared without case. The characters
and both limits are VICIdial's (column ``did_pattern varchar(50)``; its add_did asks for two).
"""

import re
import unicodedata
from collections.abc import Callable

from didier.errors import InvalidPattern

MIN_LENGTH = 2
MAX_LENGTH = 50
SYMBOLS = ":+*#._"
START = "s"
"""Asterisk's extension for calls that arrive without a number; the one pattern of a single character."""

_ASCII_PATTERN = re.compile(rf"[0-9A-Za-z{re.escape(SYMBOLS)}]{{{MIN_LENGTH},{MAX_LENGTH}}}")
PREFIX = re.compile(rf"[0-9A-Za-z{re.escape(SYMBOLS)}]{{1,{MAX_LENGTH}}}")
"""How patterns may begin."""

_SEPARATORS = re.compile(r"[;\t\r\n]+")
_SPACES = re.compile(r"\s+")
_CLEAN_LIST = re.compile(rf"[\w{re.escape(SYMBOLS)};\t\r\n ]*")
# Numbers of seven digits and more stand alone; shorter pieces are one number that was written in groups
# ("1 800 555 0100"), which VICIdial joins (copy_did.space_separated_list_is_joined in tests/conformance).
_WHOLE_NUMBER = 7


def problem(pattern: str) -> InvalidPattern | None:
    """Say what keeps *pattern* from being a DID's pattern, or return None when nothing does."""
    if _ASCII_PATTERN.fullmatch(pattern) or pattern == START:
        return None
    if not MIN_LENGTH <= len(pattern) <= MAX_LENGTH:
        return InvalidPattern(pattern, f"it must have {MIN_LENGTH} to {MAX_LENGTH} characters")
    if any(ord(character) > 0xFFFF for character in pattern):
        # VICIdial's tables are utf8mb3: they would store a question mark, as VICIdial itself does
        # (add_did.non_latin_four_byte_letters in tests/conformance).
        rare = next(c for c in pattern if ord(c) > 0xFFFF)
        return InvalidPattern(
            pattern, f"emoji and other rare characters cannot be stored (here U+{ord(rare):04X})"
        )
    odd = next((c for c in pattern if not _is_allowed(c)), None)
    if odd is None:
        return None
    here = f"{odd} (U+{ord(odd):04X})" if odd.isprintable() and not odd.isspace() else f"U+{ord(odd):04X}"
    return InvalidPattern(
        pattern, f"only letters, digits and {' '.join(SYMBOLS)} are allowed, and here is {here}"
    )


def _is_allowed(character: str) -> bool:
    return character in SYMBOLS or (character.isascii() and character.isdigit()) or character.isalpha()


def key(pattern: str) -> str:
    """Return the text under which two patterns are the same DID.

    VICIdial's collation (utf8mb3_unicode_ci) ignores case and accents; so does this.
    """
    if pattern.isascii():
        return pattern.lower()
    decomposed = unicodedata.normalize("NFKD", pattern)
    return "".join(c for c in decomposed if not unicodedata.combining(c)).casefold()


def begins_with(pattern: str, prefix: str | None) -> bool:
    """Say whether *pattern* begins with *prefix*, whatever the case; None is no limit."""
    return prefix is None or key(pattern).startswith(key(prefix))


def split_list(text: str, clean: Callable[[str], str] = str.strip) -> list[str]:
    """Take a list of patterns apart; *clean* is applied to each, and empty items are dropped.

    Of an empty item VICIdial makes a DID that nobody can change any more (copy_did.empty_item in
    ``tests/conformance``).

    Commas separate always. Line ends, semicolons and tabs separate too, and so do spaces when every piece
    between them has seven or more characters. Otherwise VICIdial's clean-up joins the pieces: spaces
    always, the others when the item holds characters that no pattern has (``555;0002--`` is one number).
    """
    items: list[str] = []
    if not _SPACES.search(text) and ";" not in text:
        return [item for item in map(clean, text.split(",")) if item]
    for item in text.split(","):
        pieces = [item]
        if _SEPARATORS.search(item) and (_CLEAN_LIST.fullmatch(item) or _are_whole(item, _SEPARATORS, clean)):
            pieces = _SEPARATORS.split(item)
        for piece in pieces:
            spaced = _SPACES.split(piece) if _are_whole(piece, _SPACES, clean) else [piece]
            items.extend(filter(None, map(clean, spaced)))
    return items


def _are_whole(item: str, separator: re.Pattern[str], clean: Callable[[str], str]) -> bool:
    pieces = [clean(piece) for piece in separator.split(item.strip())]
    return len(pieces) > 1 and all(len(piece) >= _WHOLE_NUMBER for piece in pieces if piece)
