"""``/dids``: the list of DIDs, and a form for a new one."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from sqlalchemy.engine import Connection
from starlette.requests import Request
from starlette.responses import Response
from starlette_admin.routing import route

from didier.domain.checks import ANY, KINDS
from didier.domain.fields import ROUTES
from didier.domain.routes import destination
from didier.errors import Refusal
from didier.services.dids import lookup, nowhere
from didier.services.dids.lookup import FoundDids, Total, Wanted
from didier.services.users.authentication import Caller
from didier.storage.dids import pages
from didier.storage.dids.pages import Row, Sort, place_kinds
from didier.web.admin import forms, list_choices
from didier.web.admin.cookies import PREFIX
from didier.web.admin.page import PanelPage, address, may
from didier.web.api import cursors
from didier.web.api.cursors import BadCursor
from didier.web.api.operations import Permission
from didier.web.api.schemas import SEARCH_MOST

PAGE = 50

FILTERS = {
    "search": "number or description", "route": "route", "active": "active", "locked": "locked",
    "destination": "calls go to", "tag": "tag", "user_group": "Admin User Group",
    "group_id": "in-group", "carrier": "carrier", "copied_from": "copied from",
    "leads_nowhere": "leads nowhere", "check": "check",
}  # fmt: skip
"""The parameters that say which DIDs are listed, and what they are called."""

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
    guide = "panel#find"
    permission = Permission("list_dids", "dids:read")

    def is_active(self, request: Request) -> bool:
        """Say whether the request is for the list, or for a DID in it."""
        path = request.scope["path"]
        return super().is_active(request) or path.startswith((f"{PREFIX}/did/", f"{PREFIX}/bulk"))

    @route("")
    async def index(self, request: Request) -> Response:
        """Show the DIDs that are wanted."""
        given = filters_of(request)
        only_these = request.query_params.getlist("did")[:PAGE]
        wanted = Wanted(**given, contexts=self.desk.context.dialplan_contexts, dids=only_these or None)
        sort = _sort(request)
        sorting = Sort(sort.removeprefix("-"), sort.startswith("-"))
        after = _after(request, sort, sorting)

        only = _only_number(request, wanted)
        region = self.desk.context.region

        def read(conn: Connection, caller: Caller) -> dict[str, Any] | Refusal:
            chosen = list_choices.read(conn, caller, (*FILTERS, "sort"))
            found = listed(conn, caller)
            return found if isinstance(found, Refusal) else {**chosen, **found}

        def listed(conn: Connection, caller: Caller) -> dict[str, Any] | Refusal:
            named = lookup.named(conn, caller, only, region) if only else []
            if isinstance(named, Refusal):
                return named
            if named:
                rows = _rows(conn, named)
                total = Total(len(rows), is_exact=True)
                return {"rows": rows, "following": None, "is_number": True, "total": total}
            found = lookup.page(conn, caller, wanted, sorting, PAGE, after)
            if isinstance(found, Refusal):
                return found
            counted = _total(conn, caller, wanted, found, request.query_params.get("total") == "exact", after)
            if isinstance(counted, Refusal):
                return counted
            following = cursors.write(sort, found.following) if found.following else None
            return {"rows": _rows(conn, found.rows), "following": following, "total": counted}

        found = await self.read(request, read)
        return self.render(
            request, "dids.html", "DIDs", **found, wanted=given, search=wanted.search, sort=sort,
            sorts=list(SORTS.items()), routes=ROUTES,
            checks=[(ANY, "something is wrong"), *KINDS.items()],
            export=address("api", "v1", "exports", "dids.csv", **given),
            narrowed=sort in SORTS or any(v for name, v in given.items() if name != "search"),
            is_first=after is None, filtered=any((*given.values(), *only_these)),
            may_add=may(request, "add_did"), usual=list_choices.USUAL, others=list_choices.OTHERS,
            **rights_over_chosen(request),
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


def rights_over_chosen(request: Request) -> dict[str, bool]:
    """Return what the user may do to DIDs that are chosen in a list, as its template has it."""
    return {
        "may_copy": may(request, "copy_did"),
        "may_update": may(request, "update_did"),
        "may_delete": may(request, "update_did") and may(request, "delete_did"),
    }


def filters_of(request: Request) -> dict[str, str | None]:
    """Return the filters that are in the address of a page."""
    return {name: request.query_params.get(name, "").strip()[:SEARCH_MOST] or None for name in FILTERS}


def said_filters(given: Mapping[str, str | None]) -> list[tuple[str, str]]:
    """Return the filters that were given as they are called, with their values."""
    return [(label, value) for name, label in FILTERS.items() if (value := given.get(name))]


def _only_number(request: Request, wanted: Wanted) -> str | None:
    """Return the text that is searched for if that is all that is asked, and nothing within numbers."""
    alone = wanted == Wanted(search=wanted.search, contexts=wanted.contexts)
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


def _total(
    conn: Connection, caller: Caller, wanted: Wanted, page: FoundDids, exact: bool, after: list[Any] | None
) -> Total | Refusal:
    """Say how many DIDs the whole list has; a first page that is the last one too need not be counted."""
    if after is None and page.following is None:
        return Total(len(page.rows), is_exact=True)
    total = lookup.total(conn, caller, wanted, exact=exact)
    if isinstance(total, Refusal) or total.is_exact:
        return total
    return replace(total, count=max(total.count, len(page.rows)))


def _rows(conn: Connection, rows: Sequence[Row]) -> list[dict[str, Any]]:
    """Return *rows* with where calls to each lead, and why they lead nowhere."""
    return [{**row, "destination": destination(row)} for row in nowhere.told(conn, rows)]
