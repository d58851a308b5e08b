"""Opening hours: a schedule says of a moment whether it is open, and why not.

Hours are those of clocks on the wall in the schedule's time zone: 09:00 is 09:00 before and after clocks
change; what clocks pass over does not exist, and what they show twice counts twice.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from functools import cache
from types import MappingProxyType
from typing import Any
from zoneinfo import ZoneInfo, available_timezones

from didier import characters
from didier.domain import fields, public_holidays
from didier.domain.route_texts import Destination
from didier.errors import InvalidField

NAME = re.compile("[0-9A-Za-z_-]{1,50}")
NAME_RULE = "1 to 50 letters, digits, - and _"
DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
SPANS_MOST = 8
DATES_MOST = 200
DATE_NAME_MOST = 40
EARLIEST = 1970
"""The first year about which schedules can be asked; the last is that of holidays."""

SEARCHED_DAYS = 370
"""How far the next opening is looked for: a year, and some days of holidays."""

_DAY = 24 * 60
_SPAN = re.compile("([01]?[0-9]|2[0-3]):([0-5][0-9]) *- *(?:([01]?[0-9]|2[0-3]):([0-5][0-9])|24:00)")
_DATE = re.compile("(?:([0-9]{4})-)?([0-9]{2})-([0-9]{2})")
_LEAP_YEAR = 2000
_SPAN_RULE = "hours from and to, such as 09:00-17:30, 22:00-06:00 or 00:00-24:00"
_DATE_RULE = "a date, such as 2026-12-24, or 12-24 for that of every year"


@dataclass(frozen=True, slots=True)
class Span:
    """From the minute *start* of a day to *end*, which is on the next day if it is not behind it."""

    start: int
    end: int

    @classmethod
    def of(cls, written: str) -> "Span | None":
        """Return the span that is *written*, None if that is none."""
        found = _SPAN.fullmatch(written)
        if not found:
            return None
        start = int(found[1]) * 60 + int(found[2])
        end = _DAY if found[3] is None else int(found[3]) * 60 + int(found[4])
        return None if start == end else cls(start, end)

    def __str__(self) -> str:
        return f"{self.start // 60:02}:{self.start % 60:02}-{self.end // 60:02}:{self.end % 60:02}"

    def has(self, minute: int) -> bool:
        """Say whether *minute* of its day is in it."""
        return self.start <= minute and (minute < self.end or self.end < self.start)

    def reaches(self, minute: int) -> bool:
        """Say whether *minute* of the day behind its own is in it."""
        return minute < self.end < self.start


@dataclass(frozen=True, slots=True)
class OwnDate:
    """A date, of one year or of every year (``12-24``), with hours of its own; without any it is closed."""

    day: str
    spans: tuple[Span, ...] = ()
    name: str = ""

    def is_on(self, day: date) -> bool:
        """Say whether it is *day*."""
        return self.day in {day.isoformat(), f"{day:%m-%d}"}


@dataclass(frozen=True, slots=True)
class Schedule:
    """Opening hours by weekday (`DAYS`), holidays, dates of its own, and where calls go *outside* these."""

    name: str
    time_zone: str
    hours: Mapping[str, tuple[Span, ...]]
    outside: Destination
    country: str = ""
    subdivision: str = ""
    dates: tuple[OwnDate, ...] = ()
    zone: ZoneInfo = field(init=False, compare=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "zone", ZoneInfo(self.time_zone))


@dataclass(frozen=True, slots=True)
class Special:
    """A day that is not like others of its weekday: with its *name*, and its hours; none: it is closed."""

    day: date
    name: str
    spans: tuple[Span, ...]


@dataclass(frozen=True, slots=True)
class State:
    """Whether a schedule is open, and the *reason* in words."""

    is_open: bool
    reason: str


def may_be_asked(moment: datetime) -> bool:
    """Say whether schedules can be asked about *moment*: its neighbours are in the calendar of every zone."""
    return EARLIEST <= moment.year <= public_holidays.LATEST


def is_open(schedule: Schedule, moment: datetime) -> bool:
    """Say whether *schedule* is open at a *moment*, which has a time zone."""
    local = moment.astimezone(schedule.zone)
    minute = local.hour * 60 + local.minute
    today, yesterday = local.date(), local.date() - timedelta(days=1)
    return any(span.has(minute) for span in spans_of(schedule, today)) or any(
        span.reaches(minute) for span in spans_of(schedule, yesterday)
    )


def state(schedule: Schedule, moment: datetime) -> State:
    """Say whether *schedule* is open at a *moment*, and why."""
    found = special(schedule, moment.astimezone(schedule.zone).date())
    return State(is_open(schedule, moment), found.name if found else "by the hours of the week")


def spans_of(schedule: Schedule, day: date) -> tuple[Span, ...]:
    """Return the hours that begin on a *day*."""
    found = special(schedule, day)
    return found.spans if found else schedule.hours.get(DAYS[day.weekday()], ())


def special(schedule: Schedule, day: date) -> Special | None:
    """Return what is special about a *day*; a date of the schedule's own comes before a holiday."""
    own = [one for one in schedule.dates if one.is_on(day)]
    if own:
        one = max(own, key=lambda each: len(each.day))  # that of this year before that of every year
        return Special(day, one.name or one.day, one.spans)
    if schedule.country:
        name = public_holidays.of(schedule.country, schedule.subdivision, day.year).get(day)
        return Special(day, name, ()) if name else None
    return None


