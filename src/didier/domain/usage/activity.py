"""The calls to a number, or to all numbers of a pool, by hour: what is judged."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import repeat

from didier.domain.usage.weekly_hours import HOUR, WEEK, WEEKS, Look


@dataclass(frozen=True, slots=True)
class Activity:
    """The *calls* to a *subject* by the hour in which they came, from the hour *since* on.

    Hours without calls may be left out; none is behind the look by which it is judged. It has to go back
    `WEEKS` before that look and before its last call, as far as they are known. *pools* are the names of
    those that it is part of, the most telling first.
    """

    subject: str
    calls: Mapping[int, int]
    since: int
    pools: tuple[str, ...] = ()

    def weeks(self, before: int) -> float:
        """Return how many weeks before a moment are known, `WEEKS` at most."""
        return min(WEEKS, (before - self.since) / WEEK)

    def between(self, start: int, end: int) -> int:
        """Return how many calls came from *start* to *end*."""
        if (end - start) // HOUR < 2 * len(self.calls):
            return sum(map(self.calls.get, range(start, end, HOUR), repeat(0)))
        return sum(count for hour, count in self.calls.items() if start <= hour < end)

    def level(self, before: int) -> float:
        """Return the calls of the week before a moment, as a share of a mean one of `WEEKS`."""
        mean = self.between(before - WEEKS * WEEK, before) / max(self.weeks(before), 1)
        return self.between(before - WEEK, before) / mean if mean else 1.0


@dataclass(frozen=True, slots=True)
class Pool:
    """What *members* numbers have in common: a carrier, a route, a group; *activity* has their sums.

    The pools of *activity* are wider ones, of which all of its members are part.
    """

    activity: Activity
    members: int


@dataclass(frozen=True, slots=True)
class Window:
    """The calls that a subject had from *start* on, and those *expected*; by *weeks* with the same hours."""

    start: int
    observed: int
    expected: float
    weekly: tuple[int, ...]


def window(activity: Activity, look: Look, length: int) -> Window:
    """Return the last *length* hours, `RECENT` at most, beside the same hours of the weeks before."""
    chosen = look.since(activity.since)[:length]
    weekly = Counter[int]()
    expected = 0.0
    for hour, before in chosen:
        counts = list(map(activity.calls.get, before, repeat(0)))
        expected += sum(counts) / len(counts) if counts else 0.0
        for each, count in zip(before, counts, strict=True):
            weekly[round((hour - each) / WEEK)] += count
    observed = sum(activity.calls.get(hour, 0) for hour, _ in chosen)
    return Window(chosen[-1][0], observed, expected, tuple(weekly.values()))


def in_hour(activity: Activity, hour: int, look: Look) -> tuple[int, float]:
    """Return how many calls came in an *hour*, and how many came in the same hour of the weeks before."""
    before = [each for each in look.hours.before(hour) if each >= activity.since]
    usual = sum(map(activity.calls.get, before, repeat(0)))
    return activity.calls.get(hour, 0), usual / len(before) if before else 0.0


def expected_since(activity: Activity, start: int, look: Look) -> float:
    """Return how many calls were to be expected from *start* to the end of a *look*, however long ago it was.

    They are those of the same hours of the week in the `WEEKS` before. Where that is not a week ago, they are
    no more than by all that is known: what is rare looks more frequent shortly before its last call.
    """
    weeks = max(activity.weeks(start), 1)
    if look.end - start <= WEEK:
        before = (each for hour in range(start, look.end, HOUR) for each in look.hours.before(hour))
        return sum(map(activity.calls.get, before, repeat(0))) / weeks
    profile = Counter[int]()
    for hour, count in activity.calls.items():
        if start - WEEKS * WEEK <= hour < start:
            profile[look.hours.of_week(hour)] += count
    whole, rest = divmod(look.end - start, WEEK)
    latest = sum(profile[look.hours.of_week(hour)] for hour in range(look.end - rest, look.end, HOUR))
    passed = whole + latest / max(profile.total(), 1)  # weeks, counted by the calls that come in their hours
    all_known = activity.between(activity.since, start) / max((start - activity.since) / WEEK, 1)
    return passed * min(profile.total() / weeks, all_known)


def summed(name: str, activities: Iterable[Activity]) -> Pool:
    """Return the pool *name* of *activities*."""
    calls, members, since = Counter[int](), 0, 0
    for each in activities:
        since = min(since, each.since) if members else each.since
        members += 1
        for hour, count in each.calls.items():
            calls[hour] += count
    return Pool(Activity(name, calls, since), members)
