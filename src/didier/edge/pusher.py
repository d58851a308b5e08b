"""Tells Kamailio what has changed in the file."""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from didier.edge.control import LINES_MOST, Control, KamailioAway, ReloadUnderWay
from didier.edge.pushes import Pushes
from didier.edge.status import Status

LOOK_SECONDS = 1.0
"""How often Kamailio is asked how far it is while nothing changes: it may have been started anew."""

LOAD_SECONDS = 30.0
"""How long Kamailio is not told again to load the file: it takes some of them for a million numbers."""

KAMAILIO = "Kamailio"


@dataclass(slots=True)
class Pusher:
    """Pushes each time that it is told to *look*, and every second; under the lock *pushing*."""

    pushes: Pushes
    control: Control
    status: Status
    pushing: threading.Lock
    say: Callable[[str], None]
    clock: Callable[[], float] = time.monotonic
    _told_gateways: int | None = field(default=None, init=False)
    """What is known of the gateways that Kamailio has loaded; None: nothing."""
    _told: int | None = field(default=None, init=False)
    """The last push that it is known to have."""
    _loaded_at: float | None = field(default=None, init=False)

    def run(self, look: threading.Event, stopping: threading.Event) -> None:
        """Push until *stopping*."""
        while not stopping.is_set():
            look.clear()
            self.attempt()
            look.wait(LOOK_SECONDS)

    def attempt(self) -> None:
        """Push, and note whether Kamailio has answered."""
        try:
            with self.pushing:
                self.push()
        except KamailioAway as error:
            self._lost(error)
        else:
            self._reached()

    def push(self) -> None:
        """Have Kamailio know what the file says now."""
        cursor = self.control.cursor()  # also to learn whether it answers
        if not self.pushes.are_known:
            return
        self._push_gateways()
        while True:
            found = self.pushes.after(cursor, LINES_MOST - 1)
            if found is None:
                self._load()
                return
            self._told = cursor
            if not found:
                break
            self.control.push(found)
            cursor = found[-1].id
        self.pushes.forget(cursor)

    def _push_gateways(self) -> None:
        """Have Kamailio load gateways that have changed: they come before the numbers that go there.

        One that was started meanwhile has loaded what was there; nothing waits until it does that again.
        """
        version = self.pushes.gateways
        if version == self._told_gateways:
            return
        try:
            self.control.reload_gateways()
        except ReloadUnderWay:
            if self._told_gateways is None:
                return
            raise
        self._told_gateways = version

    def _load(self) -> None:
        """Have Kamailio load the file; one that has just done so loads another."""
        now = self.clock()
        if self._loaded_at is not None and now < self._loaded_at + LOAD_SECONDS:
            raise KamailioAway("Kamailio loads another file than --database")
        self._loaded_at = now
        self.say("Kamailio has not loaded this file; it loads all numbers anew")
        self.control.reload_numbers()

    def _reached(self) -> None:
        self.status.set(kamailio_up=1, pushes_waiting=0)
        if self.status.say(KAMAILIO, None):
            self.say("Kamailio has what the file says")

    def _lost(self, error: KamailioAway) -> None:
        if isinstance(error, ReloadUnderWay):
            return
        self._told_gateways = None
        behind = 0 if self._told is None else max(0, self.pushes.cursor - self._told)
        self.status.set(kamailio_up=0, pushes_waiting=behind)
        if self.status.say(KAMAILIO, str(error)):
            self.say(f"{error}; trying again")
