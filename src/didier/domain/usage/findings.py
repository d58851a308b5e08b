"""Sudden changes in the calls to numbers: what is found, and by which figures.

`judge` looks at one subject by itself, and mostly has done after a few additions: whatever cannot be found is
left before anything costly is counted. What it finds is compared with pools by `pools.judge_all`.

100,000 numbers that are judged each hour are 2.4 million judgements a day: with `P_MOST` chance alone makes
two or three findings a day.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import repeat
from typing import Literal

from didier.domain.usage import tails
from didier.domain.usage.activity import Activity, expected_since, window
from didier.domain.usage.weekly_hours import HOUR, RECENT, WEEK, WEEKS, Look

Kind = Literal["louder", "quieter", "silent", "sweep"]
"""What has changed:

- louder: more calls in the last hour than in the same hour of the weeks before;
- quieter: fewer calls than that, in the last hours;
- silent: no calls at all since one that is long ago for this subject;
- sweep: one caller has called many numbers.
"""

Direction = Literal["more", "fewer", "sweep"]
"""Whether there are more calls or fewer; or many from one caller."""

Unjudged = Literal["new", "rare"]
"""Why a subject cannot be louder or quieter: too little is known of it, or it has too few calls."""

P_MOST = 1e-6
"""What is more probable than this is not found to be fewer."""

P_MORE_MOST = 1e-7
"""The same for what is more: numbers grow, and the best days are farther from the usual than the worst."""

Z_LEAST = 5.0
"""What is louder by fewer deviations is not found, however sure it is: busy numbers vary."""

EXPECTED_LEAST = 10
"""Calls that are expected in the hours in which a subject may be quieter; and that make one louder."""

WEEKS_LEAST = 4
"""Weeks that have to be known before a subject is louder or quieter than in these."""

_BACK_TO_USUAL = 0.6
"""The share of expected calls from which on the latest hours are not quieter, whatever was before."""

_SCREEN = 9
"""In squares of deviations: what is less below its mean is far more probable than `P_MOST`."""

_SILENCE_LEAST = 13.8
"""Of fewer expected calls none may come, however sure their rate is: -ln `P_MOST`."""

_RATES_CHANGE = 0.05
"""Square of how much a rate is expected to change by itself in the long run: 22 %."""


@dataclass(frozen=True, slots=True)
class Figures:
    """What a finding is by: calls *observed* and *expected*, and how probable (*p*) that is by chance.

    *weeks* is how many of the history it is compared with, *z* the modified z-score of what is louder. For
    a sweep it is numbers that are counted, not calls, and *p* is not known.
    """

    observed: int
    expected: float
    weeks: int
    p: float | None = None
    z: float | None = None


@dataclass(frozen=True, slots=True)
class PoolFigures:
    """The calls of the pool *name* in the hours of a finding, without those of the subject itself.

    If the finding is about the pool, they are its own, and *affected* of its *members* are part of it: those
    that would have been found alone.
    """

    name: str
    observed: int
    expected: float
    members: int
    affected: int = 0


@dataclass(frozen=True, slots=True)
class Finding:
    """A sudden change of a *subject*, or of the pool of that name, from *start* to *end*."""

    kind: Kind
    subject: str
    start: int
    end: int
    figures: Figures
    pool: PoolFigures | None = None
    is_of_pool: bool = False

    @property
    def direction(self) -> Direction:
        """Which way it has changed: quieter and silent are both fewer."""
        if self.kind == "sweep":
            return "sweep"
        return "more" if self.kind == "louder" else "fewer"

    @property
    def key(self) -> str:
        """What it is muted by, and told once by while it lasts: quieter and silent are one that grows."""
        return f"{'pool' if self.is_of_pool else 'number'}:{self.direction}:{self.subject}"


def unjudged(activity: Activity, look: Look) -> Unjudged | None:
    """Return why *activity* cannot be louder or quieter yet, None if it can."""
    if _known_weeks(activity, look) < WEEKS_LEAST:
        return "new"
    return "rare" if window(activity, look, RECENT).expected < EXPECTED_LEAST else None


def judge(activity: Activity, look: Look) -> Finding | None:
    """Return how *activity* has changed suddenly by the end of a *look*, None if it has not."""
    calls = activity.calls
    hours = [calls.get(hour, 0) for hour, _ in look.recent]
    if not any(hours):
        return _silent(activity, look)
    if _known_weeks(activity, look) < WEEKS_LEAST:
        return None
    return _louder(activity, look, hours[0]) or _fewer(activity, look, hours)


def holds(finding: Finding, activity: Activity, look: Look, share: float) -> bool:
    """Say whether *finding* would be one too if *share* of what was expected had been expected."""
    figures = finding.figures
    expected = figures.expected * share
    if (look.end - finding.start) // HOUR >= RECENT and not figures.observed:  # found by `_silent`
        return _no_call(expected, activity) <= P_MOST
    seen = window(activity, look, (look.end - finding.start) // HOUR)
    scatter = tails.shape(seen.weekly)
    if finding.direction == "more":
        return tails.at_least(figures.observed, expected, scatter) <= P_MORE_MOST
    return tails.at_most(figures.observed, expected, scatter) <= P_MOST


def _known_weeks(activity: Activity, look: Look) -> int:
    return int(activity.weeks(look.end - RECENT * HOUR))


def _louder(activity: Activity, look: Look, observed: int) -> Finding | None:
    if observed < EXPECTED_LEAST:
        return None
    hour, before = look.recent[0]
    usual = sum(map(activity.calls.get, before, repeat(0)))
    if observed * len(before) < 1.5 * usual:  # nothing so small is found, and most numbers are done here
        return None
    seen = window(activity, look, 1)
    z = tails.modified_z(observed, seen.weekly)
    if z < Z_LEAST:
        return None
    expected = max(seen.expected, 1 / len(seen.weekly)) * max(1.0, activity.level(hour))
    p = tails.at_least(observed, expected, tails.shape(seen.weekly))
    if p > P_MORE_MOST:
        return None
    return Finding(
        "louder", activity.subject, hour, look.end, Figures(observed, expected, len(seen.weekly), p, z)
    )


def _fewer(activity: Activity, look: Look, hours: Sequence[int]) -> Finding | None:
    """Return how few calls came in the last hours, in as many as show it best."""
    length = _quietest(activity, look, hours)
    if not length:
        return None
    seen = window(activity, look, length)
    expected = seen.expected * min(1.0, activity.level(seen.start))
    if expected < EXPECTED_LEAST or seen.observed >= _BACK_TO_USUAL * expected:
        return None
    p = tails.at_most(seen.observed, expected, tails.shape(seen.weekly))
    if p > P_MOST:
        return None
    kind: Kind = "quieter" if seen.observed else "silent"
    figures = Figures(seen.observed, expected, len(seen.weekly), p)
    return Finding(kind, activity.subject, seen.start, look.end, figures)


def _quietest(activity: Activity, look: Look, hours: Sequence[int]) -> int:
    """Return in how many of the last hours fewest calls came for those expected, 0 if it is worth no test.

    Hours are added until `EXPECTED_LEAST` calls are expected, and on while what came stays well below them.
    """
    get = activity.calls.get
    observed, expected, most, found = 0, 0.0, float(_SCREEN), 0
    recent = look.since(activity.since)
    for length, (count, (_, before)) in enumerate(zip(hours, recent, strict=True), start=1):
        observed += count
        if before:
            expected += sum(map(get, before, repeat(0))) / len(before)
        if expected < EXPECTED_LEAST:
            continue
        if observed >= _BACK_TO_USUAL * expected:
            break
        if (score := (expected - observed) ** 2 / expected) > most:
            most, found = score, length
    return found


def _silent(activity: Activity, look: Look) -> Finding | None:
    last = max((hour for hour, count in activity.calls.items() if count), default=None)
    if last is None:
        return None
    start = last + HOUR
    weeks = max(activity.weeks(start), 1)
    most = activity.between(start - WEEKS * WEEK, start) / weeks * ((look.end - start) // WEEK + 1)
    if most < _SILENCE_LEAST:  # even if all calls of a week were expected in the part of one
        return None
    expected = expected_since(activity, start, look)
    p = _no_call(expected, activity)
    if p > P_MOST:
        return None
    return Finding("silent", activity.subject, start, look.end, Figures(0, expected, round(weeks), p))


def _no_call(expected: float, activity: Activity) -> float:
    """Return how probable no call is where *expected* ones are so by all the calls there have been."""
    known = sum(activity.calls.values())
    return tails.at_most(0, expected, 1 / (_RATES_CHANGE + 1 / known))
