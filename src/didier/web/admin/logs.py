"""``/log`` and ``/changes``: the requests to the APIs, and the changes."""

from dataclasses import replace
from typing import Any

from sqlalchemy.engine import Connection
from starlette.requests import Request
from starlette.responses import Response
from starlette_admin.routing import route

from didier.errors import Refusal
from didier.services.changes import admin_log
from didier.services.changes.admin_log import data_pieces
from didier.services.usage import call_statistics
from didier.services.users.authentication import Caller
from didier.storage.changes.admin_log import ChangeFilter
from didier.storage.usage.call_statistics import LogFilter
from didier.vicidial.functions import FUNCTIONS, OPEN_FUNCTIONS
from didier.web.admin.page import PanelPage, field_text, moment_of
from didier.web.api import cursors
from didier.web.api.cursors import BadCursor
from didier.web.api.operations import PANEL_SOURCE, SOURCE, Permission

PAGE = 50
MOST_READ = 200_000
"""Most lines that a page looks through: one that finds fewer than fill it leads on."""

TEXT_MOST = 255  # as long as reasons are
RESULTS = ("SUCCESS", "ERROR", "NOTICE")
SOURCES = (SOURCE, PANEL_SOURCE)
API_FUNCTIONS = sorted({
    *FUNCTIONS, *OPEN_FUNCTIONS, "delete_did", "undo_batch", "add_token", "list_tokens", "revoke_token",
    "api_log", "manage_webhooks",
})  # fmt: skip
SECTIONS = ("DIDS", "USERS", "SERVERS", "WEBHOOKS")
TYPES = ("ADD", "COPY", "MODIFY", "DELETE", "OTHER")


class ApiLog(PanelPage):
    """The API log."""

    path = "/log"
    guide = "panel#logs"
    menu_label = "API log"
    icon = "fa-solid fa-list"
    permission = Permission("api_log", "reports")

    @route("")
    async def index(self, request: Request) -> Response:
        """Show the lines that are wanted, the newest first."""
        given = _given(request, "user", "function", "result", "source", "reason")
        since, until = moment_of(request, "since"), moment_of(request, "until")
        wanted = LogFilter(**given, since=since, until=until)
        before = _before(request, "log")

        def read(conn: Connection, caller: Caller) -> dict[str, Any] | Refusal:
            found = call_statistics.api_log(conn, caller, wanted, PAGE, before, MOST_READ)
            if isinstance(found, Refusal):
                return found
            traces = admin_log.traces(conn, caller, found.lines)
            return {"lines": found.lines, "following": _cursor("log", found.following), "traces": traces}

        found = await self.read(request, read)
        return self.render(
            request, "log.html", "API log", **found, wanted=given, since=field_text(since),
            until=field_text(until), pieces=data_pieces, functions=API_FUNCTIONS, results=RESULTS,
            sources=SOURCES, is_first=before is None, filtered=any((*given.values(), since, until)),
        )  # fmt: skip


class ChangeLog(PanelPage):
    """What was changed: VICIdial's admin log."""

    path = "/changes"
    guide = "panel#logs"
    menu_label = "Change log"
    icon = "fa-solid fa-clock-rotate-left"
    permission = Permission("api_log", "reports")

    @route("")
    async def index(self, request: Request) -> Response:
        """Show the lines that are wanted, the newest first."""
        given = _given(request, "user", "section", "type", "did")
        since, until = moment_of(request, "since"), moment_of(request, "until")
        did = given["did"]
        wanted = ChangeFilter(given["user"], given["section"], given["type"], None, since, until)
        before = _before(request, "changes")

        def read(conn: Connection, caller: Caller) -> dict[str, Any] | Refusal:
            chosen = wanted
            if did:
                record = admin_log.record_of(conn, caller, did) or ""
                chosen = replace(wanted, section=admin_log.DIDS, record_id=record)
            found = admin_log.page(conn, caller, chosen, PAGE, before, MOST_READ)
            if isinstance(found, Refusal):
                return found
            following = _cursor("changes", found.following)
            return {"lines": found.lines, "following": following, "dids": found.dids}

        found = await self.read(request, read)
        return self.render(
            request, "changes.html", "Change log", **found, wanted=given, since=field_text(since),
            until=field_text(until), sections=SECTIONS, types=TYPES, is_first=before is None,
            filtered=any((*given.values(), since, until)),
        )  # fmt: skip


def _given(request: Request, *names: str) -> dict[str, str | None]:
    return {name: request.query_params.get(name, "").strip()[:TEXT_MOST] or None for name in names}


def _before(request: Request, of: str) -> int | None:
    """Return the id before which the page begins; an old address begins at the newest."""
    try:
        found = cursors.read(request.query_params.get("after"), of, (int,))
    except BadCursor:
        return None
    return int(found[0]) if found else None


def _cursor(of: str, following: int | None) -> str | None:
    return cursors.write(of, [following]) if following else None
