"""Answers to what deciding on calls asks: by the database, or by the replica while that is away."""

import asyncio
from collections.abc import Collection, Iterable
from typing import Any

from sqlalchemy.engine import Connection

from didier.domain.calls.questions import Question
from didier.errors import Unavailable
from didier.runtime.outage import Outage
from didier.runtime.readers import Readers
from didier.runtime.replica import Replica
from didier.storage.calls import facts
from didier.storage.calls.facts import Answers


class CallFacts:
    """Answers by *database*; while that is away by the *replica*, if there is one that is complete.

    The database is waited for *seconds* at most then; without a replica, for as long as a call waits.
    """

    def __init__(
        self, database: Readers, replica: Replica | None, outage: Outage, seconds: float, most: int
    ) -> None:
        self._database = _Together(database)
        self._replica = replica
        self._local = _Together(Readers(replica.engine, "replica-calls", 1, most)) if replica else None
        self._outage = outage
        self._seconds = seconds

    async def of(self, questions: Collection[Question]) -> tuple[Answers, float | None]:
        """Return the answers, and how many seconds ago they were right: None if they are the database's."""
        if self._local is None or self._replica is None or not self._replica.is_usable:
            return await self._database.of(questions), None
        if not self._outage.is_on:
            try:
                async with asyncio.timeout(self._seconds):
                    return await self._database.of(questions), None
            except (TimeoutError, Unavailable) as error:
                self._outage.begin(str(error) or f"no answer within {self._seconds} seconds")
        return await self._local.of(questions), self._replica.age_seconds


class _Together:
    """Answers questions by sets: those that come while some are being answered are answered together."""

    def __init__(self, readers: Readers) -> None:
        self._readers = readers
        self._waiting: dict[Question, asyncio.Future[Any]] = {}
        self._reading: asyncio.Task[None] | None = None

    async def of(self, questions: Iterable[Question]) -> Answers:
        loop = asyncio.get_running_loop()
        futures = {one: self._waiting.setdefault(one, loop.create_future()) for one in questions}
        if self._reading is None:
            self._reading = asyncio.ensure_future(self._answer())
        return {one: await asyncio.shield(future) for one, future in futures.items()}

    async def _answer(self) -> None:
        while self._waiting:
            waiting, self._waiting = self._waiting, {}
            try:
                found = await self._readers.run(lambda conn, some=waiting: _read(conn, some))  # type: ignore[misc]
            except Exception as error:
                for future in waiting.values():
                    future.set_exception(error)
                    future.exception()  # whoever waited may have given up
            else:
                for question, future in waiting.items():
                    future.set_result(found[question])
        self._reading = None


def _read(conn: Connection, questions: Iterable[Question]) -> Answers:
    return facts.answers(conn, list(questions))
