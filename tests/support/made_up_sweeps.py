"""Made-up calls of an hour by their callers, with sweeps among them that are known."""

import random
from collections.abc import Mapping

from didier.domain.usage import sweeps

USUAL, SERVICES, SWEEPERS = 2_000, 20, 60


def run(seed: int, days: int) -> tuple[int, int, int]:
    """Judge an hour a day; return how many sweeps were found, how many other callers, and all sweeps."""
    chance = random.Random(seed)
    by_day = {f"service {place}": dict[int, int]() for place in range(SERVICES)}
    right = wrong = planted = 0
    for day in range(days):
        numbers = _numbers(chance, day)
        judged = [sweeps.judge(each, by_day.get(each.caller, {}), 8) for each in _seen(chance, numbers)]
        found = [each.subject for each in judged if each]
        # What services do is usual after some days, in which they are rightly told.
        told = [name for name in found if not name.startswith("service") or day >= sweeps.USUAL_DAYS]
        right += sum(name.startswith("sweeper") for name in told)
        wrong += sum(not name.startswith("sweeper") for name in told)
        planted += sum(name.startswith("sweeper") for name in numbers)
        for name in by_day:
            by_day[name][day] = numbers[name]
    return right, wrong, planted


def _numbers(chance: random.Random, day: int) -> dict[str, int]:
    """Return how many numbers each caller calls within the hour."""
    usual = {f"caller {place}": 1 + int(chance.expovariate(0.7)) for place in range(USUAL)}
    services = {f"service {place}": chance.randint(25, 40) for place in range(SERVICES)}
    swept = {f"sweeper {day} {place}": chance.randint(20, 200) for place in range(SWEEPERS // 20)}
    return usual | services | swept


def _seen(chance: random.Random, numbers: Mapping[str, int]) -> list[sweeps.Sweep]:
    calls = [
        (chance.randrange(3600), caller, f"1800{number}")
        for caller, count in numbers.items()
        for number in range(count)
    ]
    return sweeps.sweeps(sorted(calls))
