"""What stands before the routes: how many requests a caller may send, and how large they may be."""

import asyncio
import math
import re
import time
from collections import OrderedDict
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass, replace
from http import HTTPStatus

import structlog
from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from didier.domain.names import fold
from didier.errors import Overloaded
from didier.masking import mask_path
from didier.runtime.logins import PasswordLogin
from didier.web.api import callers, problems
from didier.web.api.answers import Answer
from didier.web.api.callers import NotSignedIn
from didier.web.bodies import BodyLimit, ClientGone, ClientSlow, RequestTooLarge, beyond, read_body
from didier.web.origins import SAFE, is_foreign

MINUTE = 60
BUCKETS_MOST = 10_000
"""Most callers whose rate is watched; the one that was silent longest is forgotten first."""

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Allowance:
    """Whether a request is taken; how many more would be, and the seconds until one more will be."""

    taken: bool
    remaining: int
    wait: int


class Buckets:
    """A bucket of tokens for each caller: *rate* of them, filled up at *rate* a minute."""

    def __init__(self, rate: int, clock: Callable[[], float] = time.monotonic) -> None:
        self.rate = rate
        self._clock = clock
        self._buckets: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def take(self, name: str) -> Allowance:
        """Take a token out of the bucket of *name*, if there is one."""
        now = self._clock()
        level, since = self._buckets.get(name, (float(self.rate), now))
        level = min(self.rate, level + (now - since) * self.rate / MINUTE)
        taken = level >= 1
        level -= taken
        self._buckets[name] = level, now
        self._buckets.move_to_end(name)
        if len(self._buckets) > BUCKETS_MOST:
            self._buckets.popitem(last=False)
        return self._allowance(taken, level)

    def knows(self, name: str) -> bool:
        """Say whether there is a bucket of *name*."""
        return name in self._buckets

    def look(self, name: str) -> Allowance:
        """Say whether the bucket of *name* has a token, without taking it."""
        level, since = self._buckets.get(name, (float(self.rate), 0.0))
        level = min(self.rate, level + (self._clock() - since) * self.rate / MINUTE)
        return self._allowance(level >= 1, level)

    def _allowance(self, taken: bool, level: float) -> Allowance:
        return Allowance(taken, int(level), max(1, math.ceil((1 - level) * MINUTE / self.rate)))


_CROSS_SITE = problems.answer(
    problems.CROSS_SITE,
    "A page of another site made the browser send this request; such requests may only read.",
)


