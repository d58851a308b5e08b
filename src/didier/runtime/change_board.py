"""Waiting for changes: all who wait in this process share one look at the log."""

import asyncio
import time
from typing import Any

from didier.runtime.readers import Readers
from didier.services.changes import feed

LOOK_SECONDS = 0.1
"""How often it is looked whether something has changed, while somebody waits for it."""


class ChangeBoard:
    """Knows the number of the last change, as of a moment ago."""

    def __init__(self, readers: Readers) -> None:
        self._readers = readers
        self._looking: asyncio.Future[int] | None = None
        self._looked_at = float("-inf")

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
        """Return the number of the last change, as of a moment ago, or look for it.

        Who asks while it is looked for waits for the same.
        """
        looking, is_old = self._looking, time.monotonic() - self._looked_at >= LOOK_SECONDS
        if looking is None or (looking.done() and (is_old or has_failed(looking))):
            self._looked_at = time.monotonic()
            self._looking = looking = asyncio.ensure_future(self._readers.run(feed.newest))
        return await asyncio.shield(looking)


def has_failed(looking: "asyncio.Future[Any]") -> bool:
    """Say whether a look that is over has found nothing."""
    return looking.cancelled() or looking.exception() is not None
