"""``/copies``: one DID copied to many, previewed or made."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Annotated, Any, Literal, Self, cast

import structlog
from fastapi import Query, Request
from pydantic import Field
from sqlalchemy.engine import Connection
from starlette.responses import Response, StreamingResponse

from didier.runtime.logins import Login
from didier.services.batches import batches, copies, copy_job, job_steps, previews
from didier.services.batches.batches import SMALL, BatchOrder
from didier.services.batches.checks import Checks
from didier.services.batches.copies import CopyOrder, CopyResult
from didier.services.batches.previews import Preview, PreviewItem, SampledCopy
from didier.services.users.authentication import Caller
from didier.storage.batches import progress
from didier.storage.batches.stored_batch import StoredBatch
from didier.web.api import answers, copy_orders, problems, refused
from didier.web.api.answers import Answer
from didier.web.api.batches import Batch, BatchWithItems, items_of
from didier.web.api.context import ApiContext, context_of
from didier.web.api.copy_orders import COPY, POINTERS, Ordered
from didier.web.api.operations import ApiOperation, Permission
from didier.web.api.orders import CopyBody, Copying
from didier.web.api.refused import RefusedTable
from didier.web.api.schemas import IdempotencyKey, refusals
from didier.web.api.signed import Signed, requires, signed_routes
from didier.web.api.tables import Table
from didier.web.api.text_bodies import (
    IN_TEXT,
    TEXT_TYPES,
    AllowImplausible,
    AllowNowhere,
    ColumnMapping,
    IgnoreColumns,
    beside_json,
    media_type,
    text_kind,
)

router = signed_routes("/copies", "copies")

NDJSON = "application/x-ndjson"

SHOWN = 1_000
"""Most targets that are shown of a preview in one JSON answer."""

log = structlog.get_logger()


Status = Literal["new", "similar", "exists", "duplicate", "invalid", "implausible", "nowhere"]


@dataclass
class Differing:
    """A field in which a DID differs from what would be made."""

    now: str | int | None
    would_be: str | int | None


@dataclass
class Previewed:
    """What would become of a target."""

    position: int
    target: str
    status: Status
    reason: str | None
    did_id: Annotated[int | None, Field(description="Of the DID that exists, when the caller sees it")]
    similar_to: Annotated[str | None, Field(description="The same number in another spelling, which exists")]
    differs: Annotated[
        dict[str, Differing],
        Field(description="How the existing DID differs from the one that would be created"),
    ]

    @classmethod
    def of(cls, seen: PreviewItem) -> Self:
        """Return what a preview has found of a target."""
        return cls(
            seen.position,
            seen.target,
            cast("Status", seen.status),
            seen.reason,
            seen.did_id,
            seen.similar_to,
            {name: Differing(one.now, one.would_be) for name, one in seen.differs.items()},
        )


@dataclass
class CopySample:
    """A DID that would be created."""

    target: str
    description: str
    destination: Annotated[str, Field(description="What calls to it would do, in words")]

    @classmethod
    def of(cls, seen: SampledCopy) -> Self:
        """Return a DID of a sample as the API shows it."""
        return cls(seen.target, seen.description, seen.destination)


@dataclass
class PreviewTotals:
    """How many targets there are of each status."""

    new: int
    similar: int
    exists: int
    duplicate: int
    invalid: int
    implausible: int
    nowhere: int
    requested: int


@dataclass
class PreviewSummary:
    """What a copy would do as a whole: the last line where each target has one."""

    dry_run: Literal[True]
    possible: Annotated[
        bool, Field(description="Whether the order would be carried out in the requested mode")
    ]
    totals: PreviewTotals
    sample: Annotated[list[CopySample], Field(description="The first DIDs that would be created")]
    table: Annotated[Table | None, Field(description="How a table was read; null where it was a list")]

    @classmethod
    def of(cls, preview: Preview, asked: Copying, **more: Any) -> Self:
        """Return the whole of a preview that has seen all targets; *more* is what is sent beside."""
        totals = PreviewTotals(**preview.totals, requested=asked.text.count)
        makeable = totals.new + totals.similar
        possible = makeable == asked.text.count if asked.atomic else makeable > 0
        return cls(
            dry_run=True,
            possible=possible,
            totals=totals,
            sample=list(map(CopySample.of, preview.sample)),
            table=Table.of(asked.text.layout) if asked.text.layout else None,
            **more,
        )


@dataclass
class Previews(PreviewSummary):
    """What a copy would do; nothing was written."""

    items: Annotated[
        list[Previewed],
        Field(
            description=f"All targets; of more than {SHOWN}, {SHOWN}, beginning with those that are not new"
        ),
    ]
    omitted: Annotated[int, Field(description="How many targets are not shown")]


_TEXTS = {kind: {"schema": {"type": "string"}} for kind in sorted(TEXT_TYPES)}
_BODY = {
    "requestBody": {
        "required": True,
        "content": {
            "application/json": {
                "schema": CopyBody.model_json_schema(ref_template="#/components/schemas/{model}")
            },
            **_TEXTS,
        },
    }
}


@router.post(
    "", operation_id="copyDid", summary="Copy a DID to many numbers", status_code=201,
    response_model=BatchWithItems, openapi_extra=_BODY, dependencies=[requires(COPY)],
    responses={
        200: {"model": Previews, "description": "With `dry_run`: what would be created",
              "content": {kind: {"schema": {"type": "string"}} for kind in (NDJSON, refused.CSV)}},
        201: {"headers": {"Location": {"schema": {"type": "string"}}}},
        202: {"model": Batch, "description": "A large order is accepted and continues; watch the batch"},
        **refusals(404, 409, 415),
    },
)  # fmt: skip
async def copy_did(
    request: Request,
    login: Signed,
    source: Annotated[str | None, Query(max_length=100, description=IN_TEXT)] = None,
    mode: Annotated[Literal["atomic", "best_effort"], Query(description=IN_TEXT)] = "atomic",
    dry_run: Annotated[bool, Query(description=IN_TEXT)] = False,
    description_template: Annotated[str | None, Query(max_length=255, description=IN_TEXT)] = None,
    set_: Annotated[
        list[str] | None, Query(alias="set", max_length=100, description=f"`column=value`. {IN_TEXT}")
    ] = None,
    mapping: ColumnMapping = None,
    ignore_columns: IgnoreColumns = False,
    allow_implausible: AllowImplausible = False,
    allow_nowhere: AllowNowhere = False,
    idempotency_key: IdempotencyKey = None,
) -> Response:
    """Copy a DID to each of the targets, with preview, all or nothing, whatever their number.

    Targets are numbers and ranges, as JSON, CSV or plain text (pasted from a spreadsheet). Up to 1,000 are
    made at once; more are taken in, and made while others go on.
    """
    kind = media_type(request)
    order: Ordered | Response
    if kind in TEXT_TYPES:
        query = {
            "source": source or "", "mode": mode, "dry_run": dry_run, "set": set_ or (),
            "description_template": description_template, "mapping": mapping,
            "ignore_columns": ignore_columns, "allow_implausible": allow_implausible,
            "allow_nowhere": allow_nowhere,
        }  # fmt: skip
        order = await copy_orders.from_text(request, login, text_kind(request), query)
    elif kind == "application/json" or kind.endswith("+json"):
        order = beside_json(request) or await copy_orders.from_json(request, login)
    else:
        order = problems.answer(problems.NOT_JSON, "Send application/json or text/csv.").response
    return order if isinstance(order, Response) else await carry_out(request, login, order)


async def carry_out(request: Request, login: Login, order: Ordered) -> Response:
    """Answer an order: preview it, make a small one at once, or take a large one in."""
    if order.asked.dry_run:
        return await _preview(request, login, order.asked)
    if order.asked.text.count > SMALL:
        return await _accept(request, login, order)
    return await _make(request, login, order)


def _asked(asked: Copying) -> Permission:
    return COPY.about_that(f"{asked.source}|{asked.text.count}")


async def _make(request: Request, login: Login, ordered: Ordered) -> Response:
    """Make a small batch in one transaction; then read it back."""
    asked, rows = ordered.asked, ordered.rows
    context = context_of(request)
    made: list[int] = []

    def serialize(conn: Connection, result: CopyResult) -> Answer:
        made.append(result.batch_id)
        batch = progress.get(conn, result.batch_id)
        if batch is None:
            raise LookupError(f"batch {result.batch_id} was written in this transaction and is not there")
        found = progress.items(conn, result.batch_id, 0, SMALL)
        shape = BatchWithItems.of(batch, items=list(items_of(found, 0, SMALL)))
        return answers.json(shape, 201, {"location": _address(request, batch.batch_id)})

    def order(caller: Caller) -> CopyOrder:
        return CopyOrder(
            caller,
            asked.source,
            tuple(row.target for row in rows),
            asked.overrides,
            atomic=asked.atomic,
            rows=rows,
            template=asked.template,
            checks=_checks(context, asked),
        )

    operation = ApiOperation(_asked(asked), copies.copy, order, serialize, at="/overrides", pointers=POINTERS)
    answer = await context.write(request, login, operation, ordered.content)
    if made and (difference := await _difference(context, made[-1])):
        return problems.answer(problems.FAILED, f"The batch failed verification: {difference}.").response
    return answer


async def _difference(context: ApiContext, batch_id: int) -> str | None:
    """Read a batch back after its commit; fail it loudly when it is not as it was ordered."""
    difference = await context.on_reader(lambda conn: copy_job.difference(conn, batch_id))
    if difference:
        log.error("batch_failed", batch=batch_id, reason=difference)
        await context.run(job_steps.fail_orders, (batch_id, f"verification failed: {difference}"))
        context.wake()  # an atomic one is taken back
    return difference


def _address(request: Request, batch_id: int) -> str:
    return f"{request.url.path.rpartition('/')[0]}/batches/{batch_id}"


def _order(context: ApiContext, asked: Copying, caller: Caller) -> BatchOrder:
    return BatchOrder(
        caller,
        asked.source,
        asked.text,
        asked.overrides,
        asked.template,
        asked.atomic,
        _checks(context, asked),
    )


def _checks(context: ApiContext, asked: Copying) -> Checks:
    return Checks(not asked.allow_implausible, context.region, not asked.allow_nowhere)


async def _accept(request: Request, login: Login, ordered: Ordered) -> Response:
    """Take a large batch in; it is made behind the orders of those who wait."""
    asked, context = ordered.asked, context_of(request)

    def serialize(conn: Connection, batch: StoredBatch) -> Answer:
        return answers.json(Batch.of(batch), 202, {"location": _address(request, batch.batch_id)})

    operation = ApiOperation(
        _asked(asked), batches.accept, lambda caller: _order(context, asked, caller), serialize,
        at="/overrides", pointers=POINTERS,
    )  # fmt: skip
    answer = await context.write(request, login, operation, ordered.content)
    context.wake()
    return answer


async def _preview(request: Request, login: Login, asked: Copying) -> Response:
    context = context_of(request)
    caller = await context.authorize_and_log(request, login, _asked(asked))
    if isinstance(caller, Response):
        return caller
    order = _order(context, asked, caller)
    preview = await context.on_reader(lambda conn: previews.preview(conn, order))
    if not isinstance(preview, Preview):
        return problems.refusal(preview, POINTERS, "/overrides").response
    accept = request.headers.get("accept", "")
    if NDJSON in accept:
        return StreamingResponse(_lines(context, preview, asked), media_type=NDJSON)
    if refused.CSV in accept:
        return refused.answer(_refused(context, preview, asked), "refused.csv")
    items: list[PreviewItem] = []
    async for seen in _steps(context, preview):
        room = SHOWN - len(items)
        items += [one for one in seen if asked.text.count <= SHOWN or one.status != "new"][:room]
    shown, omitted = list(map(Previewed.of, items)), asked.text.count - len(items)
    return answers.json(Previews.of(preview, asked, items=shown, omitted=omitted)).response


async def _steps(context: ApiContext, preview: Preview) -> AsyncIterator[list[PreviewItem]]:
    try:
        while (seen := await context.on_reader(preview.step)) is not None:
            yield seen
    finally:
        preview.close()


async def _refused(context: ApiContext, preview: Preview, asked: Copying) -> AsyncIterator[bytes]:
    """Yield the rows that would not be created, with the reason."""
    table = RefusedTable(asked.text.headers)
    yield table.header
    async for seen in _steps(context, preview):
        yield table.lines(refused.of_preview(seen))


async def _lines(context: ApiContext, preview: Preview, asked: Copying) -> AsyncIterator[bytes]:
    """Yield a line for each target, and the totals last."""
    async for seen in _steps(context, preview):
        yield b"".join(answers.to_json(Previewed.of(one)) + b"\n" for one in seen)
    yield answers.to_json(PreviewSummary.of(preview, asked)) + b"\n"