class RateLimiter:
    """An ASGI layer: limits rate and size, and answers what went wrong inside.

    The body is read when the route wants it, so that who is refused before costs nothing but the reading.
    """

    def __init__(self, app: ASGIApp, rate: int, body: BodyLimit, upload_limit: int) -> None:
        self._app = app
        self._buckets = Buckets(rate)
        self._body = body
        self._upload = replace(body, size=upload_limit)
        self._tokens: OrderedDict[str, None] = OrderedDict()

    def remember(self, digest: str) -> None:
        """Give the token with *digest*, which was accepted, a bucket of its own."""
        self._tokens[digest] = None
        self._tokens.move_to_end(digest)
        if len(self._tokens) > BUCKETS_MOST:
            self._tokens.popitem(last=False)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on."""
        headers: list[tuple[bytes, bytes]] = []
        started = False
        incoming = _Incoming(receive)

        async def answer(message: Message) -> None:
            nonlocal started
            if message["type"] == "http.response.start":
                started = True
                # Who expects 100 Continue keeps the body until it comes (RFC 9110, 10.1.1).
                if not incoming.begun and b"expect" not in dict(scope["headers"]):
                    await incoming.discard(self._body)
                if message["status"] == HTTPStatus.UNAUTHORIZED and self._buckets.rate:
                    self._buckets.take(_refused(scope))
                names = {name for name, _ in message["headers"]}
                extra = [pair for pair in headers if pair[0] not in names]
                message = {**message, "headers": [*message["headers"], *extra]}
            await send(message)

        if scope["method"] not in SAFE and is_foreign(scope):
            # Not counted: another site must not use up what the user may send, or lock the user out.
            await _CROSS_SITE.response(scope, receive, send)
            return
        if self._buckets.rate and (refused := self._limited(scope, headers)):
            await refused.response(scope, receive, answer)
            return
        is_read_in_pieces = scope["path"].endswith(IN_PIECES) and _is_text(scope)
        limit = self._upload if is_read_in_pieces else self._body
        try:
            if _BEYOND.search(scope["query_string"]):
                raise _BeyondPlane
            # Without a body what comes next is that the client has gone, which streams listen for.
            body = None if _has_body(scope) else await read_body(incoming, limit)
            if is_read_in_pieces and body is None:
                await self._app(scope, _bounded(incoming, limit), answer)
            else:
                await self._app(scope, _whole(incoming, limit, body), answer)
        except (ClientSlow, RequestTooLarge) as error:
            await not_read(error).response(scope, receive, answer)
        except ClientGone:
            return
        except Overloaded as error:
            await problems.refusal(error).response(scope, receive, answer)
        except _BeyondPlane:
            detail = "Characters beyond U+FFFF are in no DID, user or log: nothing can be asked with them."
            await problems.answer(problems.INVALID, detail).response(scope, receive, answer)
        except Exception:
            log.exception("request_failed", path=mask_path(scope["path"]))
            if not started:
                failed = problems.answer(problems.FAILED, "The server's log says why.")
                await failed.response(scope, receive, answer)
                return
            raise  # the answer is broken off: nobody takes a part for the whole

    def _limited(self, scope: Scope, headers: list[tuple[bytes, bytes]]) -> Answer | None:
        """Count the request; add what is left to *headers*, and return the answer if that is nothing."""
        rate = self._buckets.rate
        name = self._name(scope)
        # Guessing under ever new names is stopped; known callers continue from the same address.
        guesses = None if self._buckets.knows(name) else self._buckets.look(_refused(scope))
        found = guesses if guesses and not guesses.taken else self._buckets.take(name)
        # The fields of draft-ietf-httpapi-ratelimit-headers: quota and window, what remains and until when.
        headers += _headers({
            "ratelimit-policy": f'"caller";q={rate};w={MINUTE}',
            "ratelimit": f'"caller";r={found.remaining};t={found.wait}',
        }.items())  # fmt: skip
        if found.taken:
            return None
        retry = {"retry-after": str(found.wait)}
        return problems.answer(
            problems.TOO_MANY, f"At most {rate} requests a minute are taken.", headers=retry
        )

    def _name(self, scope: Scope) -> str:
        """Return whose bucket the request is taken from, not knowing yet whether its password is right.

        That must not be told by the bucket; and nobody may empty another's. A token has its own once it
        was accepted. Everything else is its address's.
        """
        client = scope.get("client")
        address = client[0] if client else ""
        try:
            login = callers.read(Headers(scope=scope).get("authorization", ""))
        except NotSignedIn:
            return f"address {address}"
        if isinstance(login, PasswordLogin):
            return f"user {address} {fold(login.user)[:100]}"
        return f"token {login.digest}" if login.digest in self._tokens else f"address {address}"


IN_PIECES = ("/copies", "/imports", "/batches", "/tables")
"""The ends of addresses to which a long text may be sent: their routes read it piece by piece."""

SLOWEST = 10_000
"""Bytes a second that a long text has to come with, after the first seconds that any body may take."""

# The first byte of a character beyond U+FFFF in UTF-8 (RFC 3629, 3), as it is or percent-encoded. The
# databases' columns hold no such character, and MariaDB refuses to compare with one.
_BEYOND = re.compile(rb"%[Ff][0-4]|[\xf0-\xf4]")


class _BeyondPlane(Exception):
    """The query has a character beyond U+FFFF."""


def not_read(error: Exception) -> Answer:
    """Word why a body was not read to its end."""
    if isinstance(error, RequestTooLarge):
        return problems.answer(problems.TOO_LARGE, str(error))
    if isinstance(error, ClientSlow):
        return problems.answer(problems.TOO_SLOW, "The body did not come in time.")
    return problems.answer(problems.INVALID, "The request ended before its body did.")


def _is_text(scope: Scope) -> bool:
    return Headers(scope=scope).get("content-type", "").startswith("text/")


def _has_body(scope: Scope) -> bool:
    # One of these two says that there is one (RFC 9112, 6).
    headers = Headers(scope=scope)
    return headers.get("content-length", "0") != "0" or "transfer-encoding" in headers


def _refused(scope: Scope) -> str:
    """Return the bucket of the sign-ins from an address that are refused, whatever the names."""
    client = scope.get("client")
    return f"refused {client[0] if client else ''}"


def _headers(pairs: Iterable[tuple[str, str]]) -> list[tuple[bytes, bytes]]:
    return [(name.encode(), value.encode()) for name, value in pairs]


class _Incoming:
    """What comes of a request: says whether anybody has begun to read it."""

    def __init__(self, receive: Receive) -> None:
        self._receive = receive
        self.begun = False

    async def __call__(self) -> Message:
        self.begun = True
        return await self._receive()

    async def discard(self, limit: BodyLimit) -> None:
        """Read what is left of the body, up to *limit*, and forget it.

        Clients that are still sending when the connection is closed do not see the answer (RFC 9112, 9.6).
        """
        size = 0
        with suppress(TimeoutError):
            async with asyncio.timeout(limit.seconds):
                more = True
                while more and size <= limit.size:
                    message = await self()
                    size += len(message.get("body", b""))
                    more = message.get("more_body", False)


def _bounded(receive: Receive, limit: BodyLimit) -> Receive:
    """Return a channel that ends with `RequestTooLarge`, or late with `ClientSlow`."""
    size, began = 0, time.monotonic()

    async def bounded() -> Message:
        nonlocal size
        try:
            rest = began + limit.seconds + size / SLOWEST - time.monotonic()
            async with asyncio.timeout(max(0.0, rest)):
                message = await receive()
        except TimeoutError:
            raise ClientSlow from None
        if message["type"] == "http.disconnect":
            raise ClientGone
        size += len(message.get("body", b""))
        if size > limit.size:
            raise RequestTooLarge(beyond(limit.size))
        return message

    return bounded


def _whole(incoming: _Incoming, limit: BodyLimit, read: bytes | None) -> Receive:
    """Return a channel that gives the whole body at first: as *read*, or within *limit* when it is wanted."""

    given = False

    async def whole() -> Message:
        nonlocal given
        if given:
            return await incoming()
        given = True
        body = await read_body(incoming, limit) if read is None else read
        return {"type": "http.request", "body": body, "more_body": False}

    return whole
