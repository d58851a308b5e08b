"""What an order asks for: targets, ranges of them, and rows of a table, with values of their own.

Whatever text an order comes as, a table or a list, is read once, when it comes (`of_text`); `kept_inputs`
keeps what was read.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import chain

from didier.domain import columns, number_cells, tables
from didier.domain.columns import FIRST, LAST, NUMBER
from didier.domain.number_cells import NumberCell, Reader
from didier.domain.spreadsheets import unguarded
from didier.domain.tables import Layout
from didier.domain.targets import Range

BLANK = "--BLANK--"
"""What empties a field, as in VICIdial's ``update_user``; an empty cell leaves it as the source has it."""

_LIST_BREAK = re.compile(r"[,;|\t\r\n]")


@dataclass(frozen=True, slots=True)
class Row:
    """One target with values of its own; *extra* are cells that only a template uses.

    *problem* says why it cannot be a target, *note* what was left out when it was read. *line* is its row in
    the table that it was read from, *cells* are those of that row by the names of their columns.
    """

    target: str
    values: Mapping[str, str | None] = field(default_factory=dict)
    extra: Mapping[str, str] = field(default_factory=dict)
    problem: str = ""
    note: str = ""
    line: int = 0
    cells: Mapping[str, str] = field(default_factory=dict)

    def instead(self, target: str) -> "Row":
        """Return the row of one *target* of the range that it names."""
        cells = {name: target if cell == self.target else cell for name, cell in self.cells.items()}
        return replace(self, target=target, cells=cells)

    def told(self, reason: str) -> str:
        """Return why it is refused, with its row in the table that it was read from."""
        return reason if self.problem or not self.line else f"row {self.line}: {reason}"

    @property
    def is_bare(self) -> bool:
        """Whether it is a target and nothing else."""
        return not (self.values or self.extra or self.problem or self.note or self.cells or self.line)


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
        return map(self.row.instead, self.targets)


Entry = Range | Row


def size(entry: Entry | RowRange) -> int:
    """Return how many targets *entry* stands for."""
    return 1 if isinstance(entry, Row) else entry.size


def of_text(
    pieces: Iterable[str], layout: Layout | None, used: Iterable[str] = (), reader: Reader = number_cells.read
) -> Iterator[Entry | RowRange]:
    """Yield what a text asks for that is written as *layout* says; without one it is a list of numbers.

    *used* are the names that a template uses. Raises `InvalidInput` for what cannot be read.
    """
    if layout is None:
        yield from _of_list(pieces, reader)
        return
    table = _Table(layout, frozenset(used), reader)
    for line, cells in tables.records(pieces, layout):
        yield from table.entries(line, cells)


def of_unread(pieces: Iterable[str], *, is_table: bool, ignore: bool = False) -> Iterator[Entry | RowRange]:
    """Yield what a text asks for that nobody has looked at; with *ignore* whatever is not known is left out.

    Raises `InvalidInput` for what cannot be read.
    """
    rest, head = iter(pieces), ""
    for piece in rest:
        head += piece
        if len(head) >= tables.HEAD_CHARACTERS:
            break
    layout = tables.look(head[: tables.HEAD_CHARACTERS], {}, is_table=is_table)
    if layout:
        layout = tables.check(layout, layout.names if ignore else (), ignore=ignore)
    return of_text(chain([head], rest), layout, layout.names if layout and ignore else ())


def _of_list(pieces: Iterable[str], reader: Reader) -> Iterator[Entry | RowRange]:
    for part in tables.parts(pieces, ",;\n"):
        for item in _LIST_BREAK.split(part):
            if number_cells.is_plain(item):
                yield Row(item)
            elif item and not item.isspace():
                yield from of_item(item, reader)


def of_item(item: str, reader: Reader = number_cells.read) -> Iterator[Entry]:
    """Yield the targets of an item of a list."""
    found = reader(item)
    if found.problem:
        yield Row(item.strip(), problem=found.problem)
    for target in found.targets:
        yield target if isinstance(target, Range) else Row(target, note=found.note)


