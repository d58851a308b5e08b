"""Reading long texts of targets beside everything else: in turns, with rests, and not for ever.

Python runs one thread at a time, and takes the processor from one that computes only after 5 ms
(``sys.getswitchinterval``). Everybody who waits for an answer needs it several times; a few threads that read
would multiply that wait.
"""

import asyncio
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from didier.errors import Overloaded, TooMuchToRead

AT_ONCE = 4
"""Texts that are read in turns, so that a short one does not wait for the end of long ones."""

WAITING = 16
"""Most texts that may be read or wait for it."""

TURN_SECONDS = 0.001
"""Time of the processor after which a text rests."""

RESTS = 1
"""How many times as long as its turn a text rests: for half of the time nobody reads."""

HAND_OVER_SECONDS = 0.0001
"""How long a text lets go of its turn: who lets go and grasps again at once gets it before those who wait."""

Result = TypeVar("Result")
Pause = Callable[[], None]
"""Called again and again by work that may take long."""


class Texts:
    """Reads texts, each for *seconds* of the processor's time at most."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._turn = threading.Lock()
        self._threads = ThreadPoolExecutor(AT_ONCE, thread_name_prefix="texts")
        self._waiting = 0

    async def read(self, work: Callable[[Pause], Result]) -> Result:
        """Return what *work* reads, which calls its `Turns` often; raise `Overloaded` or `TooMuchToRead`."""
        if self._waiting >= WAITING:
            raise Overloaded
        self._waiting += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self._threads, self._run, work)
        finally:
            self._waiting -= 1

    def _run(self, work: Callable[[Pause], Result]) -> Result:
        with self._turn:
            return work(Turns(self._turn, self._seconds))


class Turns:
    """The turns of one text; called again and again while it holds *turn*."""

    def __init__(self, turn: threading.Lock, seconds: float) -> None:
        self._turn = turn
        self._seconds = seconds
        self._end = time.thread_time() + seconds
        self._since = time.thread_time()

    def __call__(self) -> None:
        """Let others have their turn when this one is over; raise `TooMuchToRead` after the last."""
        now = time.thread_time()
        if now > self._end:
            raise TooMuchToRead(self._seconds)
        worked = now - self._since
        if worked < TURN_SECONDS:
            return
        # It rests with its turn in hand: while it does, the other texts rest too.
        time.sleep(worked * RESTS)
        self._turn.release()
        time.sleep(HAND_OVER_SECONDS)
        self._turn.acquire()
        self._since = time.thread_time()
