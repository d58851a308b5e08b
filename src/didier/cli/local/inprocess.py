"""A transport that answers in this process: commands on the local database are those on a server."""

import asyncio
import threading
from collections.abc import Coroutine, Iterator
from contextlib import AbstractAsyncContextManager, suppress
from typing import Any, TypeVar, cast

import httpx2
from starlette.types import ASGIApp, Message

from didier.services.users.authentication import Caller
from didier.web.api.callers import LOCAL

WAITING_PARTS = 8
"""Parts of an answer that wait for who reads it."""

Result = TypeVar("Result")


class InProcess(httpx2.BaseTransport):
    """Runs an ASGI application, while *lifespan* lasts, in an event loop on a thread of its own.

    Its requests come from *caller*; answers are read as they are made.
    """

    def __init__(self, app: ASGIApp, lifespan: AbstractAsyncContextManager[None], caller: Caller) -> None:
        self._app = app
        self._lifespan = lifespan
        self._caller = caller
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="in-process", daemon=True)
        self._thread.start()
        try:
            self.run(self._lifespan.__aenter__())
        except BaseException:
            self._stop()
            raise

    def run(self, work: Coroutine[Any, Any, Result]) -> Result:
        """Run *work* in the loop and wait for it."""
        return asyncio.run_coroutine_threadsafe(work, self._loop).result()

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        """Send a request to the application; return its answer as soon as it begins.

        The body is read by the thread that calls: Ctrl-C ends a read from a terminal, and nothing waits on.
        """
        exchange = _Exchange()
        task = asyncio.run_coroutine_threadsafe(exchange.run(self._app, self._scope(request)), self._loop)
        body = _Body(self, exchange, task.cancel)
        try:
            for part in cast(httpx2.SyncByteStream, request.stream):
                if not self.run(exchange.give(part)):
                    break
            self.run(exchange.give(None))
            start = body.next_message()
        except BaseException:
            body.close()
            raise
        if start is None:
            raise httpx2.ReadError("the request was not answered", request=request)
        return httpx2.Response(start["status"], headers=start["headers"], stream=body)

    def close(self) -> None:
        """End the application and the thread."""
        if self._loop.is_closed():
            return
        self.run(self._end())
        self._stop()

    def _stop(self) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    async def _end(self) -> None:
        left = asyncio.all_tasks() - {asyncio.current_task()}
        for task in left:
            task.cancel()
        await asyncio.gather(*left, return_exceptions=True)
        await self._lifespan.__aexit__(None, None, None)
        await self._loop.shutdown_default_executor()

    def _scope(self, request: httpx2.Request) -> dict[str, Any]:
        return {
            "type": "http",
            "asgi": {"version": "3.0"},
            "http_version": "1.1",
            "method": request.method,
            "scheme": request.url.scheme,
            "path": request.url.path,
            "raw_path": request.url.raw_path.partition(b"?")[0],
            "query_string": request.url.query,
            "root_path": "",
            "headers": [(name.lower(), value) for name, value in request.headers.raw],
            "server": (request.url.host, request.url.port or 80),
            "client": None,
            LOCAL: self._caller,
        }


class _Exchange:
    """One request to the application, and the messages of its answer; used in the loop."""

    def __init__(self) -> None:
        self._parts: asyncio.Queue[bytes | None] = asyncio.Queue(WAITING_PARTS)
        self._messages: asyncio.Queue[Message | None] = asyncio.Queue(WAITING_PARTS)
        self._begun = asyncio.Event()  # the answer has: an application that refuses reads no further
        self._all_read = False

    async def run(self, app: ASGIApp, scope: dict[str, Any]) -> None:
        """Let the application answer."""
        with suppress(Exception):  # the application has logged it; who reads finds the answer broken off
            await app(scope, self._receive, self._send)
        self._begun.set()
        await self._messages.put(None)

    async def give(self, part: bytes | None) -> bool:
        """Give a part of the body, None behind the last; say whether more is wanted."""
        steps = {asyncio.ensure_future(self._parts.put(part)), asyncio.ensure_future(self._begun.wait())}
        _, left = await asyncio.wait(steps, return_when=asyncio.FIRST_COMPLETED)
        for step in left:
            step.cancel()
        return not self._begun.is_set()

    async def message(self) -> Message | None:
        """Return the next message, None behind the last."""
        return await self._messages.get()

    async def _send(self, message: Message) -> None:
        self._begun.set()
        await self._messages.put(message)

    async def _receive(self) -> Message:
        if self._all_read:
            await asyncio.Event().wait()  # the client is there until it ends the request
        part = await self._parts.get()
        self._all_read = part is None
        return {"type": "http.request", "body": part or b"", "more_body": part is not None}


class _Body(httpx2.SyncByteStream):
    """The body of an answer."""

    def __init__(self, transport: InProcess, exchange: _Exchange, cancel: Any) -> None:
        self._transport = transport
        self._exchange = exchange
        self._cancel = cancel

    def next_message(self) -> Message | None:
        return self._transport.run(self._exchange.message())

    def __iter__(self) -> Iterator[bytes]:
        more = True
        while more:
            message = self.next_message()
            if message is None:
                raise httpx2.ReadError("the answer was cut off")
            yield message.get("body", b"")
            more = message.get("more_body", False)

    def close(self) -> None:
        self._cancel()
