"""One caller who calls many numbers: a robot that looks for who answers, or a service that tests numbers."""

import statistics
from collections import Counter, deque
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from didier.domain.usage.findings import Figures, Finding
from didier.domain.usage.weekly_hours import HOUR

NUMBERS_LEAST = 20
"""Different numbers that make a sweep."""

USUAL_DAYS = 5
"""Days on which a caller has to have swept before it is what that caller usually does."""

_MORE_THAN_USUAL = 3
"""A caller who usually sweeps is found from this many times as many numbers on."""


@dataclass(frozen=True, slots=True)
class Sweep:
    """A *caller* called so many different *numbers*, from the second *start* to *end*."""

    caller: str
    numbers: int
    start: int
    end: int


def sweeps(
    calls: Iterable[tuple[int, str, str]], least: int = NUMBERS_LEAST, seconds: int = HOUR
) -> list[Sweep]:
    """Return who called *least* numbers within *seconds*, in *calls* in order: second, caller, number.

    Of each caller it is the stretch with the most numbers. Calls without a caller are not of one.
    """
    most: dict[str, Sweep] = {}
    for reached in _stretches(calls, seconds):
        before = most.get(reached.caller)
        if reached.numbers >= least and (before is None or reached.numbers > before.numbers):
            most[reached.caller] = reached
    return sorted(most.values(), key=lambda each: (-each.numbers, each.caller))


def judge(sweep: Sweep, by_day: Mapping[int, int], weeks: int, least: int = NUMBERS_LEAST) -> Finding | None:
    """Return the finding about a *sweep*, None if it is what its caller does usually.

    *by_day* has the most numbers that it called within the same time on each day before on which it called.
    """
    swept = [numbers for numbers in by_day.values() if numbers >= least]
    usual = statistics.median(swept) if len(swept) >= USUAL_DAYS else 0.0
    if sweep.numbers < max(least, _MORE_THAN_USUAL * usual):
        return None
    figures = Figures(sweep.numbers, usual, weeks)
    return Finding("sweep", sweep.caller, sweep.start, sweep.end, figures)


def _stretches(calls: Iterable[tuple[int, str, str]], seconds: int) -> Iterator[Sweep]:
    """Yield with each call how many numbers its caller has called within *seconds* before it."""
    recent: deque[tuple[int, str, str]] = deque()
    numbers: dict[str, Counter[str]] = {}
    firsts: dict[str, deque[int]] = {}
    for call in calls:
        second, caller, number = call
        while recent and recent[0][0] <= second - seconds:
            _forget(recent.popleft(), numbers, firsts)
        if not caller:
            continue
        recent.append(call)
        numbers.setdefault(caller, Counter())[number] += 1
        firsts.setdefault(caller, deque()).append(second)
        yield Sweep(caller, len(numbers[caller]), firsts[caller][0], second)


def _forget(
    call: tuple[int, str, str], numbers: dict[str, Counter[str]], firsts: dict[str, deque[int]]
) -> None:
    _, caller, number = call
    firsts[caller].popleft()
    numbers[caller][number] -= 1
    if not numbers[caller][number]:
        del numbers[caller][number]
    if not numbers[caller]:
        del numbers[caller], firsts[caller]
