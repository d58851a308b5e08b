"""Hours of the clock by which calls are logged.

VICIdial logs local times without a zone. Where the clock is set back an hour comes twice, and where it is set
forward one does not come at all: each hour that there was has a bucket of its own, named by the moment at
which it began, in seconds since 1970.
"""

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta, tzinfo

HOUR = timedelta(hours=1)

NEAR_SECONDS = 30 * 60
"""How far what a call's id says may be from when it was logged, to tell which of two hours it was."""


@dataclass(frozen=True, slots=True)
class LogHour:
    """An hour as logs name it: local times from *begins* to before *ends*, and its *buckets*, mostly one.

    Two where the clock is set back. Where it is set forward, times that there were not are part of the hour
    that came instead: a server in another zone may log them.
    """

    begins: datetime
    ends: datetime
    buckets: tuple[int, ...]

    def bucket(self, logged: datetime, hint: float | None) -> int:
        """Return the bucket of a call *logged* at a time; *hint* is when it began in seconds since 1970."""
        first, *others = self.buckets
        if not others or hint is None:
            return first
        last = self.ends - HOUR
        offset = (logged - last).total_seconds()
        nearest = min(self.buckets, key=lambda bucket: abs(bucket + offset - hint))
        return nearest if abs(nearest + offset - hint) <= NEAR_SECONDS else first


def log_hour(moment: datetime, zone: tzinfo) -> LogHour:
    """Return the hour that a local time belongs to."""
    named = moment.replace(minute=0, second=0, microsecond=0, tzinfo=None, fold=0)
    named = _came_instead(named, zone)
    begins = named
    while _came_instead(begins - HOUR, zone) == named:
        begins -= HOUR
    buckets = dict.fromkeys(int(named.replace(tzinfo=zone, fold=fold).timestamp()) for fold in (0, 1))
    return LogHour(begins, named + HOUR, tuple(buckets))


def _came_instead(named: datetime, zone: tzinfo) -> datetime:
    """Return the hour that there was in the place of one that the clock leaves out; else the hour itself."""
    there = local(named.replace(tzinfo=zone).timestamp(), zone)
    return there.replace(minute=0, second=0, microsecond=0, fold=0)


def local(moment: float, zone: tzinfo) -> datetime:
    """Return the local time of a moment in seconds since 1970, without a zone; its ``fold`` counts."""
    return datetime.fromtimestamp(moment, zone).replace(tzinfo=None)


def day_bounds(day: date, zone: tzinfo) -> tuple[int, int]:
    """Return when a day began, and the next one, in seconds since 1970."""
    first, behind = (datetime.combine(one, time(), zone) for one in (day, day + timedelta(days=1)))
    return int(first.timestamp()), int(behind.timestamp())


def bucket_of(moment: int, zone: tzinfo) -> int:
    """Return the bucket of a moment, in seconds since 1970."""
    there = datetime.fromtimestamp(moment, zone)
    return int(there.replace(minute=0, second=0, microsecond=0).timestamp())
