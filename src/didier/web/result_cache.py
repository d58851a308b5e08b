"""Expensive figures of dashboard and reports are kept for a minute, and made one after the other."""

import asyncio
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Hashable
from typing import Any, Generic, TypeVar

Figure = TypeVar("Figure")

KEEP_SECONDS = 60.0
KEEP_MOST = 200


class ResultCache(Generic[Figure]):
    """Keeps a result under a key for *keep* seconds; callers who ask meanwhile wait for the same one.

    No more than *most* results are kept, the last ones.
    """

    def __init__(
        self,
        keep: float = KEEP_SECONDS,
        clock: Callable[[], float] = time.monotonic,
        most: int = KEEP_MOST,
    ) -> None:
        self._keep = keep
        self._most = most
        self._clock = clock
        self._made: OrderedDict[Hashable, tuple[float, asyncio.Future[Figure]]] = OrderedDict()
        # The figures of one page ask for much: they must not take all connections for reading.
        self._one = asyncio.Semaphore(1)

    async def get(
        self, key: Hashable, make: Callable[[], Awaitable[Figure]], *, anew: bool = False
    ) -> Figure:
        """Return what is kept under *key*, or what *make* makes; a failure is not kept.

        *anew*: what is kept does not count, but what is being made does.
        """
        now = self._clock()
        began, making = self._made.get(key, (now, None))
        if making is None or _failed(making) or (making.done() and (anew or now - began >= self._keep)):
            making = asyncio.ensure_future(self._alone(make))
            self._made[key] = now, making
            self._made.move_to_end(key)
            if len(self._made) > self._most:
                self._made.popitem(last=False)
        return await asyncio.shield(making)

    async def _alone(self, make: Callable[[], Awaitable[Figure]]) -> Figure:
        async with self._one:
            return await make()


def _failed(making: "asyncio.Future[Any]") -> bool:
    return making.done() and (making.cancelled() or making.exception() is not None)
