"""Reading off the event loop, on connections of its own, by a few at a time."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from sqlalchemy.engine import Connection, Engine

from didier.errors import Overloaded
from didier.storage.database import reading

Result = TypeVar("Result")


class Readers:
    """Threads that read; *waiting_limit* is how many reads may be under way or wait for a thread."""

    def __init__(self, engine: Engine, name: str, threads: int, waiting_limit: int) -> None:
        self._engine = engine
        self._threads = ThreadPoolExecutor(threads, thread_name_prefix=name)
        self._waiting_limit = waiting_limit
        self._waiting = 0

    async def run(self, read: Callable[[Connection], Result]) -> Result:
        """Return what *read* finds; raise `Overloaded`."""
        if self._waiting >= self._waiting_limit:
            raise Overloaded
        self._waiting += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self._threads, self._read, read)
        finally:
            self._waiting -= 1

    def _read(self, read: Callable[[Connection], Result]) -> Result:
        with reading(self._engine) as conn:
            return read(conn)
