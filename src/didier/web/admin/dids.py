"""``/dids``: the list of DIDs, and a form for a new one."""

from dataclasses import asdict
from typing import Any

from sqlalchemy.engine import Connection
from starlette.requests import Request
from starlette.responses import Response
from starlette_admin.routing import route

from didier.domain.fields import ROUTES
from didier.domain.routes import destination
from didier.errors import Refusal
from didier.services.dids import lookup
from didier.services.dids.lookup import Wanted
from didier.services.users.authentication import Caller
from didier.storage.dids import pages
from didier.storage.dids.pages import Row, Sort, place_kinds
from didier.web.admin import forms
from didier.web.admin.cookies import PREFIX
from didier.web.admin.page import PanelPage, address, may
from didier.web.api import cursors
from didier.web.api.cursors import BadCursor
from didier.web.api.operations import Permission
from didier.web.api.schemas import SEARCH_MOST

PAGE = 50

FILTERS = ("search", "route", "active", "user_group", "group_id", "carrier", "copied_from")
"""The parameters that say which DIDs are listed."""

SORTS = {
    "-did_pattern": "number, descending",
    "-did_id": "newest first",
    "did_id": "oldest first",
    "did_description": "description",
    "-did_description": "description, descending",
}
"""The orders beside that by number, and what they are called."""


class DidsPage(PanelPage):
    """The list, page by page; its state is its address."""

    path = "/dids"
    menu_label = "DIDs"
    icon = "fa-solid fa-phone"
    permission = Permission("list_dids", "dids:read")

    def is_active(self, request: Request) -> bool:
        """Say whether the request is for the list, or for a DID in it."""
        return super().is_active(request) or request.scope["path"].startswith(f"{PREFIX}/did/")

    @route("")
    async def index(self, request: Request) -> Response:
        """Show the DIDs that are wanted."""
        wanted = _wanted(request)
        sort = _sort(request)
        sorting = Sort(sort.removeprefix("-"), sort.startswith("-"))
        after = _after(request, sort, sorting)

        only = _only_number(request, wanted)
        region = self.desk.context.region

        def read(conn: Connection, caller: Caller) -> dict[str, Any] | Refusal:
            named = lookup.named(conn, caller, only, region) if only else []
            if isinstance(named, Refusal):
                return named
            if named:
                return {"rows": [_row(row) for row in named], "following": None, "is_number": True}
            found = lookup.page(conn, caller, wanted, sorting, PAGE, after)
            if isinstance(found, Refusal):
                return found
            following = cursors.write(sort, found.following) if found.following else None
            return {"rows": [_row(row) for row in found.rows], "following": following}

        found = await self.read(request, read)
        return self.render(
            request, "dids.html", "DIDs", **found, wanted=asdict(wanted), search=wanted.search, sort=sort,
            sorts=list(SORTS.items()), routes=ROUTES,
            export=address("api", "v1", "exports", "dids.csv", **asdict(wanted)),
            narrowed=sort in SORTS or any(v for name, v in asdict(wanted).items() if name != "search"),
            is_first=after is None, filtered=any(asdict(wanted).values()),
            may_copy=may(request, "copy_did"),
            may_add=may(request, "add_did"),
        )  # fmt: skip

    @route("/new")
    async def new(self, request: Request) -> Response:
        """Show the form for a DID that is copied from none."""
        self.demand(request, "add_did")
        there = await self.read(request, lambda conn, _: pages.settable(conn))
        values = {"did_active": "Y", "did_route": ROUTES[0], "did_pattern": request.query_params.get("did")}
        return self.render(
            request, "did_form.html", "New DID", pattern="", row=values,
            groups=forms.inputs(values, there), sentence="", etag="",
        )  # fmt: skip


def _wanted(request: Request) -> Wanted:
    given = {name: request.query_params.get(name, "").strip()[:SEARCH_MOST] or None for name in FILTERS}
    return Wanted(**given)


def _only_number(request: Request, wanted: Wanted) -> str | None:
    """Return the text that is searched for if that is all that is asked, and nothing within numbers."""
    alone = not any(value for name, value in asdict(wanted).items() if name != "search")
    within = {"within", "after", "sort"} & request.query_params.keys()
    return wanted.search if alone and not within else None


def _sort(request: Request) -> str:
    given = request.query_params.get("sort", "")
    return given if given in SORTS else "did_pattern"


def _after(request: Request, sort: str, sorting: Sort) -> list[str | int] | None:
    """Return the place behind which the page begins; an old address begins at the first."""
    try:
        return cursors.read(request.query_params.get("after"), sort, place_kinds(sorting))
    except BadCursor:
        return None


def _row(row: Row) -> dict[str, Any]:
    return {**row, "destination": destination(row)}
