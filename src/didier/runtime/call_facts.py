"""Answers to what deciding on calls asks: by the database, or by the replica while that is away."""

import asyncio
from collections.abc import Collection, Iterable

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


class _Batch:
    """Questions that are answered together; `answers` has what they come to."""

    def __init__(self) -> None:
        self.questions: set[Question] = set()
        self.answers: asyncio.Future[Answers] = asyncio.get_running_loop().create_future()


class _Together:
    """Answers questions by sets: those that come while some are being answered are answered together."""

    def __init__(self, readers: Readers) -> None:
        self._readers = readers
        self._waiting: _Batch | None = None
        self._reading: asyncio.Task[None] | None = None

    async def of(self, questions: Iterable[Question]) -> Answers:
        if self._waiting is None:
            self._waiting = _Batch()
        batch = self._waiting
        batch.questions.update(questions)
        if self._reading is None:
            self._reading = asyncio.ensure_future(self._read())
        return await asyncio.shield(batch.answers)  # it is that of others too

    async def _read(self) -> None:
        while (batch := self._waiting) is not None:
            self._waiting = None
            questions = list(batch.questions)
            try:
                found = await self._readers.run(lambda conn, some=questions: facts.answers(conn, some))  # type: ignore[misc]
            except Exception as error:
                batch.answers.set_exception(error)
                batch.answers.exception()  # whoever waited may have given up
            else:
                batch.answers.set_result(found)
        self._reading = None
