"""The four figures at the head of the dashboard, each with its course and the way to what it counts."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo

from sqlalchemy.engine import Connection

from didier.errors import NotPermitted
from didier.services.dids.lookup import Wanted
from didier.services.usage import dashboard, use
from didier.services.usage.use import Question, Setting, Today
from didier.services.users.authentication import Caller
from didier.web.admin.call_figures import WEEKDAYS
from didier.web.admin.page import address

IDLE_DAYS = 30


@dataclass(frozen=True, slots=True)
class Span:
    """The time that figures are about; *home* is the zone of the logs."""

    now: datetime
    days: int
    home: tzinfo

    @property
    def since(self) -> datetime:
        """When it begins."""
        return self.now - timedelta(days=self.days)

    @property
    def setting(self) -> Setting:
        """Where and when calls are asked for."""
        return Setting(self.home, self.now.timestamp())

    @property
    def period(self) -> str:
        """Its name: as many days, until yesterday."""
        return f"{self.days}d"

    @property
    def calls(self) -> Question:
        """The question for all calls of these days."""
        return Question(Wanted(), self.period)


@dataclass(frozen=True, slots=True)
class Tile:
    """A figure with a note, where it leads, and its course: *points* of what *course* names."""

    figure: int
    note: str
    address: str
    course: str = ""
    points: Sequence[tuple[str, int]] = ()


def active(conn: Connection, caller: Caller, span: Span) -> list[Tile] | NotPermitted:
    """Count the active DIDs, and how many were created by copies on each day."""
    routes = dashboard.dids_by_route(conn, caller)
    copies = dashboard.copies_by_day(conn, caller, span.now.date(), span.days)
    if isinstance(routes, NotPermitted):
        return routes
    if isinstance(copies, NotPermitted):
        return copies
    copied = sum(day.copies for day in copies)
    note = f"{copied:,} created by copies in the last {span.days} days"
    points = [(f"{day.day}", day.copies) for day in copies]
    figure = sum(route.active for route in routes)
    return [Tile(figure, note, address("dids", active="Y"), "DIDs created by copies per day", points)]


def calls_today(conn: Connection, caller: Caller, span: Span) -> list[Tile] | NotPermitted:
    """Count the calls of today, beside what is usual."""
    found = use.today(conn, caller, span.setting)
    if isinstance(found, NotPermitted):
        return found
    points = [(f"{hour.begins:%H:%M}", hour.measured.calls) for hour in found.hours]
    leads = address("reports", "use", period="today")
    return [Tile(found.calls, usual(found), leads, "Calls per hour of today", points)]


def usual(today: Today) -> str:
    """Say what is usual until the last full hour."""
    day = WEEKDAYS[today.hours[0].begins.weekday()] if today.hours else "day"
    if today.usual is None:
        return f"no {day} before, or no full hour yet, to compare with"
    days = f"last {day}" if today.weeks == 1 else f"on average on the last {today.weeks} {day}s"
    return f"{today.by_then:,} until {today.until:%H:%M}; {today.usual:,.0f} by then {days}"


def idle(conn: Connection, caller: Caller, span: Span) -> list[Tile] | NotPermitted:
    """Count the active DIDs without calls."""
    found = use.idle_total(conn, caller, Wanted(), span.setting, IDLE_DAYS, 1)
    if isinstance(found, NotPermitted):
        return found
    note = f"active, and not called since {found.period.since:%Y-%m-%d}"
    return [Tile(found.count, note, address("reports", "idle", days=IDLE_DAYS))]


def unknown(conn: Connection, caller: Caller, span: Span) -> list[Tile] | NotPermitted:
    """Count the numbers that were called and that no DID has."""
    found = use.unknown_total(conn, caller, span.calls, span.setting)
    if isinstance(found, NotPermitted):
        return found
    note = f"{found.calls:,} call{'' if found.calls == 1 else 's'} in the last {span.days} days"
    points = [(f"{day}", calls) for day, calls in found.days]
    leads = address("reports", "unknown", period=span.period)
    return [Tile(found.numbers, note, leads, "Calls to these numbers per day", points)]
