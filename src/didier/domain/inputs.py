"""The targets of an order as people write them: lists, ranges, CSV, text pasted from a spreadsheet.

Read lazily from pieces of text: what comes out is one `Range` or `Row` after the other, so that a million
targets never sit in memory.
"""

import csv
import io
import json
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain

from didier.domain import targets
from didier.domain.fields import BY_COLUMN
from didier.domain.spreadsheets import unguarded
from didier.domain.targets import Range
from didier.errors import InvalidInput, InvalidPattern

TARGET_NAMES = ("target", "did_pattern", "did", "number", "phone_number", "new_did")
"""What the column of the new DIDs may be called in a header row; the first of them that there is counts."""

ALIASES: Mapping[str, str] = {
    "description": "did_description",
    "active": "did_active",
    "route": "did_route",
    "in_group": "group_id",
    "ingroup": "group_id",
    "call_menu": "menu_id",
    "carrier": "did_carrier_description",
}
"""Other names of DID fields in a header row."""

BLANK = "--BLANK--"
"""What empties a field, as in VICIdial's ``update_user``; an empty cell leaves it as the source has it."""

LONGEST_LINE = 1_000_000
"""Most characters of a line, and of an item of a list."""

COLUMNS_MOST = 1_000
"""Most columns of a CSV text."""

_DELIMITERS = "\t;,"
_LINE_END = re.compile(r"[\r\n]")
_IGNORED = frozenset({
    "did_id", "modify_stamp", "copied_from", "version", "gateway_set", "schedule", "fallbacks", "managed_by",
})  # fmt: skip
"""Columns of an export that belong to the DID that was exported."""


@dataclass(frozen=True, slots=True)
class Row:
    """One target with values of its own; *extra* are cells that only a template uses."""

    target: str
    values: Mapping[str, str | None] = field(default_factory=dict)
    extra: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class RowRange:
    """A range of targets that have the same values of their own, those of *row*."""

    targets: Range
    row: Row

    @property
    def size(self) -> int:
        """How many targets there are."""
        return self.targets.size

    def __iter__(self) -> Iterator[Row]:
        return (Row(target, self.row.values, self.row.extra) for target in self.targets)


Entry = Range | Row


def size(entry: Entry | RowRange) -> int:
    """Return how many targets *entry* stands for."""
    return 1 if isinstance(entry, Row) else entry.size


@dataclass(frozen=True, slots=True)
class Header:
    """The header row of a CSV text: its delimiter, where the targets are, and what each column sets."""

    delimiter: str
    names: tuple[str, ...]
    target: int
    columns: tuple[str | None, ...]  # the DID field that each column sets, None for another
    blank: Mapping[str, str]  # an empty cell for each column that has a name

    @property
    def unknown(self) -> list[str]:
        """The columns that are no field of a DID."""
        known = {*_IGNORED, *TARGET_NAMES}
        pairs = zip(self.names, self.columns, strict=True)
        return [name for name, column in pairs if name and column is None and name not in known]

    @property
    def extra(self) -> list[str]:
        """The columns that a template may name."""
        return [name for name in self.names if name]


def header(line: str) -> Header | None:
    """Read *line* as the header row of a CSV text; None when no column of it names the targets."""
    # RFC 4180 knows commas alone; spreadsheets write semicolons where decimals have the comma, and tabs
    # into the clipboard. Excel's "CSV UTF-8" begins with a byte order mark.
    delimiter = max(_DELIMITERS, key=line.count)
    try:
        [cells] = csv.reader([line.lstrip("\ufeff")], delimiter=delimiter) if line.strip() else [[]]
    except csv.Error:  # a cell of more than 131,072 characters (csv.field_size_limit), as a list on one line
        return None
    names = tuple(re.sub(r"[\s-]+", "_", cell.strip().lower()) for cell in cells)
    place = next((names.index(name) for name in TARGET_NAMES if name in names), None)
    if place is None:
        return None
    columns = tuple(
        ALIASES.get(name, name) if ALIASES.get(name, name) in BY_COLUMN else None for name in names
    )
    return Header(delimiter, names, place, columns, {name: "" for name in names if name})


def check_header(text: str, used: Iterable[str] = ()) -> Header | None:
    """Return the header of a text that has one; *used* are the names that a template uses.

    Raises `InvalidInput` when a column is unknown, or set twice, or there are too many.
    """
    found = header(_LINE_END.split(text, maxsplit=1)[0])
    if found is None:
        return None
    if len(found.names) > COLUMNS_MOST:
        raise InvalidInput(f"there are more than {COLUMNS_MOST} columns")
    allowed = set(used)
    if unknown := [name for name in found.unknown if name not in allowed]:
        raise InvalidInput(f"there is no DID field {', '.join(unknown)}; columns are named after DID fields")
    pairs = zip(found.names, found.columns, strict=True)
    given = [column or name for name, column in pairs if name and name not in _IGNORED]
    if twice := sorted(column for column, count in Counter(given).items() if count > 1):
        raise InvalidInput(f"{', '.join(twice)} is set by two columns")
    return found


