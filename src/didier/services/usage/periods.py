"""Periods that reports are about: whole days until yesterday, as a rule."""

from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta, tzinfo

from didier.domain.usage.hours import HOUR, day_bounds, local, log_hour
from didier.storage.usage.rollups import SPANS, State
from didier.storage.usage.use import Stretch

NAMED = {"today": 0, "yesterday": 1, "7d": 7, "30d": 30, "90d": 90, "13m": 400}
"""Periods by name: how many days until yesterday they have; today has the hours so far."""

USUAL = "30d"

DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Period:
    """From *since* to before *until*, local times of *zone* on the hour; *before* is one as long before it.

    *begins* and *behind* are the same in seconds since 1970.
    """

    since: datetime
    until: datetime
    begins: int
    behind: int
    stretch: Stretch
    before: Stretch
    zone: tzinfo


@dataclass(frozen=True, slots=True)
class Calendar:
    """When it is, and how far calls are counted; *home* is the zone of the logs, *zone* that of who asks."""

    now: datetime  # local time of `zone`, as all here
    home: tzinfo
    zone: tzinfo
    state: State

    def named(self, name: str) -> Period:
        """Return one of `NAMED`: with days that are summed up, if there are such."""
        days, today = NAMED[name], self.now.date()
        if not days:
            return self.between(datetime.combine(today, time()), self.now + HOUR)
        closed = self._closed()
        behind = min(closed or today, today)
        found = self.between(*(datetime.combine(behind - timedelta(days=one), time()) for one in (days, 0)))
        is_summed = self.state.summed_until == self.state.closed_until and closed == behind and days in SPANS
        if not is_summed or self._is_elsewhere:
            return found
        return replace(
            found, stretch=replace(found.stretch, span=days), before=replace(found.before, span=days)
        )

    def days_and_today(self, days: int) -> Period:
        """Return the last *days* and what there is of today."""
        found = self.between(
            datetime.combine(self.now.date() - timedelta(days=days), time()), self.now + HOUR
        )
        closed = self._closed()
        is_summed = self.state.summed_until == self.state.closed_until and closed == self.now.date()
        if not is_summed or days not in SPANS:
            return found
        return replace(found, stretch=replace(found.stretch, span=days))

    def between(self, since: datetime, until: datetime) -> Period:
        """Return the period from one local time to before another; both are taken to the full hour.

        It begins with the day from which calls are known, at the earliest, and ends tomorrow, at the latest.
        """
        known = self.state.counted_from
        first = self._there(datetime.fromisoformat(known)).date() if known else self.now.date() - DAY
        earliest = datetime.combine(first, time())
        latest = datetime.combine(self.now.date() + DAY, time())
        since, until = (_on_the_hour(min(max(one, earliest), latest)) for one in (since, until))
        until = max(since, until)
        earlier = since - (until - since)
        return Period(
            since,
            until,
            self.moment(since),
            self.moment(until),
            self._stretch(since, until),
            self._stretch(earlier, since),
            self.zone,
        )

    def _there(self, logged: datetime) -> datetime:
        """Return the time, for who asks, of an hour of the logs."""
        return local(log_hour(logged, self.home).buckets[0], self.zone).replace(fold=0)

    @property
    def _is_elsewhere(self) -> bool:
        """Whether days of who asks may be others than those that are summed up."""
        return str(self.zone) != str(self.home)

    def _closed(self) -> date | None:
        """Return the first day that is not summed up."""
        return date.fromisoformat(self.state.closed_until) if self.state.closed_until else None

    def _stretch(self, since: datetime, until: datetime) -> Stretch:
        first = since.date() if since.time() == time() else since.date() + DAY
        closed = self._closed()
        behind = min(until.date(), closed) if closed else first
        if self._is_elsewhere or behind <= first:
            return Stretch(None, self._hours((since, until)))
        begins, ends = datetime.combine(first, time()), datetime.combine(behind, time())
        return Stretch((first, behind), self._hours((since, begins), (ends, until)))

    def _hours(self, *ranges: tuple[datetime, datetime]) -> tuple[tuple[int, int], ...]:
        return tuple((self.moment(since), self.moment(until)) for since, until in ranges if since < until)

    def moment(self, named: datetime) -> int:
        """Return when an hour of the clock began, in seconds since 1970."""
        if named.time() == time():
            return day_bounds(named.date(), self.zone)[0]
        return log_hour(named, self.zone).buckets[0]


def _on_the_hour(moment: datetime) -> datetime:
    return moment.replace(minute=0, second=0, microsecond=0, fold=0)


def calendar(now: float, home: tzinfo, zone: tzinfo | None, state: State) -> Calendar:
    """Return when *now*, in seconds since 1970, is for who asks: in the *home* of the logs, or a *zone*."""
    there = zone or home
    return Calendar(local(now, there).replace(fold=0), home, there, state)
