"""Counting the calls of an hour and of a day: what is stored follows from what is logged alone.

A call counts for the DID that was dialled, as it was dialled, with how it went on. One that is sent on to
another DID counts for that one too, as redirected, and once where all are counted together.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta, tzinfo

from didier.domain.usage import callers, outcomes
from didier.domain.usage.hours import HOUR, LogHour, bucket_of
from didier.storage.usage.call_logs import CallReport, LoggedCall
from didier.storage.usage.rollups import (
    EVERYTHING,
    NO_DID,
    OUTCOME_COUNTS,
    Counts,
    DayCounts,
    HourKey,
    Way,
)

BEFORE = timedelta(minutes=5)
"""How long before an hour is read too: a call is redirected within seconds, and only its first DID counts."""

SumKey = tuple[int, int, str, Way]
"""Hour, DID, number and way."""


@dataclass(slots=True)
class Sum:
    """Some calls counted."""

    calls: int = 0
    redirected: int = 0
    seconds: int = 0
    waited: int = 0
    wait_seconds: float = 0
    first_at: int = 1 << 62
    last_at: int = 0
    callers: set[int] = field(default_factory=set)

    def add(self, began: int, seconds: int, waited: float | None, caller: str = "") -> None:
        """Count a call."""
        self.calls += 1
        self.seconds += seconds
        if waited is not None:
            self.waited += 1
            self.wait_seconds += waited
        self.first_at, self.last_at = min(self.first_at, began), max(self.last_at, began)
        if caller:
            self.callers.add(callers.hashed(caller))

    @property
    def counts(self) -> Counts:
        """What is stored of it."""
        return (
            self.calls,
            self.redirected,
            self.seconds,
            self.waited,
            round(self.wait_seconds),
            self.first_at,
            self.last_at,
            callers.packed(self.callers),
        )


class HourCounter:
    """Counts the calls of an hour, given by time, those of `BEFORE` first."""

    def __init__(self, hour: LogHour, zone: tzinfo) -> None:
        self._hour = hour
        self._zone = zone
        self._arrived: set[tuple[str, str]] = set()
        self.sums: dict[SumKey, Sum] = defaultdict(Sum)

    def add(self, calls: Iterable[LoggedCall]) -> None:
        """Count calls that were logged."""
        # Of those of one second that which is sent on was first.
        for call in sorted(calls, key=lambda one: (one.logged, not outcomes.is_redirect(one.route))):
            is_redirected = call.key in self._arrived
            self._arrived.add(call.key)
            if call.logged >= self._hour.begins:
                self._count(call, is_redirected)

    def _count(self, call: LoggedCall, is_redirected: bool) -> None:
        bucket = self._hour.bucket(call.logged, call.began)
        began = bucket + max(0, int((call.logged - (self._hour.ends - HOUR)).total_seconds()))
        visits = call.visits
        in_group = visits[0].in_group if visits else ""
        way = Way("", call.route.rstrip(), in_group.rstrip(), outcomes.outcome(call.route, visits))
        waited = outcomes.waited(visits)
        one = self.sums[bucket, call.did_id, call.number.rstrip(), way]
        one.add(began, call.seconds, waited, call.caller)
        one.redirected += is_redirected
        if not is_redirected:
            self.sums[bucket, EVERYTHING, "", way].add(began, call.seconds, waited)

    def add_reports(self, reports: Iterable[CallReport]) -> None:
        """Count calls that were reported."""
        for report in reports:
            began = report.began
            bucket = bucket_of(began, self._zone)
            outcome = outcomes.OF_REPORTS.get(report.result, outcomes.FAILED)
            way = Way(report.source.rstrip(), "", report.gateway.rstrip(), outcome)
            number = report.number.rstrip()
            self.sums[bucket, report.did_id, number, way].add(began, report.seconds, None, report.caller)
            self.sums[bucket, EVERYTHING, "", way].add(began, report.seconds, None)


Rows = Mapping[HourKey, Counts]


class DayCounter:
    """Sums up the hours of a day.

    Where VICIdial has logged calls to a DID, or to a number without one, what was reported of these does not
    count: an edge reports calls that VICIdial logs too.
    """

    def __init__(self, day: date, ways: Mapping[int, Way]) -> None:
        self._day = day
        self._ways = ways
        self._callers: set[int] = set()
        self._reported: list[tuple[str, Counts]] = []

    def add(self, rows: Rows) -> list[DayCounts]:
        """Return the sums for some DIDs, given all *rows* of these."""
        groups: dict[tuple[int, int, str], list[tuple[str, Counts]]] = defaultdict(list)
        for (_, did_id, number_id, way_id), counts in rows.items():
            way = self._ways[way_id]
            groups[did_id, number_id, way.source].append((way.outcome, counts))
        logged = {_counted_as(did_id, number_id) for did_id, number_id, source in groups if not source}
        return [
            self._added(key, members, not key[2] or _counted_as(*key[:2]) not in logged)
            for key, members in sorted(groups.items())
        ]

    def _added(
        self, key: tuple[int, int, str], members: list[tuple[str, Counts]], is_counted: bool
    ) -> DayCounts:
        hashes = set().union(*(callers.unpacked(counts[-1]) for _, counts in members))
        if is_counted:
            self._callers |= hashes
            self._reported += members if key[2] else ()
        return self._summed(key, members, hashes, is_counted=is_counted)

    def total(self, rows: Rows) -> list[DayCounts]:
        """Return the sum of all that were added, each call once, given the *rows* of all together."""
        logged = [
            (way.outcome, counts) for key, counts in rows.items() if not (way := self._ways[key[3]]).source
        ]
        members = logged + self._reported
        return [self._summed((EVERYTHING, 0, ""), members, self._callers, is_counted=True)] if members else []

    def _summed(
        self,
        key: tuple[int, int, str],
        members: Sequence[tuple[str, Counts]],
        hashes: set[int],
        *,
        is_counted: bool,
    ) -> DayCounts:
        did_id, number_id, source = key
        calls, redirected, seconds, waited, wait_seconds, first, last, _ = zip(
            *(counts for _, counts in members), strict=True
        )
        by_outcome = dict.fromkeys(OUTCOME_COUNTS, 0)
        for outcome, counts in members:
            by_outcome[outcome] += counts[0]
        return DayCounts(
            did_id,
            number_id,
            self._day,
            source,
            sum(calls),
            sum(redirected),
            **by_outcome,
            seconds=sum(seconds),
            waited=sum(waited),
            wait_seconds=sum(wait_seconds),
            first_at=min(first),
            last_at=max(last),
            is_counted=is_counted,
            callers=len(hashes),
            caller_hashes=callers.condensed(hashes),
        )


def _counted_as(did_id: int, number_id: int) -> tuple[int, int]:
    return (did_id, number_id if did_id == NO_DID else 0)


def in_parts(sizes: Iterable[tuple[int, int]], most: int) -> Iterator[tuple[int, int]]:
    """Yield ranges of ids, from the first to the last, of *sizes* (ids and their rows) that have *most* rows.

    One id alone may have more.
    """
    first = last = None
    rows = 0
    for one, size in sizes:
        if first is not None and last is not None and rows + size > most:
            yield first, last
            first, rows = None, 0
        first, last = (one if first is None else first), one
        rows += size
    if first is not None and last is not None:
        yield first, last
