"""Finds out whether Kamailio has the numbers that it should have, all of them, now and then."""

import threading
import time
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field

from didier.edge.control import Control, Held, KamailioAway
from didier.edge.pushes import Pushes
from didier.edge.status import Status

HOLD_SECONDS = 3600.0
"""After so long without a moment in which nothing changed, pushes are held up for a comparison."""


@dataclass(slots=True)
class Comparison:
    """Compares by digest; *pushing* is the lock under which Kamailio is told numbers.

    Kamailio looks through its numbers while they change. So what it says counts only where it has been told
    nothing meanwhile, and the file has nothing more to tell.
    """

    pushes: Pushes
    control: Control
    status: Status
    pushing: threading.Lock
    say: Callable[[str], None]
    clock: Callable[[], float] = time.monotonic
    _compared_at: float = field(init=False)

    def __post_init__(self) -> None:
        self._compared_at = self.clock()

    def run(self, seconds: float, stopping: threading.Event) -> None:
        """Compare each so many *seconds*, until *stopping*."""
        while not stopping.wait(seconds):
            try:
                self.compare()
            except KamailioAway:
                continue  # whoever pushes says so

    def compare(self) -> bool | None:
        """Say whether Kamailio has the same, None where something has changed; let it load what it lacks."""
        before, (held_at, held) = self._held()
        cursor, digest = self.pushes.digest()
        if not before == held_at == cursor:
            return None
        self._compared_at = self.clock()
        if held == digest:
            return True
        self.status.count(differences=1)
        self.say(f"Kamailio has other numbers ({held.numbers}) than it should have ({digest.numbers})")
        with self.pushing:
            self.control.reload_numbers()
        return False

    def _held(self) -> tuple[int, Held]:
        is_long_ago = self.clock() > self._compared_at + HOLD_SECONDS
        still: AbstractContextManager[object] = self.pushing if is_long_ago else nullcontext()
        with still:
            return self.control.cursor(), self.control.held()
