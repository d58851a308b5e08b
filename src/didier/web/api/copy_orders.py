"""What a request requires to be copied: its source is looked for first, then its targets are read."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from fastapi import Request
from fastapi.exceptions import RequestValidationError
from sqlalchemy.engine import Connection
from starlette.responses import Response

from didier.domain import inputs
from didier.domain.inputs import Row
from didier.errors import NotFound, Refusal
from didier.runtime.logins import Login
from didier.services.batches import copy_source
from didier.services.batches.batches import SMALL
from didier.web.api import answers
from didier.web.api.context import SHORT, context_of
from didier.web.api.operations import ApiOperation, Permission
from didier.web.api.orders import Copying, Named, named, of_json, of_text
from didier.web.api.signed import expected
from didier.web.api.text_bodies import TextKind, packed
from didier.web.api.texts import Pause

COPY = Permission("copy_did", "dids:write")
POINTERS = {"pattern": "/source", "description_template": "/description_template"}


@dataclass(frozen=True, slots=True)
class Ordered:
    """What is *asked*, the *rows* of a small order, and the *content* by which two requests are the same."""

    asked: Copying
    rows: tuple[Row, ...]
    content: bytes


async def from_text(
    request: Request, login: Login, kind: TextKind, query: Mapping[str, Any]
) -> Ordered | Response:
    """Read a text body, or return the answer that the source is not there."""
    said = Named.model_construct(source=query["source"], dry_run=query["dry_run"])
    if absent := await _absent(request, login, said, None):
        return absent
    text = await packed(request)
    limit = context_of(request).batch_limit

    def read(pause: Pause) -> Ordered:
        return ordered(of_text(text.pieces, kind, query, limit, pause), text.content, pause)

    return await context_of(request).parse(text.size, read)


async def from_json(request: Request, login: Login) -> Ordered | Response:
    """Read a JSON body, or return the answer that the source is not there."""
    content = await request.body()
    is_small = len(content) <= SHORT
    limit = context_of(request).batch_limit
    if not is_small and (absent := await _absent_in(request, login, content)):
        return absent

    def read(pause: Pause) -> Ordered:
        return ordered(of_json(content, limit, pause), content, pause)

    try:
        return await context_of(request).parse(len(content), read)
    except (Refusal, RequestValidationError):
        # A small body is read first, which costs less than to look for its source; the answer is the same.
        if is_small and (absent := await _absent_in(request, login, content)):
            return absent
        raise


def ordered(asked: Copying, content: bytes, pause: Pause) -> Ordered:
    """Return what is *asked*, with the rows of an order that is carried out at once."""
    if asked.dry_run or asked.text.count > SMALL:
        return Ordered(asked, (), content)
    return Ordered(asked, tuple(inputs.rows(asked.text.entries(pause))), content)


async def _absent_in(request: Request, login: Login, content: bytes) -> Response | None:
    """Return what `_absent` does for a body in JSON."""
    said = await context_of(request).parse(len(content), lambda pause: named(content, pause))
    return await _absent(request, login, said, content) if said else None


async def _absent(request: Request, login: Login, said: Named, content: bytes | None) -> Response | None:
    """Return the answer that the source is not there, None when it is.

    What came with an idempotency key may have been done while the source was there: that answer is repeated.
    *content* is None as long as the body was not read.
    """
    caller = expected(request)
    problem = await context_of(request).look(lambda conn: copy_source.missing(conn, caller, said.source))
    if problem is None:
        return None
    permission = COPY.about_that(said.source)
    if said.dry_run:
        return await context_of(request).read(request, login, permission, lambda *_: problem, POINTERS)
    if content is None:
        content = (await packed(request)).content if "idempotency-key" in request.headers else b""
    operation = ApiOperation(permission, _refused, lambda _: problem, answers.done, pointers=POINTERS)
    return await context_of(request).write(request, login, operation, content)


def _refused(conn: Connection, refusals: Sequence[NotFound], now: datetime) -> Sequence[NotFound]:
    """Carry out nothing: what would be ordered is refused already."""
    return refusals
