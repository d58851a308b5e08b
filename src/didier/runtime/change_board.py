"""Waiting for changes: all who wait in this process share one look at the log."""

import asyncio
import time

from didier.runtime.readers import Readers
from didier.services.changes import feed

LOOK_SECONDS = 0.1
"""How often it is looked whether something has changed, while somebody waits for it."""


class ChangeBoard:
    """Knows the number of the last change, as of a moment ago."""

    def __init__(self, readers: Readers) -> None:
        self._readers = readers
        self._looking: asyncio.Future[int] | None = None

    async def beyond(self, number: int, seconds: float) -> bool:
        """Wait until there are changes behind *number*, *seconds* at most; say whether there are.

        Raises `Unavailable`.
        """
        until = time.monotonic() + seconds
        while await self._newest() <= number:
            left = until - time.monotonic()
            if left <= 0:
                return False
            await asyncio.sleep(min(LOOK_SECONDS, left))
        return True

    async def _newest(self) -> int:
        """Return the number of the last change; who asks while it is looked for waits for the same."""
        if self._looking is None or self._looking.done():
            self._looking = asyncio.ensure_future(self._readers.run(feed.newest))
        return await asyncio.shield(self._looking)
