"""Both clients through one set of tests: `AsyncDidier` as if it were `Didier`."""

import asyncio
import inspect
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

from didier.client import AsyncDestinations, AsyncDidier, Didier
from didier.client.models import Model

KINDS = ("blocking", "awaiting")


class Awaited:
    """Whatever has methods that are awaited; here they are called, and what they yield is iterated."""

    def __init__(self, wrapped: Any, loop: asyncio.AbstractEventLoop) -> None:
        self._wrapped = wrapped
        self._loop = loop

    def __repr__(self) -> str:
        return repr(self._wrapped)

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._wrapped, name)
        return self._called(found) if inspect.ismethod(found) else self._shown(found)

    def __enter__(self) -> "Awaited":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _called(self, method: Callable[..., Any]) -> Callable[..., Any]:
        def call(*arguments: Any, **named: Any) -> Any:
            result = method(*arguments, **named)
            return self._shown(
                self._loop.run_until_complete(result) if inspect.iscoroutine(result) else result
            )

        return call

    def _shown(self, result: Any) -> Any:
        if hasattr(result, "__anext__"):
            return self._iterated(result)
        asks = isinstance(result, Model) and hasattr(result, "_connection")
        has_methods = asks or isinstance(result, AsyncDestinations)
        return Awaited(result, self._loop) if has_methods else result

    def _iterated(self, results: AsyncIterator[Any]) -> Iterator[Any]:
        try:
            while True:
                try:
                    yield self._shown(self._loop.run_until_complete(anext(results)))
                except StopAsyncIteration:
                    return
        finally:
            self._loop.run_until_complete(results.aclose())  # type: ignore[attr-defined]  # a generator


class Clients:
    """Makes clients of one *kind*; `pauses` are the seconds that they would have waited."""

    def __init__(self, kind: str) -> None:
        self.kind = kind
        self.pauses: list[float] = []
        self._loop = asyncio.new_event_loop()
        self._made: list[Any] = []

    def connect(self, *arguments: Any, waits: bool = False, **named: Any) -> Any:
        """Return a client; one that *waits* really does before it sends something again."""
        if self.kind == "blocking":
            client: Any = Didier(*arguments, **({} if waits else {"sleep": self.pauses.append}), **named)
        else:
            inner = AsyncDidier(*arguments, **({} if waits else {"sleep": self._pause}), **named)
            client = Awaited(inner, self._loop)
        self._made.append(client)
        return client

    async def _pause(self, seconds: float) -> None:
        self.pauses.append(seconds)

    def close(self) -> None:
        """Close all clients."""
        for client in self._made:
            client.close()
        self._loop.close()
