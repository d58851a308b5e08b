"""``/imports``: DIDs from a CSV table, as exports write it."""

from dataclasses import dataclass
from typing import Annotated, Literal, Self, cast

from fastapi import Query, Request
from pydantic import Field
from sqlalchemy.engine import Connection
from starlette.responses import Response

from didier.domain import inputs
from didier.services.batches import bulk_edits
from didier.services.batches.batches import SMALL
from didier.services.batches.bulk_edits import Edited, EditOrder
from didier.services.users.authentication import Caller
from didier.storage.batches.batches import BatchItem
from didier.web.api import answers, edit_orders, edits, problems
from didier.web.api.answers import Answer
from didier.web.api.batches import Batch
from didier.web.api.context import context_of
from didier.web.api.edits import EditPreviewed
from didier.web.api.operations import ApiOperation, Permission
from didier.web.api.schemas import IdempotencyKey, refusals
from didier.web.api.signed import Signed, requires, signed_routes
from didier.web.api.text_bodies import (
    WORKBOOK,
    AllowImplausible,
    AllowNowhere,
    ColumnMapping,
    IgnoreColumns,
    media_type,
    packed,
    text_kind,
)

router = signed_routes("/imports", "dids")

WRITE = "dids:write"
ADD = Permission("add_did", WRITE)
CSV = "text/csv"
Outcome = Literal["added", "updated", "exists", "duplicate", "invalid", "implausible", "nowhere", "refused"]


@dataclass
class ImportedItem:
    """What became of a row."""

    position: int
    target: str
    outcome: Outcome
    did_id: int | None
    reason: Annotated[str | None, Field(description="Why it was not imported, or what is odd about it")]

    @classmethod
    def of(cls, position: int, item: BatchItem) -> Self:
        """Return what became of the row at *position*, counted from 1."""
        return cls(position, item.target, cast("Outcome", item.outcome), item.did_id, item.reason)


@dataclass
class ImportedDids:
    """What was imported, or would be."""

    dry_run: bool
    batch: Annotated[int | None, Field(description="The batch, which can be undone; null in a dry run")]
    items: list[ImportedItem]

    @classmethod
    def of(cls, done: Edited) -> Self:
        """Return what was imported."""
        items = [ImportedItem.of(position, item) for position, item in enumerate(done.items, 1)]
        return cls(done.dry_run, done.batch_id or None, items)


@router.post(
    "", operation_id="importDids", summary="Import DIDs", status_code=201, response_model=ImportedDids,
    dependencies=[requires(ADD)],
    openapi_extra={"requestBody": {"required": True, "content": {CSV: {"schema": {"type": "string"}}}}},
    responses={
        200: {"model": ImportedDids | EditPreviewed,
              "description": "With `dry_run`: what would be imported; above 1,000 rows in short"},
        201: {"headers": {"Location": {"schema": {"type": "string"}}}},
        202: {"model": Batch, "description": "A large table is accepted and continues; watch the batch"},
        **refusals(404, 409, 415),
    },
)  # fmt: skip
async def import_dids(
    request: Request,
    login: Signed,
    existing: Annotated[
        Literal["refuse", "skip", "update"], Query(description="What to do with DIDs that exist")
    ] = "refuse",
    dry_run: Annotated[bool, Query(description="Only show what would be imported")] = False,
    mode: Annotated[
        Literal["atomic", "best_effort"],
        Query(description="If some rows are not possible: none, or the others"),
    ] = "atomic",
    mapping: ColumnMapping = None,
    ignore_columns: IgnoreColumns = False,
    allow_implausible: AllowImplausible = False,
    allow_nowhere: AllowNowhere = False,
    idempotency_key: IdempotencyKey = None,
) -> Response:
    """Create the DIDs of a CSV table, and update existing ones if wanted: all or none.

    The header row names `did_pattern` and columns of DIDs, as exports do. Up to 1,000 rows are imported at
    once; more are taken in, and imported while others go on.
    """
    if media_type(request) not in {CSV, WORKBOOK}:
        return problems.answer(problems.NOT_JSON, f"Send {CSV}.").response
    context = context_of(request)
    if existing == "update":
        caller = await context.foresee(request, login, Permission("update_did", WRITE))
        if isinstance(caller, Response):
            return caller
    sent, limit = await packed(request), context.batch_limit
    query = {
        "verb": "import", "set": (), "existing": existing, "mode": mode, "dry_run": dry_run,
        "mapping": mapping, "ignore_columns": ignore_columns, "allow_implausible": allow_implausible,
        "allow_nowhere": allow_nowhere,
    }  # fmt: skip
    kind = text_kind(request)
    asked = await context.parse(
        sent.size, lambda pause: edit_orders.of_text(sent.pieces, kind, query, limit, context.region, pause)
    )
    if asked.text.count > SMALL:
        return await edits.carry_out(request, login, asked, sent.content)
    rows = tuple(inputs.rows(asked.text.entries()))

    def order(caller: Caller) -> EditOrder:
        return EditOrder(caller, asked.spec, rows, asked.atomic, dry_run)

    def serialize(conn: Connection, done: Edited) -> Answer:
        if done.dry_run:
            return answers.json(ImportedDids.of(done))
        path = f"{request.url.path.removesuffix('/imports')}/batches/{done.batch_id}"
        return answers.json(ImportedDids.of(done), 201, {"location": path})

    operation = ApiOperation(ADD.about_that(f"{len(rows)} rows"), bulk_edits.edit, order, serialize)
    return await context.write(request, login, operation, sent.content)
