"""Spellings of one telephone number: ``+18002223333``, ``18002223333``, ``8002223333``.

What numbers there are is libphonenumber's knowledge. The numbers of a block are spelled alike, so what it
says of one holds for all that differ from it in the last digits only.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

import phonenumbers
from phonenumbers import PhoneMetadata

from didier.domain.targets import Range

# A number has 15 digits at most (ITU-T E.164); what is dialled to leave the country may stand before it.
_DIALLED = re.compile(r"\+?[0-9]{5,20}")
_ALIKE = 4
"""Digits at the end of a number that do not change how it is spelled."""


@dataclass(frozen=True, slots=True)
class _Spelling:
    """Another spelling: *prefix* instead of the first *dropped* characters."""

    dropped: int
    prefix: str

    def of(self, pattern: str) -> str:
        return self.prefix + pattern[self.dropped :]


def spellings(pattern: str, region: str) -> list[str]:
    """Return the other patterns that dial the same number as *pattern*, for callers in *region*.

    *region* is an ISO country code such as US. A pattern that is no telephone number has none.
    """
    return [spelling.of(pattern) for spelling in _of(pattern, region)]


def forms(dialled: str, region: str) -> list[str]:
    """Return the other patterns by which the number of a call, *dialled* so, may be stored.

    They are its `spellings`, the international ones first, and those with what is dialled in most countries
    (00) and in North America (011) to leave the country: carriers in other regions put that before numbers.
    """
    number = international(dialled, region) or _from_abroad(dialled, region)
    if number is None:
        return []
    abroad = (f"{prefix}{number[1:]}" for prefix in _EXIT_PREFIXES)
    found = dict.fromkeys((number, number[1:], *spellings(number, region), *abroad))
    return [form for form in found if form != dialled]


_EXIT_PREFIXES = ("00", "011")


def _from_abroad(dialled: str, region: str) -> str | None:
    """Return the number that is *dialled* with another region's exit prefix, None where it is none."""
    numbers = (f"+{dialled.removeprefix(prefix)}" for prefix in _EXIT_PREFIXES if dialled.startswith(prefix))
    return next((number for number in numbers if spellings(number, region)), None)


def block_spellings(block: Range, region: str) -> list[Range] | None:
    """Return the other spellings of a whole *block*, None where its numbers are not spelled alike."""
    first, last = (block.pattern(number) for number in (block.first, block.last))
    found = _of(first, region)
    if found != _of(last, region):
        return None
    blocks = []
    for spelling in found:
        low, high = spelling.of(first), spelling.of(last)
        prefix = "+" if low.startswith("+") else ""
        digits = len(low) - len(prefix)
        if not low[len(prefix) :].isdigit() or digits < len(str(block.size - 1)):
            return None
        blocks.append(Range(prefix, digits, int(low), int(high)))
    return blocks


def international(pattern: str, region: str) -> str | None:
    """Return the number that *pattern* dials with its country code, None where it is no telephone number."""
    if not _DIALLED.fullmatch(pattern):
        return None
    found = next((one for one in _of(pattern, region) if one.prefix.startswith("+")), None)
    return found.of(pattern) if found else pattern if pattern.startswith("+") else None


def international_block(block: Range, region: str) -> Range | None:
    """Return a whole *block* with its country code, None where its numbers are not spelled alike."""
    if block.prefix == "+":
        return block
    others = block_spellings(block, region) or ()
    return next((other for other in others if other.prefix == "+"), None)


def _of(pattern: str, region: str) -> tuple[_Spelling, ...]:
    if not _DIALLED.fullmatch(pattern):
        return ()
    return _alike(pattern[:-_ALIKE] + "0" * _ALIKE, region)


@lru_cache(4096)
def _alike(pattern: str, region: str) -> tuple[_Spelling, ...]:
    parsed = _parsed(pattern, region)
    if parsed is None:
        return ()
    country = str(parsed.country_code)
    national = "0" * (parsed.number_of_leading_zeros or 1) if parsed.italian_leading_zero else ""
    national += str(parsed.national_number)
    if not pattern.endswith(national):
        return ()
    dropped = len(pattern) - len(national)
    here = {f"+{country}", country}
    if parsed.country_code == phonenumbers.country_code_for_region(region):
        here |= {"", *_trunk_prefix(region)}
    else:
        here |= {f"{prefix}{country}" for prefix in _exit_prefix(region)}
    return tuple(_Spelling(dropped, prefix) for prefix in sorted(here) if prefix != pattern[:dropped])


def _parsed(pattern: str, region: str) -> phonenumbers.PhoneNumber | None:
    """Read *pattern* as it is dialled; digits that begin with a country code may lack their plus sign."""
    for text in (pattern, f"+{pattern.lstrip('+')}"):
        try:
            found = phonenumbers.parse(text, region)
        except phonenumbers.NumberParseException:
            continue
        if phonenumbers.is_possible_number(found):
            return found
    return None


def _trunk_prefix(region: str) -> Iterator[str]:
    metadata = PhoneMetadata.metadata_for_region(region)
    if metadata and metadata.national_prefix:
        yield metadata.national_prefix


def _exit_prefix(region: str) -> Iterator[str]:
    metadata = PhoneMetadata.metadata_for_region(region)
    prefix = metadata.international_prefix if metadata else None
    if prefix and prefix.isdigit():
        yield prefix


REGIONS = frozenset(phonenumbers.SUPPORTED_REGIONS)
"""The countries that numbers can be read for."""
