"""``/exports``: all DIDs as CSV or as JSON lines, in pieces that fit into little memory."""

import csv
import io
from collections.abc import AsyncIterator, Callable, Sequence
from typing import Annotated

import orjson
from fastapi import Depends, Request
from starlette.responses import Response, StreamingResponse

from didier.domain.spreadsheets import guarded
from didier.errors import Refusal
from didier.runtime.logins import Login
from didier.services.changes import feed
from didier.services.dids import lookup
from didier.services.dids.lookup import FoundDids, Wanted
from didier.services.users.authentication import Caller
from didier.storage.dids.pages import Row, Sort
from didier.web.api import problems
from didier.web.api.context import ApiContext, context_of
from didier.web.api.dids import READ, wanted
from didier.web.api.operations import Permission
from didier.web.api.schemas import refusals
from didier.web.api.signed import Signed, signed_routes

router = signed_routes("/exports", "dids")

SEQUENCE = "didier-sequence"
"""The header with the number behind which changes are to be followed (`/changes`) from an export on."""

PIECE = 1_000
"""DIDs that are read at once."""

SEQUENCE_HEADER = {
    "Didier-Sequence": {
        "description": "Number of the last change before the export: `after` of `/changes` to go on from it",
        "schema": {"type": "integer"},
    }
}

Chosen = Annotated[Wanted, Depends(wanted)]
Encode = Callable[[Sequence[Row], bool], bytes]
"""Writes rows; told whether they are the first, which may need a head."""


def as_csv(rows: Sequence[Row], first: bool, names: Sequence[str] = ("did_pattern",)) -> bytes:
    """Write rows as CSV, the names of their columns before the first; without rows these *names*."""
    text = io.StringIO(newline="")  # the writer ends lines itself, by CR LF (RFC 4180, 2)
    writer = csv.writer(text)
    if first:
        writer.writerow(rows[0] if rows else names)
    for row in rows:
        writer.writerow([guarded(value) if value and type(value) is str else value for value in row.values()])
    return text.getvalue().encode()


def as_ndjson(rows: Sequence[Row], first: bool) -> bytes:
    """Write each row as JSON on a line of its own."""
    return b"".join(orjson.dumps(row) + b"\n" for row in rows)


@router.get(
    "/dids.csv", operation_id="exportDidsCsv", summary="Export DIDs as CSV", response_class=Response,
    responses={
        200: {
            "content": {"text/csv": {"schema": {"type": "string"}}},
            "headers": SEQUENCE_HEADER,
            "description": "A row for each DID",
        },
        **refusals(),
    },
)  # fmt: skip
async def export_csv(request: Request, login: Signed, chosen: Chosen) -> Response:
    """Send all columns of the DIDs that are wanted, in the order of their ids.

    Cells that a spreadsheet would take for a formula begin with an apostrophe, which imports take away.
    """
    return await _export(request, login, chosen, as_csv, "text/csv; charset=utf-8", "dids.csv")


@router.get(
    "/dids.ndjson", operation_id="exportDidsNdjson", summary="Export DIDs as JSON lines",
    response_class=Response,
    responses={
        200: {
            "content": {"application/x-ndjson": {"schema": {"type": "string"}}},
            "headers": SEQUENCE_HEADER,
            "description": "One JSON object per line for each DID",
        },
        **refusals(),
    },
)  # fmt: skip
async def export_ndjson(request: Request, login: Signed, chosen: Chosen) -> Response:
    """Send all columns of the DIDs that are wanted, in the order of their ids."""
    return await _export(request, login, chosen, as_ndjson, "application/x-ndjson", "dids.ndjson")


async def _export(
    request: Request, login: Login, chosen: Wanted, encode: Encode, media_type: str, name: str
) -> Response:
    context = context_of(request)
    # Who takes all numbers away is to be found in the log, even if other reads are not.
    permission = Permission("list_dids", READ, name)
    caller = await context.authorize_and_log(request, login, permission, always=True)
    if isinstance(caller, Response):
        return caller
    number = await context.on_reader(feed.newest)  # before the first row is read
    first = await _page(context, caller, chosen, None)
    if isinstance(first, Refusal):
        return problems.refusal(first).response
    headers = {"content-disposition": f'attachment; filename="{name}"', SEQUENCE: str(number)}
    pieces = _pieces(context, caller, chosen, first, encode)
    return StreamingResponse(pieces, headers=headers, media_type=media_type)


async def _pieces(
    context: ApiContext, caller: Caller, chosen: Wanted, page: FoundDids, encode: Encode
) -> AsyncIterator[bytes]:
    """Yield the pages one after the other, each read when the one before is on its way.

    A page that cannot be read breaks the answer off, so that nobody takes a part for the whole. Its rows are
    not kept while the client reads: they are ten times as large as what they are written as.
    """
    piece, following = encode(page.rows, True), page.following
    del page
    yield piece
    while following is not None:
        piece, following = await _written(context, caller, chosen, following, encode)
        yield piece


async def _written(
    context: ApiContext, caller: Caller, chosen: Wanted, after: list[str | int], encode: Encode
) -> tuple[bytes, list[str | int] | None]:
    page = await _page(context, caller, chosen, after)
    if isinstance(page, Refusal):
        raise page
    return encode(page.rows, False), page.following


async def _page(
    context: ApiContext, caller: Caller, chosen: Wanted, after: list[str | int] | None
) -> FoundDids | Refusal:
    return await context.on_reader(
        lambda conn: lookup.page(conn, caller, chosen, Sort("did_id"), PIECE, after)
    )
