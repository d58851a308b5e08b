"""``/gateways`` and ``/gateway``: sets of SIP gateways, as a list and a form with the DIDs that name one."""

from datetime import datetime
from typing import Any

from sqlalchemy.engine import Connection
from starlette.requests import Request
from starlette.responses import Response
from starlette_admin.routing import route

from didier.domain import gateways as rules
from didier.domain.fields import ROUTES
from didier.domain.gateways import GatewaySet
from didier.domain.users import missing_rights_on_machines
from didier.errors import Refusal
from didier.services.changes import edges
from didier.services.dids.gateways import THINGS
from didier.services.users.authentication import Caller
from didier.web.admin import named
from didier.web.admin.cookies import PREFIX
from didier.web.admin.page import PanelPage, caller_of, may
from didier.web.api.operations import Permission

READ = Permission("list_dids", "dids:read")


class GatewaysPage(PanelPage):
    """The list of gateway sets, and a form for a new one."""

    path = "/gateways"
    menu_label = "Gateways"
    menu_part = "Destinations"
    icon = "fa-solid fa-tower-cell"
    guide = "kamailio#in-the-panel"
    permission = READ

    def is_active(self, request: Request) -> bool:
        """Say whether the request is for the list, or for one of those in it."""
        return super().is_active(request) or request.scope["path"].startswith(f"{PREFIX}/gateway/")

    @route("")
    async def index(self, request: Request) -> Response:
        """Show those that the caller sees, by name."""
        found = await named.read(self, request, THINGS)
        standing = await self.read(request, lambda conn, caller: edges.every(conn, caller, datetime.now()))
        return self.render(
            request, "gateways.html", "Gateways", rows=found.things, edges=standing, **found.context
        )

    @route("/new")
    async def new(self, request: Request) -> Response:
        """Show the form for a new one."""
        self.demand(request, "update_did")
        are_kept = await self.read(request, lambda conn, _: THINGS.are_kept(conn))
        values = {"gateways": [{"priority": 0, "weight": 1}], "probing": True, "rules": []}
        return self.render(
            request, "gateway.html", "New gateway set", name="", number="", are_kept=are_kept,
            may_change=are_kept, values=values, places=(), group=caller_of(request).user.group_of_new_dids(),
            **_offered(request),
        )  # fmt: skip


class GatewayPage(PanelPage):
    """A gateway set."""

    path = "/gateway"
    add_to_menu = False
    guide = "kamailio#in-the-panel"
    permission = READ

    @route("/{name}")
    async def index(self, request: Request) -> Response:
        """Show the form, and the DIDs that name it."""
        name = str(request.path_params["name"])

        def read(conn: Connection, caller: Caller) -> tuple[GatewaySet, tuple[str, ...]] | Refusal:
            found = THINGS.one(conn, caller, name)
            return found if isinstance(found, Refusal) else (found, THINGS.places(conn, caller, found))

        found, places = await self.read(request, read)
        return self.render(
            request, "gateway.html", found.name, name=found.name, number=found.number, are_kept=True,
            may_change=may(request, "update_did"), values=rules.values_of(found), places=places,
            group=found.group, **_offered(request),
        )  # fmt: skip


def _offered(request: Request) -> dict[str, Any]:
    return {
        "routes": ROUTES,
        "may_address": missing_rights_on_machines(caller_of(request).user, "update_did") is None,
    }
