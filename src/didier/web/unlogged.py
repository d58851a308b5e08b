"""Reading goes on while nothing can be stored: what a read would leave behind is left out.

Each read signs its caller in, which counts, and is logged. A disk that is full, a database that is read-only
or locked by another program takes neither, but can be read. The server's own log has every request.
"""

import asyncio
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any, TypeVar, cast

from sqlalchemy.engine import Connection, Engine

from didier.errors import DatabaseBusy, DiskFull, FileFailed, ReadOnly
from didier.services.access import LOCK_AFTER
from didier.storage.committer import Committer
from didier.storage.database import reading
from didier.storage.forgetting import NothingStored, forgetful

_NOT_STORED = (DiskFull, ReadOnly, DatabaseBusy, FileFailed)

Order = TypeVar("Order")
Outcome = TypeVar("Outcome")
Service = Callable[[Connection, Sequence[Order]], Sequence[Outcome]]


class Reads:
    """Carries out what reads need of the committer, also while that can store nothing."""

    def __init__(self, engine: Engine, committer: Committer) -> None:
        self._engine = engine
        self._committer = committer
        self._refused: Counter[str] = Counter()  # by user, while failures cannot be counted in the database

    async def admit(self, service: Service[Order, Outcome], order: Order, user: str, let_in: type) -> Outcome:
        """Let *service* decide on *order* of *user*; it returns a *let_in* for who may read.

        While nothing can be stored nobody else is told more than that, and who was refused too often must
        wait until it can: passwords are not to be guessed meanwhile.
        """
        try:
            outcome = await self._committer.run(service, order)
        except _NOT_STORED:
            if self._refused[user] < LOCK_AFTER:
                found = await asyncio.to_thread(self._decide, service, order)
                if isinstance(found, let_in):
                    return cast(Outcome, found)
                self._refused[user] += bool(user)  # tokens and sessions name none, and cannot be guessed
            raise
        self._refused.clear()
        return outcome

    def _decide(self, service: Service[Order, Any], order: Order) -> Any:
        with reading(self._engine) as conn, suppress(NothingStored):
            return service(forgetful(conn), [order])[0]
        return None

    async def log(self, service: Service[Order, Any], told: Order) -> None:
        """Let *service* log what was read, if it can."""
        try:
            await self._committer.run(service, told)
        except _NOT_STORED:
            return
