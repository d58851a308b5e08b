"""``/dashboard``: four figures, then DIDs, copies, refusals and calls. Each part is loaded separately."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy.engine import Connection
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette_admin.routing import route

from didier.errors import NotPermitted
from didier.services.changes import edges, webhooks
from didier.services.dids.lookup import Wanted
from didier.services.usage import dashboard, use
from didier.services.users.authentication import Caller
from didier.web.admin import call_figures, cookies, headline
from didier.web.admin.call_figures import CallFigures
from didier.web.admin.headline import Span
from didier.web.admin.page import Desk, PanelPage, caller_of, may, refused
from didier.web.api.operations import Permission
from didier.web.result_cache import ResultCache

DAYS = (7, 30, 90)
SHOWN = 10
"""Most rows of a list."""

Rows = Sequence[Any] | NotPermitted


@dataclass(frozen=True, slots=True)
class DashboardPart:
    """A part of the page: its name and title, what the user must be allowed to call, and what counts it."""

    name: str
    title: str
    action: str
    count: Callable[[Connection, Caller, Span], Rows]
    template: str = "dashboard_part.html"


@dataclass(frozen=True, slots=True)
class Counted:
    """The rows of a part, and when they were counted."""

    rows: Rows
    at: datetime


def _calls(conn: Connection, caller: Caller, span: Span) -> Rows:
    found = use.series(conn, caller, span.calls, span.setting, use.DAY)
    if isinstance(found, NotPermitted):
        return found
    days = call_figures.marks_of(found, call_figures.of_all)
    return days if any(day.figures.calls for day in days) else []


def _called(conn: Connection, caller: Caller, span: Span) -> Rows:
    found = use.used(conn, caller, span.calls, span.setting, "calls", SHOWN)
    if isinstance(found, NotPermitted):
        return found
    return [(one, CallFigures.of(one.use.measured, span.home)) for one in found.dids]


def _uncalled(conn: Connection, caller: Caller, span: Span) -> Rows:
    found = use.idle(conn, caller, Wanted(), span.setting, span.days, 1, SHOWN + 1)
    return found if isinstance(found, NotPermitted) else found.dids


def _strangers(conn: Connection, caller: Caller, span: Span) -> Rows:
    found = use.unknown(conn, caller, span.calls, span.setting, "calls", SHOWN)
    if isinstance(found, NotPermitted):
        return found
    return [(one.found.number, CallFigures.of(one.found.measured, span.home)) for one in found.numbers]


TILES: tuple[DashboardPart, ...] = tuple(
    DashboardPart(name, title, action, count, "dashboard_tile.html")
    for name, title, action, count in (
        ("active", "Active DIDs", "list_dids", headline.active),
        ("today", "Calls today", use.ACTION, headline.calls_today),
        ("idle", "Idle DIDs", use.ACTION, headline.idle),
        ("unknown", "Numbers called without a DID", use.ACTION, headline.unknown),
    )
)
"""The figures at the head."""

PARTS: tuple[DashboardPart, ...] = (
    DashboardPart("routes", "DIDs by route", "list_dids", lambda c, who, _: dashboard.dids_by_route(c, who)),
    DashboardPart(
        "nowhere", "Active DIDs that lead nowhere", "list_dids",
        lambda c, who, _: dashboard.dead_ends(c, who, SHOWN),
    ),
    DashboardPart(
        "copies", "Copies per day", "list_dids",
        lambda c, who, span: dashboard.copies_by_day(c, who, span.now.date(), span.days),
    ),
    DashboardPart(
        "refusals", "Refused requests by reason", "api_log",
        lambda c, who, span: dashboard.refusals(c, who, span.since, SHOWN),
    ),
    DashboardPart("calls", "Calls per day", use.ACTION, _calls),
    DashboardPart("called", "Most called DIDs", use.ACTION, _called),
    DashboardPart("strangers", "Calls to numbers without a DID", use.ACTION, _strangers),
    DashboardPart("uncalled", "Active DIDs without calls", use.ACTION, _uncalled),
)  # fmt: skip
BY_NAME = {part.name: part for part in (*TILES, *PARTS)}


class Dashboard(PanelPage):
    """The first page; its script fetches the parts."""

    path = "/dashboard"
    guide = "panel#dashboard"
    menu_label = "Dashboard"
    icon = "fa-solid fa-chart-simple"
    permission = Permission("list_dids", "dids:read")

    def __init__(self, desk: Desk) -> None:
        super().__init__(desk)
        self._kept: ResultCache[Counted] = ResultCache()

    def refusal(self, request: Request) -> NotPermitted | None:
        """Name what the user lacks, if no part is for them."""
        return None if _shown(request, PARTS) else super().refusal(request)

    @route("")
    async def index(self, request: Request) -> Response:
        """Show the frame, the caller's edges that are in trouble, and webhooks to those who manage them."""
        troubled = await self.read(
            request, lambda conn, caller: edges.in_trouble(conn, caller, datetime.now())
        )
        disabled = await self.read(request, webhooks.disabled) if may(request, webhooks.ACTION) else ()
        days = _days(request, request.cookies.get(cookies.DAYS, ""))
        page = self.render(
            request, "dashboard.html", "Dashboard", tiles=_shown(request, TILES),
            parts=_shown(request, PARTS), days=days, spans=DAYS, nonce=request.state.nonce,
            disabled=disabled, troubled=troubled,
        )  # fmt: skip
        if "days" in request.query_params:
            page.headers.append("set-cookie", cookies.remembered(request, cookies.DAYS, str(days)))
        return page

    @route("/{name}")
    async def part(self, request: Request) -> Response:
        """Return a part, for the page's script to put into its place."""
        part = BY_NAME.get(request.path_params["name"])
        if part is None:
            raise HTTPException(404, "There is no such part.")
        self.demand(request, part.action)
        caller, days = caller_of(request), _days(request)

        async def count() -> Counted:
            span = Span(datetime.now().replace(microsecond=0), days, self.desk.context.zone)
            rows = await self.desk.context.on_reader(lambda conn: part.count(conn, caller, span))
            return Counted(rows, span.now)

        counted = await self._kept.get((part.name, days, _sight(caller)), count)
        if isinstance(counted.rows, NotPermitted):
            raise refused(counted.rows)
        return self.render(
            request, part.template, part.title, part=part, rows=counted.rows, at=counted.at,
            days=days, shown=SHOWN, may_copy=may(request, "copy_did"), may_add=may(request, "add_did"),
            may_log=may(request, "api_log"),
            since=(counted.at - timedelta(days)).isoformat(timespec="minutes"),
        )  # fmt: skip


def _shown(request: Request, parts: Sequence[DashboardPart]) -> list[DashboardPart]:
    return [part for part in parts if may(request, part.action)]


def _days(request: Request, kept: str = "") -> int:
    """Return how many days are wanted: by the address, or as they were *kept* from before."""
    given = request.query_params.get("days", kept)
    return int(given) if given in map(str, DAYS) else DAYS[0]


def _sight(caller: Caller) -> tuple[Any, ...]:
    """Return what makes two callers see the same figures."""
    user = caller.user
    return user.visible_groups(), user.sees_users_of(None), user.level, user.view_reports, user.modify_dids
