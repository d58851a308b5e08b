"""Refused rows as CSV: as they were written, with the reason; such a table can be mended and sent again."""

import csv
import io
from collections.abc import AsyncIterator, Callable, Iterable, Sequence

from fastapi import Request
from sqlalchemy.engine import Connection
from starlette.responses import Response, StreamingResponse

from didier.domain.inputs import Row
from didier.domain.spreadsheets import guarded
from didier.errors import Refusal
from didier.services.batches import refusals
from didier.services.batches.previews import PreviewItem
from didier.services.batches.refusals import RefusedRow
from didier.services.users.authentication import Caller
from didier.storage.batches.progress import PlacedItem
from didier.web.api import problems
from didier.web.api.batches import READ, BatchId
from didier.web.api.context import ApiContext, context_of
from didier.web.api.operations import Permission
from didier.web.api.schemas import refusals as documented
from didier.web.api.signed import Signed, signed_routes

router = signed_routes("/batches", "batches")

CSV = "text/csv"
_MORE = ("didier_row", "didier_outcome", "didier_reason")
_NUMBER = "number"


class RefusedTable:
    """Writes refused rows with the columns *names* that they had; of numbers from a list there is one."""

    def __init__(self, names: Sequence[str]) -> None:
        self._names = list(names) or [_NUMBER]
        self._has_cells = bool(names)

    @property
    def header(self) -> bytes:
        """The first line, behind a mark by which spreadsheets know UTF-8."""
        return "\ufeff".encode() + _line([*self._names, *_MORE])

    def lines(self, rows: Iterable[RefusedRow]) -> bytes:
        """Return the lines of *rows*."""
        return b"".join(_line([*self._cells(row), *self._why(row)]) for row in rows)

    def _cells(self, row: RefusedRow) -> Iterable[str]:
        if row.read is None:
            return [row.target, *[""] * (len(self._names) - 1)]
        cells = row.read[1]
        return (cells.get(name, "") for name in self._names)

    @staticmethod
    def _why(row: RefusedRow) -> Iterable[str]:
        line = str(row.read[0]) if row.read else ""
        return line, row.outcome, row.reason or ""


def _line(cells: Iterable[str]) -> bytes:
    text = io.StringIO()
    csv.writer(text).writerow(map(guarded, cells))
    return text.getvalue().encode()


def of_preview(seen: Iterable[PreviewItem]) -> list[RefusedRow]:
    """Return what would not be created of *seen*."""
    return [
        _refused(one.position, one.target, one.status, one.reason, one.row)
        for one in seen
        if not one.is_possible
    ]


def of_items(seen: Iterable[PlacedItem], rows: Iterable[Row]) -> list[RefusedRow]:
    """Return to which of *rows* nothing would be done, by what was *seen* of each."""
    return [
        _refused(placed.position, placed.item.target, placed.item.outcome, placed.item.reason, row)
        for placed, row in zip(seen, rows, strict=True)
        if placed.item.outcome in refusals.NOT_DONE
    ]


def _refused(position: int, target: str, outcome: str, reason: str | None, row: Row | None) -> RefusedRow:
    read = (row.line, row.cells) if row and row.line else None
    return RefusedRow(position, target, outcome, reason, read)


def answer(pieces: AsyncIterator[bytes], name: str) -> Response:
    """Return *pieces* of CSV as a file of this *name*."""
    headers = {"content-disposition": f'attachment; filename="{name}"'}
    return StreamingResponse(pieces, headers=headers, media_type=f"{CSV}; charset=utf-8")


@router.get(
    "/{batch_id}/refused.csv", operation_id="exportRefused", summary="Export refused rows",
    response_class=Response,
    responses={
        200: {"content": {CSV: {"schema": {"type": "string"}}},
              "description": "The rows as they were sent, each with its number, its outcome and the reason"},
        **documented(404),
    },
)  # fmt: skip
async def export_refused(request: Request, login: Signed, batch_id: BatchId) -> Response:
    """Send the rows of a batch to which nothing was done: to be mended and sent again."""
    context = context_of(request)
    caller = await context.authorize_and_log(request, login, Permission("list_dids", READ, str(batch_id)))
    if isinstance(caller, Response):
        return caller
    names = await context.on_reader(lambda conn: refusals.names(conn, caller, batch_id))
    if isinstance(names, Refusal):
        return problems.refusal(names).response
    return answer(_pieces(context, caller, batch_id, RefusedTable(names)), f"refused-{batch_id}.csv")


async def _pieces(
    context: ApiContext, caller: Caller, batch_id: int, table: RefusedTable
) -> AsyncIterator[bytes]:
    yield table.header
    after = 0
    while True:
        page = await context.on_reader(_reading(caller, batch_id, after))
        if isinstance(page, Refusal):
            raise page
        if not page:
            return
        yield table.lines(page)
        after = page[-1].position


def _reading(
    caller: Caller, batch_id: int, after: int
) -> Callable[[Connection], Sequence[RefusedRow] | Refusal]:
    return lambda conn: refusals.page(conn, caller, batch_id, after)
