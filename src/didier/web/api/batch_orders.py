"""``POST /batches``: every verb over as many DIDs as there are; and ending a batch that is under way."""

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from fastapi import Query, Request
from pydantic import Field, StrictBool, StrictInt, TypeAdapter
from sqlalchemy.engine import Connection
from starlette.responses import Response

from didier.errors import NothingFound, TooManyTargets
from didier.runtime.logins import Login
from didier.services.batches import batches
from didier.storage.batches.stored_batch import StoredBatch
from didier.web.api import answers, copies, copy_orders, edit_orders, edits, orders, problems
from didier.web.api.answers import Answer
from didier.web.api.batches import WRITE, Batch, BatchId, BatchWithItems, UndoneBatch, answer_undo
from didier.web.api.context import context_of
from didier.web.api.copies import Previews
from didier.web.api.copy_orders import Ordered
from didier.web.api.edit_orders import AddBody, DeleteBody, Editing, ImportBody, UpdateBody
from didier.web.api.edits import EditPreviewed
from didier.web.api.operations import ApiOperation, Permission
from didier.web.api.orders import CopyBody
from didier.web.api.schemas import Body, IdempotencyKey, refusals
from didier.web.api.signed import Signed, requires, signed_routes
from didier.web.api.text_bodies import (
    IN_TEXT,
    TEXT_TYPES,
    AddTags,
    AllowImplausible,
    AllowNowhere,
    ColumnMapping,
    DriftAction,
    DriftFields,
    IgnoreColumns,
    RemoveTags,
    TextKind,
    beside_json,
    media_type,
    packed,
    text_kind,
)
from didier.web.api.texts import Pause

router = signed_routes("/batches", "batches")

VERBS = ("copy_did", "add_did", "update_did", "delete_did")
ORDER = Permission("order_batch", WRITE, checked=False, any_of=VERBS)
CANCEL = Permission("cancel_batch", WRITE, checked=False)


class CopyOrderBody(CopyBody):
    """A DID to be copied, as for ``POST /copies``."""

    verb: Literal["copy"]


class UndoBody(Body):
    """A batch to be undone, as for ``POST /batches/{batch_id}/undo``."""

    verb: Literal["undo"]
    batch: StrictInt = Field(ge=1, le=2**31 - 1)
    force: StrictBool = Field(False, description="Include DIDs that were changed since")


OrderBody = Annotated[
    CopyOrderBody | AddBody | UpdateBody | DeleteBody | ImportBody | UndoBody, Field(discriminator="verb")
]
_ORDER: TypeAdapter[Any] = TypeAdapter(OrderBody)
_TEXTS = {kind: {"schema": {"type": "string"}} for kind in sorted(TEXT_TYPES)}
_BODY = {
    "requestBody": {
        "required": True,
        "content": {
            "application/json": {"schema": _ORDER.json_schema(ref_template="#/components/schemas/{model}")},
            **_TEXTS,
        },
    }
}


@router.post(
    "", operation_id="orderBatch", summary="Copy, add, update, delete, import or undo", status_code=201,
    response_model=BatchWithItems, openapi_extra=_BODY, dependencies=[requires(ORDER)],
    responses={
        200: {"model": EditPreviewed | Previews | UndoneBatch,
              "description": "With `dry_run`: what would be done; `undo`: what was undone"},
        201: {"headers": {"Location": {"schema": {"type": "string"}}}},
        202: {"model": Batch, "description": "A large order is accepted and continues; watch the batch"},
        **refusals(404, 409, 415),
    },
)  # fmt: skip
async def order_batch(
    request: Request,
    login: Signed,
    verb: Annotated[
        Literal["copy", "add", "update", "delete", "import"] | None, Query(description=IN_TEXT)
    ] = None,
    mode: Annotated[Literal["atomic", "best_effort"], Query(description=IN_TEXT)] = "atomic",
    dry_run: Annotated[bool, Query(description=IN_TEXT)] = False,
    set_: Annotated[
        list[str] | None, Query(alias="set", max_length=100, description=f"`column=value`. {IN_TEXT}")
    ] = None,
    existing: Annotated[
        Literal["refuse", "skip", "update"],
        Query(description=f"What an import does with DIDs that exist. {IN_TEXT}"),
    ] = "refuse",
    force: Annotated[bool, Query(description=f"Delete protected DIDs and DIDs in use. {IN_TEXT}")] = False,
    source: Annotated[str | None, Query(max_length=100, description=f"DID to copy. {IN_TEXT}")] = None,
    description_template: Annotated[str | None, Query(max_length=255, description=IN_TEXT)] = None,
    mapping: ColumnMapping = None,
    ignore_columns: IgnoreColumns = False,
    allow_implausible: AllowImplausible = False,
    allow_nowhere: AllowNowhere = False,
    add_tags: AddTags = None,
    remove_tags: RemoveTags = None,
    drift: DriftAction = None,
    drift_fields: DriftFields = None,
    idempotency_key: IdempotencyKey = None,
) -> Response:
    """Carry out one verb over many DIDs as one batch: with preview, all or nothing, whatever their number.

    The DIDs are numbers and ranges, as JSON, CSV or plain text; `update` and `delete` also take those that
    meet conditions when the order arrives. Up to 1,000 are done at once; more are taken in, and done while
    others go on.
    """
    kind = media_type(request)
    if kind in TEXT_TYPES:
        if verb is None:
            return problems.answer(problems.INVALID, "Say what is to be done.", pointer="verb").response
        if misplaced := _misplaced(request, verb):
            return misplaced
        query = {
            "verb": verb, "mode": mode, "dry_run": dry_run, "set": set_ or (), "existing": existing,
            "force": force, "source": source or "", "description_template": description_template,
            "mapping": mapping, "ignore_columns": ignore_columns, "allow_implausible": allow_implausible,
            "allow_nowhere": allow_nowhere, "add_tags": add_tags or (), "remove_tags": remove_tags or (),
            "drift": drift, "drift_fields": drift_fields or (),
        }  # fmt: skip
        return await _text_order(request, login, text_kind(request), query)
    if kind != "application/json" and not kind.endswith("+json"):
        return problems.answer(problems.NOT_JSON, "Send application/json or text/csv.").response
    return beside_json(request) or await _json_order(request, login)


