"""The agent beside a Kamailio: what the server tells goes into a file, and from there into Kamailio.

Threads share the file. The main one follows the server; others push to Kamailio, compare what it has, say to
the server how all stands, and report calls. None waits for another: while the server is away Kamailio is
still told, and while Kamailio is away the file still learns.
"""

import json
import sqlite3
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass, field
from http import HTTPStatus
from pathlib import Path
from typing import IO, Any

import didier
from didier.characters import visible
from didier.client import Didier
from didier.client.errors import ChangesGone, DidierError, ProblemError, UnexpectedAnswer
from didier.client.events import ChangeEvent
from didier.client.retrying import Outage, Policy
from didier.edge import tables
from didier.edge.calls import CallReports, Spool
from didier.edge.comparison import Comparison
from didier.edge.control import Control
from didier.edge.listener import Listener
from didier.edge.numbers import Numbers
from didier.edge.pusher import Pusher
from didier.edge.pushes import Pushes
from didier.edge.status import Status
from didier.errors import WrongSetting

TYPES = ("did.*", "gateway_set.*")
REPORT_SECONDS = 10.0
GATHER_SECONDS = 0.1
END_SECONDS = 3.0
AGAIN_SECONDS = 5.0
DETAIL_MOST = 200
SERVER, REPORTS = "server", "reports"

Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Place:
    """What an agent is called, and where its things are; *port* is the one that it listens at."""

    name: str
    file: Path
    rpc: str
    secret: str
    port: int
    compare_seconds: float

    @property
    def calls(self) -> Path:
        """The file of calls that wait."""
        return self.file.with_name(f"{self.file.stem}-calls{self.file.suffix}")


