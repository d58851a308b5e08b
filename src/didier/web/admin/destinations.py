"""``/in-groups``, ``/call-menus``, ``/phones`` and ``/servers``: what DIDs lead to, as lists and forms."""

from dataclasses import dataclass
from typing import Any, ClassVar

from sqlalchemy.engine import Connection
from starlette.requests import Request
from starlette.responses import Response
from starlette_admin.routing import route

from didier.domain import fields
from didier.domain.destinations import (
    CALL_MENU,
    IN_GROUP,
    OPTION_ROUTES,
    OPTION_VALUES,
    PHONE,
    SERVER,
    Kind,
    Value,
)
from didier.errors import Refusal
from didier.services.dids import destinations
from didier.services.users.authentication import Caller
from didier.storage.dids.destination_rows import OPTION_COLUMNS, Destination
from didier.web.admin.cookies import PREFIX
from didier.web.admin.page import PanelPage, caller_of, may
from didier.web.api import cursors
from didier.web.api.cursors import BadCursor
from didier.web.api.operations import Permission
from didier.web.api.schemas import SEARCH_MOST

PAGE = 50

READ = Permission("list_dids", "dids:read")

OPTION_CHOICES = {
    route: fields.KINDS.get(reference, "DID" if route == "DID" else "")
    for route, reference in OPTION_ROUTES.items()
}
"""What the value of an option is offered, by its route."""

_NOT_LISTED = frozenset({
    "asterisk_version", "local_gmt", "voicemail_dump_exten", "voicemail_dump_exten_no_inst", "active",
})  # fmt: skip
"""Columns that a list has no room for, and the one that it shows as a mark."""


@dataclass(frozen=True, slots=True)
class Input:
    """A field in a form."""

    field: fields.Field
    value: str
    is_fixed: bool
    is_required: bool

    @property
    def refers_to(self) -> str:
        """Of what kind the value must be, as "server"."""
        return fields.KINDS.get(self.field.refers_to, "")

    @property
    def choices(self) -> tuple[str, ...]:
        """What a select offers: what is allowed, and what stands there now."""
        allowed = self.field.choices
        return allowed if not allowed or self.value in allowed else (self.value, *allowed)


def _inputs(kind: Kind, values: dict[str, Value], *, is_new: bool) -> list[Input]:
    return [
        Input(
            field,
            "" if (value := values.get(field.column)) is None else str(value),
            not is_new and field.column in kind.fixed,
            field.column in kind.required,
        )
        for field in kind.fields
    ]


class DestinationsPage(PanelPage):
    """The list of a kind, and a form for a new one."""

    guide = "panel#destinations"

    kind: ClassVar[Kind]
    menu_part = "Destinations"
    permission = READ

    def is_active(self, request: Request) -> bool:
        """Say whether the request is for the list, or for one of those in it."""
        below = f"{PREFIX}/{self.kind.page}/"
        return super().is_active(request) or request.scope["path"].startswith(below)

    @route("")
    async def index(self, request: Request) -> Response:
        """Show those that the caller sees, by what they are named by."""
        kind, after = self.kind, _after(request, self.kind)
        search = request.query_params.get("search", "")[:SEARCH_MOST]

        def read(conn: Connection, caller: Caller) -> dict[str, Any] | Refusal:
            found = destinations.page(conn, caller, kind, search, PAGE, after)
            if isinstance(found, Refusal):
                return found
            rows, last = found
            return {
                "rows": rows,
                "ours": destinations.are_ours(conn),
                "following": cursors.write(kind.path, last) if last else None,
            }

        found = await self.read(request, read)
        return self.render(
            request, "destinations.html", kind.title, **found, kind=kind, wanted=search,
            is_first=after is None, may_add=found["ours"] and may(request, "update_did"),
            shown=[field for field in kind.fields if field.column not in _NOT_LISTED],
        )  # fmt: skip

    @route("/new")
    async def new(self, request: Request) -> Response:
        """Show the form for a new one."""
        self.demand(request, "update_did")
        ours = await self.read(request, lambda conn, _: destinations.are_ours(conn))
        group = caller_of(request).user.group_of_new_dids()
        values: dict[str, Value] = {**destinations.DEFAULTS, "user_group": group}
        return self.render(
            request, "destination.html", f"New {self.kind.name}", kind=self.kind, key=(), ours=ours,
            may_change=ours, inputs=_inputs(self.kind, values, is_new=True), options=(), places=(),
            active=None, **_OFFERED,
        )  # fmt: skip


