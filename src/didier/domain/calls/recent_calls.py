"""The settings container by which calls from numbers are detoured that were on a call lately."""

import re
from collections.abc import Iterator, Mapping
from typing import Literal

from didier.domain.calls.number_lists import BLANK
from didier.domain.calls.questions import RecentCalls

_DROPPED = re.compile("[\r\t'\"]")
_LINE = re.compile("([a-z0-9_]+) => (.*)")
_NO_DAYS = re.compile("[^0-9-]")
_DAYS = re.compile("([0-9]{1,9})-([0-9]{1,9})")
_SHORTEST_LIST = 2


def questions(entry: str, number: str) -> list[RecentCalls]:
    """Return what the container *entry* wants to know of a caller's *number*; any yes is a hit."""
    said = dict(_settings(entry))
    return [*_side(said, "outbound", "campaigns", number), *_side(said, "inbound", "groups", number)]


def _settings(entry: str) -> Iterator[tuple[str, str]]:
    for line in _DROPPED.sub("", entry).split("\n"):
        if found := _LINE.match(line):
            yield found[1], found[2]


def _side(
    said: Mapping[str, str], side: Literal["outbound", "inbound"], groups_key: str, number: str
) -> Iterator[RecentCalls]:
    start = f"{side}_recent_call_"
    kind = said.get(f"{start}check_type", "").lower()
    days = _DAYS.fullmatch(_NO_DAYS.sub("", said.get(f"{start}days", "")))
    groups, statuses = said.get(f"{start}{groups_key}", ""), said.get(f"{start}statuses", "")
    if "x-y-days-range" not in kind or not days or len(groups) < _SHORTEST_LIST or not statuses:
        return
    first, last = int(days[1]), int(days[2])
    for of in ("log", "lead"):
        if of in kind:
            yield RecentCalls(side, of, number or BLANK, first, last, _names(groups), _names(statuses))
            return


def _names(bars: str) -> tuple[str, ...] | None:
    """Return the names in a list with bars, None where that is of all."""
    return None if "--ALL--" in bars else tuple(name for name in bars.split("|") if name)