@dataclass(slots=True)
class Agent:
    """Follows with *client* what the edge at *place* has to know."""

    client: Didier
    place: Place
    say: Say
    status: Status = field(default_factory=Status)
    _look: threading.Event = field(default_factory=threading.Event, init=False)
    _pushing: threading.Lock = field(default_factory=threading.Lock, init=False)
    _inode: int = field(default=0, init=False)
    _stopping: threading.Event = field(default_factory=threading.Event, init=False)

    def run(self) -> None:
        """Go on until the process is asked to end; raises what does not pass by itself."""
        with tables.alone(self.place.file), self._numbers() as numbers, self._threads():
            self._inode = self.place.file.stat().st_ino
            while True:
                try:
                    self._follow(numbers)
                except ChangesGone as error:
                    self.say(str(error))
                    numbers.forget_sequence()
                except (sqlite3.Error, OSError) as error:  # a full disk, say
                    self.say(f"{self.place.file}: {error}; trying again")
                    self._stopping.wait(AGAIN_SECONDS)

    def _numbers(self) -> Numbers:
        try:
            return Numbers(self.place.file)
        except sqlite3.Error as error:
            raise WrongSetting(f"--database: {self.place.file}: {error}") from None

    def _follow(self, numbers: Numbers) -> None:
        if numbers.sequence is None:
            self._take_snapshot(numbers)
        page: list[ChangeEvent] = []

        def done(sequence: int) -> None:
            if page or sequence != numbers.sequence:
                numbers.apply(page, sequence)
                self._look.set()
                self.status.count(events=len(page))
                page.clear()
            self._reached(sequence)
            # What changes meanwhile comes together: the server is not asked for each of many changes.
            self._stopping.wait(GATHER_SECONDS)

        after = numbers.sequence or 0
        for event in self.client.follow(after, types=TYPES, on_progress=done, on_failure=self._lost):
            page.append(event)

    def _take_snapshot(self, numbers: Numbers) -> None:
        """Take an export, however long the server is away."""
        outage = Outage(Policy())
        while True:
            try:
                self._take(numbers)
            except DidierError as error:
                wait = outage.wait(error)
                self._lost(error)
                self._stopping.wait(wait)
            else:
                return

    def _take(self, numbers: Numbers) -> None:
        with tempfile.TemporaryFile() as file:
            done = self.client.export(file, format="ndjson")
            sets = [asdict(one) for one in self.client.gateway_sets()]
            if done.sequence is None:
                raise WrongSetting("--server: it is too old to be followed")
            if not done.dids and numbers.are_there:  # rather old numbers than none
                raise WrongSetting("--server: it shows no DIDs, where there were some; is it the right one?")
            try:
                numbers.replace(_rows(file), sets, done.sequence)
            except (ValueError, TypeError, KeyError) as error:
                raise UnexpectedAnswer(
                    HTTPStatus.OK, f"the export has lines that are no DIDs: {error!r}"
                ) from None
        self.say(f"took an export of {done.dids} DIDs and {len(sets)} gateway sets")
        self.status.count(snapshots=1)
        self._look.set()
        self._reached(done.sequence)

    def _reached(self, sequence: int) -> None:
        if not (self.place.file.exists() and self.place.file.stat().st_ino == self._inode):
            raise WrongSetting(f"--database: {self.place.file} is another file than at the start, or gone")
        self.status.set(server_up=1, sequence=sequence)
        if self.status.say(SERVER, None):
            self.say("the server answers again")

    def _lost(self, error: DidierError) -> None:
        self.status.set(server_up=0)
        if self.status.say(SERVER, str(error)):
            self.say(f"{error}; trying again")

    # Threads

    @contextmanager
    def _threads(self) -> Iterator[None]:
        place = self.place
        with ExitStack() as opened:
            try:
                listener = opened.enter_context(Listener(place.port, place.secret, place.calls, self.status))
            except OSError as error:
                raise WrongSetting(f"--calls-port: {place.port}: {error.strerror}") from None
            control = opened.enter_context(Control(place.rpc, place.secret, self.status))
            works: dict[str, Callable[[], None]] = {
                "listener": listener.serve_forever,
                "pusher": lambda: self._push(control),
                "comparison": lambda: self._compare(control),
                "reports": self._report,
                "calls": self._report_calls,
            }
            threads = [
                threading.Thread(target=self._kept, args=one, name=one[0], daemon=True)
                for one in works.items()
            ]
            for thread in threads:
                thread.start()
            try:
                yield
            finally:
                self._stopping.set()
                self._look.set()
                listener.shutdown()
                end = (
                    time.monotonic() + END_SECONDS
                )  # whoever waits longer for Kamailio has nothing to finish
                for thread in threads:
                    thread.join(max(0.0, end - time.monotonic()))

    def _kept(self, name: str, work: Callable[[], None]) -> None:
        """Do a work until the end, whatever goes wrong with it."""
        while not self._stopping.is_set():
            try:
                work()
            except Exception as error:  # a full disk, say: the others go on, and so does this one when it can
                self.say(f"{name}: {type(error).__name__}: {error}; trying again")
                self._stopping.wait(AGAIN_SECONDS)

    def _push(self, control: Control) -> None:
        with Pushes(self.place.file) as pushes:
            Pusher(pushes, control, self.status, self._pushing, self.say).run(self._look, self._stopping)

    def _compare(self, control: Control) -> None:
        with Pushes(self.place.file) as pushes:
            comparison = Comparison(pushes, control, self.status, self._pushing, self.say)
            comparison.run(self.place.compare_seconds, self._stopping)

    def _report_calls(self) -> None:
        with Spool(self.place.calls) as spool:
            CallReports(spool, self.client, self.place.name, self.status, self.say).run(self._stopping)

    def _report(self) -> None:
        """Say to the server how all stands, again and again."""
        with Pushes(self.place.file) as pushes:
            while not self._stopping.wait(REPORT_SECONDS):
                known, figures = pushes.known(), self.status.figures
                self.status.set(numbers=known.numbers)
                state = (
                    "away" if not figures.kamailio_up else "behind" if figures.pushes_waiting else "connected"
                )
                try:
                    self.client.report_edge(
                        self.place.name,
                        sequence=known.sequence or 0,
                        numbers=known.numbers,
                        kamailio=state,
                        version=didier.__version__,
                        pending_calls=figures.calls_waiting,
                        detail=visible(self.status.trouble)[:DETAIL_MOST],
                    )
                except ProblemError as error:
                    if self.status.say(REPORTS, str(error)):
                        self.say(f"the server takes no reports of this edge: {error}")
                except DidierError:
                    continue  # who follows the server says that it is away
                else:
                    self.status.say(REPORTS, None)


def _rows(file: IO[bytes]) -> Iterator[Mapping[str, Any]]:
    """Yield the DIDs of an export."""
    file.seek(0)
    return map(json.loads, file)
