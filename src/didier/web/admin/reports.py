"""``/reports``: what all reports of the panel have in common, and the way to the first of them."""

from typing import Any

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette_admin.routing import route

from didier.web.admin.cookies import PREFIX
from didier.web.admin.page import PanelPage
from didier.web.api.operations import Permission

TABS: tuple[tuple[str, str], ...] = (
    ("/reports/use", "Use"),
    ("/reports/idle", "Idle"),
    ("/reports/unknown", "Called without a DID"),
    ("/reports/duplicates", "Duplicates"),
    ("/reports/drift", "Drift"),
)
"""The reports in the order of their tabs: the path of each, and what it is called."""


class ReportPage(PanelPage):
    """One of the reports: it stands below ``/reports``, and in `TABS` instead of the menu."""

    add_to_menu = False
    permission = Permission("did_log_export", "reports")

    def render(self, request: Request, template: str, title: str, **context: Any) -> Response:
        """Return the page that *template* makes of *context*, with the tabs of all reports."""
        return super().render(request, template, title, tabs=TABS, **context)


class ReportsPage(PanelPage):
    """The place of all reports in the menu; it leads to the first."""

    path = "/reports"
    menu_label = "Reports"
    icon = "fa-solid fa-chart-line"
    guide = "reports"
    permission = ReportPage.permission

    @route("")
    async def index(self, _: Request) -> Response:
        """Lead on."""
        return RedirectResponse(PREFIX + TABS[0][0], 303)
