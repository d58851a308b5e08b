"""``/batches``: the list of batches, their progress, and undo."""

from dataclasses import asdict
from typing import Any

from sqlalchemy.engine import Connection
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette_admin.routing import route

from didier.domain.batch_states import ACTIVE
from didier.domain.fields import BY_COLUMN
from didier.errors import Refusal
from didier.services.batches import batches
from didier.services.batches.edit_spec import EditSpec
from didier.services.batches.refusals import NOT_DONE
from didier.services.users.authentication import Caller
from didier.storage.batches.progress import BatchFilter
from didier.storage.batches.stored_batch import StoredBatch
from didier.web.admin.page import PanelPage, may
from didier.web.api import cursors
from didier.web.api.batches import Batch, items_of
from didier.web.api.cursors import BadCursor
from didier.web.api.operations import Permission
from didier.web.api.schemas import SEARCH_MOST

PAGE = 50
ITEMS = 100
STATES = ("pending", "running", "done", "failed", "undone")
KINDS = ("copy", "add", "update", "delete", "import")
OUTCOMES = (
    "added", "updated", "deleted", "exists", "duplicate", "invalid", "implausible", "nowhere", "missing",
    "refused", "removed", "restored", "kept",
)  # fmt: skip
LABELS = {field.column: field.label for field in BY_COLUMN.values()}
HIGHEST = 2**31 - 1


class BatchesPage(PanelPage):
    """The list of batches, the newest first, and each of them."""

    path = "/batches"
    menu_label = "Batches"
    icon = "fa-solid fa-layer-group"
    guide = "panel#undo"
    permission = Permission("list_dids", "dids:read")

    @route("")
    async def index(self, request: Request) -> Response:
        """Show the batches that are wanted."""
        names = ("caller", "state", "kind", "source")
        given = {name: request.query_params.get(name, "").strip()[:SEARCH_MOST] or None for name in names}
        wanted = BatchFilter(given["caller"], given["state"], given["kind"], given["source"])
        before = _place(request, "batches")

        def read(conn: Connection, caller: Caller) -> list[StoredBatch] | Refusal:
            return batches.page(conn, caller, wanted, before, PAGE + 1)

        found = await self.read(request, read)
        following = cursors.write("batches", [found[PAGE - 1].batch_id]) if len(found) > PAGE else None
        return self.render(
            request, "batches.html", "Batches", rows=list(map(Batch.of, found[:PAGE])), wanted=given,
            following=following, is_first=before is None, states=STATES, kinds=KINDS,
            filtered=any(given.values()), may_copy=may(request, "copy_did"),
        )  # fmt: skip

    @route("/{batch_id}")
    async def one(self, request: Request) -> Response:
        """Show a batch and what became of its targets."""
        batch_id = _number(request.path_params["batch_id"])
        outcome = request.query_params.get("outcome", "")
        after = _place(request, "items") or 0

        def read(conn: Connection, caller: Caller) -> dict[str, Any] | Refusal:
            batch = batches.get(conn, caller, batch_id)
            if isinstance(batch, Refusal):
                return batch
            wanted = (outcome,) if outcome in OUTCOMES else ()
            found = batches.items(conn, caller, batch_id, after, ITEMS + 1, wanted)
            if isinstance(found, Refusal):
                return found
            return {"stored": batch, "items": list(items_of(found, after, ITEMS + 1))}

        found = await self.read(request, read)
        stored, items = found["stored"], found["items"]
        more, batch = len(items) > ITEMS, Batch.of(stored)
        totals = asdict(batch.totals)
        return self.render(
            request, "batch.html", f"Batch {batch_id}", batch=batch, totals=totals,
            items=items[:ITEMS], is_first=after == 0, outcome=outcome, outcomes=OUTCOMES, labels=LABELS,
            following=cursors.write("items", [items[ITEMS - 1].position]) if more else None,
            under_way=stored.state in ACTIVE, undoable=_is_undoable(stored),
            may_undo=_may_undo(request, stored), may_cancel=_may_cancel(request, stored),
            refused=any(totals.get(name) for name in NOT_DONE),
        )  # fmt: skip


def _number(text: str) -> int:
    if not (text.isascii() and text.isdigit() and int(text) <= HIGHEST):
        raise HTTPException(404, "There is no such batch.")
    return int(text)


def _place(request: Request, of: str) -> int | None:
    """Return the place behind which the page begins; an old address begins at the first."""
    try:
        found = cursors.read(request.query_params.get("after"), of, (int,))
    except BadCursor:
        return None
    return int(found[0]) if found else None


def _is_undoable(batch: StoredBatch) -> bool:
    """Say whether there may be something to take back; the service decides."""
    if batch.state == "undone":
        return batch.kept > 0 and batch.kind == "copy"
    is_left = batch.edited > batch.taken_back or (batch.state == "done" and batch.kind != "copy")
    return batch.state in {"done", "failed"} and is_left


def _may_cancel(request: Request, batch: StoredBatch) -> bool:
    """Say whether the user may end a batch that is under way."""
    actions = ("copy_did",) if batch.kind == "copy" else EditSpec.of(batch).actions
    return batch.phase in {"check", "make"} and all(may(request, action) for action in actions)


def _may_undo(request: Request, batch: StoredBatch) -> bool:
    actions = ("copy_did", "delete_did") if batch.kind == "copy" else ("update_did",)
    return all(may(request, action) for action in actions)
