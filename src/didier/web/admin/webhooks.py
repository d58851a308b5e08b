"""``/webhooks`` and ``/webhook``: endpoints to which events are sent, and what came of it."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from sqlalchemy.engine import Connection
from starlette.requests import Request
from starlette.responses import Response
from starlette_admin.routing import route

from didier.domain import events
from didier.domain.route_texts import DESTINATIONS
from didier.domain.webhooks import STATES, TEXT_MOST, URL_MOST
from didier.errors import Refusal, WebhookNotFound
from didier.services.changes import feed, webhooks
from didier.services.users.authentication import Caller
from didier.storage.changes.webhooks import Webhook
from didier.web.admin.cookies import PREFIX
from didier.web.admin.page import PanelPage, refused
from didier.web.api import cursors
from didier.web.api.cursors import BadCursor
from didier.web.api.webhooks import OVERLAP_HOURS, OVERLAP_MOST, PERMISSION, WebhookShown

PAGE = 50
_ORDER = "attempts"

_TYPES: Mapping[str, str] = MappingProxyType({
    **{f"{one}.*": f"All that happens to a {one.replace('_', ' ')}" for one in events.SUBJECTS},
    **events.TOLD,
})  # fmt: skip


class WebhooksPage(PanelPage):
    """The list of endpoints, and a form for a new one."""

    path = "/webhooks"
    menu_label = "Webhooks"
    menu_part = "Integrations"
    icon = "fa-solid fa-share-nodes"
    guide = "automation#webhooks"
    permission = PERMISSION

    def is_active(self, request: Request) -> bool:
        """Say whether the request is for the list, or for one of those in it."""
        return super().is_active(request) or request.scope["path"].startswith(f"{PREFIX}/webhook/")

    @route("")
    async def index(self, request: Request) -> Response:
        """Show all of them, the oldest first."""

        def read(conn: Connection, caller: Caller) -> dict[str, Any] | Refusal:
            found = webhooks.every(conn, caller)
            if isinstance(found, Refusal):
                return found
            rows = [(one.endpoint, _row(conn, one)) for one in found]
            return {"rows": rows, "are_kept": webhooks.are_kept(conn)}

        return self.render(request, "webhooks.html", "Webhooks", **await self.read(request, read))

    @route("/new")
    async def new(self, request: Request) -> Response:
        """Show the form for a new one."""
        are_kept = await self.read(request, lambda conn, _: webhooks.are_kept(conn))
        return self.render(request, "webhook.html", "New webhook", row=None, are_kept=are_kept, **_offered())


class WebhookPage(PanelPage):
    """An endpoint."""

    path = "/webhook"
    add_to_menu = False
    guide = "automation#webhooks"
    permission = PERMISSION

    @route("/{webhook_id}")
    async def index(self, request: Request) -> Response:
        """Show how it stands, its form, and what came of attempts, the newest first."""
        webhook_id, before = _number(request), _before(request)
        outcome = request.query_params.get("outcome")
        outcome = outcome if outcome in STATES else None

        def read(conn: Connection, caller: Caller) -> dict[str, Any] | Refusal:
            found = webhooks.one(conn, caller, webhook_id)
            if isinstance(found, Refusal):
                return found
            tried = webhooks.attempts(conn, caller, webhook_id, PAGE + 1, before, outcome)
            if isinstance(tried, Refusal):
                return tried
            return {"title": found.endpoint.name, "row": _row(conn, found), "tried": tried}

        found = await self.read(request, read)
        tried = found.pop("tried")
        following = cursors.write(_ORDER, [tried[PAGE - 1].attempt_id]) if len(tried) > PAGE else None
        return self.render(
            request, "webhook.html", **found, are_kept=True, attempts=tried[:PAGE], following=following,
            is_first=before is None, outcome=outcome, **_offered(),
        )  # fmt: skip


def _row(conn: Connection, stored: Webhook) -> WebhookShown:
    return WebhookShown.of(stored, feed.newest(conn))


def _offered() -> dict[str, Any]:
    """Return what fields offer."""
    return {
        "types": _TYPES,
        "routes": DESTINATIONS,
        "outcomes": STATES,
        "overlap_hours": OVERLAP_HOURS,
        "overlap_most": OVERLAP_MOST,
        "url_most": URL_MOST,
        "text_most": TEXT_MOST,
    }


def _number(request: Request) -> int:
    text = request.path_params["webhook_id"]
    if not (text.isascii() and text.isdigit() and len(text) < 10):
        raise refused(WebhookNotFound(0))
    return int(text)


def _before(request: Request) -> int | None:
    """Return the attempt before which the page begins; an old address begins at the newest."""
    try:
        found = cursors.read(request.query_params.get("after"), _ORDER, (int,))
    except BadCursor:
        return None
    return int(found[0]) if found else None
