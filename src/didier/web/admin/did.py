"""``/did``: one DID, its route and history, the form that changes it, and where a call to it goes."""

from datetime import datetime
from typing import Any

from sqlalchemy.engine import Connection
from starlette.requests import Request
from starlette.responses import Response
from starlette_admin.routing import route

from didier.domain import schedules
from didier.domain.calls.targets import REDIRECTED
from didier.domain.fields import BY_COLUMN
from didier.domain.routes import sentence
from didier.errors import Refusal
from didier.services.calls import explain
from didier.services.calls.explain import SupposedCall
from didier.services.changes import history
from didier.services.changes.history import HistoryEntry
from didier.services.dids import lookup, nowhere
from didier.services.dids.lookup import Total, Wanted
from didier.services.reports import drift
from didier.services.users.authentication import Caller
from didier.storage.dids import deletion_locks
from didier.storage.dids.pages import Row, Sort
from didier.web.admin import forms
from didier.web.admin.page import PanelPage, may
from didier.web.api.explanations import CALLER_MOST
from didier.web.api.operations import Permission

CHANGES = 20
COPIES = 10


class DidPage(PanelPage):
    """A DID."""

    path = "/did"
    guide = "panel#one-did"
    add_to_menu = False
    permission = Permission("did_info", "dids:read")

    @route("/{pattern}")
    async def index(self, request: Request) -> Response:
        """Show the DID with its history."""
        pattern = request.path_params["pattern"]
        everything = request.query_params.get("all") == "1"
        before = request.query_params.get("before")

        def read(conn: Connection, caller: Caller) -> dict[str, Any] | Refusal:
            row = lookup.one(conn, caller, pattern)
            if isinstance(row, Refusal):
                return row
            changes = history.history(conn, caller, pattern, CHANGES + 1, before)
            return changes if isinstance(changes, Refusal) else _found(conn, caller, row, changes)

        found = await self.read(request, read)
        row = found["row"]
        return self.render(
            request, "did.html", str(row["did_pattern"]), **found, everything=everything,
            groups=forms.values(row, everything=everything), sentence=sentence(row), labels=LABELS,
            is_first=before is None, etag=lookup.version(row),
            can={action: may(request, action) for action in ("update_did", "delete_did", "copy_did")},
        )  # fmt: skip

    @route("/{pattern}/edit")
    async def edit(self, request: Request) -> Response:
        """Show the form that changes the DID."""
        pattern = request.path_params["pattern"]
        row = await self.read(request, lambda conn, caller: lookup.one(conn, caller, pattern))
        self.demand(request, "update_did")
        return self.render(
            request, "did_form.html", f"Edit {row['did_pattern']}", pattern=row["did_pattern"], row=row,
            groups=forms.inputs(row, row.keys()), sentence=sentence(row), etag=lookup.version(row),
        )  # fmt: skip

    @route("/{pattern}/route")
    async def explain(self, request: Request) -> Response:
        """Show where a call from somebody would go, and why."""
        pattern = str(request.path_params["pattern"])
        asked = {name: request.query_params.get(name, "")[:CALLER_MOST] for name in _OF_CALLER}
        context = self.desk.context
        server_ip = asked["server_ip"] or context.agi_server_ip
        at = _moment(request.query_params.get("at", ""))
        call = SupposedCall(pattern, asked["caller"], asked["name"], server_ip, context.agi_region, at)
        found = await self.read(
            request, lambda conn, caller: explain.explain(conn, caller, call, datetime.now())
        )
        target = found.decision.target
        onward = target.extension if target and target.context == REDIRECTED else None
        return self.render(
            request, "did_route.html", "Where do calls go?", pattern=pattern, found=found,
            decision=found.decision, target=target, onward=onward, asked=asked, most=CALLER_MOST,
            at=f"{at:%Y-%m-%dT%H:%M}" if at else "",
        )  # fmt: skip


_OF_CALLER = ("caller", "name", "server_ip")
"""What is asked about a call."""


def _moment(written: str) -> datetime | None:
    """Return the moment that is asked about, on the clock of the server; None: now, as for what is none."""
    try:
        moment = datetime.fromisoformat(written)
    except ValueError:
        return None
    return moment.astimezone() if schedules.may_be_asked(moment) else None


LABELS = {field.column: field.label for field in BY_COLUMN.values()}


def _found(
    conn: Connection, caller: Caller, row: Row, changes: list[HistoryEntry]
) -> dict[str, Any] | Refusal:
    pattern, did_id = str(row["did_pattern"]), int(row["did_id"] or 0)
    copies = lookup.page(conn, caller, Wanted(copied_from=pattern), Sort(), COPIES)
    if isinstance(copies, Refusal):
        return copies
    more_copies = copies.following is not None
    counted = lookup.total(conn, caller, Wanted(copied_from=pattern), exact=True) if more_copies else None
    following = changes[CHANGES - 1].cursor if len(changes) > CHANGES else None
    return {
        "row": row,
        "nowhere": nowhere.reason(conn, row),
        "locked": bool(deletion_locks.locked(conn, [did_id])),
        "changes": changes[:CHANGES],
        "following": following,
        "copies": copies.rows,
        "more_copies": more_copies,
        "count": counted.count if isinstance(counted, Total) else len(copies.rows),
        "drifted": drift.count(conn, caller, pattern) if copies.rows else None,
    }