_OFFERED = {
    "option_values": OPTION_VALUES,
    "option_choices": OPTION_CHOICES,
    "option_columns": OPTION_COLUMNS,
}


def _after(request: Request, kind: Kind) -> list[str | int] | None:
    """Return the key behind which the page begins; an old address begins at the first."""
    try:
        return cursors.read(request.query_params.get("after"), kind.path, (str,) * len(kind.key))
    except BadCursor:
        return None


class DestinationPage(PanelPage):
    """One of a kind."""

    guide = "panel#destinations"

    kind: ClassVar[Kind]
    add_to_menu = False
    permission = READ

    async def show(self, request: Request) -> Response:
        """Show the form, and what sends calls there."""
        kind = self.kind
        key = tuple(str(request.path_params[column]) for column in kind.key)

        def read(conn: Connection, caller: Caller) -> dict[str, Any] | Refusal:
            found = destinations.one(conn, caller, kind, key)
            if isinstance(found, Refusal):
                return found
            places = destinations.places(conn, caller, found)
            return {"found": found, "ours": destinations.are_ours(conn), "places": places}

        seen = await self.read(request, read)
        found: Destination = seen["found"]
        return self.render(
            request, "destination.html", kind.named(found.values), kind=kind, key=found.key,
            ours=seen["ours"], may_change=seen["ours"] and may(request, "update_did"),
            inputs=_inputs(kind, dict(found.values), is_new=False), options=found.options,
            places=seen["places"], active=found.values.get("active"), **_OFFERED,
        )  # fmt: skip


class InGroupsPage(DestinationsPage):
    """The list of in-groups."""

    kind = IN_GROUP
    path = "/in-groups"
    menu_label = "In-groups"
    icon = "fa-solid fa-people-group"


class CallMenusPage(DestinationsPage):
    """The list of call menus."""

    kind = CALL_MENU
    path = "/call-menus"
    menu_label = "Call menus"
    icon = "fa-solid fa-list-ol"


class PhonesPage(DestinationsPage):
    """The list of phones."""

    kind = PHONE
    path = "/phones"
    menu_label = "Phones"
    icon = "fa-solid fa-headset"


class ServersPage(DestinationsPage):
    """The list of servers."""

    kind = SERVER
    path = "/servers"
    menu_label = "Servers"
    icon = "fa-solid fa-server"


class InGroupPage(DestinationPage):
    """An in-group."""

    kind = IN_GROUP
    path = "/in-group"

    @route("/{group_id}")
    async def index(self, request: Request) -> Response:
        """Show it."""
        return await self.show(request)


class CallMenuPage(DestinationPage):
    """A call menu."""

    kind = CALL_MENU
    path = "/call-menu"

    @route("/{menu_id}")
    async def index(self, request: Request) -> Response:
        """Show it."""
        return await self.show(request)


class PhonePage(DestinationPage):
    """A phone."""

    kind = PHONE
    path = "/phone"

    @route("/{extension}/{server_ip}")
    async def index(self, request: Request) -> Response:
        """Show it."""
        return await self.show(request)


class ServerPage(DestinationPage):
    """A server."""

    kind = SERVER
    path = "/server"

    @route("/{server_id}")
    async def index(self, request: Request) -> Response:
        """Show it."""
        return await self.show(request)


LISTS = (InGroupsPage, CallMenusPage, PhonesPage, ServersPage)
FORMS = (InGroupPage, CallMenuPage, PhonePage, ServerPage)
