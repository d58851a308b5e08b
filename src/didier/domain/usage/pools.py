"""What many numbers show together is one finding, about what they have in common.

An outage of a carrier is not 500 findings, nor is a holiday one for each number; and one number that went
quiet in a pool that did not stays its own, even if it has most of the pool's calls.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from didier.domain.usage import findings
from didier.domain.usage.activity import Activity, Pool, expected_since, in_hour, window
from didier.domain.usage.findings import Direction, Finding, PoolFigures
from didier.domain.usage.weekly_hours import HOUR, RECENT, WEEK, Look

MEMBERS_LEAST = 10
"""Numbers that a pool has to have before it explains what one of them shows."""

SHARED_LEAST = 5
"""As many numbers of a pool that has changed are part of it, though they have changed more than it has."""

_HALF = 0.5
"""How much of the change of a pool the part of it has to show that is to share it."""

_REST_LEAST = 10
"""Calls that the others of a pool have to expect before their share says anything."""


@dataclass(slots=True)
class _Calls:
    observed: int = 0
    expected: float = 0.0

    def add(self, observed: int, expected: float) -> None:
        self.observed += observed
        self.expected += expected


@dataclass(slots=True)
class _Cell:
    """Numbers that are in the same ones of the pools that have changed; *calls* by pool, in its hours."""

    calls: dict[str, _Calls] = field(default_factory=lambda: defaultdict(_Calls))
    own: list[tuple[Finding, dict[str, _Calls]]] = field(default_factory=list)
    explained: list[Finding] = field(default_factory=list)


def judge_all(look: Look, pools: Sequence[Pool], activities: Iterable[Activity]) -> list[Finding]:
    """Return all sudden changes by the end of a *look*: of *pools*, and of *activities* apart from these.

    *activities* are gone through once. A pool has the sums of all of its members, and is named by them.
    """
    judging = _Judging(look, {pool.activity.subject: pool for pool in pools})
    for activity in activities:
        judging.add(activity)
    return judging.result()


class _Judging:
    """One look at many numbers: pools first, then number by number, then what they come to together."""

    def __init__(self, look: Look, pools: Mapping[str, Pool]) -> None:
        self._look = look
        self._pools = pools
        self._cells: dict[frozenset[str], _Cell] = defaultdict(_Cell)
        self._rates: dict[tuple[str, int], tuple[int, float]] = {}
        self._hourly: dict[tuple[str, int], tuple[int, float]] = {}
        self._found = self._changed()

    def _changed(self) -> dict[str, Finding]:
        """Return the pools that have changed, without those that do what a wider one did that has not."""
        judged = {name: findings.judge(pool.activity, self._look) for name, pool in self._pools.items()}
        found = {name: each for name, each in judged.items() if each}
        usual = self._pools.keys() - found
        return {
            name: each
            for name, each in found.items()
            if not self._is_explained(each, self._pools[name].activity, usual)
        }

    def add(self, activity: Activity) -> None:
        """Judge one number, and count it for the pools that have changed."""
        changed = frozenset(self._found.keys() & activity.pools) if self._found else frozenset()
        found = findings.judge(activity, self._look)
        if not changed and found is None:
            return
        cell = self._cells[changed]
        part = {name: self._calls_in(self._found[name], activity) for name in changed}
        for name, calls in part.items():
            cell.calls[name].add(calls.observed, calls.expected)
        if found and self._is_explained(found, activity, self._pools):
            cell.explained.append(found)
        elif found:
            cell.own.append((replace(found, pool=self._beside(found, activity)), part))

    def result(self) -> list[Finding]:
        """Return what was found: pools as wide as a change goes, and the numbers that are left."""
        waiting = sorted(self._found, key=lambda name: (-self._pools[name].members, name))
        told = []
        for narrower_first in (True, False):
            for name in list(waiting):
                if narrower_first and self._is_of_a_narrower(name, waiting):
                    continue
                waiting.remove(name)
                if found := self._told(name):
                    told.append(found)
        return told + [found for cell in self._cells.values() for found, _ in cell.own]

    def _is_of_a_narrower(self, name: str, waiting: list[str]) -> bool:
        """Say whether a pool shows a change only by members that are in a narrower one of *waiting* too."""
        narrower = waiting[waiting.index(name) + 1 :]
        changed = [each for each in narrower if self._found[each].direction == self._found[name].direction]
        rests = (self._sum(name, self._outside(name, each)) for each in changed)
        return any(rest.expected >= _REST_LEAST and not self._shows(name, rest) for rest in rests)

    def _outside(self, name: str, other: str) -> Iterator[_Cell]:
        """Yield the cells of a pool that are not in the *other* one too."""
        return (cell for changed, cell in self._cells.items() if name in changed and other not in changed)

    def _told(self, name: str) -> Finding | None:
        """Return the finding about a pool, and take its members out of all others; None if it shows none."""
        found = self._found[name]
        cells = [cell for changed, cell in self._cells.items() if name in changed]
        own = [(each, part) for cell in cells for each, part in cell.own if each.direction == found.direction]
        is_shared = len(own) >= SHARED_LEAST
        rest = self._sum(name, cells)
        for _, part in own:
            rest.add(-part[name].observed, -part[name].expected)
        if not is_shared and not self._shows(name, rest):
            return None
        explained = sum(each.direction == found.direction for cell in cells for each in cell.explained)
        self._take(name, found.direction if is_shared else None)
        figures = PoolFigures(
            name,
            found.figures.observed,
            found.figures.expected,
            self._pools[name].members,
            explained + (len(own) if is_shared else 0),
        )
        return replace(found, pool=figures, is_of_pool=True)

    def _sum(self, name: str, cells: Iterable[_Cell]) -> _Calls:
        """Return the calls that *cells* have in the hours in which the pool *name* has changed."""
        total = _Calls()
        for cell in cells:
            total.add(cell.calls[name].observed, cell.calls[name].expected)
        return total

    def _shows(self, name: str, part: _Calls) -> bool:
        """Say whether *part* of a pool has changed by at least half as much as the pool has."""
        if part.expected < _REST_LEAST:
            return False
        figures = self._found[name].figures
        return (part.observed / part.expected - 1) / (figures.observed / figures.expected - 1) >= _HALF

    def _take(self, name: str, direction: Direction | None) -> None:
        """Leave of the members of a pool what is their own, and count them for no other pool."""
        for changed in [each for each in self._cells if name in each]:
            cell = self._cells.pop(changed)
            left = [one for one in cell.own if one[0].direction != direction]
            self._cells[frozenset()].own.extend(left)

    def _is_explained(self, found: Finding, activity: Activity, by: Collection[str]) -> bool:
        """Say whether it is none any more if what the others of a pool had is taken for what is usual."""
        return any(
            not findings.holds(found, activity, self._look, share)
            for name in activity.pools
            if name in by and (share := self._share(name, found, activity)) is not None
        )

    def _share(self, name: str, found: Finding, activity: Activity) -> float | None:
        """Return the share of its calls that a subject could expect beside the others of a pool, if known.

        It is weighed hour by hour: the morning after a holiday is compared with a holiday and a morning.
        """
        pool = self._pools.get(name)
        if pool is None or pool.members < MEMBERS_LEAST:
            return None
        if found.end - found.start > WEEK:
            rest = self._rest(name, found, activity)
            return None if rest is None else _bounded(rest.observed / rest.expected, found)
        all_usual = changed = 0.0
        for hour in range(found.start, found.end, HOUR):
            count, usual = in_hour(activity, hour, self._look)
            observed, expected = self._in_hour(pool, hour)
            all_usual += usual
            is_known = expected - usual >= _REST_LEAST
            changed += usual * (_bounded((observed - count) / (expected - usual), found) if is_known else 1)
        return changed / all_usual if all_usual else None

    def _in_hour(self, pool: Pool, hour: int) -> tuple[int, float]:
        key = pool.activity.subject, hour
        if key not in self._hourly:
            self._hourly[key] = in_hour(pool.activity, hour, self._look)
        return self._hourly[key]

    def _beside(self, found: Finding, activity: Activity) -> PoolFigures | None:
        """Return the first pool that says anything, in the hours of a finding."""
        for name in activity.pools:
            if rest := self._rest(name, found, activity):
                return PoolFigures(name, rest.observed, rest.expected, self._pools[name].members)
        return None

    def _rest(self, name: str, found: Finding, activity: Activity) -> _Calls | None:
        """Return the calls of the others in a pool in the hours of a finding, None if they say nothing."""
        pool = self._pools.get(name)
        if pool is None or pool.members < MEMBERS_LEAST:
            return None
        key = name, found.start
        if key not in self._rates:
            calls = self._calls_in(found, pool.activity)
            self._rates[key] = calls.observed, calls.expected
        observed, expected = self._rates[key]
        own = self._calls_in(found, activity)
        rest = _Calls(observed - own.observed, expected - own.expected)
        return rest if rest.expected >= _REST_LEAST else None

    def _calls_in(self, found: Finding, activity: Activity) -> _Calls:
        """Return the calls of *activity* in the hours of a finding, which may be of another."""
        length = (self._look.end - found.start) // HOUR
        if length <= RECENT:
            seen = window(activity, self._look, length)
            return _Calls(seen.observed, seen.expected)
        return _Calls(
            activity.between(found.start, self._look.end), expected_since(activity, found.start, self._look)
        )


def _bounded(share: float, found: Finding) -> float:
    """Return a *share* as far as it makes a finding less: nothing is louder because its pool is quieter."""
    return max(1.0, share) if found.direction == "more" else min(1.0, share)
