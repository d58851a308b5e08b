"""Hours of the week by the clocks of a time zone, and which hours before are compared with one.

An hour is the second of the epoch with which it begins. 09:00 on Monday is compared with 09:00 on Mondays,
before and after clocks change. What clocks pass over in spring is not there to be compared with; of what
they show twice in autumn the first counts.
"""

from datetime import datetime, timedelta, tzinfo

HOUR = 3600
WEEK = 7 * 24 * HOUR
WEEKS = 8
"""As many weeks before an hour are compared with it."""

RECENT = 24
"""As many hours before a moment are looked at together."""


class Hours:
    """The hours of the week in a *zone*; it remembers what it has looked up."""

    def __init__(self, zone: tzinfo) -> None:
        self._zone = zone
        self._of_week: dict[int, int] = {}
        self._before: dict[int, tuple[int, ...]] = {}

    def of_week(self, hour: int) -> int:
        """Return which of the 168 hours of the week an *hour* is."""
        found = self._of_week.get(hour)
        if found is None:
            local = datetime.fromtimestamp(hour, self._zone)
            found = self._of_week[hour] = local.weekday() * 24 + local.hour
        return found

    def before(self, hour: int) -> tuple[int, ...]:
        """Return the same hour of the week in each of the `WEEKS` before, the latest first."""
        found = self._before.get(hour)
        if found is None:
            wall = datetime.fromtimestamp(hour, self._zone).replace(tzinfo=None, fold=0)
            walls = (wall - timedelta(weeks=week) for week in range(1, WEEKS + 1))
            found = self._before[hour] = tuple(
                earlier for each in walls if (earlier := self._at(each)) is not None
            )
        return found

    def _at(self, wall: datetime) -> int | None:
        second = int(wall.replace(tzinfo=self._zone).timestamp())
        if datetime.fromtimestamp(second, self._zone).replace(tzinfo=None) != wall:
            return None
        return second - second % HOUR  # some clocks change by half an hour


class Look:
    """A look at what came before *end*, with which the last closed hour ended: the same for all subjects.

    *recent* are the `RECENT` hours before it, the latest first, each with those that are compared with it.
    """

    def __init__(self, hours: Hours, end: int) -> None:
        self.hours = hours
        self.end = end
        self.recent = tuple(
            (hour, hours.before(hour)) for hour in range(end - HOUR, end - (RECENT + 1) * HOUR, -HOUR)
        )
        self.earliest = min((each for _, before in self.recent for each in before), default=end)

    def since(self, first: int) -> tuple[tuple[int, tuple[int, ...]], ...]:
        """Return *recent* without hours before the *first* of which anything is known."""
        if first <= self.earliest:
            return self.recent
        return tuple((hour, tuple(each for each in before if each >= first)) for hour, before in self.recent)