def upcoming(schedule: Schedule, day: date, count: int) -> list[Special]:
    """Return the *count* next days that are special, from *day* on; those of `SEARCHED_DAYS` at most."""
    found = filter(None, (special(schedule, each) for each in _days(day)))
    return [one for one, _ in zip(found, range(count), strict=False)]


def next_opening(schedule: Schedule, moment: datetime) -> datetime | None:
    """Return the first moment behind *moment* at which a closed *schedule* opens, if it does in a year."""
    begin = moment.astimezone(schedule.zone).date() - timedelta(days=1)
    for day in _days(begin):
        for opening in _openings(schedule, day):
            if opening > moment and is_open(schedule, opening):
                return opening.astimezone(schedule.zone)
    return None


def _days(first: date) -> Iterator[date]:
    for count in range(SEARCHED_DAYS):
        try:
            yield first + timedelta(days=count)
        except OverflowError:  # the calendar ends with the year 9999
            return


def _openings(schedule: Schedule, day: date) -> Iterable[datetime]:
    """Return moments in order, among which are all at which the hours of a *day* may open."""
    spans = spans_of(schedule, day)
    if not spans:
        return ()
    # Clocks may change within the hours of this day, which end on the next one at the latest.
    midnights = [datetime.combine(day, time(), schedule.zone) + timedelta(days=n) for n in range(3)]
    if len({midnight.utcoffset() for midnight in midnights}) == 1:
        return sorted(_at(schedule, day, span.start) for span in spans)
    first, last = (midnight.astimezone(UTC) for midnight in (midnights[0], midnights[2]))
    return (first + timedelta(minutes=n) for n in range(int((last - first).total_seconds()) // 60))


def _at(schedule: Schedule, day: date, minute: int) -> datetime:
    return datetime.combine(day, time(minute // 60, minute % 60), schedule.zone).astimezone(UTC)


def of(name: str, values: Mapping[str, Any]) -> Schedule:
    """Return the schedule *name* with *values* as JSON has them.

    Raises `InvalidField` for the first bad one, with its place.
    """
    if not NAME.fullmatch(name):
        raise InvalidField("name", name, NAME_RULE)
    country, subdivision = _holidays(values.get("country") or "", values.get("subdivision") or "")
    return Schedule(
        name,
        _time_zone(values.get("time_zone") or ""),
        _hours(values.get("hours") or {}),
        _outside(values.get("outside") or ""),
        country,
        subdivision,
        _dates(values.get("dates") or ()),
    )


def values_of(schedule: Schedule) -> dict[str, Any]:
    """Return what `of` makes the *schedule* of."""
    return {
        "time_zone": schedule.time_zone,
        "hours": {day: list(map(str, schedule.hours.get(day, ()))) for day in DAYS},
        "country": schedule.country,
        "subdivision": schedule.subdivision,
        "dates": [
            {"date": one.day, "name": one.name, "hours": list(map(str, one.spans))} for one in schedule.dates
        ],
        "outside": str(schedule.outside),
    }


@cache
def time_zones() -> frozenset[str]:
    """Return the names of all time zones."""
    return frozenset(available_timezones())


def _time_zone(name: str) -> str:
    if name not in time_zones():
        raise InvalidField("time_zone", name, "a time zone, such as America/New_York or Europe/Berlin")
    return name


def _hours(given: Mapping[str, Any]) -> Mapping[str, tuple[Span, ...]]:
    if unknown := [day for day in given if day not in DAYS]:
        raise InvalidField("hours", unknown[0], f"days: {', '.join(DAYS)}")
    return MappingProxyType({day: _spans(f"hours/{day}", given.get(day) or ()) for day in DAYS})


def _spans(place: str, given: Iterable[str]) -> tuple[Span, ...]:
    spans = []
    for written in given:
        span = Span.of(str(written))
        if span is None:
            raise InvalidField(place, str(written), _SPAN_RULE)
        spans.append(span)
    if len(spans) > SPANS_MOST:
        raise InvalidField(place, f"{len(spans)} spans", f"up to {SPANS_MOST} spans of hours a day")
    return tuple(sorted(spans, key=lambda span: span.start))


def _holidays(country: str, subdivision: str) -> tuple[str, str]:
    if not country:
        if subdivision:
            raise InvalidField("subdivision", subdivision, "nothing, where no country is set")
        return "", ""
    known = public_holidays.countries()
    if country not in known:
        raise InvalidField(
            "country", country, "the code of a country whose holidays are known, such as US or DE"
        )
    if subdivision and subdivision not in known[country]:
        listed = ", ".join(known[country]) or "nothing: it has none"
        raise InvalidField("subdivision", subdivision, f"one of {listed}")
    return country, subdivision


def _dates(given: Iterable[Mapping[str, Any]]) -> tuple[OwnDate, ...]:
    dates: list[OwnDate] = []
    for place, one in enumerate(given):
        day, name = str(one.get("date") or ""), str(one.get("name") or "")
        if not _is_date(day):
            raise InvalidField(f"dates/{place}/date", day, _DATE_RULE)
        if len(name) > DATE_NAME_MOST or characters.refused(name):
            raise InvalidField(
                f"dates/{place}/name",
                name,
                f"up to {DATE_NAME_MOST} characters, none of them control characters",
            )
        if any(day == other.day for other in dates):
            raise InvalidField(f"dates/{place}/date", day, "a date that does not stand there twice")
        dates.append(OwnDate(day, _spans(f"dates/{place}/hours", one.get("hours") or ()), name))
    if len(dates) > DATES_MOST:
        raise InvalidField("dates", f"{len(dates)} dates", f"up to {DATES_MOST} dates")
    return tuple(sorted(dates, key=lambda one: one.day))


def _is_date(written: str) -> bool:
    found = _DATE.fullmatch(written)
    if not found or not written.isascii():
        return False
    try:
        date(int(found[1] or _LEAP_YEAR), int(found[2]), int(found[3]))
    except ValueError:
        return False
    return True


def _outside(written: str) -> Destination:
    found = Destination.of(written)
    if found is None:
        raise InvalidField("outside", written, "a destination, such as VOICEMAIL:200 or EXTEN:8600@default")
    if refused := fields.destination(written):
        raise InvalidField("outside", written, refused)
    return found
