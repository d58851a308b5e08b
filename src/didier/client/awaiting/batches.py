"""Batches and previews of copies, which ask the server for more than they were told."""

import json
from collections.abc import AsyncIterator, Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

import httpx2

from didier.client import calls, values
from didier.client.awaiting.connection import AsyncConnection, each
from didier.client.calls import Answer, ApiCall
from didier.client.errors import DidierError, UnexpectedAnswer
from didier.client.models import BatchState, Item, Previewed, PreviewState
from didier.client.watching import Watch


@dataclass(frozen=True)
class AsyncBatch(BatchState):
    """A batch as it was when the server told of it; its methods ask the server."""

    _connection: AsyncConnection = field(kw_only=True, repr=False, compare=False)

    async def wait(
        self, on_progress: Callable[["AsyncBatch"], object] | None = None, timeout: float | None = None
    ) -> "AsyncBatch":
        """Return the batch when it is done, failed or undone.

        *on_progress* is called with the batch as it is now, and whenever it has moved on. Raises `TimedOut`
        when that takes longer than *timeout* seconds; the batch goes on.
        """
        watch = Watch(self, on_progress, timeout, self._connection.policy, self._connection.clock)
        while not watch.batch.ended:
            try:
                pause = await (self._watched(watch) if watch.events else self._asked(watch))
            except DidierError as error:
                pause = watch.broken(error)
            await self._connection.pause(pause)
        return watch.batch

    async def refresh(self) -> "AsyncBatch":
        """Return the batch as it is now."""
        return await self._connection.send(calls.batch(self.id, self._read))

    def items(self, outcome: str | Iterable[str] | None = None) -> AsyncIterator[Item]:
        """Yield the outcome of each target, in the order given; optionally only some outcomes."""
        wanted = values.texts(outcome)
        if self.reported is None:
            return self._connection.pages(calls.items(self.id, wanted))
        return each(item for item in self.reported if not wanted or item.outcome in wanted)

    async def undo(self, *, force: bool = False) -> "AsyncBatch":
        """Undo the batch; see `Didier.undo`."""
        return await self._connection.send(calls.undo(self.id, force, self._read, None))

    async def cancel(self) -> "AsyncBatch":
        """Cancel the batch; see `Didier.cancel`."""
        return await self._connection.send(calls.cancel(self.id, self._read, None))

    def _read(self, data: Any) -> "AsyncBatch":
        return AsyncBatch.read(data, _connection=self._connection)

    async def _watched(self, watch: Watch["AsyncBatch"]) -> float:
        async with self._connection.open(calls.events(self.id), watch.silence()) as response:
            if calls.EVENTS not in response.headers.get("content-type", ""):
                raise UnexpectedAnswer(response.status_code, "it has no events")
            async for event in httpx2.EventSource(response):
                watch.moved(self._read(json.loads(event.data)))
                if watch.batch.ended:
                    return 0.0
        return watch.closed()

    async def _asked(self, watch: Watch["AsyncBatch"]) -> float:
        watch.moved(await self.refresh())
        return 0.0 if watch.batch.ended else watch.asked()


@dataclass(frozen=True)
class AsyncPreview(PreviewState):
    """What a copy would do; nothing was written."""

    _connection: AsyncConnection = field(kw_only=True, repr=False, compare=False)
    _call: ApiCall[Answer] = field(kw_only=True, repr=False, compare=False)

    def items(self, status: str | Iterable[str] | None = None) -> AsyncIterator[Previewed]:
        """Yield the expected outcome of each target; optionally only some statuses.

        Targets that are not in *shown* are asked for again, and come as they are read.
        """
        wanted = values.texts(status)
        if self.omitted:
            return self._asked(wanted)
        return each(one for one in self.shown if not wanted or one.status in wanted)

    async def _asked(self, wanted: tuple[str, ...]) -> AsyncIterator[Previewed]:
        async with self._connection.open(self._call) as response:
            async for line in response.aiter_lines():
                found = calls.previewed(line)
                if found and (not wanted or found.status in wanted):
                    yield found
