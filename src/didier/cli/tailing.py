"""Reading the lines of a file as they are written, across the rotations of logrotate and restarts."""

import hashlib
import os
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from didier.cli.following import StoredPlace

LINE_MOST = 65_536
"""Most bytes of a line; what is longer is cut into lines of this length, none of which can be read."""

MARK_BYTES = 1_024
"""How much of what was read last is remembered, to know the file again: more than a line has mostly."""

_COMPRESSED = (".gz", ".xz", ".bz2", ".zst", ".lz4")
_OF_OTHERS = (".lock", ".part")  # a cursor may stand beside the file


@dataclass(frozen=True, slots=True)
class Position:
    """How far a file was read: *offset* bytes, of which the last have the digest *mark*.

    The number of the file's inode would not do: logrotate's copytruncate keeps it, and a new file may get
    that of one that was deleted.
    """

    offset: int = 0
    mark: str = ""


BEGIN = Position()


class PositionFile(StoredPlace[Position]):
    """The position from which the lines of a file are read."""

    wrong = "has no position in it, as 'didier report-calls --cursor' writes it"

    @property
    def position(self) -> Position:
        """The position that is stored; before the first the beginning."""
        return self._stored or BEGIN

    def parse(self, text: str) -> Position | None:
        """Return the position that a text names."""
        offset, _, mark = text.partition(" ")
        return Position(int(offset), mark) if offset.isascii() and offset.isdigit() else None

    def write(self, place: Position) -> str:
        """Return a position as a text."""
        return f"{place.offset} {place.mark}".rstrip()


@dataclass(frozen=True, slots=True)
class Tail:
    """The lines of the file *path*, and of those that logrotate has made of it.

    A last line without its end is left for later: it may be half written.
    """

    path: Path

    def read(self, position: Position, most: int) -> tuple[Sequence[bytes], Position]:
        """Return *most* lines behind a position, and the position behind them; none where there are none.

        A file that cannot be found again is read from its beginning.
        """
        for path, begin in self._files(position):
            with suppress(FileNotFoundError), path.open("rb") as file:
                if not _is_behind(file, begin):
                    continue  # it was rotated just now; the next look finds it under another name
                file.seek(begin.offset)
                if lines := list(self._lines(file, most, grows=path == self.path)):
                    return lines, _position(file)
        return (), position

    def rest(self, position: Position) -> bytes:
        """Return what is there of a last line without its end, behind the others."""
        with suppress(FileNotFoundError), self.path.open("rb") as file:
            file.seek(position.offset if _is_behind(file, position) else 0)
            return file.readline(LINE_MOST)
        return b""

    def _files(self, position: Position) -> list[tuple[Path, Position]]:
        """Return the files that are behind a position, the oldest first, and from where on."""
        if _continues(self.path, position):
            return [(self.path, position)]
        older = self._rotated()
        for place, path in reversed(list(enumerate(older))):
            if _continues(path, position):
                newer = [*older[place + 1 :], self.path]
                return [(path, position), *((one, BEGIN) for one in newer)]
        return [(self.path, BEGIN)]

    def _rotated(self) -> list[Path]:
        """Return the files that logrotate has made of it, the oldest first; compressed ones are not read."""
        found = []
        for path in self.path.parent.glob(f"{_escaped(self.path.name)}[.-]*"):
            if path.suffix not in {*_COMPRESSED, *_OF_OTHERS}:
                with suppress(FileNotFoundError):
                    found.append((path.stat().st_mtime_ns, path))
        return [path for _, path in sorted(found)]

    @staticmethod
    def _lines(file: IO[bytes], most: int, *, grows: bool) -> Iterator[bytes]:
        for _ in range(most):
            line = file.readline(LINE_MOST)
            if grows and not line.endswith(b"\n") and len(line) < LINE_MOST:
                file.seek(-len(line), os.SEEK_CUR)
                return
            if not line:
                return
            yield line


def _escaped(name: str) -> str:
    return "".join(f"[{character}]" if character in "*?[" else character for character in name)


def _continues(path: Path, position: Position) -> bool:
    """Say whether the file at *path* is the one that was read up to a position."""
    try:
        with path.open("rb") as file:
            return _is_behind(file, position)
    except FileNotFoundError:
        return False


def _is_behind(file: IO[bytes], position: Position) -> bool:
    return (
        os.fstat(file.fileno()).st_size >= position.offset and _mark(file, position.offset) == position.mark
    )


def _position(file: IO[bytes]) -> Position:
    offset = file.tell()
    return Position(offset, _mark(file, offset))


def _mark(file: IO[bytes], offset: int) -> str:
    begin = max(0, offset - MARK_BYTES)
    file.seek(begin)
    content = file.read(offset - begin)
    return hashlib.sha256(content).hexdigest() if content else ""
