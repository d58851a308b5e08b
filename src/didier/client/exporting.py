"""Exports into files: whole or not at all, and counted on the way."""

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO


@dataclass(frozen=True, slots=True)
class Exported:
    """How many DIDs an export has, and the number behind which changes are followed from it on.

    *sequence* is None if the server is too old to tell.
    """

    dids: int
    sequence: int | None = None


def sequence(headers: Mapping[str, str]) -> int | None:
    """Return the number of the last change before an export."""
    found = headers.get("didier-sequence", "")
    return int(found) if found.isascii() and found.isdecimal() else None


class Count:
    """Counts the DIDs of an export as its pieces pass, in the format *form*: csv or ndjson."""

    def __init__(self, form: str) -> None:
        self._lines = -1 if form == "csv" else 0  # the first line of CSV has the names of the columns
        self._quotes = form == "csv"
        self._inside = False

    def add(self, piece: bytes) -> None:
        """Count a piece; a line end between quotes belongs to a cell."""
        if not self._quotes:
            self._lines += piece.count(b"\n")
            return
        for place, part in enumerate(piece.split(b'"')):
            if place:
                self._inside = not self._inside
            if not self._inside:
                self._lines += part.count(b"\n")

    @property
    def dids(self) -> int:
        """How many DIDs have passed."""
        return max(0, self._lines)


@contextmanager
def written(to: Path | IO[bytes]) -> Iterator[IO[bytes]]:
    """Yield a file to write to; one that is named by its path is there when it is whole, and not before."""
    if not isinstance(to, Path):
        yield to
        return
    part = to.with_name(f"{to.name}.part")
    try:
        with part.open("wb") as file:
            yield file
        os.replace(part, to)
    except BaseException:
        part.unlink(missing_ok=True)
        raise