class _Table:
    """Makes targets of the rows of a table."""

    def __init__(self, layout: Layout, used: frozenset[str], reader: Reader) -> None:
        self._reader = reader
        self._number, *self._ends = (layout.place(role) for role in (NUMBER, FIRST, LAST))
        self._headers = [column.header or str(place) for place, column in enumerate(layout.columns, 1)]
        self._unnamed = layout.unnamed
        places = list(enumerate(layout.columns))
        self._fields = [(place, column.field) for place, column in places if column.field]
        self._extra = [(place, column.name) for place, column in places if column.name in used]

    def entries(self, line: int, cells: Sequence[str]) -> Iterator[Entry | RowRange]:
        """Yield what a row asks for; one that is refused is a row with a problem."""
        plain = [unguarded(cell.strip()) for cell in cells]
        found, written = self._numbers(plain)
        if problem := found.problem or self._problem(plain):
            named = self._named(cells)
            yield Row(written, problem=f"row {line}: {problem}", line=line, cells=named)
            return
        values = self._values(plain)
        extra = {name: _at(plain, place) for place, name in self._extra}
        # A million numbers alone need not know their rows.
        is_bare = len(cells) == 1 and number_cells.is_plain(written)
        number, named = (0, {}) if is_bare else (line, self._named(cells))
        for target in found.targets:
            row = Row(str(target), values, extra, "", found.note, number, named)
            if not found.is_several:
                yield row
            elif isinstance(target, Range) and not (values or extra):
                yield target
            else:
                row = self._of_several(row, written)
                yield RowRange(target, row) if isinstance(target, Range) else row

    @staticmethod
    def _of_several(row: Row, written: str) -> Row:
        """Return a *row* whose cells have the target alone, not all that is *written* beside it."""
        cells = {name: row.target if cell == written else cell for name, cell in row.cells.items()}
        return replace(row, cells=cells)

    def _numbers(self, cells: Sequence[str]) -> tuple[NumberCell, str]:
        """Return what the cell of the number says, or those of both ends, and what is written there."""
        if self._number is not None:
            written = _at(cells, self._number)
            return self._reader(written), written
        first, last = (_at(cells, end) for end in self._ends)
        if not first or not last:
            return self._reader(first or last), first or last
        written = f"{first} to {last}"
        found = self._reader(written)
        if found.problem or [type(target) for target in found.targets] != [Range]:
            return NumberCell(problem=found.problem or f"{written} is no range"), written
        return found, written

    def _named(self, cells: Sequence[str]) -> dict[str, str]:
        """Return the *cells* of a row by the names of their columns; what has none has its place."""
        names = self._headers
        if len(cells) > len(names):
            names = [*names, *map(str, range(len(names) + 1, len(cells) + 1))]
        return dict(zip(names, map(unguarded, cells), strict=False))

    def _problem(self, cells: Sequence[str]) -> str:
        if len(cells) > len(self._headers) and any(cells[len(self._headers) :]):
            return f"it has more cells than the table has columns ({len(self._headers)})"
        if self._unnamed and (filled := [place for place in self._unnamed if _at(cells, place)]):
            return f"it has a cell in column {min(filled) + 1}, which has no name"
        for place, column in self._fields:
            if place < len(cells) and columns.is_spoiled(column, cells[place]):
                return f"{self._headers[place]}: {number_cells.SPOILED}"
        return ""

    def _values(self, cells: Sequence[str]) -> dict[str, str | None]:
        return {
            column: None if cells[place] == BLANK else columns.value_of(column, cells[place])
            for place, column in self._fields
            if place < len(cells) and cells[place]
        }


def _at(cells: Sequence[str], place: int | None) -> str:
    return cells[place] if place is not None and place < len(cells) else ""


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