def read(pieces: Iterable[str], *, is_csv: bool | None = None) -> Iterator[Entry]:
    """Yield what *pieces*, which make up one text, ask for.

    With *is_csv* the text must have a header row; without, it may not; None: it is a CSV text if its first
    line names a column of targets. Raises `InvalidInput` for what cannot be read.
    """
    for entry in read_ranges(pieces, is_csv=is_csv):
        if isinstance(entry, RowRange):
            yield from entry
        else:
            yield entry


def read_ranges(pieces: Iterable[str], *, is_csv: bool | None = None) -> Iterator[Entry | RowRange]:
    """Yield what `read` does, but ranges with values of their own as they were written.

    So the work is as long as the text: a row of 30 characters may ask for a million targets.
    """
    first, rest = _first_line(pieces)
    found = None if is_csv is False else header(first)
    if found:
        yield from _csv_rows(rest, found)
        return
    if is_csv:
        raise InvalidInput(f"the first row needs a column {' or '.join(TARGET_NAMES)}")
    for part in _parts(rest, ",\n"):
        # A line end separates whatever stands beside it, so that it does not matter where a part ends.
        for item in targets.split(_LINE_END.sub(",", part), targets.plain):
            entry = targets.parse(item) if "-" in item else None
            yield entry if isinstance(entry, Range) else Row(item)


def _first_line(pieces: Iterable[str]) -> tuple[str, Iterator[str]]:
    """Return the first line that is not blank, and the text from there on."""
    rest = iter(pieces)
    read = ""
    for piece in rest:
        # What was read before has no line end: only the new piece is looked through.
        added = piece if read else piece.lstrip("\ufeff\r\n")
        read += added
        if len(read) >= LONGEST_LINE or _LINE_END.search(added):
            break
    return _LINE_END.split(read, maxsplit=1)[0], chain([read], rest)


def _parts(pieces: Iterable[str], separators: str) -> Iterator[str]:
    """Yield a text in parts that end at one of *separators*, whatever pieces it comes in."""
    rest = ""
    for piece in pieces:
        rest += piece
        cut = max(rest.rfind(separator) for separator in separators) + 1
        if len(rest) - cut > LONGEST_LINE:
            raise InvalidInput(f"a line or item has more than {LONGEST_LINE} characters")
        if cut:
            yield rest[:cut]
            rest = rest[cut:]
    if rest:
        yield rest


def _csv_rows(pieces: Iterable[str], found: Header) -> Iterator[Entry | RowRange]:
    lines = (line for part in _parts(pieces, "\n") for line in io.StringIO(part, newline=""))
    reader = csv.reader(lines, delimiter=found.delimiter, strict=True)
    try:
        next(reader)
        for cells in reader:
            if any(cells) and not "".join(cells).isspace():
                yield _row(found, cells, reader.line_num)
    except csv.Error as error:
        raise InvalidInput(f"line {reader.line_num} of the CSV text cannot be read: {error}") from error


def _row(found: Header, cells: Sequence[str], line: int) -> Entry | RowRange:
    """Read the *cells* of a row; only those that are there cost time, however many columns are named."""
    if len(cells) > len(found.names) and any(cell.strip() for cell in cells[len(found.names) :]):
        raise InvalidInput(f"line {line} of the CSV text has more cells than the header row has columns")
    cells = [unguarded(cell.strip()) for cell in cells]
    item = cells[found.target] if found.target < len(cells) else ""
    given = {
        column: (None if cell == BLANK else cell)
        for column, cell in zip(found.columns, cells, strict=False)
        if column and cell
    }
    named = {name: cell for name, cell in zip(found.names, cells, strict=False) if name}
    extra = {**found.blank, **named}
    block = targets.parse(item) if "-" in item else None
    if not isinstance(block, Range):
        return Row(item if block else targets.plain(item), given, extra)
    if given or any(cell for place, cell in enumerate(cells) if place != found.target):
        return RowRange(block, Row(item, given, extra))
    return block


def exact(pieces: Iterable[str]) -> Iterator[Row]:
    """Yield the patterns of a text that has each as JSON on a line of its own: no list, no range is in it."""
    for part in _parts(pieces, "\n"):
        yield from (Row(json.loads(line)) for line in part.split("\n") if line)


_SHORTENED = re.compile(r"[0-9](\.[0-9]+)?E\+[0-9]+")


def spoiled(target: str) -> InvalidPattern | None:
    """Refuse a number that a spreadsheet has written as 1.8E+10: its last digits are lost."""
    if not _SHORTENED.fullmatch(target):
        return None
    return InvalidPattern(target, "a spreadsheet has shortened the number: format the column as text")


def rows(entries: Iterable[Entry]) -> Iterator[Row]:
    """Yield each target as a row, also those of ranges."""
    for entry in entries:
        if isinstance(entry, Range):
            yield from map(Row, entry)
        else:
            yield entry


def skip(entries: Iterable[Entry], count: int) -> Iterator[Entry]:
    """Leave out the first *count* targets."""
    for entry in entries:
        length = size(entry)
        if count >= length:
            count -= length
        elif count and isinstance(entry, Range):
            yield entry.slice(count, length)
            count = 0
        else:
            yield entry
