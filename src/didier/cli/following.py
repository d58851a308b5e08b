"""What `didier follow` does with an event: a command is given it, in order, until it has taken it.

The number to go on from is stored when that is done, so an event may come twice and is never left out.
"""

import fcntl
import json
import os
import shlex
import signal
import subprocess
import tempfile
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import IO, Generic, NoReturn, TypeVar

from didier.cli.terminal import say
from didier.client.events import ChangeEvent
from didier.client.retrying import Policy
from didier.environment import EVENT_ID, EVENT_TYPE
from didier.errors import DidierError, WrongSetting

SNAPSHOT = "snapshot"
"""The type of event that a whole export is to commands."""

SNAPSHOT_TIMES = 10
"""How many times the usual time a command may take for a whole export."""


class Stopped(BaseException):
    """The process was asked to end; as with Ctrl-C, nothing that handles failures holds it up."""


class Stop:
    """Ends the process on SIGTERM or SIGINT, but not within `finishing`; asked twice, there too.

    What is asked after that is not heard: it would interrupt what is cleaned up on the way out.
    """

    def __init__(self) -> None:
        self._is_busy = False
        self._is_asked = False
        self._is_ending = False

    @contextmanager
    def heard(self) -> Iterator[None]:
        """Take the signals, until this is left."""
        before = {number: signal.signal(number, self._asked) for number in (signal.SIGTERM, signal.SIGINT)}
        try:
            with suppress(Stopped):
                yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    @contextmanager
    def finishing(self) -> Iterator[None]:
        """Finish what is begun in here before the process ends."""
        self._is_busy = True
        try:
            yield
        finally:
            self._is_busy = False
        if self._is_asked:
            self._end()

    def _asked(self, *_: object) -> None:
        if self._is_busy and not self._is_asked:
            self._is_asked = True
        elif not self._is_ending:
            self._end()

    def _end(self) -> NoReturn:
        self._is_ending = True
        raise Stopped


Place = TypeVar("Place")


