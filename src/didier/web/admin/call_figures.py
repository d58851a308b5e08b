"""How pages say what was counted of calls: in words and numbers, over time, and by hour of the week."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo
from typing import Self

from sqlalchemy.engine import Connection

from didier.domain.usage.callers import CallerCount
from didier.domain.usage.hours import HOUR, local
from didier.errors import NotPermitted
from didier.services.usage import use
from didier.services.usage.use import Bucket, Question, Series, Setting, Used, UsedDid
from didier.services.users.authentication import Caller
from didier.storage.usage.rollups import State
from didier.storage.usage.use import Measured
from didier.web.admin.page import address, field_text

NONE = "\N{EN DASH}"
WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")

WEEK = timedelta(days=7)
"""The shortest period of which the hours of a week are shown."""

LEVELS = 5
"""How many shades the hours of a week with calls have."""

FEW = 10
"""Of fewer calls before, a share would say more than there is: the trend is their number."""


@dataclass(frozen=True, slots=True)
class CallFigures:
    """Calls, as a row of a table has them; *first* and *last* are local times."""

    calls: int
    answered: int
    missed: int
    share: str
    minutes: int
    wait: str
    first: datetime | None
    last: datetime | None

    @classmethod
    def of(cls, measured: Measured, zone: tzinfo) -> Self:
        """Return what was counted as it is said."""
        share, wait = measured.answered_share, measured.average_wait
        first, last = (
            None if at is None else local(at, zone) for at in (measured.first_at, measured.last_at)
        )
        return cls(
            calls=measured.calls,
            answered=measured.answered,
            missed=measured.missed,
            share=NONE if share is None else f"{share:.0%}",
            minutes=round(measured.seconds / 60),
            wait=NONE if wait is None else f"{wait:,.0f} s",
            first=first,
            last=last,
        )


def trend(calls: int, before: int | None) -> str:
    """Say how many calls there were beside those in the period *before*; None: it is not known."""
    if before is None:
        return NONE
    if not before:
        return "new" if calls else NONE
    if calls == before:
        return "as before"
    way, difference = ("up", calls - before) if calls > before else ("down", before - calls)
    return f"{way} {difference / before:,.0%}" if before >= FEW else f"{way} by {difference:,}"


def trend_of(one: UsedDid, page: Used) -> str:
    """Say the same of a DID in a report."""
    return trend(one.use.measured.calls, one.calls_before if page.knows_before else None)


def said_callers(count: CallerCount) -> str:
    """Return how many callers there were, with a sign where that is an estimate."""
    return f"{count.count:,}" if count.is_exact else f"≈ {count.count:,}"


@dataclass(frozen=True, slots=True)
class Mark:
    """A day or an hour in a chart: what it is called, what was counted, and where it leads."""

    label: str
    figures: Measured
    address: str


@dataclass(frozen=True, slots=True)
class Week:
    """The calls of each hour of the week, those of a weekday in a row, with a shade from 0 to `LEVELS`."""

    days: Sequence[tuple[str, Sequence[tuple[int, int]]]]

    @classmethod
    def of(cls, buckets: Sequence[Bucket]) -> Self:
        """Return the hours of a week, which are given from Monday on."""
        calls = [bucket.measured.calls for bucket in buckets]
        most = max(calls, default=0)
        shaded = [(count, -(-count * LEVELS // most) if most else 0) for count in calls]
        return cls([(day, shaded[24 * place : 24 * place + 24]) for place, day in enumerate(WEEKDAYS)])

    @property
    def is_empty(self) -> bool:
        """Whether there were no calls at all."""
        return not any(count for _, hours in self.days for count, _ in hours)


LeadsTo = Callable[[datetime, datetime], str]
"""Returns the address of the calls from one time to before another."""


@dataclass(frozen=True, slots=True)
class OverTime:
    """Calls day by day, or hour by hour; *week* is None for a period that is shorter."""

    marks: Sequence[Mark]
    by_hour: bool
    week: Week | None


def over_time(
    conn: Connection,
    caller: Caller,
    question: Question,
    setting: Setting,
    leads_to: LeadsTo,
    *,
    by_hour: bool = False,
) -> OverTime | NotPermitted:
    """Return what charts show of the calls to the DIDs that are wanted."""
    series = use.series(conn, caller, question, setting, use.HOUR_OF_DAY if by_hour else use.DAY)
    if isinstance(series, NotPermitted):
        return series
    marks = marks_of(series, leads_to, by_hour=by_hour)
    if series.period.until - series.period.since < WEEK:
        return OverTime(marks, by_hour, None)
    week = use.series(conn, caller, question, setting, use.DOW)
    return week if isinstance(week, NotPermitted) else OverTime(marks, by_hour, Week.of(week.buckets))


def marks_of(series: Series, leads_to: LeadsTo, *, by_hour: bool = False) -> list[Mark]:
    """Return days, or hours, as a chart shows them."""
    length, written = (HOUR, "%Y-%m-%d %H:%M") if by_hour else (timedelta(days=1), "%Y-%m-%d")
    return [
        Mark(f"{one.begins:{written}}", one.measured, leads_to(one.begins, one.begins + length))
        for one in series.buckets
    ]


def of_all(since: datetime, until: datetime) -> str:
    """Return the address of all calls from one time to before another."""
    return address("reports", "use", since=field_text(since), until=field_text(until))


@dataclass(frozen=True, slots=True)
class Counting:
    """How far calls are counted: local times, None for nothing yet.

    *is_behind*: nothing of the hour that it is has been counted.
    """

    since: str | None
    until: str | None
    is_behind: bool
    is_complete: bool

    @classmethod
    def of(cls, state: State, setting: Setting) -> Self:
        """Return how far it is as a page says it."""
        until = state.counted_until
        now = local(setting.now, setting.home).isoformat()
        return cls(state.counted_from, until, until is not None and until <= now, state.complete)
