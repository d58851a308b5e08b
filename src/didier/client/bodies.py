"""Bodies of requests: sent piece by piece, and sent again from the beginning when an answer was lost."""

import csv
import io
import json
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import chain, islice
from pathlib import Path
from typing import IO, Any, Protocol

from didier.client.models import Value
from didier.client.values import Given, columns

PIECE_BYTES = 65_536
"""Size of the pieces in which files are read."""

MEMORY_BYTES = 8_000_000
"""How much of a body that comes from an iterator is remembered in memory; more goes to a temporary file."""

SMALL = 1_000
"""Most targets that are sent as JSON; more are sent as they come."""

BLANK = "--BLANK--"
"""What empties a column in CSV; an empty cell leaves it as the source has it."""

JSON, TEXT, CSV = "application/json", "text/plain; charset=utf-8", "text/csv; charset=utf-8"

Target = str | Mapping[str, Given]
Targets = str | Iterable[Target]
"""A number or range, or many; a mapping has ``target`` and columns of its own."""

Table = str | bytes | Path | IO[bytes] | IO[str] | Iterable[bytes]
"""A text of CSV: itself, the path of a file, an open file, or pieces of it."""


class Body(Protocol):
    """What a request sends; each iteration begins at the beginning."""

    media_type: str

    def __iter__(self) -> Iterator[bytes]: ...


class Whole:
    """A body that is there."""

    def __init__(self, content: bytes, media_type: str = JSON) -> None:
        self.content = content
        self.media_type = media_type

    def __iter__(self) -> Iterator[bytes]:
        yield self.content


class FileBody:
    """A file that is read again each time."""

    def __init__(self, path: Path, media_type: str = CSV) -> None:
        self.path = path
        self.media_type = media_type

    def __iter__(self) -> Iterator[bytes]:
        with self.path.open("rb") as file:
            while piece := file.read(PIECE_BYTES):
                yield piece


class Remembered:
    """Pieces that can be had once; they are written down as they go, for the next time."""

    def __init__(self, pieces: Iterable[bytes], media_type: str = CSV) -> None:
        self.media_type = media_type
        self._rest = iter(pieces)
        self._known = tempfile.SpooledTemporaryFile(MEMORY_BYTES)  # noqa: SIM115  # closed with the body

    def __iter__(self) -> Iterator[bytes]:
        place = 0
        while True:
            self._known.seek(place)
            piece = self._known.read(PIECE_BYTES) or self._next()
            if not piece:
                return
            place += len(piece)
            yield piece

    def _next(self) -> bytes:
        piece = next((piece for piece in self._rest if piece), b"")
        self._known.write(piece)
        return piece


def as_json(value: Any) -> Whole:
    """Return *value* as a JSON body."""
    return Whole(json.dumps(value, ensure_ascii=False).encode("utf-8", "surrogatepass"))


def table(text: Table) -> Body:
    """Return a CSV text as a body; raises `ValueError` for what looks like the name of a file."""
    if isinstance(text, Path):
        return FileBody(text)
    if isinstance(text, str):
        if "\n" not in text and "\r" not in text:
            raise ValueError("this is a text of CSV with one line; for a file give a pathlib.Path")
        return Whole(text.encode(), CSV)
    if isinstance(text, bytes | bytearray):
        return Whole(bytes(text), CSV)
    read: Callable[[int], str | bytes] | None = getattr(text, "read", None)
    return Remembered(_read(read) if read else _pieces(text))


def _read(read: Callable[[int], str | bytes]) -> Iterator[bytes]:
    while piece := read(PIECE_BYTES):
        yield piece.encode() if isinstance(piece, str) else piece


def _pieces(pieces: Iterable[Any]) -> Iterator[bytes]:
    for piece in pieces:
        if not isinstance(piece, bytes | bytearray | memoryview):
            raise TypeError(f"pieces of CSV are bytes, not {type(piece).__name__}")
        yield bytes(piece)


def targets(given: Targets) -> tuple[list[Any] | None, Body | None]:
    """Return *given* as a list for JSON or, when it is long, as a body of its own."""
    if isinstance(given, str):
        return [given], None
    if isinstance(given, Mapping):
        return [_target(given)], None
    rest = iter(given)
    first = list(islice(rest, SMALL + 1))
    if len(first) <= SMALL:
        return [_target(one) for one in first], None
    if all(isinstance(one, str) for one in first):
        return None, Remembered(_joined(_lines(chain(first, rest))), TEXT)
    return None, Remembered(_joined(_rows(first, rest)), CSV)


def _target(given: Target) -> str | dict[str, Value]:
    if isinstance(given, str):
        return given
    if not isinstance(given, Mapping):
        raise TypeError(f"a target is a text or a mapping, not {type(given).__name__}")
    if not isinstance(given.get("target"), str):
        raise ValueError('a target with columns of its own has a text under "target"')
    return columns(given)


def _lines(given: Iterable[Target]) -> Iterator[str]:
    for one in given:
        if not isinstance(one, str):
            raise ValueError(f"targets with columns of their own must be among the first {SMALL:,}")
        yield f"{one}\n"


def _rows(first: Sequence[Target], rest: Iterable[Target]) -> Iterator[str]:
    """Write targets as CSV; its columns are those of the first ones."""
    known = {name: None for one in first if isinstance(one, Mapping) for name in columns(one)}
    names = ["target", *(name for name in known if name != "target")]
    yield _line(names)
    for one in chain(first, rest):
        own = _target(one)
        values = {"target": own} if isinstance(own, str) else own
        if unknown := values.keys() - set(names):
            raise ValueError(f"{min(unknown)} must be among the columns of the first {SMALL:,} targets")
        yield _line([_cell(values, name) for name in names])


def _cell(values: Mapping[str, Value], name: str) -> str:
    if name not in values:
        return ""
    value = values[name]
    return BLANK if value is None or value == "" else str(value)


def _line(cells: Sequence[str]) -> str:
    line = io.StringIO()
    csv.writer(line).writerow(cells)
    return line.getvalue()


def _joined(lines: Iterable[str]) -> Iterator[bytes]:
    """Yield lines in pieces that are worth sending."""
    piece = bytearray()
    for line in lines:
        piece += line.encode()
        if len(piece) >= PIECE_BYTES:
            yield bytes(piece)
            piece.clear()
    if piece:
        yield bytes(piece)
