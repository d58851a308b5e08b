"""Reading the body of a request: with limits on its size, its parts and the time it may take."""

import asyncio
import logging
from collections.abc import AsyncGenerator
from dataclasses import dataclass, field

import structlog
from starlette.datastructures import Headers
from starlette.formparsers import MultiPartException, MultiPartParser
from starlette.types import Receive, Scope

from didier.errors import Overloaded
from didier.vicidial.call import MASKING, split_form

PAIR_LIMIT = 1_000
"""Most parameters in a request, as in PHP (``max_input_vars``)."""

SMALL = 16_384
"""Bytes that every body may have, whatever others take."""

ROOM = 100_000_000
"""Bytes that all larger bodies that are being read may have together: thousands may come at once, slowly."""

Pairs = list[tuple[bytes, bytes]]

log = structlog.get_logger()
# Its lines about bad bodies would stand among ours without being JSON, and say nothing that ours do not.
logging.getLogger("python_multipart").setLevel(logging.CRITICAL)


class Room:
    """What the bodies that are being read may take together."""

    def __init__(self, most: int = ROOM) -> None:
        self._left = most

    def take(self, size: int) -> None:
        """Take *size* bytes more; raise `Overloaded` when there are not so many."""
        if size > self._left:
            raise Overloaded
        self._left -= size

    def give_back(self, size: int) -> None:
        """Leave *size* bytes to others."""
        self._left += size


@dataclass(frozen=True, slots=True)
class BodyLimit:
    """How many bytes a body may have, how many seconds it may take, and what all may have together."""

    size: int
    seconds: float
    room: Room = field(default_factory=Room)


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
    return form, f"&GET-AND-POST=Y&{MASKING.form(form)}"


async def read_body(receive: Receive, limit: BodyLimit) -> bytes:
    """Return the body of a request; raise `RequestTooLarge`, `ClientSlow`, `ClientGone` or `Overloaded`."""
    try:
        async with asyncio.timeout(limit.seconds):
            return await _read(receive, limit)
    except TimeoutError:
        raise ClientSlow from None


async def _read(receive: Receive, limit: BodyLimit) -> bytes:
    body, taken = bytearray(), 0
    try:
        while True:
            message = await receive()
            if message["type"] == "http.disconnect":
                raise ClientGone
            body += message.get("body", b"")
            if len(body) > limit.size:
                raise RequestTooLarge(beyond(limit.size))
            if not message.get("more_body"):
                return bytes(body)
            if len(body) > SMALL:
                limit.room.take(len(body) - taken)
                taken = len(body)
    finally:
        limit.room.give_back(taken)


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
