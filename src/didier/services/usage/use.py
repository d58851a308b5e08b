"""How numbers are used, as far as callers may see it: reports of calls that were counted. They only read."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta, tzinfo

from sqlalchemy.engine import Connection

from didier.domain.usage import callers
from didier.domain.usage.callers import CallerCount
from didier.domain.usage.hours import HOUR, local
from didier.domain.users import missing_rights
from didier.errors import NotPermitted
from didier.services.dids import lookup
from didier.services.dids.lookup import Wanted
from didier.services.usage.periods import Period, calendar
from didier.services.usage.rounds import catching_all
from didier.services.users.authentication import Caller
from didier.storage.dids.filters import Filter
from didier.storage.usage import rollups, use
from didier.storage.usage.rollups import NO_DID, State
from didier.storage.usage.use import DidUse, IdleDid, Measured, UnknownNumber

ACTION = "did_log_export"
"""What who asks must be allowed: VICIdial's own report of calls to DIDs."""

SORTS = tuple(use.SORTS)

Place = tuple[int, int]
"""Where in a list the next page begins."""


@dataclass(frozen=True, slots=True)
class Question:
    """What a report is asked: of the DIDs that are *wanted*, in a *period*.

    That is one of `periods.NAMED`, or from one local time to another. *zone* is that of hours and days, None
    for that of the logs; *source* is who has reported calls, empty for VICIdial's logs, None for both.
    """

    wanted: Wanted
    period: str | tuple[datetime, datetime]
    zone: tzinfo | None = None
    source: str | None = None


@dataclass(frozen=True, slots=True)
class Setting:
    """Where and when is asked: the zone of the logs, and the time, in seconds since 1970."""

    home: tzinfo
    now: float


@dataclass(frozen=True, slots=True)
class UsedDid:
    """A DID with calls: *number* is its pattern, or for one that is gone as what it was called last."""

    use: DidUse
    number: str
    calls_before: int
    callers: CallerCount


@dataclass(frozen=True, slots=True)
class Used:
    """A page of DIDs with calls; *following* is where the next page begins, None behind the last."""

    period: Period
    state: State
    dids: Sequence[UsedDid]
    following: Place | None

    @property
    def knows_before(self) -> bool:
        """Whether all calls of the period before are counted: else there seem to be more and more."""
        begins = self.period.since - (self.period.until - self.period.since)
        return begins.isoformat() >= (self.state.counted_from or "9")


def used(
    conn: Connection,
    caller: Caller,
    question: Question,
    setting: Setting,
    sort: str,
    limit: int,
    after: Place | None = None,
) -> Used | NotPermitted:
    """Return *limit* of the DIDs with calls, those that have the most of *sort* first.

    DIDs that are there no longer are seen by who sees all, where all are wanted.
    """
    if missing := missing_rights(caller.user, ACTION):
        return missing
    period, state = _period(conn, question, setting)
    wanted = _filter(conn, caller, question.wanted)
    rows = use.of_dids(conn, period.stretch, question.source, wanted, sort, limit + 1, after)
    following = (rows[limit - 1].place, rows[limit - 1].did_id) if len(rows) > limit else None
    rows = rows[:limit]
    ids = [row.did_id for row in rows]
    earlier = use.before(conn, period.before, question.source, ids)
    kept = use.callers(conn, period.stretch, ids)
    gone = use.numbers_of(conn, [row.did_id for row in rows if row.pattern is None])
    shown = [
        UsedDid(
            row,
            row.pattern or gone.get(row.did_id, ""),
            earlier.get(row.did_id, 0),
            callers.count(kept[row.did_id]),
        )
        for row in rows
    ]
    return Used(period, state, shown, following)


def _period(conn: Connection, question: Question, setting: Setting) -> tuple[Period, State]:
    state = rollups.state(conn)
    known = calendar(setting.now, setting.home, question.zone, state)
    if isinstance(question.period, str):
        return known.named(question.period), state
    return known.between(*question.period), state


def _filter(conn: Connection, caller: Caller, wanted: Wanted) -> Filter | None:
    """Return how storage knows the DIDs that are wanted; None for all, also those that are gone."""
    sees_all = caller.user.visible_groups() is None and caller.pattern_prefix is None
    return None if sees_all and wanted == Wanted() else lookup.filter_of(conn, caller, wanted)


# Not used ------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Idle:
    """A page of active DIDs with few calls; `known_since` of the state says from when on calls are known."""

    period: Period
    state: State
    dids: Sequence[IdleDid]
    following: Place | None


def idle(
    conn: Connection,
    caller: Caller,
    wanted: Wanted,
    setting: Setting,
    days: int,
    fewer_than: int,
    limit: int,
    after: Place | None = None,
) -> Idle | NotPermitted:
    """Return *limit* of the active DIDs with *fewer_than* so many calls in the last *days*, and today.

    Those that were made since are left out.
    """
    if missing := missing_rights(caller.user, ACTION):
        return missing
    period, state = _last_days(conn, setting, days)
    made_before = use.first_made(conn, period.since)
    chosen = lookup.filter_of(conn, caller, wanted)
    rows = use.idle(conn, period.stretch, chosen, fewer_than, made_before, limit + 1, after)
    following = (rows[limit - 1].last_at or 0, rows[limit - 1].did_id) if len(rows) > limit else None
    return Idle(period, state, rows[:limit], following)


