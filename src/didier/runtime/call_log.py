"""What calls leave in VICIdial's logs; a row that cannot be written is lost, and the call is routed."""

import asyncio
from collections.abc import Callable, Collection, Mapping, Sequence

import structlog
from sqlalchemy.engine import Connection

from didier.runtime.call_spool import CallSpool
from didier.runtime.committer import Committer
from didier.services.calls import routing
from didier.services.calls.records import Record

log = structlog.get_logger()


class CallLog:
    """Has rows written by *committer*; *observe* is told the table of each row that could not be.

    With a *spool*, rows that the database does not take are kept there, and so are those that come while any
    wait there, so that they are written in their order.
    """

    def __init__(self, committer: Committer, spool: CallSpool | None = None) -> None:
        self._committer = committer
        self._spool = spool
        self.observe: Callable[[str], None] = lambda _table: None
        self._unwritten: set[str] = set()  # tables of which that has been logged
        if spool:
            spool.observe = self._told

    async def write(self, rows: Sequence[Record], until: float) -> None:
        """Return once *rows* are on the disk, or lost, which is at the loop's time *until* at the latest."""
        try:
            async with asyncio.timeout_at(until):
                lost = await self._kept(rows)
        except Exception as error:  # VICIdial's script loses calls over its logs (defect 9)
            reason = str(error).partition("\n")[0] or "it takes too long"
            lost = {row.table: reason for row in rows}
        self._told(rows, lost)

    async def _kept(self, rows: Sequence[Record]) -> dict[str, str]:
        """Return which tables could not be written, and why, once all else is on the disk."""
        if self._spool is None:
            return await self._committer.run(self._record, rows)
        if not self._spool.is_needed:
            try:
                return await self._committer.run(self._record, rows)
            except Exception as error:
                # It may have been written, or be written yet: that is looked at before it is delivered.
                log.debug("call_spooled", reason=str(error))
        await self._spool.add(rows)
        return {}

    def _record(self, conn: Connection, calls: Sequence[Sequence[Record]]) -> list[dict[str, str]]:
        if self._spool:
            self._spool.remember_writer(conn)
        return routing.record(conn, calls)

    def _told(self, rows: Sequence[Record], lost: Mapping[str, str]) -> None:
        """Count those of *rows* that are *lost*, and log which tables they are of."""
        for row in rows:
            if row.table in lost:
                self.observe(row.table)
        self._say_once(lost, {row.table for row in rows} - lost.keys())

    def _say_once(self, lost: Mapping[str, str], written: Collection[str]) -> None:
        """Log which tables were *lost*, each once until it is *written* again."""
        self._unwritten.difference_update(written)
        for table in sorted(lost.keys() - self._unwritten):
            log.warning("call_log_not_written", table=table, reason=lost[table])
        self._unwritten.update(lost)
