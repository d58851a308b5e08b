"""Reports as a whole: as CSV or as JSON lines, page by page, where `Accept` or the address asks for it."""

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Annotated, Any, Literal, Protocol

from fastapi import Query, Request
from sqlalchemy.engine import Connection
from starlette.responses import Response, StreamingResponse

from didier.errors import Refusal
from didier.runtime.logins import Login
from didier.services.users.authentication import Caller
from didier.web.api import problems
from didier.web.api.context import context_of
from didier.web.api.exports import Encode, as_csv, as_ndjson
from didier.web.api.operations import Permission

CSV, NDJSON = "text/csv", "application/x-ndjson"
MEDIA = {"csv": CSV, "ndjson": NDJSON}

Format = Annotated[
    Literal["json", "csv", "ndjson"] | None, Query(description="In place of `Accept`, for links")
]

WHOLE: Mapping[int | str, Any] = {
    200: {
        "content": {CSV: {"schema": {"type": "string"}}, NDJSON: {"schema": {"type": "string"}}},
        "description": "A page; as CSV and as JSON lines all of it, a line for each item",
    }
}
"""What the OpenAPI document says of such an answer."""


@dataclass(frozen=True, slots=True)
class Piece:
    """Some rows, all with the same columns, and where the next begin; None behind the last."""

    rows: Sequence[Mapping[str, Any]]
    following: Any


@dataclass(frozen=True, slots=True)
class Report:
    """What is sent: *name* is that of the file, *read* reads what is behind a place."""

    name: str
    columns: Sequence[str]
    permission: Permission
    read: "Read"


class Read(Protocol):
    """Reads a piece."""

    def __call__(self, conn: Connection, caller: Caller, after: Any) -> Piece | Refusal:
        """Return what is behind a place in the report, from its beginning on without one."""


def asked(request: Request, format: Format) -> str | None:
    """Return as what all of a report is to be sent, ``csv`` or ``ndjson``; None for a page."""
    if format:
        return format if format in MEDIA else None
    accepted = request.headers.get("accept", "")
    return next((name for name, kind in MEDIA.items() if kind in accepted), None)


async def send(request: Request, login: Login, report: Report, kind: str) -> Response:
    """Send all of a report; who takes it away is to be found in the log, even if other reads are not."""
    context = context_of(request)
    caller = await context.authorize_and_log(request, login, report.permission, always=True)
    if isinstance(caller, Response):
        return caller
    first = await context.on_reader(partial(report.read, caller=caller, after=None))
    if isinstance(first, Refusal):
        return problems.refusal(first).response
    encode: Encode = partial(as_csv, names=report.columns) if kind == "csv" else as_ndjson
    headers = {"content-disposition": f'attachment; filename="{report.name}.{kind}"'}
    media_type = f"{CSV}; charset=utf-8" if kind == "csv" else NDJSON
    pieces = _pieces(request, caller, report, first, encode)
    return StreamingResponse(pieces, headers=headers, media_type=media_type)


async def _pieces(
    request: Request, caller: Caller, report: Report, piece: Piece, encode: Encode
) -> AsyncIterator[bytes]:
    """Yield the pieces; one that cannot be read breaks the answer off: a part is not taken for all."""
    yield encode(piece.rows, True)
    while piece.following is not None:
        read = partial(report.read, caller=caller, after=piece.following)
        found = await context_of(request).on_reader(read)
        if isinstance(found, Refusal):
            raise found
        piece = found
        yield encode(piece.rows, False)
