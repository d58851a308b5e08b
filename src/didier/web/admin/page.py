"""`PanelPage`: what all pages of the panel have in common."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeVar
from urllib.parse import quote, urlencode

from sqlalchemy.engine import Connection
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette_admin.views import CustomView

from didier.errors import (
    BatchNotFound,
    DestinationNotFound,
    NotFound,
    NotPermitted,
    Refusal,
    UserNotFound,
    WebhookNotFound,
)
from didier.services.users.authentication import Caller
from didier.web.admin.cookies import PREFIX
from didier.web.api.context import ApiContext
from didier.web.api.operations import Permission

Result = TypeVar("Result")


@dataclass(frozen=True, slots=True)
class Desk:
    """What pages work with."""

    context: ApiContext


class PanelPage(CustomView):
    """A page, or some below one path, for users who have *permission*.

    A subclass sets *path*, *menu_label*, *icon* (Font Awesome) and *permission*; its methods with
    ``starlette_admin.routing.route`` answer GET, read with `read` and return `render`. What changes
    anything is sent by the page's script to ``/admin/api/v1/…``, the JSON API behind the session.
    """

    permission: Permission
    guide = "panel"
    """The guide that explains the page, with the anchor of its section."""
    menu_part = ""
    """The heading in the menu under which the page stands with others; empty for none."""

    def __init__(self, desk: Desk) -> None:
        super().__init__()
        self.desk = desk

    def is_accessible(self, request: Request) -> bool:
        """Say whether the user sees the page, and its place in the menu."""
        return self.refusal(request) is None

    def is_active(self, request: Request) -> bool:
        """Say whether the request is for this page or one below it."""
        path = request.scope["path"].removeprefix(PREFIX)
        return bool(path == self.path or path.startswith(f"{self.path}/"))

    def refusal(self, request: Request) -> NotPermitted | None:
        """Name what the user lacks: the same rights as those of the JSON API."""
        return self.permission.missing(caller_of(request))

    async def read(self, request: Request, read: Callable[[Connection, Caller], Result | Refusal]) -> Result:
        """Return what *read* finds on a connection for reading; refusals become pages of their own."""
        caller = caller_of(request)
        found = await self.desk.context.on_reader(lambda conn: read(conn, caller))
        if isinstance(found, Refusal):
            raise refused(found)
        return found

    def demand(self, request: Request, action: str) -> None:
        """Show why not, unless the user may do *action*."""
        if missing := _missing(request, action):
            raise refused(missing)

    def render(self, request: Request, template: str, title: str, **context: Any) -> Response:
        """Return the page that *template* makes of *context*."""
        if self.templates is None:
            raise LookupError("a page is added to a site before it answers")
        return self.templates.TemplateResponse(request, template, {"title": title, "page": self, **context})


_STATUS = {
    NotPermitted: 403,
    **dict.fromkeys((NotFound, BatchNotFound, UserNotFound, DestinationNotFound, WebhookNotFound), 404),
}


def refused(refusal: Refusal) -> HTTPException:
    """Return the error page of *refusal*."""
    status = next((status for kind, status in _STATUS.items() if isinstance(refusal, kind)), 422)
    return HTTPException(status, detail=said(refusal))


def said(refusal: Exception) -> str:
    """Return the text of *refusal* as a sentence; the name of a column at its beginning stays as it is."""
    text = str(refusal)
    if "_" in text.partition(" ")[0]:
        return f"{text}."
    return f"{text[:1].upper()}{text[1:]}."


def may(request: Request, action: str) -> bool:
    """Say whether the user may do *action*; what is sent is checked again when it is done."""
    return _missing(request, action) is None


def _missing(request: Request, action: str) -> NotPermitted | None:
    return Permission(action, None).missing(caller_of(request))


def caller_of(request: Request) -> Caller:
    """Return the signed-in caller."""
    caller: Caller = request.state.caller
    return caller


def address(*parts: str, **query: str | int | list[str] | None) -> str:
    """Return the address of a page of the panel, as `address("did", pattern, all=1)`; a list is repeated."""
    given = {name: value for name, value in query.items() if value is not None}
    path = "/".join([PREFIX, *(quote(part, safe="") for part in parts)])
    return f"{path}?{urlencode(given, doseq=True)}" if given else path


def changed(request: Request, **query: str | int | None) -> str:
    """Return the address of the page that is shown with another *query*; None leaves a part out."""
    pairs = {**request.query_params, **query}
    kept = {name: value for name, value in pairs.items() if value not in {None, ""}}
    return f"?{urlencode(kept)}" if kept else "?"


def moment_of(request: Request, name: str) -> datetime | None:
    """Return a time in the query as the browser's field writes it; what is none is not asked for."""
    try:
        return datetime.fromisoformat(request.query_params.get(name, "")).replace(tzinfo=None, microsecond=0)
    except ValueError:
        return None


def field_text(moment: datetime | None) -> str:
    """Return a time as the browser's field writes it."""
    return moment.isoformat(timespec="minutes") if moment else ""
