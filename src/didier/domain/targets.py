"""Ranges of numbers: ``18002220000-18002220099``, ``7275550100-0199``, ``+442079460000-99``.

A range has both its ends. A short end replaces the last digits of the first number; a plus sign and leading
zeros are kept. VICIdial removes dashes from patterns (``tests/conformance/behaviour.md``, section 2), so that
``800-555-0100`` is the number 8005550100; that must stay so. Hence an item is a range only when

- it is digits, one dash, and digits, a plus sign before either allowed and nothing else, and
- the first number has seven digits or more, and
- if it has fewer than ten, what follows the dash is as long as it or has at most three digits:
  ``1800555-0100`` is how a number is written, and stays 18005550100.
"""

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from didier.domain import patterns
from didier.errors import InvalidPattern, InvalidRange

LIMIT = 1_000
"""Most new DIDs that the ranges of one list may come to."""

_RANGE = re.compile(r"(\+?)([0-9]{7,})-(\+?)([0-9]+)")
_FULL_NUMBER = 10
_EXTENSION = 3
_LINES = re.compile(r"[;\t\r\n]+")


@dataclass(frozen=True, slots=True)
class Range:
    """The numbers from *first* to *last*, both included, each with *prefix* and in *width* digits."""

    prefix: str  # "+" or nothing
    width: int
    first: int
    last: int

    @property
    def size(self) -> int:
        """How many numbers there are."""
        return self.last - self.first + 1

    def pattern(self, number: int) -> str:
        """Return *number*, one from *first* to *last*, as the range writes it."""
        return f"{self.prefix}{number:0{self.width}}"

    def slice(self, start: int, count: int) -> "Range":
        """Return the part of at most *count* numbers behind the first *start*."""
        first = self.first + start
        return Range(self.prefix, self.width, first, min(first + count - 1, self.last))

    def __iter__(self) -> Iterator[str]:
        prefix, width = self.prefix, self.width
        return (f"{prefix}{number:0{width}}" for number in range(self.first, self.last + 1))

    def __str__(self) -> str:
        return f"{self.prefix}{self.first:0{self.width}}-{self.last:0{self.width}}"


def is_range(item: str) -> bool:
    """Say whether *item* is written as a range, be it a possible one or not."""
    return _parts(item) is not None


def _parts(item: str) -> re.Match[str] | None:
    found = _RANGE.fullmatch(item)
    if not found:
        return None
    first, end = len(found[2]), len(found[4])
    written_in_groups = first < _FULL_NUMBER and _EXTENSION < end < first and not found[3]
    return None if written_in_groups else found


def parse(item: str) -> Range | InvalidRange | None:
    """Read *item*: a range, the reason why it is none although it is written as one, or None."""
    found = _parts(item)
    if not found:
        return None
    prefix, first, end_prefix, end = found.groups()
    if len(prefix + first) > patterns.MAX_LENGTH:
        return InvalidRange(item, f"numbers have at most {patterns.MAX_LENGTH} characters")
    if len(end) > len(first):
        return InvalidRange(item, "the end has more digits than the beginning")
    if end_prefix and (not prefix or len(end) < len(first)):
        return InvalidRange(item, "both ends must be complete numbers, each with a plus sign")
    last = first[: len(first) - len(end)] + end
    if last < first:
        return InvalidRange(item, "the end comes before the beginning")
    return Range(prefix, len(first), int(first), int(last))


def plain(item: str) -> str:
    """Drop what numbers are written with: 800-555-0100 and (800) 555 0100 are 8005550100."""
    return item.translate(_WRITTEN_WITH)


_WRITTEN_WITH = str.maketrans("", "", " -()/\t\u00a0")


def split(text: str, clean: Callable[[str], str] = str) -> list[str]:
    """Take a list apart as `patterns.split_list` does, but leave ranges in it as they are."""
    if "-" not in text:
        return patterns.split_list(text, clean)
    items: list[str] = []
    for item in text.split(","):
        lines = _LINES.split(item)
        if any(is_range(line.strip()) for line in lines):
            for line in lines:
                items += _split_line(line, clean)
        else:
            items += _split_line(item, clean)
    return items


def _split_line(line: str, clean: Callable[[str], str]) -> list[str]:
    def whole(item: str) -> str:
        return item.strip() if is_range(item.strip()) else clean(item)

    return patterns.split_list(line, whole)


def expand(items: Iterable[str], limit: int = LIMIT) -> Iterator[str]:
    """Yield *items* with the numbers of each range in its place.

    A range that is impossible, or with which the list would come to more than *limit* targets, stays as
    it is written; `refusal` says why.
    """
    count = 0
    for item in items:
        found = parse(item)
        if isinstance(found, Range) and count + found.size <= limit:
            yield from found
            count += found.size
        else:
            yield item
            count += 1


def refusal(problem: InvalidPattern) -> InvalidPattern:
    """Return the refusal of a target that is no pattern: of a range, for what is wrong with it."""
    found = parse(problem.pattern)
    if isinstance(found, Range):
        return InvalidRange(problem.pattern, f"a list may have at most {LIMIT} numbers")
    return found or problem


def run_of(first: str, size: int) -> Iterable[str]:
    """Return the *size* consecutive numbers from *first* on; of one, whatever pattern it is."""
    if size == 1:
        return (first,)
    prefix = "+" if first.startswith("+") else ""
    begin = int(first[len(prefix) :])
    return Range(prefix, len(first) - len(prefix), begin, begin + size - 1)


def in_run(first: str, place: int) -> str:
    """Return the number that comes *place* places behind *first*; an empty text where that is none."""
    if not place:
        return first
    prefix = "+" if first.startswith("+") else ""
    digits = first[len(prefix) :]
    if not (digits.isascii() and digits.isdigit()):
        return ""
    return f"{prefix}{int(digits) + place:0{len(digits)}}"
