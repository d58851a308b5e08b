"""Counting calls by hour and day, as the logs of them grow.

A round counts the last hours anew: what came of a call is logged when it ends. A day is summed up once none
of its hours will be counted again, and then the last days are. A round that is interrupted is made up for by
the next one.
"""

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import replace
from datetime import date, datetime, time, timedelta, tzinfo
from functools import partial
from itertools import islice
from typing import Any, Protocol, TypeVar

from sqlalchemy.engine import Connection

from didier.domain.usage.hours import HOUR, LogHour, day_bounds, local, log_hour
from didier.services.usage.counting import BEFORE, DayCounter, HourCounter, SumKey, in_parts
from didier.storage.dids import dids
from didier.storage.dids.dids import Did
from didier.storage.usage import call_logs, rollups
from didier.storage.usage.rollups import EVERYTHING, DayCounts, HourKey, State, Way

OVERLAP = timedelta(hours=4)
"""For how long what is logged of a call may change."""

AT_ONCE = 200
"""Most rows that are stored in one step, while others wait."""

ROWS_AT_ONCE = 20_000
"""Most rows of hours that are in the memory at a time, as far as they are of different DIDs."""

IDS_AT_ONCE = 500
"""Of how many DIDs the last days are summed up in one statement."""

LATE_DAYS = 8
"""In how many days before the one that is summed up it is looked for calls that were logged late."""

CATCH_ALL = "default"
"""Pattern of the DID that VICIdial gives the calls to numbers which no DID has."""

SECOND = timedelta(seconds=1)

Outcome = TypeVar("Outcome")
Key = TypeVar("Key")


class Work(Protocol):
    """How a round reads and stores: each call may wait, so that others come first, or end the round."""

    def read_logs(self, work: Callable[[Connection], Outcome]) -> Outcome:
        """Return what *work* finds in the database with the logs, which may be a copy of the other one."""

    def read(self, work: Callable[[Connection], Outcome]) -> Outcome:
        """Return what *work* finds."""

    def store(self, work: Callable[[Connection], Outcome]) -> Outcome:
        """Carry out *work* in a transaction."""