def _misplaced(request: Request, verb: str) -> Response | None:
    """Refuse a parameter that would not count beside a text body: the *verb* takes none like it."""
    known = {"verb", "mode", "dry_run", *_OF_TABLES, *_OF_VERB[verb]}
    if unknown := [name for name in request.query_params if name not in known]:
        detail = f"{verb.capitalize()} takes no such parameter."
        return problems.answer(problems.INVALID, detail, pointer=unknown[0]).response
    return None


_OF_TABLES = ("mapping", "ignore_columns", "allow_implausible")
_NOWHERE = "allow_nowhere"
_OF_VERB: Mapping[str, tuple[str, ...]] = {
    "copy": ("set", "source", "description_template", _NOWHERE), "add": ("set", _NOWHERE),
    "update": ("set", "add_tags", "remove_tags", "drift", "drift_fields", _NOWHERE),
    "delete": ("force",), "import": ("existing", _NOWHERE),
}  # fmt: skip
"""The parameters that each verb has beside those of all."""


async def _text_order(request: Request, login: Login, kind: TextKind, query: Mapping[str, Any]) -> Response:
    if query["verb"] == "copy":
        ordered = await copy_orders.from_text(request, login, kind, query)
        return ordered if isinstance(ordered, Response) else await copies.carry_out(request, login, ordered)
    caller = await context_of(request).foresee(request, login, edits.permission(query["verb"]))
    if isinstance(caller, Response):
        return caller
    context, sent = context_of(request), await packed(request)

    def read(pause: Pause) -> Editing:
        return edit_orders.of_text(sent.pieces, kind, query, context.batch_limit, context.region, pause)

    asked = await context.parse(sent.size, read)
    return await edits.carry_out(request, login, asked, sent.content)


async def _json_order(request: Request, login: Login) -> Response:
    content = await request.body()
    context = context_of(request)
    limit = context.batch_limit

    def read(pause: Pause) -> Any:
        sent = orders.parsed(_ORDER.validate_json, content, pause, "verb")
        if isinstance(sent, CopyOrderBody):
            return copy_orders.ordered(orders.of_body(sent, limit, pause), content, pause)
        is_chosen = isinstance(sent, UpdateBody | DeleteBody) and sent.where is not None
        if is_chosen or isinstance(sent, UndoBody):
            return sent
        return edit_orders.of_body(sent, limit, context.region, pause)

    asked = await context.parse(len(content), read)
    if isinstance(asked, Ordered):
        return await copies.carry_out(request, login, asked)
    if isinstance(asked, UndoBody):
        return await answer_undo(request, login, asked.batch, force=asked.force)
    if isinstance(asked, Editing):
        return await edits.carry_out(request, login, asked, content)
    try:
        chosen = await edit_orders.chosen(request, asked)
    except (NothingFound, TooManyTargets) as refusal:
        return await edits.refuse(request, login, asked.verb, refusal, content)
    return await edits.carry_out(request, login, chosen, content)


@router.post(
    "/{batch_id}/cancel", operation_id="cancelBatch", summary="Cancel a batch", response_model=Batch,
    responses=refusals(404, 409),
)  # fmt: skip
async def cancel_batch(request: Request, login: Signed, batch_id: BatchId) -> Response:
    """End a large batch that is under way.

    What an atomic one has done is taken back; what another has done stays, and can be undone.
    """

    def serialize(conn: Connection, batch: StoredBatch) -> Answer:
        return answers.json(Batch.of(batch))

    operation = ApiOperation(
        CANCEL.about_that(str(batch_id)),
        batches.cancel,
        lambda caller: batches.CancelOrder(caller, batch_id),
        serialize,
        subject=f"batch {batch_id}",
    )
    answer = await context_of(request).write(request, login, operation)
    context_of(request).wake()
    return answer
