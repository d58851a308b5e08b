"""``/batches``: the list of batches, their progress, and undo."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Annotated, Any, Literal, Self, cast

from fastapi import Path, Query, Request
from pydantic import ConfigDict, Field
from sqlalchemy.engine import Connection
from starlette.responses import Response, StreamingResponse

from didier.domain.batch_states import ACTIVE
from didier.domain.drift import Action
from didier.domain.targets import in_run
from didier.errors import Refusal
from didier.runtime.logins import Login
from didier.services.batches import batches
from didier.services.users.authentication import Caller
from didier.storage.batches.progress import BatchFilter, PlacedItem
from didier.storage.batches.stored_batch import StoredBatch
from didier.storage.dids import snapshots
from didier.web.api import answers, cursors, problems, timestamps
from didier.web.api.answers import Answer
from didier.web.api.context import context_of
from didier.web.api.operations import ApiOperation, Permission
from didier.web.api.paging import Page, page_answer
from didier.web.api.schemas import PAGE_DEFAULT, Body, Cursor, IdempotencyKey, Limit, refusals
from didier.web.api.signed import Signed, requires, signed_routes
from didier.web.api.watching import Event, Watch, whenever_changed

router = signed_routes("/batches", "batches")

READ, WRITE = "dids:read", "dids:write"
UNDO = Permission("undo_batch", WRITE, checked=False)
BatchId = Annotated[int, Path(ge=1, le=2**31 - 1, description="Id of the batch")]
Kind = Literal["copy", "add", "update", "delete", "import"]
State = Literal["pending", "running", "done", "failed", "undone"]
Mode = Literal["atomic", "best_effort"]
Phase = Literal["check", "make", "remove"]
Outcome = Literal[
    "added",
    "updated",
    "deleted",
    "exists",
    "duplicate",
    "invalid",
    "implausible",
    "nowhere",
    "missing",
    "refused",
    "removed",
    "restored",
    "kept",
    "planned",
]


@dataclass
class Totals:
    """How many targets there are of each outcome."""

    requested: int
    added: int
    updated: int
    deleted: int
    exists: int
    duplicate: int
    invalid: Annotated[int, Field(description="Implausible ones, and those that lead nowhere, included")]
    missing: Annotated[int, Field(description="To be updated or deleted, and not there")]
    refused: Annotated[int, Field(description="Not deleted because they are in use, locked or protected")]
    removed: Annotated[
        int, Field(description="Created, and deleted again by an undo or because the batch failed")
    ]
    restored: Annotated[int, Field(description="Updated or deleted, and again as they were")]
    kept: Annotated[int, Field(description="Left by an undo because they were changed since")]

    @classmethod
    def of(cls, batch: StoredBatch) -> Self:
        """Return how far a batch is."""
        return cls(
            requested=batch.requested,
            added=batch.added,
            updated=batch.updated,
            deleted=batch.deleted,
            exists=batch.existing,
            duplicate=batch.duplicates,
            invalid=batch.invalid,
            missing=batch.missing,
            refused=batch.refused,
            removed=batch.removed,
            restored=batch.restored,
            kept=batch.kept,
        )


@dataclass
class Batch:
    """A batch: DIDs that were copied, added, changed, deleted or imported by one request."""

    __pydantic_config__ = ConfigDict(
        json_schema_extra={
            "example": {
                "id": 7,
                "kind": "copy",
                "mode": "atomic",
                "state": "running",
                "phase": "make",
                "caller": "admin",
                "address": "192.0.2.7",
                "created_at": "2026-03-04T05:06:07+01:00",
                "finished_at": None,
                "source": "18001234567",
                "overrides": {"did_active": "N"},
                "description_template": None,
                "existing": None,
                "force": False,
                "add_tags": [],
                "remove_tags": [],
                "drift": None,
                "drift_fields": [],
                "where": None,
                "totals": {
                    "requested": 10000, "added": 2500, "updated": 0, "deleted": 0, "exists": 0,
                    "duplicate": 0, "invalid": 0, "missing": 0, "refused": 0, "removed": 0, "restored": 0,
                    "kept": 0,
                },
                "done": 2500,
                "failure": None,
                "undone_by": None,
                "undone_at": None,
            }
        }
    )  # fmt: skip

    id: int
    kind: Kind
    mode: Mode
    state: State
    phase: Annotated[
        Phase | None,
        Field(description="Step of a large batch: its targets are checked, created, or deleted again"),
    ]
    caller: str
    address: str
    created_at: str
    finished_at: str | None
    source: Annotated[str | None, Field(description="Pattern of the DID that was copied")]
    overrides: Annotated[
        Mapping[str, str | None], Field(description="Columns that were set in all of its DIDs")
    ]
    description_template: str | None
    existing: Annotated[str | None, Field(description="What an import does with DIDs that exist")]
    force: Annotated[bool, Field(description="Whether it deletes protected DIDs and DIDs in use")]
    add_tags: Annotated[Sequence[str], Field(description="Tags that its DIDs got beside their others")]
    remove_tags: Annotated[Sequence[str], Field(description="Tags that were taken from its DIDs")]
    drift: Annotated[
        Action | None, Field(description="What it did about what copies have otherwise than their source")
    ]
    drift_fields: Annotated[Sequence[str], Field(description="Of these fields alone; empty: of all")]
    where: Annotated[Mapping[str, str] | None, Field(description="Conditions by which its DIDs were chosen")]
    totals: Totals
    done: Annotated[int, Field(description="How many targets are finished")]
    failure: Annotated[str | None, Field(description="Why it failed")]
    undone_by: str | None
    undone_at: str | None

    @classmethod
    def of(cls, batch: StoredBatch, **more: Any) -> Self:
        """Return a batch as the API shows it; *more* is what a kind of batch has beside."""
        return cls(
            id=batch.batch_id,
            kind=cast("Kind", batch.kind),
            mode=cast("Mode", batch.mode),
            state=cast("State", batch.state),
            phase=cast("Phase | None", batch.phase),
            caller=batch.user_name,
            address=batch.address,
            created_at=timestamps.zoned(batch.created_at),
            finished_at=timestamps.zoned_or_none(batch.finished_at),
            source=batch.source_pattern or None,
            overrides=batch.overrides,
            description_template=batch.template,
            existing=batch.options.get("existing"),
            force=batch.options.get("force", False),
            add_tags=batch.options.get("add_tags", ()),
            remove_tags=batch.options.get("remove_tags", ()),
            drift=batch.options.get("drift"),
            drift_fields=batch.options.get("drift_fields", ()),
            where=batch.options.get("where"),
            totals=Totals.of(batch),
            done=_done(batch),
            failure=batch.failure,
            undone_by=batch.undone_by,
            undone_at=timestamps.zoned_or_none(batch.undone_at),
            **more,
        )


def _done(batch: StoredBatch) -> int:
    if batch.phase == "remove":
        return batch.taken_back
    return batch.position if batch.phase or batch.state == "failed" else batch.requested


@dataclass
class WholeBatch(Batch):
    """A batch with the row of its source as it was."""

    source_snapshot: Annotated[dict[str, Any] | None, Field(description="The row that was copied, as it was")]


@dataclass
class UndoneBatch(Batch):
    """A batch that was undone, or is being undone."""

    kept: Annotated[
        list[str],
        Field(
            description="DIDs that were kept because they were changed since or are locked: the first 1,000;"
            " of an undo that still runs, see the items"
        ),
    ]


@dataclass
class Batches(Page):
    """A page of a list of batches."""

    items: list[Batch]


@dataclass
class Item:
    """What became of a target."""

    position: Annotated[int, Field(description="Place in the order, counted from 1")]
    target: str
    outcome: Outcome
    did_id: int | None
    reason: str | None

    @classmethod
    def of(cls, placed: PlacedItem, number: int) -> Self:
        """Return what became of the target that comes *number* places behind the first of a run."""
        run = placed.item
        return cls(
            placed.position + number,
            in_run(run.target, number),
            cast("Outcome", run.outcome),
            None if run.did_id is None else run.did_id + number,
            run.reason,
        )


@dataclass
class BatchWithItems(Batch):
    """A batch and what became of each target."""

    items: list[Item]


@dataclass
class Items(Page):
    """A page of a list of items."""

    items: list[Item]


class Undo(Body):
    """How to undo a batch."""

    force: bool = Field(False, description="Include DIDs that were changed since")


def items_of(found: list[PlacedItem], after: int, limit: int) -> Iterator[Item]:
    """Yield each target of runs, *limit* at most, behind the position *after*."""
    for placed in found:
        for number in range(max(0, after + 1 - placed.position), placed.item.size):
            if limit <= 0:
                return
            limit -= 1
            yield Item.of(placed, number)


@router.get(
    "", operation_id="listBatches", summary="List batches", response_model=Batches, responses=refusals()
)
async def list_batches(
    request: Request,
    login: Signed,
    state: Annotated[State | None, Query()] = None,
    kind: Annotated[Kind | None, Query()] = None,
    caller: Annotated[str | None, Query(max_length=20, description="Name of the user")] = None,
    source: Annotated[
        str | None, Query(max_length=50, description="Pattern of the DID that was copied")
    ] = None,
    limit: Limit = PAGE_DEFAULT,
    cursor: Cursor = None,
) -> Response:
    """List the batches whose DIDs the caller sees, newest first."""
    wanted = BatchFilter(caller, state, kind, source)
    before = cursors.read(cursor, "batches", (int,))

    def read(conn: Connection, who: Caller) -> Answer | Refusal:
        found = batches.page(conn, who, wanted, int(before[0]) if before else None, limit + 1)
        if isinstance(found, Refusal):
            return found
        more = len(found) > limit
        following = cursors.write("batches", [found[limit - 1].batch_id]) if more else None
        return page_answer(request, Batches(list(map(Batch.of, found[:limit])), following))

    return await context_of(request).read(request, login, Permission("list_dids", READ), read)


@router.get(
    "/{batch_id}", operation_id="getBatch", summary="Show a batch", response_model=WholeBatch,
    responses=refusals(404),
)  # fmt: skip
async def get_batch(request: Request, login: Signed, batch_id: BatchId) -> Response:
    """Show a batch, how far it is, and the row of its source as it was."""

    def read(conn: Connection, caller: Caller) -> Answer | Refusal:
        found = batches.get(conn, caller, batch_id)
        if isinstance(found, Refusal):
            return found
        snapshot = snapshots.read(conn, found.snapshot_id) if found.snapshot_id else None
        return answers.json(WholeBatch.of(found, source_snapshot=snapshot))

    return await context_of(request).read(request, login, Permission("list_dids", READ, str(batch_id)), read)


@router.get(
    "/{batch_id}/items", operation_id="listItems", summary="List the outcome of each target",
    response_model=Items, responses=refusals(404),
)  # fmt: skip
async def list_items(
    request: Request,
    login: Signed,
    batch_id: BatchId,
    outcome: Annotated[list[Outcome] | None, Query(description="Only these outcomes")] = None,
    limit: Limit = PAGE_DEFAULT,
    cursor: Cursor = None,
) -> Response:
    """List what became of each target, in the order's order."""
    after = int((cursors.read(cursor, "items", (int,)) or [0])[0])

    def read(conn: Connection, caller: Caller) -> Answer | Refusal:
        found = batches.items(conn, caller, batch_id, after, limit + 1, outcome or ())
        if isinstance(found, Refusal):
            return found
        listed = list(items_of(found, after, limit + 1))
        more = len(listed) > limit
        following = cursors.write("items", [listed[limit - 1].position]) if more else None
        return page_answer(request, Items(listed[:limit], following))

    return await context_of(request).read(request, login, Permission("list_dids", READ, str(batch_id)), read)


