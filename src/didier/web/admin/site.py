"""The pages put together by starlette-admin: menu, templates, static files."""

import secrets
from datetime import datetime
from http import HTTPStatus
from importlib import metadata
from itertools import groupby
from pathlib import Path
from typing import Any

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import PlainTextResponse, RedirectResponse, Response
from starlette.types import ASGIApp
from starlette_admin.base import BaseAdmin
from starlette_admin.routing import route

from didier import __version__
from didier.errors import NotPermitted, Unavailable
from didier.web.admin.batches import BatchesPage
from didier.web.admin.bulk import BulkPage
from didier.web.admin.checks import ChecksPage
from didier.web.admin.choices import Choices
from didier.web.admin.console import Console
from didier.web.admin.cookies import FIELD, PREFIX, THEME, token_of
from didier.web.admin.copying import CopyPage
from didier.web.admin.dashboard import Dashboard
from didier.web.admin.destinations import FORMS, LISTS
from didier.web.admin.did import DidPage
from didier.web.admin.dids import DidsPage
from didier.web.admin.drift import DriftReport
from didier.web.admin.duplicates import DuplicatesPage
from didier.web.admin.gateways import GatewayPage, GatewaysPage
from didier.web.admin.live import LivePage
from didier.web.admin.logs import ApiLog, ChangeLog
from didier.web.admin.page import Desk, PanelPage, address, changed, may
from didier.web.admin.profile import ProfilePage
from didier.web.admin.reports import ReportsPage
from didier.web.admin.schedules import SchedulePage, SchedulesPage
from didier.web.admin.usage_reports import IdleReport, UnknownReport, UseReport
from didier.web.admin.users import UserPage, UsersPage
from didier.web.admin.webhooks import WebhookPage, WebhooksPage
from didier.web.api.operations import Permission

_HERE = Path(__file__).parent

THEMES = ("light", "dark")
_NOT_FOUND = HTTPException(404)


class Start(PanelPage):
    """``/admin`` leads to the first page that the user may see."""

    path = "/"
    add_to_menu = False
    permission = Permission("start", None, checked=False)

    @route("")
    async def index(self, request: Request) -> Response:
        """Lead on."""
        views = self._admin._views if self._admin else []
        menu = [view for view in views if isinstance(view, PanelPage) and view.add_to_menu]
        seen = [view for view in menu if view.is_accessible(request)]
        return RedirectResponse(PREFIX + seen[0].path, 303) if seen else self._nothing(request)

    def is_accessible(self, _: Request) -> bool:
        """Let everybody in: users without rights see a page that says so."""
        return True

    def _nothing(self, request: Request) -> Response:
        return self.render(request, "nothing.html", "No access", missing=self.refusal(request))


PAGES: tuple[type[PanelPage], ...] = (
    Dashboard, LivePage, DidsPage, ChecksPage, ReportsPage, CopyPage, BatchesPage, *LISTS, SchedulesPage,
    GatewaysPage, UsersPage, ApiLog, ChangeLog, Console, WebhooksPage, DidPage, BulkPage, UserPage,
    ProfilePage, Choices, *FORMS, SchedulePage, GatewayPage, WebhookPage, UseReport, IdleReport,
    UnknownReport, DuplicatesPage, DriftReport,
)  # fmt: skip
"""The pages in the order of the menu."""


class Site(BaseAdmin):
    """The panel behind its guard: it answers GET alone, and knows who is signed in."""

    def __init__(self, desk: Desk) -> None:
        super().__init__(
            title="Didier",
            base_url=PREFIX,
            templates_dir=str(_HERE / "templates"),
            static_dir=str(_HERE / "static"),
            index_view=Start(desk),
            secret_key=secrets.token_hex(),  # asked for, and not used: nothing is signed
            timezone_config=None,
        )
        self.templates.env.globals.update(self._globals())
        for page in PAGES:
            self.add_view(page(desk))
        self.application = self._application()

    def _init_csrf(self) -> None:
        """Leave starlette-admin's own token out: `guard` asks for one that belongs to the session."""

    def _init_flash(self) -> None:
        """Leave starlette-admin's flash messages out: they would need a secret that all nodes share."""

    async def _render_error(self, request: Request, exc: Exception = _NOT_FOUND) -> Response:
        """Show an error page; starlette-admin's own asks for flash messages."""
        status = exc.status_code if isinstance(exc, HTTPException) else 500
        if not hasattr(request.state, "secret"):  # a file for everybody that is not there
            return PlainTextResponse(f"{HTTPStatus(status).phrase}\n", status)
        context = {"title": "Error", "exc": exc}
        return self.templates.TemplateResponse(request, "error.html", context, status)

    def _application(self) -> ASGIApp:
        app = Starlette()
        self.mount_to(app)
        self.app.add_exception_handler(Unavailable, self._unavailable)
        self.app.add_exception_handler(Exception, self._failed)
        return app

    async def _unavailable(self, request: Request, error: Exception) -> Response:
        return self.failed(request, 503, f"{error}.")

    async def _failed(self, request: Request, _: Exception) -> Response:
        return self.failed(request, 500, "The server failed. The reason is in its log.")

    def failed(self, request: Request, status: int, text: str) -> Response:
        """Return the page that says that something went wrong here."""
        context = {"title": "Temporarily unavailable", "text": text}
        return self.templates.TemplateResponse(request, "failed.html", context, status)

    def _globals(self) -> dict[str, Any]:
        return {
            "version": f"{__version__}-{metadata.version('starlette-admin')}",
            "address": address,
            "changed": changed,
            "csrf_field": FIELD,
            "csrf_token": lambda request: token_of(request.state.secret),
            "theme": _theme,
            "menu": self._menu,
            "may": may,
            "missing": self._missing,
            "exact": _exact,
            "zone": _zone,
        }

    def _menu(self, request: Request) -> list[tuple[str, list[PanelPage]]]:
        """Return the pages in the menu by heading; those without one stand under the empty one."""
        views = [view for view in self._views if isinstance(view, PanelPage) and view.add_to_menu]
        signed_in = hasattr(request.state, "caller")
        seen = [view for view in views if view.is_accessible(request)] if signed_in else []
        return [(part, list(pages)) for part, pages in groupby(seen, key=lambda view: view.menu_part)]

    def _missing(self, request: Request) -> NotPermitted | None:
        """Return why the page that is asked for is not shown."""
        for view in self._views:
            if isinstance(view, PanelPage) and view.is_active(request):
                return view.refusal(request)
        return None


def _exact(moment: str | datetime) -> str:
    """Return a time with its zone; one without is the server's own."""
    try:
        found = moment if isinstance(moment, datetime) else datetime.fromisoformat(moment)
    except ValueError:
        return str(moment)
    here = found.astimezone()
    return f"{here:%Y-%m-%d %H:%M:%S} {_distance(here)}"


def _zone() -> str:
    """Return the server's time zone as it is now."""
    return _distance(datetime.now().astimezone())


def _distance(moment: datetime) -> str:
    offset = f"{moment:%z}"
    return "UTC" if offset == "+0000" else f"UTC{offset[:3]}:{offset[3:5]}"


def _theme(request: Request) -> str:
    chosen = request.cookies.get(THEME, "")
    return chosen if chosen in THEMES else ""
