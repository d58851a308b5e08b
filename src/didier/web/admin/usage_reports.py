"""``/reports/use``, ``/idle`` and ``/unknown``: DIDs that are called or not, and what none has."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Self

from sqlalchemy.engine import Connection
from starlette.requests import Request
from starlette.responses import Response
from starlette_admin.routing import route

from didier.domain.fields import ROUTES
from didier.domain.usage.hours import local
from didier.errors import Refusal
from didier.services.dids.lookup import Wanted
from didier.services.usage import periods, use
from didier.services.usage.use import Place, Question, Setting, Used, UsedDid
from didier.services.users.authentication import Caller
from didier.web.admin import call_figures
from didier.web.admin.call_figures import CallFigures, Counting, said_callers, trend_of
from didier.web.admin.dids import PAGE, rights_over_chosen
from didier.web.admin.page import address, field_text, may, moment_of
from didier.web.admin.reports import ReportPage
from didier.web.api import cursors
from didier.web.api.cursors import BadCursor
from didier.web.api.schemas import SEARCH_MOST
from didier.web.api.usage import DAYS_MOST, PLACE, setting_of

FILTERS = ("search", "route", "user_group", "tag", "did")
"""The parameters that say of which DIDs a report is; `did` is one alone."""

PERIODS = {
    "today": "Today", "yesterday": "Yesterday", "7d": "7 days", "30d": "30 days", "90d": "90 days",
    "13m": "13 months",
}  # fmt: skip

LOGGED = "vicidial"
"""The source that stands for what VICIdial has logged, as in the JSON API."""

SOURCE_MOST = 50
IDLE_DAYS = 30
FEWER_MOST = 1_000_000

BY_HOUR = timedelta(days=2)
"""The longest period whose hours are shown instead of days."""


def _filters(request: Request) -> dict[str, str | None]:
    return {name: request.query_params.get(name, "").strip()[:SEARCH_MOST] or None for name in FILTERS}


def wanted_of(given: Mapping[str, str | None]) -> Wanted:
    """Return the DIDs that a report is of."""
    did = given.get("did")
    others = {name: value for name, value in given.items() if name != "did"}
    return Wanted(**others, dids=[did] if did else None)


def _after(request: Request, order: str) -> Place | None:
    """Return the place behind which the page begins; an old address begins at the first."""
    try:
        found = cursors.read(request.query_params.get("after"), order, PLACE)
    except BadCursor:
        return None
    return (int(found[0]), int(found[1])) if found else None


def _cursor(order: str, following: Place | None) -> str | None:
    return cursors.write(order, [*following]) if following else None


@dataclass(frozen=True, slots=True)
class Asked:
    """What the address of a report asks for: a period by its *name*, or from one time to another."""

    name: str
    since: datetime | None
    until: datetime | None
    sort: str

    @classmethod
    def of(cls, request: Request) -> Self:
        """Return what is asked; what is odd is not."""
        since, until = moment_of(request, "since"), moment_of(request, "until")
        name, sort = (request.query_params.get(name, "") for name in ("period", "sort"))
        usual = "" if since or until else periods.USUAL
        return cls(
            name if usual and name in PERIODS else usual, since, until, sort if sort in use.SORTS else "calls"
        )

    @property
    def period(self) -> str | tuple[datetime, datetime]:
        """The period, as the services know it."""
        return self.name or (self.since or datetime.min, self.until or datetime.max)

    @property
    def is_short(self) -> bool:
        """Whether hours are shown instead of days."""
        if isinstance(self.period, str):
            return timedelta(days=periods.NAMED[self.period]) <= BY_HOUR
        since, until = self.period
        return until - since <= BY_HOUR

    @property
    def query(self) -> dict[str, str | None]:
        """The period for an address."""
        if self.name:
            return {"period": self.name}
        return {"since": field_text(self.since) or None, "until": field_text(self.until) or None}


class UseReport(ReportPage):
    """How much DIDs are called."""

    path = "/reports/use"
    guide = "usage#use"

    @route("")
    async def index(self, request: Request) -> Response:
        """Show the calls over time, by hour of the week, and by DID."""
        asked, given, source = Asked.of(request), _filters(request), _source(request)
        filters = {**given, "source": source}
        setting = setting_of(self.desk.context)
        question = Question(wanted_of(given), asked.period, source="" if source == LOGGED else source)
        order = f"usage {asked.sort}"
        after = _after(request, order)

        def leads_to(since: datetime, until: datetime) -> str:
            times = {"since": field_text(since), "until": field_text(until)}
            return address("reports", "use", **times, **filters)

        def read(conn: Connection, caller: Caller) -> dict[str, Any] | Refusal:
            used = use.used(conn, caller, question, setting, asked.sort, PAGE, after)
            over_time = call_figures.over_time(
                conn, caller, question, setting, leads_to, by_hour=asked.is_short
            )
            if isinstance(used, Refusal):
                return used
            if isinstance(over_time, Refusal):
                return over_time
            return {"used": used, "over_time": over_time, "sources": use.sources(conn, caller)}

        found = await self.read(request, read)
        used = found["used"]
        return self.render(
            request, "use_report.html", "Use", rows=[_used(one, used, setting) for one in used.dids],
            period=used.period, counting=Counting.of(used.state, setting), over_time=found["over_time"],
            sources=[LOGGED, *found["sources"]] if found["sources"] else [], asked=asked, wanted=filters,
            periods=PERIODS, routes=ROUTES, filtered=any(filters.values()),
            is_first=after is None, following=_cursor(order, used.following), nonce=request.state.nonce,
            export=address("api", "v1", "usage", format="csv", sort=asked.sort, **asked.query, **filters),
        )  # fmt: skip


def _source(request: Request) -> str | None:
    return request.query_params.get("source", "").strip()[:SOURCE_MOST] or None


def _used(one: UsedDid, page: Used, setting: Setting) -> dict[str, Any]:
    return {
        "did": one.use, "number": one.number, "callers": said_callers(one.callers),
        "trend": trend_of(one, page), "figures": CallFigures.of(one.use.measured, setting.home),
    }  # fmt: skip


class IdleReport(ReportPage):
    """Active DIDs that nobody calls, or few do."""

    path = "/reports/idle"
    guide = "usage#idle"

    @route("")
    async def index(self, request: Request) -> Response:
        """Show those that were called least in the last days, to be chosen and deactivated."""
        given = _filters(request)
        days = _number(request, "days", IDLE_DAYS, DAYS_MOST)
        fewer_than = _number(request, "fewer_than", 1, FEWER_MOST)
        after = _after(request, "idle")
        setting = setting_of(self.desk.context)
        wanted = wanted_of(given)

        def read(conn: Connection, caller: Caller) -> dict[str, Any] | Refusal:
            found = use.idle(conn, caller, wanted, setting, days, fewer_than, PAGE, after)
            if isinstance(found, Refusal):
                return found
            total = use.idle_total(conn, caller, wanted, setting, days, fewer_than)
            return total if isinstance(total, Refusal) else {"found": found, "total": total}

        read_ = await self.read(request, read)
        found = read_["found"]
        rows = [
            {"did": one, "days": _days_since(one.last_at, setting), "last": _local(one.last_at, setting)}
            for one in found.dids
        ]
        return self.render(
            request, "idle_report.html", "Idle DIDs", rows=rows, total=read_["total"].count,
            since=found.period.since, days=days,
            fewer_than=fewer_than, wanted=given, routes=ROUTES, is_first=after is None,
            following=_cursor("idle", found.following), filtered=any(given.values()), days_most=DAYS_MOST,
            fewer_most=FEWER_MOST, may_deactivate=rights_over_chosen(request)["may_update"],
            counting=Counting.of(found.state, setting),
            export=address(
                "api", "v1", "reports", "idle", format="csv", days=days, fewer_than=fewer_than, **given
            ),
        )  # fmt: skip


def _number(request: Request, name: str, usual: int, most: int) -> int:
    given = request.query_params.get(name, "")
    return min(max(int(given), 1), most) if given.isdecimal() and len(given) <= len(str(most)) else usual


def _days_since(last_at: int | None, setting: Setting) -> int | None:
    return None if last_at is None else max(0, int(setting.now - last_at) // 86_400)


def _local(moment: int | None, setting: Setting) -> datetime | None:
    return None if moment is None else local(moment, setting.home)


class UnknownReport(ReportPage):
    """Numbers that were called and that no DID has."""

    path = "/reports/unknown"
    guide = "usage#without-a-did"

    @route("")
    async def index(self, request: Request) -> Response:
        """Show them, to be chosen and provisioned."""
        asked = Asked.of(request)
        order = f"unknown {asked.sort}"
        after = _after(request, order)
        setting = setting_of(self.desk.context)
        question = Question(Wanted(), asked.period)

        def read(conn: Connection, caller: Caller) -> use.CalledNumbers | Refusal:
            return use.unknown(conn, caller, question, setting, asked.sort, PAGE, after)

        found = await self.read(request, read)
        rows = [
            {
                "number": one.found.number, "callers": said_callers(one.callers),
                "since": _local(one.found.first_at, setting),
                "figures": CallFigures.of(one.found.measured, setting.home),
            }
            for one in found.numbers
        ]  # fmt: skip
        return self.render(
            request, "unknown_report.html", "Called without a DID", rows=rows, asked=asked, periods=PERIODS,
            following=_cursor(order, found.following), is_first=after is None, period=found.period,
            may_copy=may(request, "copy_did"), may_explain=may(request, "did_info"),
            counting=Counting.of(found.state, setting),
            export=address("api", "v1", "reports", "unknown", format="csv", sort=asked.sort, **asked.query),
        )  # fmt: skip
