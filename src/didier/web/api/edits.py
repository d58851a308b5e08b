"""Carrying out orders that edit many DIDs: previewed, done at once, or taken in."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Literal, Self

from fastapi import Request
from pydantic import Field
from sqlalchemy.engine import Connection
from starlette.responses import Response

from didier.domain import inputs
from didier.errors import Refusal
from didier.runtime.logins import Login
from didier.services.batches import bulk_edits, edit_samples
from didier.services.batches.batches import SMALL
from didier.services.batches.bulk_edits import Edited, EditOrder, LargeEditOrder
from didier.services.batches.edit_previews import DONE, EditPreview
from didier.services.batches.edit_samples import Sampled
from didier.services.users.authentication import Caller
from didier.storage.batches import progress
from didier.storage.batches.progress import PlacedItem
from didier.storage.batches.stored_batch import StoredBatch
from didier.web.api import answers, problems, refused
from didier.web.api.answers import Answer
from didier.web.api.batches import WRITE, Batch, BatchWithItems, Item, items_of
from didier.web.api.context import ApiContext, context_of
from didier.web.api.copies import Differing
from didier.web.api.edit_orders import Editing
from didier.web.api.operations import ApiOperation, Permission
from didier.web.api.refused import RefusedTable
from didier.web.api.tables import Table

SHOWN = 1_000
"""Most DIDs that are shown of a preview."""

POINTERS = {name: f"/{name}" for name in ("values", "add_tags", "remove_tags", "drift", "drift_fields")}
_ACTIONS = {"add": "add_did", "update": "update_did", "delete": "delete_did", "import": "add_did"}


@dataclass
class EditTotals:
    """How many DIDs there are of each outcome."""

    requested: int
    added: int
    updated: int
    deleted: int
    exists: int
    missing: int
    duplicate: int
    invalid: int
    implausible: int
    nowhere: int
    refused: int


@dataclass
class EditSample:
    """A DID to which something would be done."""

    target: str
    description: Annotated[str, Field(description="As it is now")]
    differs: Annotated[dict[str, Differing], Field(description="Fields that would get another value")]

    @classmethod
    def of(cls, seen: Sampled) -> Self:
        """Return a DID of a sample as the API shows it."""
        differs = {name: Differing(one.now, one.would_be) for name, one in seen.differs.items()}
        return cls(seen.target, seen.description, differs)


@dataclass
class EditPreviewed:
    """What an order would do; nothing was written."""

    dry_run: Literal[True]
    possible: Annotated[
        bool, Field(description="Whether the order would be carried out in the requested mode")
    ]
    totals: EditTotals
    items: Annotated[
        list[Item],
        Field(description=f"All DIDs; of more than {SHOWN}, the first to which nothing would be done"),
    ]
    omitted: Annotated[int, Field(description="How many DIDs are not shown")]
    table: Annotated[Table | None, Field(description="How a table was read; null where it was a list")]
    sample: Annotated[
        list[EditSample],
        Field(description=f"The first {edit_samples.SHOWN} existing DIDs to which something would be done"),
    ]

    @classmethod
    def of(cls, preview: EditPreview, asked: Editing, items: list[Item]) -> Self:
        """Return the whole of a preview that has seen all DIDs."""
        names = EditTotals.__dataclass_fields__.keys() - {"requested"}
        counts = {name: preview.totals[name] for name in names}
        return cls(
            dry_run=True,
            possible=preview.is_possible(atomic=asked.atomic),
            totals=EditTotals(requested=asked.text.count, **counts),
            items=items,
            omitted=asked.text.count - len(items),
            table=Table.of(asked.text.layout) if asked.text.layout else None,
            sample=list(map(EditSample.of, preview.sample)),
        )


def permission(verb: str, count: int | None = None) -> Permission:
    """Return what the caller of an order must be allowed; the service asks for the rest."""
    return Permission(_ACTIONS[verb], WRITE, verb if count is None else f"{verb}|{count}")


def _asked(asked: Editing) -> Permission:
    return permission(asked.spec.verb, asked.text.count)


async def carry_out(request: Request, login: Login, asked: Editing, content: bytes) -> Response:
    """Answer an order; *content* is what makes two requests the same."""
    if asked.dry_run:
        return await _preview(request, login, asked)
    if asked.text.count > SMALL:
        return await _accept(request, login, asked, content)
    return await _edit(request, login, asked, content)


async def refuse(request: Request, login: Login, verb: str, refusal: Refusal, content: bytes) -> Response:
    """Answer an order whose conditions no DID meets any more; one that was carried out is answered again."""

    def service(conn: Connection, orders: Sequence[Refusal], now: datetime) -> Sequence[Refusal]:
        return orders

    operation = ApiOperation(permission(verb), service, lambda _: refusal, answers.done)
    return await context_of(request).write(request, login, operation, content)


async def _preview(request: Request, login: Login, asked: Editing) -> Response:
    context = context_of(request)
    caller = await context.authorize_and_log(request, login, _asked(asked))
    if isinstance(caller, Response):
        return caller
    if refusal := await context.on_reader(lambda conn: bulk_edits.refusal(conn, caller, asked.spec)):
        return problems.refusal(refusal, POINTERS, "/values").response
    preview = EditPreview(caller, asked.spec, asked.text)
    if refused.CSV in request.headers.get("accept", ""):
        return refused.answer(_refused(context, preview, asked), "refused.csv")
    items: list[Item] = []
    try:
        while (seen := await context.on_reader(preview.step)) is not None:
            shown = [one for one in seen if asked.text.count <= SHOWN or one.item.outcome not in DONE]
            items += [Item.of(one, 0) for one in shown[: SHOWN - len(items)]]
    finally:
        preview.close()
    return answers.json(EditPreviewed.of(preview, asked, items)).response


async def _refused(context: ApiContext, preview: EditPreview, asked: Editing) -> AsyncIterator[bytes]:
    """Yield the rows to which nothing would be done, with the reason."""
    table = RefusedTable(asked.text.headers)
    yield table.header
    try:
        while (seen := await context.on_reader(preview.step)) is not None:
            yield table.lines(refused.of_items(seen, preview.rows))
    finally:
        preview.close()


def _address(request: Request, batch_id: int) -> str:
    base = request.url.path.rpartition("/")[0]
    return f"{base}/batches/{batch_id}"


async def _edit(request: Request, login: Login, asked: Editing, content: bytes) -> Response:
    """Carry a small order out in one transaction."""
    rows = tuple(inputs.rows(asked.text.entries()))

    def order(caller: Caller) -> EditOrder:
        return EditOrder(caller, asked.spec, rows, asked.atomic, where=asked.where)

    def serialize(conn: Connection, done: Edited) -> Answer:
        batch = progress.get(conn, done.batch_id)
        if batch is None:
            raise LookupError(f"batch {done.batch_id} was written in this transaction and is not there")
        found = [PlacedItem(position, item) for position, item in enumerate(done.items, 1)]
        shape = BatchWithItems.of(batch, items=list(items_of(found, 0, SMALL)))
        return answers.json(shape, 201, {"location": _address(request, batch.batch_id)})

    operation = ApiOperation(
        _asked(asked), bulk_edits.edit, order, serialize, at="/values", pointers=POINTERS
    )
    return await context_of(request).write(request, login, operation, content)


async def _accept(request: Request, login: Login, asked: Editing, content: bytes) -> Response:
    """Take a large order in; it is carried out behind the orders of those who wait."""

    def order(caller: Caller) -> LargeEditOrder:
        return LargeEditOrder(caller, asked.spec, asked.text, asked.atomic, asked.where)

    def serialize(conn: Connection, batch: StoredBatch) -> Answer:
        return answers.json(Batch.of(batch), 202, {"location": _address(request, batch.batch_id)})

    operation = ApiOperation(
        _asked(asked), bulk_edits.accept, order, serialize, at="/values", pointers=POINTERS
    )
    context = context_of(request)
    answer = await context.write(request, login, operation, content)
    context.wake()
    return answer
