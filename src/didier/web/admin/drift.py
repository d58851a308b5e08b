"""``/reports/drift``: copies that differ from their source, to be set back, or kept as they are."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy.engine import Connection
from starlette.requests import Request
from starlette.responses import Response
from starlette_admin.routing import route

from didier.domain.fields import BY_COLUMN, ROUTES
from didier.errors import Refusal
from didier.services.reports import drift
from didier.services.reports.drift import DriftPage, DriftWanted
from didier.services.users.authentication import Caller
from didier.storage.dids.pages import Sort, place_kinds
from didier.web.admin.dids import PAGE, SORTS
from didier.web.admin.page import may
from didier.web.admin.reports import ReportPage
from didier.web.api import cursors
from didier.web.api.cursors import BadCursor, Place
from didier.web.api.schemas import SEARCH_MOST

FILTERS = ("source", "user_group", "route", "prefix", "tag")
"""The parameters that say which copies are listed."""


class DriftReport(ReportPage):
    """Copies with the fields in which they differ, page by page; its state is its address."""

    path = "/reports/drift"
    guide = "reports#lineage-and-drift"

    @route("")
    async def index(self, request: Request) -> Response:
        """Show some of the copies that differ."""
        given = {name: request.query_params.get(name, "").strip()[:SEARCH_MOST] or None for name in FILTERS}
        wanted = _wanted(request, given)
        sort = request.query_params.get("sort", "")
        sort = sort if sort in SORTS else "did_pattern"
        sorting = Sort(sort.removeprefix("-"), sort.startswith("-"))
        after = _after(request, sort, sorting)

        def read(conn: Connection, caller: Caller) -> DriftPage | Refusal:
            return drift.page(conn, caller, wanted, sorting, PAGE, after)

        found = await self.read(request, read)
        return self.render(
            request, "drift.html", "Drift", rows=found.dids, given=given, wanted=wanted, sort=sort,
            sorts=list(SORTS.items()), routes=ROUTES, labels=LABELS, is_first=after is None,
            following=cursors.write(sort, found.following) if found.following else None,
            looked_at=drift.LOOKED_AT_MOST, may_update=may(request, "update_did"),
        )  # fmt: skip


LABELS: Mapping[str, str] = {field.column: field.label for field in BY_COLUMN.values()}


def _wanted(request: Request, given: Mapping[str, Any]) -> DriftWanted:
    then = request.query_params.get("against") == "then"
    return DriftWanted("then" if then else "now", **given)


def _after(request: Request, sort: str, sorting: Sort) -> Place | None:
    """Return the place behind which the page begins; an old address begins at the first."""
    try:
        return cursors.read(request.query_params.get("after"), sort, place_kinds(sorting))
    except BadCursor:
        return None
