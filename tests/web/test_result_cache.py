"""Figures that are kept for a while."""

import asyncio

import pytest

from didier.web import result_cache
from didier.web.result_cache import ResultCache


class Counting:
    """Counts how often it was asked, and how many asked at the same time."""

    def __init__(self, failing: int = 0) -> None:
        self.made = self.running = self.most = 0
        self.failing = failing

    async def __call__(self) -> int:
        self.made += 1
        self.running += 1
        self.most = max(self.most, self.running)
        await asyncio.sleep(0)
        self.running -= 1
        if self.made <= self.failing:
            raise OSError("gone")
        return self.made


def test_what_was_made_is_kept_for_its_time():
    """Whoever asks again gets the same, until the time is over; another key is another thing."""
    now = [0.0]
    count = Counting()

    async def ask():
        kept = ResultCache(60, lambda: now[0])
        found = [await kept.get("a", count), await kept.get("a", count), await kept.get("b", count)]
        now[0] = 60
        return [*found, await kept.get("a", count)]

    assert [1, 1, 2, 3] == asyncio.run(ask())


def test_those_who_ask_meanwhile_share_and_others_wait():
    """One thing is made once for all, and one thing at a time."""
    count = Counting()

    async def ask():
        kept = ResultCache()
        return await asyncio.gather(*(kept.get(key, count) for key in "aabbc"))

    assert ([1, 1, 2, 2, 3], 1) == (asyncio.run(ask()), count.most)


def test_a_failure_is_not_kept():
    """It is made anew for the next."""
    count = Counting(failing=1)

    async def ask():
        kept = ResultCache()
        with pytest.raises(OSError, match="gone"):
            await kept.get("a", count)
        return await kept.get("a", count)

    assert 2 == asyncio.run(ask())


def test_only_so_much_is_kept():
    """The oldest goes when there are too many keys."""
    count = Counting()

    async def ask():
        kept = ResultCache()
        for key in range(result_cache.KEEP_MOST + 1):
            await kept.get(key, count)
        return await kept.get(result_cache.KEEP_MOST, count), await kept.get(0, count)

    assert (result_cache.KEEP_MOST + 1, result_cache.KEEP_MOST + 2) == asyncio.run(ask())


def test_what_is_kept_does_not_count_where_it_is_wanted_anew():
    """What is being made meanwhile does."""
    count = Counting()

    async def ask():
        kept = ResultCache(most=1)
        await kept.get("a", count)
        again = await asyncio.gather(*(kept.get("a", count, anew=True) for _ in "ab"))
        return [*again, await kept.get("a", count)]

    assert [2, 2, 2] == asyncio.run(ask())
