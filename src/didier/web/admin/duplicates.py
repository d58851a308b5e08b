"""``/reports/duplicates``: DIDs that are one number, are set up alike, or lead to one destination."""

from typing import Any

from sqlalchemy.engine import Connection
from starlette.requests import Request
from starlette.responses import Response
from starlette_admin.routing import route

from didier.domain.duplicate_kinds import FIELDS, FIELDS_MOST, KINDS
from didier.domain.fields import BY_COLUMN, ROUTES, TAG_LONGEST
from didier.domain.patterns import MAX_LENGTH
from didier.errors import NotPermitted
from didier.services.reports import duplicate_groups
from didier.services.reports.duplicate_groups import SHOWN, ShownGroup
from didier.services.reports.duplicates import Wanted
from didier.web.admin.page import address, caller_of, refused
from didier.web.admin.reports import ReportPage
from didier.web.api import cursors, duplicates
from didier.web.api.cursors import BadCursor, Place
from didier.web.api.duplicates import PLACE

PAGE = 20
ALIKE = 3
"""How many DIDs are shown that are set up alike: the others are the same but for their numbers."""

SORTS = {
    "count": "number of DIDs, ascending",
    "did_id": "oldest first",
    "-did_id": "newest first",
}
"""The orders beside that by the number of DIDs, and what they are called."""

_FILTERS = {"user_group": 20, "prefix": MAX_LENGTH, "tag": TAG_LONGEST}
"""The filters that are texts, and most characters of each."""


class DuplicatesPage(ReportPage):
    """Groups of DIDs, page by page; its state is its address."""

    path = "/reports/duplicates"
    menu_label = "Duplicates"
    guide = "reports#duplicates"

    @route("")
    async def index(self, request: Request) -> Response:
        """Show how many groups there are, and some of them with their DIDs."""
        wanted, sort = _wanted(request), _sort(request)
        after = _after(request, wanted.kind, sort)
        context, caller = self.desk.context, caller_of(request)
        counted = await duplicates.find(context, caller, wanted, anew=False)
        if isinstance(counted, NotPermitted):
            raise refused(counted)
        found = counted.found

        def read(conn: Connection, _: Any) -> duplicate_groups.Page | NotPermitted:
            return duplicate_groups.page(conn, caller, found, context.region, sort, PAGE, after)

        page = await self.read(request, read)
        place = page.following
        following = cursors.write(duplicates.order(wanted.kind, sort), place) if place else None
        given = {name: value for name in (*_FILTERS, "route") if (value := getattr(wanted, name))}
        export = {**given, "fields": wanted.fields, "kind": wanted.kind, "format": "csv"}
        return self.render(
            request, "duplicates.html", "Duplicates", found=found, at=counted.at, wanted=wanted, kinds=KINDS,
            groups=[(group, _listed(wanted, group)) for group in page.groups], following=following,
            is_first=after is None, given=given, sort=sort, sorts=list(SORTS.items()), routes=ROUTES,
            fields_most=FIELDS_MOST, shown=ALIKE if wanted.kind == "configuration" else SHOWN,
            labels={column: field.label for column, field in BY_COLUMN.items()},
            export=address("api", "v1", "reports", "duplicates", **export),
        )  # fmt: skip


def _wanted(request: Request) -> Wanted:
    """Return what the address asks for; what it cannot is left out of account."""
    given = request.query_params
    kind = next((name for name in KINDS if name == given.get("kind")), next(iter(KINDS)))
    fields = given.get("fields", "")
    near = int(fields) if fields in map(str, range(FIELDS_MOST + 1)) else FIELDS
    texts = {name: given.get(name, "").strip()[:most] or None for name, most in _FILTERS.items()}
    route = given.get("route")
    return Wanted(
        kind, near if kind == "configuration" else 0, route=route if route in ROUTES else None, **texts
    )


def _sort(request: Request) -> str:
    given = request.query_params.get("sort", "")
    return given if given in SORTS else "-count"


def _after(request: Request, kind: str, sort: str) -> Place | None:
    """Return the place behind which the page begins; an old address begins at the first."""
    try:
        return cursors.read(request.query_params.get("after"), duplicates.order(kind, sort), PLACE)
    except BadCursor:
        return None


def _listed(wanted: Wanted, group: ShownGroup) -> str:
    """Return the address of the list of DIDs with those of a group: all, or of set-ups the first."""
    if wanted.kind == "spelling":
        return address("dids", search=group.name)
    shown = [did.pattern for did in group.dids]
    shown += [did.pattern for one in group.variants for did in one.dids[:ALIKE]]
    return address("dids", did=shown)