@dataclass(frozen=True, slots=True)
class IdleTotal:
    """How many DIDs have few calls in a period."""

    count: int
    period: Period


def idle_total(
    conn: Connection, caller: Caller, wanted: Wanted, setting: Setting, days: int, fewer_than: int
) -> IdleTotal | NotPermitted:
    """Return how many DIDs `idle` lists in all."""
    if missing := missing_rights(caller.user, ACTION):
        return missing
    period, _ = _last_days(conn, setting, days)
    chosen, made_before = lookup.filter_of(conn, caller, wanted), use.first_made(conn, period.since)
    return IdleTotal(use.idle_total(conn, period.stretch, chosen, fewer_than, made_before), period)


def _last_days(conn: Connection, setting: Setting, days: int) -> tuple[Period, State]:
    """Return the last *days*, and today so far."""
    state = rollups.state(conn)
    return calendar(setting.now, setting.home, None, state).days_and_today(days), state


# Without a DID -------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class CalledNumber:
    """A number that was called and that no DID has."""

    found: UnknownNumber
    callers: CallerCount


@dataclass(frozen=True, slots=True)
class CalledNumbers:
    """A page of such numbers."""

    period: Period
    state: State
    numbers: Sequence[CalledNumber]
    following: Place | None


def unknown(
    conn: Connection,
    caller: Caller,
    question: Question,
    setting: Setting,
    sort: str,
    limit: int,
    after: Place | None = None,
) -> CalledNumbers | NotPermitted:
    """Return *limit* of the numbers that were called, and that no DID has, the most of *sort* first.

    Calls that VICIdial gave to the DID `default` are seen by who sees that; others by who sees everything.
    """
    if missing := missing_rights(caller.user, ACTION):
        return missing
    period, state = _period(conn, question, setting)
    catching, prefix = _catching(conn, caller), caller.pattern_prefix
    found = use.unknown(conn, period.stretch, catching, prefix, sort, limit + 1, after)
    following = None
    if len(found) > limit:
        following = (found[limit - 1].place, found[limit - 1].number_id)
    found = found[:limit]
    kept = use.callers_of_numbers(conn, period.stretch, [one.number_id for one in found], catching)
    numbers = [CalledNumber(one, callers.count(kept[one.number_id])) for one in found]
    return CalledNumbers(period, state, numbers, following)


def _catching(conn: Connection, caller: Caller) -> list[int]:
    """Return the ids of what takes calls to numbers without a DID, as far as the caller sees it."""
    catching = [did.did_id for did in catching_all(conn) if caller.user.sees(did.group)]
    return [*catching, NO_DID] if caller.user.visible_groups() is None else catching


@dataclass(frozen=True, slots=True)
class UnknownTotal:
    """How many such numbers there are, the calls to them, and those of each day that is summed up."""

    numbers: int
    calls: int
    days: Sequence[tuple[date, int]]


def unknown_total(
    conn: Connection, caller: Caller, question: Question, setting: Setting
) -> UnknownTotal | NotPermitted:
    """Return how many numbers `unknown` lists in all, and the calls to them by day."""
    if missing := missing_rights(caller.user, ACTION):
        return missing
    period, _ = _period(conn, question, setting)
    catching, prefix = _catching(conn, caller), caller.pattern_prefix
    numbers, calls = use.unknown_total(conn, period.stretch, catching, prefix)
    if (days := period.stretch.days) is None:
        return UnknownTotal(numbers, calls, ())
    found = use.unknown_by_day(conn, days, catching, prefix)
    named = map(date.fromordinal, range(*(day.toordinal() for day in days)))
    return UnknownTotal(numbers, calls, [(day, found.get(day, 0)) for day in named])


# Over time -----------------------------------------------------------------------------------------

DAY, HOUR_OF_DAY, DOW = "day", "hour", "dow"
UNITS = (DAY, HOUR_OF_DAY, DOW)
"""By what calls are told over time: days, hours, or hours of the week."""

HOURS_MOST = 45 * 24
"""Most hours that are told one by one."""


@dataclass(frozen=True, slots=True)
class Bucket:
    """Calls of a day, of an hour, or of the same hour of all weeks; *begins* is local."""

    begins: datetime
    measured: Measured
    weekday: int | None = None  # 0 is Monday
    hour: int | None = None


@dataclass(frozen=True, slots=True)
class Series:
    """Calls over time."""

    period: Period
    state: State
    buckets: Sequence[Bucket]