class Counter:
    """Makes rounds; the times of logs are those of *zone*, and *months* are kept."""

    def __init__(self, work: Work, zone: tzinfo, months: int) -> None:
        self._work = work
        self._zone = zone
        self._months = months
        self._ways: dict[Way, int] = {}
        self._state = State()

    def round(self, now: float) -> None:
        """Count what was logged until *now*, in seconds since 1970."""
        if self._work.read(rollups.is_wanted_anew):
            self._work.store(rollups.begin_anew)
        self._state = self._work.read(rollups.state)
        there = local(now, self._zone)
        if (first := self._first(there)) is not None:
            self._reopen(first.date())
            hour = log_hour(first, self._zone)
            if (begins := hour.begins.isoformat()) < (self._state.counted_from or "9"):
                self._keep(replace(self._state, counted_from=begins))
            while hour.begins <= there:
                self._count(hour)
                self._counted(hour)
                hour = log_hour(hour.ends, self._zone)
        self._keep(replace(self._state, counted_until=_until(there), complete=True))
        self._close_days()
        self._count_late()
        self._sum_days()
        self._forget(there)

    def _keep(self, state: State) -> None:
        if state != self._state:
            self._work.store(lambda conn: rollups.keep_state(conn, state))
            self._state = state

    # From when on

    def _first(self, now: datetime) -> datetime | None:
        """Return the time from which on calls are to be counted; None without calls.

        A clock that was ahead and is no more has calls logged that are earlier than those before.
        """
        earliest = datetime.combine(_months_before(now.date(), self._months), time())
        if self._state.counted_until:
            return max(min(datetime.fromisoformat(self._state.counted_until), now) - OVERLAP, earliest)
        found = [self._work.read_logs(call_logs.oldest), self._work.read(self._oldest_report)]
        oldest = min((one for one in found if one), default=None)
        return max(oldest, earliest) if oldest else None

    def _oldest_report(self, conn: Connection) -> datetime | None:
        found = call_logs.oldest_report(conn)
        return local(found, self._zone) if found else None

    def _reopen(self, day: date) -> None:
        """Have days from *day* on summed up again, or for the first time."""
        closed = self._state.closed_until
        if closed is None or day.isoformat() < closed:
            summed = None if closed else self._state.summed_until
            self._keep(replace(self._state, closed_until=day.isoformat(), summed_until=summed))

    # Hours

    def _counted(self, hour: LogHour) -> None:
        """Say that an hour was counted, unless that was so before."""
        if not self._state.complete:
            self._keep(replace(self._state, counted_until=hour.ends.isoformat()))
            self._close_days()

    def _count(self, hour: LogHour) -> None:
        behind = log_hour(hour.ends, self._zone).buckets[0]
        first = hour.buckets[0]
        counter = HourCounter(hour, self._zone)
        for calls in self._logged(hour.begins - BEFORE, hour.ends):
            counter.add(calls)
        counter.add_reports(self._work.read(lambda conn: call_logs.reports_between(conn, first, behind)))
        number_ids = self._number_ids({number for _, did_id, number, _ in counter.sums if did_id >= 0})
        self._know_ways({way for *_, way in counter.sums})
        new = {self._key(key, number_ids): one.counts for key, one in counter.sums.items()}
        known = self._work.read(lambda conn: rollups.hours(conn, first, behind))
        self._put(rollups.put_hours, known, new)

    def _logged(self, begins: datetime, ends: datetime) -> Iterator[list[call_logs.LoggedCall]]:
        """Yield the logged calls of a range in pieces that are not too large for one statement."""
        whole = length = ends - begins
        while begins < ends:
            until = min(begins + length, ends)
            calls = self._work.read_logs(partial(call_logs.between, begins=begins, ends=until))
            if calls is None:
                length = max(timedelta(seconds=(until - begins) // SECOND // 2), SECOND)
                continue
            yield calls
            begins, length = until, min(length * 2, whole)

    def _key(self, key: SumKey, number_ids: Mapping[str, int]) -> HourKey:
        hour, did_id, number, way = key
        return hour, did_id, 0 if did_id == EVERYTHING else number_ids[number], self._ways[way]

    def _number_ids(self, numbers: Collection[str]) -> dict[str, int]:
        found: dict[str, int] = {}
        for some in _in_pieces(numbers, ROWS_AT_ONCE):
            found |= self._work.read(partial(rollups.number_ids, numbers=some))
        missing = set(numbers) - found.keys()
        for some in _in_pieces(sorted(missing), AT_ONCE):
            self._work.store(partial(rollups.add_numbers, numbers=some))
            found |= self._work.read(partial(rollups.number_ids, numbers=some))
        return found

    def _know_ways(self, wanted: Collection[Way]) -> None:
        if set(wanted) - self._ways.keys():
            self._ways = self._work.read(rollups.ways)
        if missing := set(wanted) - self._ways.keys():
            for some in _in_pieces(sorted(missing, key=str), AT_ONCE):
                self._work.store(partial(rollups.add_ways, new=some))
            self._ways = self._work.read(rollups.ways)

    def _put(self, put: Callable[..., None], known: Mapping[Key, Any], new: Mapping[Key, Any]) -> None:
        """Store what is different from what is *known*, in steps."""
        others = {key: value for key, value in new.items() if known.get(key) != value}
        keys = [*(key for key in known if key not in new), *others]
        for some in _in_pieces(keys, AT_ONCE):
            gone = [key for key in some if key in known]
            self._work.store(partial(put, gone=gone, new={key: others[key] for key in some if key in others}))

    # Days

    def _close_days(self) -> None:
        """Sum up the days of which all hours are counted for the last time."""
        counted, closed = self._state.counted_until, self._state.closed_until
        if counted is None or closed is None:
            return
        behind = (datetime.fromisoformat(counted) - OVERLAP).date()
        day = date.fromisoformat(closed)
        while day < behind:
            self._close(day)
            day += timedelta(days=1)
            self._keep(replace(self._state, closed_until=day.isoformat()))

    def _close(self, day: date) -> None:
        bounds = day_bounds(day, self._zone)
        sizes = self._work.read(lambda conn: rollups.rows_by_did(conn, *bounds))
        self._ways = self._work.read(rollups.ways)
        counter = DayCounter(day, {way_id: way for way, way_id in self._ways.items()})
        parts = in_parts(((one, size) for one, size in sizes if one != EVERYTHING), ROWS_AT_ONCE)
        after = EVERYTHING
        for _, last in parts:
            rows = self._work.read(
                partial(rollups.hours, first=bounds[0], behind=bounds[1], did_ids=(after + 1, last))
            )
            self._put_day(day, after + 1, last, counter.add(rows))
            after = last
        self._put_day(day, after + 1, _LAST_ID, [])
        total = self._work.read(
            partial(rollups.hours, first=bounds[0], behind=bounds[1], did_ids=(EVERYTHING, EVERYTHING))
        )
        self._put_day(day, EVERYTHING, EVERYTHING, counter.total(total))

    def _put_day(self, day: date, first: int, last: int, new: Collection[DayCounts]) -> None:
        known = self._work.read(partial(rollups.days, day=day, first=first, last=last))
        self._put(rollups.put_days, {one.key: one for one in known}, {one.key: one for one in new})

    def _count_late(self) -> None:
        """Count days again that have more calls in the logs than were counted; once a day."""
        if self._state.closed_until in (None, self._state.summed_until):
            return
        closed = date.fromisoformat(str(self._state.closed_until))
        for days in range(1, LATE_DAYS + 1):
            day = closed - timedelta(days=days)
            if self._is_late(day):
                for hour in self._hours_of(day):
                    self._count(hour)
                self._close(day)

    def _is_late(self, day: date) -> bool:
        """Say whether there are more calls of a day than were counted."""
        hours = [datetime.combine(day, time()) + number * HOUR for number in range(24)]
        counts = [
            self._work.read_logs(partial(call_logs.count, begins=begins, ends=begins + HOUR))
            for begins in hours
        ]
        begins, behind = day_bounds(day, self._zone)
        reports = self._work.read(partial(call_logs.count_reports, begins=begins, behind=behind))
        return sum(counts) + reports > self._work.read(partial(rollups.calls_of, day=day))

    def _hours_of(self, day: date) -> Iterator[LogHour]:
        hour = log_hour(datetime.combine(day, time()), self._zone)
        while hour.begins.date() <= day:
            yield hour
            hour = log_hour(hour.ends, self._zone)

    # Several days

    def _sum_days(self) -> None:
        closed = self._state.closed_until
        if closed is None or closed == self._state.summed_until:
            return
        today = date.fromisoformat(closed)
        by_number = [did.did_id for did in self._work.read(catching_all)]
        for part in self._work.read(partial(rollups.parts, size=IDS_AT_ONCE)):
            new = self._work.read(partial(rollups.sums, part=part, today=today, by_number=by_number))
            self._put(rollups.put_recent, self._work.read(partial(rollups.recent, part=part)), new)
        self._keep(replace(self._state, summed_until=closed))

    # What is too old

    def _forget(self, now: datetime) -> None:
        """Delete what is too old: by the newest calls, so that a clock that is ahead does no harm."""
        newest = self._work.read(rollups.newest_hour)
        if newest is None:
            return
        before = _months_before(min(local(newest, self._zone), now).date(), self._months)
        begins, _ = day_bounds(before, self._zone)
        while self._work.store(partial(rollups.forget_hours, before=begins, most=AT_ONCE)):
            pass
        while self._work.store(partial(rollups.forget_days, before=before, most=AT_ONCE)):
            pass


_LAST_ID = (1 << 31) - 1


def _until(now: datetime) -> str:
    """Return the end of the hour that it is."""
    return (now.replace(minute=0, second=0, microsecond=0, fold=0) + HOUR).isoformat()


def _months_before(day: date, months: int) -> date:
    """Return the first day of the month so many months ago."""
    number = day.year * 12 + day.month - 1 - months
    return date(number // 12, number % 12 + 1, 1)


def catching_all(conn: Connection) -> list[Did]:
    """Return the DID that VICIdial gives the calls to numbers which no DID has, if there is one."""
    found = dids.find(conn, [CATCH_ALL]).get(CATCH_ALL)
    return [found] if found else []


def _in_pieces(items: Collection[Key], most: int) -> Iterator[list[Key]]:
    remaining = iter(items)
    while piece := list(islice(remaining, most)):
        yield piece
