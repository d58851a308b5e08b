"""Long texts are read in turns, by few, and not for ever."""

import asyncio
import threading

import pytest

from didier.errors import Overloaded, TooMuchToRead
from didier.web.api.texts import WAITING, Texts


def test_what_was_read_is_returned():
    """Work that never pauses is done in one go."""
    assert 7 == asyncio.run(Texts(10).read(lambda pause: 7))


def test_reading_has_an_end():
    """Work that goes on and on is ended at a pause."""

    def endless(pause):
        while True:
            pause()

    with pytest.raises(TooMuchToRead, match=r"0\.01 seconds"):
        asyncio.run(Texts(0.01).read(endless))


def test_texts_take_turns():
    """One that has much to do lets another come to its end meanwhile."""
    done = threading.Event()

    def long(pause):
        while not done.is_set():
            pause()
        return "long"

    def short(pause):
        done.set()
        return "short"

    async def both():
        texts = Texts(60)
        return await asyncio.gather(texts.read(long), texts.read(short))

    assert ["long", "short"] == asyncio.run(both())


def test_few_wait():
    """One more than may wait is refused, and one is taken again when there is room."""
    go_on = threading.Event()

    async def crowd():
        texts = Texts(60)
        waiting = [asyncio.ensure_future(texts.read(lambda pause: go_on.wait())) for _ in range(WAITING)]
        await asyncio.sleep(0)
        with pytest.raises(Overloaded):
            await texts.read(lambda pause: 1)
        go_on.set()
        await asyncio.gather(*waiting)
        return await texts.read(lambda pause: 2)

    assert 2 == asyncio.run(crowd())


def test_a_failure_leaves_the_turn_to_others():
    """Whatever work raises is raised here, and the next is taken."""
    texts = Texts(60)

    def fails(pause):
        raise ValueError("unreadable")

    async def twice():
        with pytest.raises(ValueError, match="unreadable"):
            await texts.read(fails)
        return await texts.read(lambda pause: 3)

    assert 3 == asyncio.run(twice())
