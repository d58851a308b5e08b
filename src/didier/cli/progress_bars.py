"""Bars on standard error while long work goes on; nothing where that is no terminal."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from io import BufferedIOBase
from pathlib import Path
from typing import TYPE_CHECKING, cast

from didier.cli import printing
from didier.cli.outcomes import words_of
from didier.errors import WrongSetting

if TYPE_CHECKING:
    from rich.progress import Progress

    from didier.client.models import BatchState


class ProgressBar:
    """A bar with its part, rate and time left; it begins again with each kind of work."""

    def __init__(self, progress: "Progress | None") -> None:
        self._progress = progress

    def show(self, what: str, done: int, total: int | None) -> None:
        """Show that of *what* there is *done* out of *total*, None where that is not known."""
        if self._progress is None:
            return
        if not self._progress.tasks:
            self._progress.add_task(what, total=total, rate="")
        [task] = self._progress.tasks
        if what != task.description:
            self._progress.reset(task.id, description=what, total=total)
        self._progress.update(task.id, completed=done, total=total)
        self._progress.update(task.id, rate=f"{task.speed:,.0f}/s" if task.speed else "")

    def batch(self, batch: "BatchState") -> None:
        """Show how far a batch is."""
        words, is_undone = words_of(batch.kind), batch.phase == "remove"
        what = "Checking" if batch.phase == "check" else words.undoing if is_undone else words.doing
        if batch.state == "pending":
            what = "Waiting"
        self.show(what, batch.done, batch.totals.edited if is_undone else batch.totals.requested)


@contextmanager
def progress_bar() -> Iterator[ProgressBar]:
    """Show a bar, if there is a terminal, until this is left."""
    console = printing.console(error=True)
    if not console.is_terminal:
        yield ProgressBar(None)
        return
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TaskProgressColumn,
        TextColumn,
        TimeRemainingColumn,
    )

    columns = (
        TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), MofNCompleteColumn(),
        TextColumn("{task.fields[rate]}"), TimeRemainingColumn(),
    )  # fmt: skip
    with Progress(*columns, console=console, transient=True) as progress:
        yield ProgressBar(progress)


class TrackedFile:
    """A file that is read while a bar shows how far it is."""

    def __init__(self, file: BufferedIOBase, size: int, bar: ProgressBar) -> None:
        self._file = file
        self._size = size
        self._bar = bar
        self._read = 0

    def read(self, size: int = -1) -> bytes:
        """Return the next *size* bytes at most, as soon as there are any."""
        piece = self._file.read1(size)
        self._read += len(piece)
        self._bar.show("Sending", self._read, max(self._size, self._read))
        return piece


@contextmanager
def opened(name: str, bar: ProgressBar) -> "Iterator[TrackedFile]":
    """Open the file *name*, ``-`` for standard input, as a text to be sent."""
    if name == "-":
        yield TrackedFile(cast(BufferedIOBase, sys.stdin.buffer), 0, bar)
        return
    path = Path(name)
    try:
        file = path.open("rb")
    except OSError as error:
        raise WrongSetting(f"{name}: cannot be read: {error.strerror}") from None
    with file:
        yield TrackedFile(file, path.stat().st_size, bar)