def series(
    conn: Connection, caller: Caller, question: Question, setting: Setting, by: str
) -> Series | NotPermitted:
    """Return the calls to the DIDs that are wanted over time, without a gap."""
    if missing := missing_rights(caller.user, ACTION):
        return missing
    period, state = _period(conn, question, setting)
    wanted = _filter(conn, caller, question.wanted)
    read = {DAY: _days, HOUR_OF_DAY: _hours, DOW: _week}[by]
    return Series(period, state, read(conn, period, question.source, wanted))


NOTHING = Measured(**dict.fromkeys(use.MEASURES, 0), first_at=None, last_at=None)


def added(one: Measured, other: Measured) -> Measured:
    """Return both together."""
    sums = {name: getattr(one, name) + getattr(other, name) for name in use.MEASURES}
    first = [at for at in (one.first_at, other.first_at) if at is not None]
    last = [at for at in (one.last_at, other.last_at) if at is not None]
    return Measured(**sums, first_at=min(first, default=None), last_at=max(last, default=None))


def _days(conn: Connection, period: Period, source: str | None, wanted: Filter | None) -> list[Bucket]:
    stretch = period.stretch
    found = use.by_day(conn, stretch.days, source, wanted) if stretch.days else {}
    for bounds in stretch.hours:
        for hour, measured in use.by_hour(conn, bounds, source, wanted).items():
            day = local(hour, period.zone).date()
            found[day] = added(found.get(day, NOTHING), measured)
    days = range(period.since.toordinal(), _last_day(period).toordinal() + 1)
    return [
        Bucket(datetime.combine(day, time()), found.get(day, NOTHING)) for day in map(date.fromordinal, days)
    ]


def _last_day(period: Period) -> datetime:
    return max(period.until - HOUR, period.since)


def _hours(conn: Connection, period: Period, source: str | None, wanted: Filter | None) -> list[Bucket]:
    first = max(period.begins, period.behind - HOURS_MOST * 3600)
    found = use.by_hour(conn, (first, period.behind), source, wanted)
    hours = sorted({*found, *range(first, period.behind, 3600)})
    return [Bucket(local(hour, period.zone), found.get(hour, NOTHING)) for hour in hours]


def _week(conn: Connection, period: Period, source: str | None, wanted: Filter | None) -> list[Bucket]:
    found: dict[tuple[int, int], Measured] = {}
    for hour, measured in use.by_hour(conn, (period.begins, period.behind), source, wanted).items():
        at = local(hour, period.zone)
        key = at.weekday(), at.hour
        found[key] = added(found.get(key, NOTHING), measured)
    return [
        Bucket(period.since, found.get((weekday, hour), NOTHING), weekday, hour)
        for weekday in range(7)
        for hour in range(24)
    ]


# Today ---------------------------------------------------------------------------------------------

WEEKS = 4
"""On how many days before, of the same weekday, it is looked what is usual."""


@dataclass(frozen=True, slots=True)
class Today:
    """The calls of today, and what is usual.

    *by_then* are those until the last full hour that is counted, which ends at *until*; *usual* is the
    average of those until then on the same weekday of as many *weeks* as are known, None where none is.
    """

    hours: Sequence[Bucket]
    calls: int
    until: datetime
    by_then: int
    usual: float | None
    weeks: int


def today(conn: Connection, caller: Caller, setting: Setting) -> Today | NotPermitted:
    """Return the calls of today to the DIDs that the caller sees, beside those of other weeks."""
    if missing := missing_rights(caller.user, ACTION):
        return missing
    state = rollups.state(conn)
    known = calendar(setting.now, setting.home, None, state)
    wanted = _filter(conn, caller, Wanted())
    midnight = datetime.combine(known.now.date(), time())
    hours = _hours(conn, known.named("today"), None, wanted)
    until = max(midnight, _last_full_hour(known.now, state))
    earlier = [
        _calls(conn, known.between(midnight - week, until - week), wanted)
        for week in (timedelta(weeks=number) for number in range(1, WEEKS + 1))
        if state.counted_from and midnight - week >= datetime.fromisoformat(state.counted_from)
    ]
    has_usual = earlier and until > midnight
    return Today(
        hours=hours,
        calls=sum(hour.measured.calls for hour in hours),
        until=until,
        by_then=sum(hour.measured.calls for hour in hours if hour.begins < until),
        usual=sum(earlier) / len(earlier) if has_usual else None,
        weeks=len(earlier) if has_usual else 0,
    )


def _last_full_hour(now: datetime, state: State) -> datetime:
    """Return the end of the last hour that was over when it was counted."""
    if state.counted_until is None:
        return datetime.min
    return min(
        datetime.fromisoformat(state.counted_until) - HOUR, now.replace(minute=0, second=0, microsecond=0)
    )


def _calls(conn: Connection, period: Period, wanted: Filter | None) -> int:
    found = use.by_hour(conn, (period.begins, period.behind), None, wanted)
    return sum(measured.calls for measured in found.values())


# Who has reported calls ----------------------------------------------------------------------------


def sources(conn: Connection, caller: Caller) -> list[str]:
    """Return who has reported calls, to those who see all users and groups."""
    sees_all = caller.user.visible_groups() is None and caller.pattern_prefix is None
    return use.sources(conn) if sees_all else []
