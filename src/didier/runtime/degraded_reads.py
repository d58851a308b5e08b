"""Reading goes on while nothing can be stored: what a read would leave behind is left out.

Each read signs its caller in, which counts, and is logged. A disk that is full, a database that is read-only
or locked by another program takes neither, but can be read. The server's own log has every request.
"""

import asyncio
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Any, TypeVar, cast

from sqlalchemy.engine import Connection, Engine

from didier.domain.names import fold
from didier.errors import DatabaseBusy, DiskFull, FileFailed, ReadOnly, Unavailable
from didier.runtime.committer import Committer
from didier.services.users.lockouts import LOCK_AFTER
from didier.storage.database import reading
from didier.storage.system.health import can_store

_NOT_STORED = (DiskFull, ReadOnly, DatabaseBusy, FileFailed)

NAMES_MOST = 10_000
"""Most users whose refusals are counted; when there are more, nobody is let in until something is stored."""

QUICK = 4
"""Threads for short looks into the database."""

Order = TypeVar("Order")
Outcome = TypeVar("Outcome")
Service = Callable[[Connection, Sequence[Order]], Sequence[Outcome]]


class DegradedReads:
    """Carries out what reads need of the committer, also while that can store nothing.

    There is one for all ways in, so that who was refused at one is not let in at another.
    """

    def __init__(self, engine: Engine, committer: Committer) -> None:
        self._engine = engine
        self._committer = committer
        self._looking: asyncio.Future[None] | None = None
        self._threads = ThreadPoolExecutor(QUICK, thread_name_prefix="quick")
        self._refused: Counter[str] = Counter()  # by name, while failures cannot be counted in the database

    async def admit(
        self,
        service: Service[Order, Outcome],
        decide: Service[Order, Any],
        order: Order,
        user: str,
        let_in: type,
    ) -> Outcome:
        """Let *service* decide on *order* of *user*; it returns a *let_in* for who may read.

        While nothing can be stored *decide* does in its place: it decides the same, but reads alone, and lets
        nobody in on what would have to be stored. Nobody else is told more than that, and who was refused too
        often must wait until it can: passwords are not to be guessed meanwhile.
        """
        if not self._nothing_is_stored():
            with suppress(*_NOT_STORED):
                # Patient: a follower asks again at each step of a batch. If steps became short for it, there
                # would be more of them to follow, and so on down to the smallest.
                outcome = await self._committer.run(service, order, is_patient=True)
                self._refused.clear()
                return outcome
        admitted: Outcome = await self._admit_unlogged(decide, order, user, let_in)
        return admitted

    async def foresee(self, decide: Service[Order, Outcome], order: Order, let_in: type) -> Outcome | None:
        """Return what *decide*, which reads alone, decides on *order* if that is a *let_in*.

        None says nothing: `admit` decides, and counts and logs a refusal. So it is while nothing can be
        stored, since who guesses passwords must not learn here what `admit` keeps to itself.
        """
        if self._nothing_is_stored():
            return None
        found: Any = await self.quickly(lambda: self._decide(decide, order))
        return cast(Outcome, found) if isinstance(found, let_in) else None

    async def quickly(self, look: Callable[[], Outcome]) -> Outcome:
        """Run *look*, which takes some tenths of a millisecond, where no long read is in its way."""
        return await asyncio.get_running_loop().run_in_executor(self._threads, look)

    def _nothing_is_stored(self) -> bool:
        """Say whether that is known; then nobody waits to find out, but it is looked whether it is over."""
        if not isinstance(self._committer.trouble, _NOT_STORED):
            return False
        if self._looking is None or self._looking.done():
            self._looking = asyncio.ensure_future(self._look())
        return True

    async def _look(self) -> None:
        with suppress(Unavailable):
            await self._committer.run(can_store, None)

    async def _admit_unlogged(
        self, decide: Service[Order, Any], order: Order, user: str, let_in: type
    ) -> Any:
        user = fold(user)
        if self._refused[user] < LOCK_AFTER and len(self._refused) < NAMES_MOST:
            found = await asyncio.to_thread(self._decide, decide, order)
            if isinstance(found, let_in):
                return found
            self._refused[user] += bool(user)  # tokens and sessions name none, and cannot be guessed
        raise self._committer.trouble or DatabaseBusy()

    def _decide(self, decide: Service[Order, Any], order: Order) -> Any:
        with reading(self._engine) as conn:
            return decide(conn, [order])[0]

    async def log(self, service: Service[Order, Any], record: Order) -> None:
        """Let *service* log what was read, if it can."""
        if not self._nothing_is_stored():
            with suppress(*_NOT_STORED):
                await self._committer.run(service, record, is_patient=True)
