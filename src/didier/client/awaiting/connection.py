"""The socket's side: requests that are sent, and sent again."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from typing import Any, TypeVar

import httpx2

from didier.client import calls, retrying
from didier.client.bodies import Whole
from didier.client.calls import Answer, ApiCall
from didier.client.connection import Door, OneTimeCode, answer, understood
from didier.client.models import Page
from didier.client.retrying import AsyncSleep, Attempts, Policy

T = TypeVar("T")


class AsyncConnection:
    """Sends calls; threads may share one that blocks."""

    def __init__(
        self,
        door: Door,
        policy: Policy,
        transport: httpx2.AsyncBaseTransport | None = None,
        sleep: AsyncSleep = asyncio.sleep,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.door = door
        self.policy = policy
        self.pause = sleep
        self.clock = clock
        self._code = OneTimeCode(door)
        self._http = httpx2.AsyncClient(transport=transport, **door.settings())

    async def close(self) -> None:
        """Close all connections."""
        await self._http.aclose()

    async def send(self, call: ApiCall[T]) -> T:
        """Return what the answer to *call* says; raises `DidierError`."""
        return understood(call, answer(await self._sent(call)))

    @asynccontextmanager
    async def open(
        self, call: ApiCall[Answer], silence: float | None = None
    ) -> AsyncIterator[httpx2.Response]:
        """Yield an answer that is read piece by piece; raises `DidierError`, also while it is read."""
        response = await self._sent(call, silence, stream=True)
        try:
            yield response
        except httpx2.HTTPError as error:
            raise retrying.reached(error) from error
        finally:
            await response.aclose()

    async def pages(self, call: ApiCall[Page[T]]) -> AsyncIterator[T]:
        """Yield the items of a list; a page is asked for when the one before is used up."""
        following: ApiCall[Page[T]] | None = call
        while following is not None:
            page = await self.send(following)
            for item in page.items:
                yield item
            following = calls.following(following, page)

    async def pieces(self, call: ApiCall[Answer]) -> AsyncIterator[bytes]:
        """Yield an answer as it comes."""
        async with self.open(call) as response:
            async for piece in response.aiter_bytes():
                yield piece

    async def _sent(
        self, call: ApiCall[Any], silence: float | None = None, *, stream: bool = False
    ) -> httpx2.Response:
        attempts, code = Attempts(call, self.policy), self._code.headers()
        while True:
            try:
                response = await self._http.send(self._request(call, code, silence), stream=stream)
                if response.is_success:
                    return response
                await response.aread()
            except httpx2.HTTPError as error:
                wait: float | None = attempts.broken(error)
            else:
                wait = attempts.refused(answer(response))
            if wait is None:
                return response
            await self.pause(wait)

    def _request(self, call: ApiCall[Any], code: dict[str, str], silence: float | None) -> httpx2.Request:
        body = call.body
        content = body.content if isinstance(body, Whole) else body and each(body)
        return self._http.build_request(
            call.method, call.path.lstrip("/"), content=content, **self.door.parts(call, code, silence)
        )


async def each(items: Iterable[T]) -> AsyncIterator[T]:
    """Yield what is there already."""
    for item in items:
        yield item