class StoredPlace(ABC, Generic[Place]):
    """Where a follower goes on, in a file that only one follower at a time has.

    Without a file it is forgotten with the process. *wrong* is said of a file that names no place.
    """

    wrong: str

    def __init__(self, file: Path | None) -> None:
        self._file = file
        self._stored: Place | None = None
        self.lock: int | None = None
        """The open file that is locked: a command that outlives its follower keeps the next one waiting."""

    @abstractmethod
    def parse(self, text: str) -> Place | None:
        """Return the place that a text names, None for a text that names none."""

    @abstractmethod
    def write(self, place: Place) -> str:
        """Return the text that names a place."""

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Wait until nobody else has it."""
        if self._file is None:
            yield
            return
        with _named(self._file):
            self.lock = os.open(f"{self._file}.lock", os.O_RDWR | os.O_CREAT, 0o600)
        try:
            self._wait(self.lock)
            self._stored = self._read()
            yield
        finally:
            os.close(self.lock)

    def _wait(self, lock: int) -> None:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say(
                f"didier: {self._file}: another follower, or what it has run, is still there; waiting",
                err=True,
            )
            fcntl.flock(lock, fcntl.LOCK_EX)

    def store(self, place: Place) -> None:
        """Store a place: whoever reads the file finds this one or the one before, whatever happens."""
        if place == self._stored:
            return
        if self._file is not None:
            with _named(self._file):
                _replace(self._file, f"{self.write(place)}\n".encode())
        self._stored = place

    def _read(self) -> Place | None:
        if self._file is None or not self._file.exists():
            return None
        with _named(self._file):
            text = self._file.read_bytes().decode(errors="replace").strip()
        place = self.parse(text)
        if place is None:
            raise WrongSetting(f"{self._file}: {self.wrong}")
        return place


class Cursor(StoredPlace[int]):
    """The number from which a follower of changes goes on."""

    wrong = "has no number in it, as 'didier follow --cursor' writes it"

    @property
    def number(self) -> int | None:
        """The number that is stored; None before the first."""
        return self._stored

    def parse(self, text: str) -> int | None:
        """Return the number that a text is."""
        return int(text) if text.isascii() and text.isdigit() else None

    def write(self, place: int) -> str:
        """Return a number as a text."""
        return str(place)


@contextmanager
def _named(file: Path) -> Iterator[None]:
    """Say of which file it was that something went wrong."""
    try:
        yield
    except OSError as error:
        raise WrongSetting(f"{file}: {error.strerror}") from None


def _replace(file: Path, content: bytes) -> None:
    part = file.with_name(f"{file.name}.part")
    with part.open("wb") as written:
        written.write(content)
        written.flush()
        os.fsync(written.fileno())
    os.replace(part, file)
    _sync_directory(file.parent)


def _sync_directory(directory: Path) -> None:
    """Have the name of a file on the disk too."""
    descriptor = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@dataclass(frozen=True, slots=True)
class DeadLetters:
    """A file of events that no command has taken, a line of JSON for each."""

    file: Path

    def add(self, event: ChangeEvent, failure: str) -> None:
        """Append an event, and why; it is on the disk when this returns."""
        letter = {"failed_at": datetime.now().astimezone().isoformat(), "failure": failure}
        line = json.dumps({**letter, "event": dict(event.members)}, ensure_ascii=False).encode() + b"\n"
        with _named(self.file), self.file.open("a+b") as file:
            if file.tell() and not self._ends_a_line(file):
                line = b"\n" + line  # the process was killed within the one before
            file.write(line)
            file.flush()
            os.fsync(file.fileno())
            _sync_directory(self.file.parent)

    @staticmethod
    def _ends_a_line(file: IO[bytes]) -> bool:
        file.seek(-1, os.SEEK_END)
        return file.read() == b"\n"


@dataclass(frozen=True, slots=True)
class Command:
    """What is run for an event, without a shell, for *seconds* at most."""

    option: str
    words: Sequence[str]
    seconds: float

    @classmethod
    def of(cls, option: str, text: str, seconds: float) -> "Command":
        """Return the command that an *option* names; raises `WrongSetting`."""
        try:
            words = shlex.split(text)
        except ValueError as error:
            raise WrongSetting(f"{option}: {str(error).lower()}") from None
        if not words:
            raise WrongSetting(f"{option}: names no command")
        return cls(option, words, seconds)

    def run(self, content: IO[bytes], variables: Mapping[str, str], lock: int | None) -> str | None:
        """Run it with *content* on its standard input; return why it has failed, None if it has not.

        It has a session of its own: Ctrl-C is for the follower, which lets it finish.
        """
        content.seek(0)
        try:
            process = subprocess.Popen(  # noqa: S603  # who starts the follower says what it runs
                self.words,
                stdin=content,
                env={**os.environ, **variables},
                pass_fds=() if lock is None else (lock,),
                start_new_session=True,
            )
        except OSError as error:  # a name that is spelt wrongly is no fault of the event
            raise WrongSetting(f"{self.option}: {self.words[0]}: {error.strerror}") from None
        try:
            return _failure(process.wait(self.seconds))
        except subprocess.TimeoutExpired:
            return f"not done within {self.seconds:g} seconds"
        finally:
            _end(process)


def _failure(status: int) -> str | None:
    if status < 0:
        return f"ended by signal {-status}"
    return f"exit status {status}" if status else None


def _end(process: "subprocess.Popen[bytes]") -> None:
    """End a command, and what it has started, if it goes on."""
    if process.poll() is None:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


@dataclass(frozen=True, slots=True)
class Delivery:
    """Gives events to commands, again and again with growing pauses where they fail.

    After *retries* an event goes to the *dead_letters*; where there are none, that is the end.
    """

    cursor: Cursor
    stop: Stop
    retries: int
    dead_letters: DeadLetters | None = None
    pause: Callable[[float], object] = time.sleep
    policy: Policy = field(default_factory=Policy)

    def event(self, command: Command, event: ChangeEvent) -> None:
        """Have *command* take an event."""
        variables = {EVENT_TYPE: event.type, EVENT_ID: event.id}
        with tempfile.TemporaryFile() as content:
            content.write(json.dumps(dict(event.members), ensure_ascii=False).encode() + b"\n")
            content.flush()
            failure = self._taken(command, content, variables, event.resume_after)
        if failure is None:
            return
        if self.dead_letters is None:
            raise NotTaken(f"event {event.id} ({event.type})", command, failure)
        with self.stop.finishing():
            self.dead_letters.add(event, failure)
            self.cursor.store(event.resume_after)
        say(f"didier: event {event.id} ({event.type}): {failure}; kept in {self.dead_letters.file}", err=True)

    def snapshot(self, command: Command, content: IO[bytes], number: int) -> None:
        """Have *command* take a whole export, as things are at *number*."""
        variables = {EVENT_TYPE: SNAPSHOT, EVENT_ID: str(number)}
        if failure := self._taken(command, content, variables, number):
            raise NotTaken(f"the export of {number}", command, failure)

    def _taken(
        self, command: Command, content: IO[bytes], variables: Mapping[str, str], number: int
    ) -> str | None:
        """Have *command* take something, and store the *number* behind it; return why it has not."""
        for attempt in range(self.retries + 1):
            if attempt:
                self.pause(self.policy.wait(attempt - 1))
            with self.stop.finishing():
                failure = command.run(content, variables, self.cursor.lock)
                if failure is None:
                    self.cursor.store(number)
                    return None
        return failure


class NotTaken(DidierError):
    """A command has not taken *what*, however often it was run."""

    def __init__(self, what: str, command: Command, failure: str) -> None:
        super().__init__(
            f"{what}: {command.option}: {failure}; it is given to the command again at the next start"
        )
