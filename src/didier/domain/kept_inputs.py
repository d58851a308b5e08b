"""What was read of an order's text, as it is kept until the order is carried out: a table of one form.

It is read lazily: a million targets never sit in memory.
"""

import csv
import io
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import chain
from typing import Any

import orjson

from didier.domain import inputs, tables, targets
from didier.domain.inputs import BLANK, Entry, Row, RowRange
from didier.domain.spreadsheets import guarded, unguarded
from didier.domain.targets import Range

_TARGET, _MORE = "target", "didier"
"""The columns of what is kept, besides fields of DIDs: the target or range, and what else is known of it."""


class Kept:
    """Writes targets as a table; *fields* are those of DIDs in which any has a value of its own."""

    def __init__(self, fields: Iterable[str]) -> None:
        self._fields = sorted(fields)
        self._names = [_TARGET, *self._fields, _MORE]
        self._text = io.StringIO()
        self._writer = csv.writer(self._text, lineterminator="\n")

    def header(self) -> bytes:
        """Return the first line."""
        return self._line(self._names)

    def line(self, entry: Entry | RowRange) -> bytes:
        """Return the line of a target or range."""
        if isinstance(entry, Range):
            return f"{entry}\n".encode()
        row = entry.row if isinstance(entry, RowRange) else entry
        if row.is_bare and not self._fields:
            if row.target.isalnum():
                return f"{row.target}\n".encode()
            return self._line([guarded(row.target)]) if row.target else b'""\n'
        values = [_cell(row.values, name) for name in self._fields]
        return self._line([guarded(row.target), *values, _more(row)])

    def _line(self, cells: Sequence[str]) -> bytes:
        self._writer.writerow(cells)
        line = self._text.getvalue()
        self._text.seek(0)
        self._text.truncate()
        return line.encode()


def _cell(values: Mapping[str, str | None], name: str) -> str:
    if name not in values:
        return ""
    value = values[name]
    return guarded(value) if value else BLANK


def _more(row: Row) -> str:
    if not (row.line or row.extra or row.problem or row.note):
        return ""
    known = {
        "extra": row.extra, "problem": row.problem, "note": row.note, "line": row.line, "cells": row.cells,
    }  # fmt: skip
    return orjson.dumps({name: value for name, value in known.items() if value}).decode()


def read(pieces: Iterable[str]) -> Iterator[Entry]:
    """Yield what a text asks for that was kept; one of an earlier release is read as it was sent."""
    rest = iter(pieces)
    head = ""
    for piece in rest:
        head += piece
        if "\n" in head or len(head) > tables.LONGEST_LINE:
            break
    text = chain([head], rest)
    names = head.partition("\n")[0].split(",")
    is_kept = names[0] == _TARGET and names[-1] == _MORE
    for entry in _of_kept(text, names) if is_kept else _of_earlier(text, head):
        if isinstance(entry, RowRange):
            yield from entry
        else:
            yield entry


def _of_earlier(pieces: Iterable[str], head: str) -> Iterator[Entry | RowRange]:
    """Read the text of an order that an earlier release has taken in: lists began with an empty item."""
    if head.startswith(",\n"):
        return inputs.of_text(pieces, None)
    return inputs.of_unread(pieces, is_table=False, ignore=True)


def _of_kept(pieces: Iterable[str], names: Sequence[str]) -> Iterator[Entry | RowRange]:
    lines = (line for part in tables.parts(pieces, "\n") for line in io.StringIO(part, newline=""))
    reader = csv.reader(lines)
    next(reader)
    fields = names[1:-1]
    for cells in reader:
        yield _kept_row(cells, fields) if len(cells) > 1 else _bare(cells[0])


def _bare(cell: str) -> Entry:
    block = _range(cell)
    return block or Row(unguarded(cell))


def _range(cell: str) -> Range | None:
    found = targets.parse(cell) if "-" in cell else None
    return found if isinstance(found, Range) else None


def _kept_row(cells: Sequence[str], fields: Sequence[str]) -> Entry | RowRange:
    more: dict[str, Any] = orjson.loads(cells[-1]) if cells[-1] else {}
    values = {
        name: None if cell == BLANK else unguarded(cell)
        for name, cell in zip(fields, cells[1:-1], strict=True)
        if cell
    }
    row = Row(unguarded(cells[0]), values, **more)
    block = None if row.problem else _range(row.target)
    return RowRange(block, row) if block else row


def exact(pieces: Iterable[str]) -> Iterator[Row]:
    """Yield the patterns of a text that has each as JSON on a line of its own: no list, no range is in it."""
    for part in tables.parts(pieces, "\n"):
        yield from (Row(orjson.loads(line)) for line in part.split("\n") if line)
