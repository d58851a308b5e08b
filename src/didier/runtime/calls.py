"""All that one process has to route calls with: built once, started and stopped as one thing."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import structlog
from sqlalchemy.engine import Engine

from didier.config import Settings
from didier.errors import Unavailable
from didier.runtime.call_facts import CallFacts
from didier.runtime.call_log import CallLog
from didier.runtime.call_router import CallRouter
from didier.runtime.call_spool import CallSpool
from didier.runtime.committer import Committer
from didier.runtime.live_calls import LiveCalls
from didier.runtime.outage import Outage
from didier.runtime.process_lock import FileLock
from didier.runtime.readers import Readers
from didier.runtime.replica import Replica
from didier.storage.database import answers, database_file, with_limit

PORT = 4573
"""Where Asterisk looks for FastAGI unless it is told a port."""

WAIT_SECONDS = 2
"""How long a connection for calls waits for MariaDB: calls wait less, and those behind them need it."""

log = structlog.get_logger()


class Calls:
    """Routes calls by the database of *engine*; rows are written by *committer*, or by one of its own.

    With MariaDB it has a replica and a spool, unless the settings say otherwise, or their files cannot be
    used; and always a committer of its own, as a call is not to wait for what else is written.
    """

    def __init__(self, engine: Engine, settings: Settings, committer: Committer | None = None) -> None:
        self.outage = Outage()
        self.live = LiveCalls()
        self.replica: Replica | None = None
        self.spool: CallSpool | None = None
        self._lock: FileLock | None = None
        is_embedded = database_file(engine.url) is not None
        files = None if is_embedded or not settings.agi_replica else self._files(settings)
        self.engine = engine = with_limit(engine, WAIT_SECONDS) if files else engine
        self._own = None if is_embedded and committer else Committer(engine, settings.waiting_limit)
        writer = self._own or committer
        if writer is None:
            raise AssertionError("nothing writes for calls")
        if files:
            self.replica = Replica(engine, files.with_suffix(".db"), self.outage, settings.agi_list_limit)
            self.spool = CallSpool(files.with_suffix(".spool"), writer, self.outage)
        most = settings.agi_connections
        self._readers = Readers(engine, "calls", 1, most)
        facts = CallFacts(self._readers, self.replica, self.outage, settings.agi_database_seconds, most)
        self.log = CallLog(writer, self.spool)
        self.router = CallRouter(facts, self.log, settings)

    def _files(self, settings: Settings) -> Path | None:
        """Return how the files begin that are this process's; None where it can have none."""
        start = Path(settings.agi_directory).absolute() / f"didier-calls-{settings.agi_port or PORT}"
        file = start.with_suffix(".spool")
        try:
            file.touch(mode=0o600)
            self._lock = FileLock.taken(file, "lock")
        except OSError as error:
            log.warning("calls_without_replica", file=str(file), reason=error.strerror)
            return None
        if self._lock is None:
            log.warning("calls_without_replica", file=str(file), reason="another process uses it")
        return start if self._lock else None

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Have the replica follow the database, and what was spooled delivered, while this lasts."""
        if self._own:
            self._own.start(patiently=self.replica is not None)
        if self.spool:
            self.spool.start()
        if self.replica:
            self.replica.start()
        yield
        if self.replica:
            await asyncio.to_thread(self.replica.stop)
        if self.spool:
            await self.spool.stop()
        if self._own:
            await self._own.stop()
        if self._lock:
            self._lock.release()

    def ending(self) -> None:
        """Say that the end comes; calls come to theirs by themselves."""

    @property
    def can_do_without(self) -> bool:
        """Whether calls are routed while the database is away."""
        return self.replica is not None and self.replica.is_usable

    async def check(self) -> str | None:
        """Return why calls cannot be routed at the moment; None when they can."""
        if self.can_do_without:
            return None
        try:
            return None if await self._readers.run(answers) else "the database does not answer"
        except Unavailable as error:
            return str(error)

    def state(self) -> str | None:
        """Say by what calls are routed at the moment; None where there is no replica that could be old."""
        if self.replica is None or self.spool is None:
            return None
        if not self.replica.is_usable:
            return "calls need the database: the replica is not complete yet"
        age = f"{self.replica.age_seconds:.0f} seconds old"
        if not self.outage.is_on:
            return f"calls are routed by the database, the replica is {age}"
        return f"calls are routed by the replica, which is {age}; {self.spool.waiting} wait to be logged"
