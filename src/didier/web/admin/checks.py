"""``/checks``: DIDs with which something is wrong, to be chosen and changed as in the list of DIDs."""

from sqlalchemy.engine import Connection
from starlette.requests import Request
from starlette.responses import Response
from starlette_admin.routing import route

from didier.domain.checks import ANY, KINDS
from didier.errors import Refusal
from didier.services.dids import checks
from didier.services.dids.checks import CountedDids
from didier.services.dids.lookup import Total
from didier.services.users.authentication import Caller
from didier.storage.dids.pages import Sort, place_kinds
from didier.web.admin.dids import PAGE, rights_over_chosen
from didier.web.admin.page import PanelPage
from didier.web.api import cursors
from didier.web.api.checks import ORDER
from didier.web.api.cursors import BadCursor, Place
from didier.web.api.operations import Permission


class ChecksPage(PanelPage):
    """What is wrong by kind, page by page; its state is its address."""

    path = "/checks"
    menu_label = "Check"
    icon = "fa-solid fa-stethoscope"
    guide = "checks"
    permission = Permission("list_dids", "dids:read")

    @route("")
    async def index(self, request: Request) -> Response:
        """Show how many DIDs have something wrong, and some of them."""
        given = request.query_params.get("check", "")
        kind = given if given in KINDS else ANY
        after = _after(request)
        own = self.desk.context.dialplan_contexts

        def read(conn: Connection, caller: Caller) -> CountedDids | Refusal:
            return checks.counted_page(conn, caller, kind, own, PAGE, after)

        read_ = await self.read(request, read)
        found, counts = read_.page, read_.counts
        following = cursors.write(ORDER, found.following) if found.following else None
        return self.render(
            request, "checks.html", "Check", rows=found.dids, counts=counts, kind=kind, kinds=KINDS,
            total=Total(counts[kind], is_exact=True), following=following, is_first=after is None,
            filtered=True, **rights_over_chosen(request),
        )  # fmt: skip


def _after(request: Request) -> Place | None:
    """Return the place behind which the page begins; an old address begins at the first."""
    try:
        return cursors.read(request.query_params.get("after"), ORDER, place_kinds(Sort()))
    except BadCursor:
        return None