@router.get(
    "/{batch_id}/events", operation_id="watchBatch", summary="Watch a batch",
    response_class=StreamingResponse,
    responses={200: {"content": {"text/event-stream": {"schema": {"type": "string"}}}}, **refusals(404)},
)  # fmt: skip
async def watch_batch(request: Request, login: Signed, batch_id: BatchId) -> Response:
    """Send the batch as an event `progress` whenever it has moved on, and as `end` when it is done with."""
    context, permission = context_of(request), Permission("list_dids", READ, str(batch_id))
    caller = await context.authorize_and_log(request, login, permission)
    if isinstance(caller, Response):
        return caller
    found = await context.on_reader(lambda conn: batches.get(conn, caller, batch_id))
    if isinstance(found, Refusal):
        return problems.refusal(found).response

    async def look(who: Caller) -> Event | None:
        found = await context.on_reader(partial(batches.get, caller=who, batch_id=batch_id))
        if isinstance(found, Refusal):
            return None
        ended = found.state not in ACTIVE
        return Event("end" if ended else "progress", answers.to_json(Batch.of(found)), is_last=ended)

    return Watch(request, login, permission, whenever_changed(look), context.moved).response(caller)


@router.post(
    "/{batch_id}/undo", operation_id="undoBatch", summary="Undo a batch", response_model=UndoneBatch,
    dependencies=[requires(UNDO)],
    responses={
        202: {"model": UndoneBatch, "description": "The undo continues; watch the batch"},
        **refusals(404, 409, 415),
    },
)  # fmt: skip
async def undo_batch(
    request: Request,
    login: Signed,
    batch_id: BatchId,
    body: Undo | None = None,
    idempotency_key: IdempotencyKey = None,
) -> Response:
    """Delete what a batch has created, or restore what it has changed or deleted.

    DIDs that were changed since are kept; the items name them.
    """
    return await answer_undo(request, login, batch_id, force=body is not None and body.force)


async def answer_undo(request: Request, login: Login, batch_id: int, *, force: bool) -> Response:
    """Undo a batch, or begin with that."""

    def serialize(conn: Connection, undone: batches.Undone) -> Answer:
        status = 202 if undone.batch.state in ACTIVE else 200
        return answers.json(UndoneBatch.of(undone.batch, kept=list(undone.kept)), status)

    operation = ApiOperation(
        UNDO.about_that(str(batch_id)),
        batches.undo,
        lambda caller: batches.UndoOrder(caller, batch_id, force),
        serialize,
        subject=f"batch {batch_id}",
    )
    answer = await context_of(request).write(request, login, operation)
    context_of(request).wake()
    return answer
