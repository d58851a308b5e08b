"""Reading the body of a request: with limits on its size, its parts and the time it may take."""

import asyncio
import logging
from collections.abc import AsyncGenerator
from dataclasses import dataclass

import structlog
from starlette.datastructures import Headers
from starlette.formparsers import MultiPartException, MultiPartParser
from starlette.types import Receive, Scope

from didier.vicidial.call import mask_pairs, split_form

PAIR_LIMIT = 1_000
"""Most parameters in a request, as in PHP."""

Pairs = list[tuple[bytes, bytes]]

log = structlog.get_logger()
# Its lines about bad bodies would stand among ours without being JSON, and say nothing that ours do not.
logging.getLogger("python_multipart").setLevel(logging.CRITICAL)


@dataclass(frozen=True, slots=True)
class BodyLimit:
    """How many bytes a body may have, and how many seconds it may take to come."""

    size: int
    seconds: float


class RequestTooLarge(Exception):
    """The request is larger than the server takes; the text says what of it."""


class ClientGone(Exception):
    """The client went away before it had sent the whole request; nothing of it counts."""


class ClientSlow(ClientGone):
    """The client takes too long to send its request; nothing of it counts."""


_PAIRS = f"The request has more than {PAIR_LIMIT} parameters."


def beyond(size: int) -> str:
    """Say that a body is too long."""
    return f"The body has more than {size} bytes."


async def read_form(scope: Scope, receive: Receive, limit: BodyLimit) -> tuple[Pairs, str]:
    """Return the fields of a form and the text under which they are stored, secrets masked.

    Bodies that are no form are read and left alone. Raises `RequestTooLarge` or `ClientGone`.
    """
    kind = Headers(scope=scope).get("content-type", "").partition(";")[0].strip().lower()
    body = await read_body(receive, limit)
    if kind == "application/x-www-form-urlencoded":
        if body.count(b"&") > PAIR_LIMIT:
            raise RequestTooLarge(_PAIRS)
        form = split_form(body)
    elif kind == "multipart/form-data":
        form = await _multipart(scope, body)
    else:
        return [], ""
    if len(form) > PAIR_LIMIT:
        raise RequestTooLarge(_PAIRS)
    return form, f"&GET-AND-POST=Y&{mask_pairs(form)}"


async def read_body(receive: Receive, limit: BodyLimit) -> bytes:
    """Return the body of a request; raise `RequestTooLarge`, `ClientSlow` or `ClientGone`."""
    try:
        async with asyncio.timeout(limit.seconds):
            return await _read(receive, limit.size)
    except TimeoutError:
        raise ClientSlow from None


async def _read(receive: Receive, limit: int) -> bytes:
    body = bytearray()
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ClientGone
        body += message.get("body", b"")
        if len(body) > limit:
            raise RequestTooLarge(beyond(limit))
        if not message.get("more_body"):
            return bytes(body)


async def _multipart(scope: Scope, body: bytes) -> Pairs:
    async def stream() -> AsyncGenerator[bytes, None]:
        yield body

    parser = MultiPartParser(Headers(scope=scope), stream(), max_fields=PAIR_LIMIT, max_files=0)
    try:
        form = await parser.parse()
    except (MultiPartException, KeyError) as error:
        if "Too many" in str(error):
            raise RequestTooLarge(_PAIRS) from None
        log.info("multipart_unreadable", reason=str(error))
        return []
    return [(name.encode(), str(value).encode()) for name, value in form.multi_items()]
