"""What calls leave in VICIdial's logs; a row that cannot be written is lost, and the call is routed."""

import asyncio
from collections.abc import Callable, Collection, Mapping, Sequence

import structlog

from didier.runtime.committer import Committer
from didier.services.calls import routing
from didier.services.calls.records import Record

log = structlog.get_logger()


class CallLog:
    """Has rows written by *committer*; *observe* is told the table of each row that could not be."""

    def __init__(self, committer: Committer) -> None:
        self._committer = committer
        self.observe: Callable[[str], None] = lambda _table: None
        self._unwritten: set[str] = set()  # tables of which that has been logged

    async def write(self, rows: Sequence[Record], until: float) -> None:
        """Return once *rows* are on the disk, or lost, which is at the loop's time *until* at the latest."""
        try:
            async with asyncio.timeout_at(until):
                lost = await self._committer.run(routing.record, rows)
        except Exception as error:  # VICIdial's script loses calls over its logs (defect 9)
            reason = str(error).partition("\n")[0] or "it takes too long"
            lost = {row.table: reason for row in rows}
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
