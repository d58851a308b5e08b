"""Judges made-up calls hour by hour, and counts which of the known events were found, and what else."""

import time
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from didier.domain.usage import pools
from didier.domain.usage.activity import Activity, Pool
from didier.domain.usage.findings import Finding
from didier.domain.usage.weekly_hours import HOUR, Hours, Look
from support.call_histories import ALL, CARRIERS, ZONE, Event, History, activity

LASTS = 24 * HOUR
"""A finding that is there again within this time is the same one, told once."""

LATE = 2 * HOUR
"""So long after its end an event is still found."""


@dataclass
class Episode:
    """A finding as long as it lasted."""

    finding: Finding
    first: int
    last: int


@dataclass
class Outcome:
    """What a backtest has come to; *judged* numbers took *seconds*."""

    days: float
    numbers: int
    judged: int
    seconds: float
    episodes: list[Episode]
    right: list[tuple[Episode, Event]] = field(default_factory=list)
    wrong: list[Episode] = field(default_factory=list)
    found: dict[Event, int] = field(default_factory=dict)
    missed: list[Event] = field(default_factory=list)

    def precision(self, direction: str) -> tuple[int, int]:
        """Return how many episodes were events, and how many there were."""
        right = sum(episode.finding.direction == direction for episode, _ in self.right)
        return right, right + sum(episode.finding.direction == direction for episode in self.wrong)

    def recall(self, name: str, rate: str = "") -> tuple[int, int]:
        """Return how many events of a *name* were found, and how many there were."""
        found = sum(event.name == name and event.rate == rate for event in self.found)
        return found, found + sum(event.name == name and event.rate == rate for event in self.missed)


def run(history: History) -> Outcome:
    """Judge each hour of a *history* with what was known by then."""
    hours = Hours(ZONE)
    activities = [activity(number, history.start) for number in history.numbers]
    sizes = Counter(number.carrier for number in history.numbers)
    sums = {name: dict[int, int]() for name in (*CARRIERS, ALL)}
    pooled = [
        Pool(
            Activity(name, calls, history.start, () if name == ALL else (ALL,)),
            sizes.get(name, len(activities)),
        )
        for name, calls in sums.items()
    ]
    told: list[Finding] = []
    seconds = 0.0
    for place, hour in enumerate(range(history.start, history.end, HOUR)):
        _reveal(history, place, hour, sums)
        if hour < history.judged:
            continue
        look = Look(hours, hour + HOUR)
        began = time.process_time()
        told += pools.judge_all(look, pooled, activities)
        seconds += time.process_time() - began
    looks = (history.end - history.judged) // HOUR
    outcome = Outcome(looks / 24, len(activities), looks * len(activities), seconds, list(_episodes(told)))
    _compare(outcome, [*history.events, history.outage, history.holiday])
    return outcome


def _reveal(history: History, place: int, hour: int, sums: dict[str, dict[int, int]]) -> None:
    for number in history.numbers:
        if count := number.counts[place]:
            number.calls[hour] = count
            for name in (number.carrier, ALL):
                sums[name][hour] = sums[name].get(hour, 0) + count


def _episodes(told: Iterable[Finding]) -> Iterator[Episode]:
    lasting: dict[str, Episode] = {}
    for finding in told:
        episode = lasting.get(finding.key)
        if episode is None or finding.end - episode.last > LASTS:
            lasting[finding.key] = Episode(finding, finding.end, finding.end)
            yield lasting[finding.key]
        else:
            episode.last = finding.end


def _compare(outcome: Outcome, events: Iterable[Event]) -> None:
    by_subject: dict[str, list[Event]] = {}
    for event in events:
        by_subject.setdefault(event.subject, []).append(event)
    for episode in outcome.episodes:
        event = _event_of(episode, by_subject.get(episode.finding.subject, []))
        if event is None:
            outcome.wrong.append(episode)
            continue
        outcome.right.append((episode, event))
        outcome.found.setdefault(event, episode.first)
    outcome.missed = [e for some in by_subject.values() for e in some if e not in outcome.found]


def _event_of(episode: Episode, events: Iterable[Event]) -> Event | None:
    for event in events:
        overlaps = event.start < episode.last and episode.first <= event.end + LATE
        if event.direction == episode.finding.direction and overlaps:
            return event
    return None
