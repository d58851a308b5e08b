# Generated from src/didier/client/awaiting/batches.py by `make client`: change that file, not this one.
"""Batches and previews of copies, which ask the server for more than they were told."""

import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

import httpx2

from didier.client import calls, values
from didier.client.blocking.connection import Connection, each
from didier.client.calls import Answer, ApiCall
from didier.client.errors import DidierError, UnexpectedAnswer
from didier.client.models import BatchState, Item, Previewed, PreviewState
from didier.client.watching import Watch


@dataclass(frozen=True)
class Batch(BatchState):
    """A batch as it was when the server told of it; its methods ask the server."""

    _connection: Connection = field(kw_only=True, repr=False, compare=False)

    def wait(
        self, on_progress: Callable[["Batch"], object] | None = None, timeout: float | None = None
    ) -> "Batch":
        """Return the batch when it is done, failed or undone.

        *on_progress* is called with the batch as it is now, and whenever it has moved on. Raises `TimedOut`
        when that takes longer than *timeout* seconds; the batch goes on.
        """
        watch = Watch(self, on_progress, timeout, self._connection.policy, self._connection.clock)
        while not watch.batch.ended:
            try:
                pause = self._watched(watch) if watch.events else self._asked(watch)
            except DidierError as error:
                pause = watch.broken(error)
            self._connection.pause(pause)
        return watch.batch

    def refresh(self) -> "Batch":
        """Return the batch as it is now."""
        return self._connection.send(calls.batch(self.id, self._read))

    def items(self, outcome: str | Iterable[str] | None = None) -> Iterator[Item]:
        """Yield the outcome of each target, in the order given; optionally only some outcomes."""
        wanted = values.texts(outcome)
        if self.reported is None:
            return self._connection.pages(calls.items(self.id, wanted))
        return each(item for item in self.reported if not wanted or item.outcome in wanted)

    def undo(self, *, force: bool = False) -> "Batch":
        """Undo the batch; see `Didier.undo`."""
        return self._connection.send(calls.undo(self.id, force, self._read, None))

    def cancel(self) -> "Batch":
        """Cancel the batch; see `Didier.cancel`."""
        return self._connection.send(calls.cancel(self.id, self._read, None))

    def _read(self, data: Any) -> "Batch":
        return Batch.read(data, _connection=self._connection)

    def _watched(self, watch: Watch["Batch"]) -> float:
        with self._connection.open(calls.events(self.id), watch.silence()) as response:
            if calls.EVENTS not in response.headers.get("content-type", ""):
                raise UnexpectedAnswer(response.status_code, "it has no events")
            for event in httpx2.EventSource(response):
                watch.moved(self._read(json.loads(event.data)))
                if watch.batch.ended:
                    return 0.0
        return watch.closed()

    def _asked(self, watch: Watch["Batch"]) -> float:
        watch.moved(self.refresh())
        return 0.0 if watch.batch.ended else watch.asked()


@dataclass(frozen=True)
class Preview(PreviewState):
    """What a copy would do; nothing was written."""

    _connection: Connection = field(kw_only=True, repr=False, compare=False)
    _call: ApiCall[Answer] = field(kw_only=True, repr=False, compare=False)

    def items(self, status: str | Iterable[str] | None = None) -> Iterator[Previewed]:
        """Yield the expected outcome of each target; optionally only some statuses.

        Targets that are not in *shown* are asked for again, and come as they are read.
        """
        wanted = values.texts(status)
        if self.omitted:
            return self._asked(wanted)
        return each(one for one in self.shown if not wanted or one.status in wanted)

    def _asked(self, wanted: tuple[str, ...]) -> Iterator[Previewed]:
        with self._connection.open(self._call) as response:
            for line in response.iter_lines():
                found = calls.previewed(line)
                if found and (not wanted or found.status in wanted):
                    yield found
