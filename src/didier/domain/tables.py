"""Tables of DIDs as carriers and spreadsheets write them: where they begin, how they are divided.

A text is looked at by its beginning; its rows are read as they come. What is a list of numbers and no table
has no layout.
"""

import csv
import io
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import zip_longest

from didier.domain import columns, number_cells
from didier.domain.columns import FIRST, IGNORED, LAST, NUMBER, ROLES, TEMPLATE, Column
from didier.domain.fields import BY_COLUMN
from didier.errors import InvalidInput, UnknownColumns

LONGEST_LINE = 1_000_000
"""Most characters of a line, and of an item of a list."""

COLUMNS_MOST = 1_000
"""Most columns of a table."""

HEAD_CHARACTERS = 65_536
"""How much of a text is looked at before it is read."""

HEAD_ROWS = 50
"""How many rows of that are looked at."""

TITLES_MOST = 20
"""Most rows that may stand above the header row."""

SAMPLE = 5
"""How many rows are shown of a table."""

DELIMITERS: Mapping[str, str] = {";": "semicolons", ",": "commas", "\t": "tabs", "|": "bars"}
"""What may divide a table, and what it is called."""

_SEPARATOR_LINE = re.compile(r'\ufeff?"?sep=(\\t|.)"?\s*', re.IGNORECASE)

Cells = Sequence[str]


@dataclass(frozen=True, slots=True)
class Layout:
    """How a table is written: its *delimiter*, its *columns*, how many rows stand *above* those of numbers.

    *has_header* says whether the columns have names; *sample* are the first rows, cell by cell. *unnamed* are
    the places of columns that are left out because they have neither name nor cells there. With *is_spaced*
    blanks stand before quoted cells.
    """

    delimiter: str
    columns: tuple[Column, ...]
    above: int
    has_header: bool
    sample: tuple[tuple[str, ...], ...] = ()
    unnamed: frozenset[int] = frozenset()
    is_spaced: bool = False

    @property
    def fields(self) -> frozenset[str]:
        """The fields of DIDs in which rows may have values of their own."""
        return frozenset(column.field for column in self.columns if column.field)

    @property
    def names(self) -> list[str]:
        """The names that a template may use."""
        return [column.name for column in self.columns if column.name]

    def place(self, role: str) -> int | None:
        """Return where the column is that becomes *role*."""
        found = (place for place, column in enumerate(self.columns) if column.becomes == role)
        return next(found, None)


def look(head: str, mapping: Mapping[str, str], *, is_table: bool) -> Layout | None:
    """Return how the text that begins with *head* is written, None where it is a list of numbers.

    *mapping* says what becomes of columns, by header or place from 1. A text that *is_table* is a list only
    if it has one column.
    """
    separator = _SEPARATOR_LINE.match(head)
    delimiter = separator[1].replace("\\t", "\t") if separator else _delimiter(head)
    is_spaced = _is_spaced(head, delimiter)
    rows = _rows(head, delimiter, is_spaced=is_spaced)
    skipped = 1 if separator else 0
    place = _header_place(rows[skipped:], mapping)
    if place is not None:
        place += skipped
        found = columns.columns_of(rows[place], mapping)
        sample = _sample(rows[place + 1 :])
        return Layout(delimiter, tuple(found), place + 1, True, sample, is_spaced=is_spaced)
    width = max((n for row in rows[skipped:] for n, cell in enumerate(row, 1) if cell.strip()), default=0)
    found = columns.columns_of([""] * width, mapping)
    if not mapping and _is_list(rows[skipped:], width, is_table=is_table):
        if not is_table:
            return None
        found = [Column("", "", NUMBER)]
    return Layout(delimiter, tuple(found), skipped, False, _sample(rows[skipped:]), is_spaced=is_spaced)


def _is_spaced(head: str, delimiter: str) -> bool:
    """Say whether blanks stand before quoted cells: ``1, "Boston, MA"``; they belong to no cell then."""
    if not re.search(rf'{re.escape(delimiter)} +"', head):
        return False
    try:
        return bool(list(csv.reader(_lines(head), delimiter=delimiter, skipinitialspace=True, strict=True)))
    except csv.Error:
        return False


def _sample(rows: Sequence[Cells]) -> tuple[tuple[str, ...], ...]:
    return tuple(tuple(cells) for cells in rows if any(cell.strip() for cell in cells))[:SAMPLE]


def _lines(head: str) -> list[str]:
    """Return the lines of a text's beginning; the last counts only if it is whole, or the only one."""
    lines = list(io.StringIO(head.removeprefix("\ufeff"), newline=""))
    if len(head) >= HEAD_CHARACTERS and len(lines) > 1:
        lines.pop()
    return lines


def _rows(head: str, delimiter: str, *, is_spaced: bool = False) -> list[list[str]]:
    rows: list[list[str]] = []
    try:
        for cells in csv.reader(_lines(head), delimiter=delimiter, skipinitialspace=is_spaced):
            rows.append(cells)
            if len(rows) == HEAD_ROWS:
                break
    except csv.Error:  # a cell of more than 131,072 characters (csv.field_size_limit), as a list on one line
        return rows
    return rows


def _delimiter(head: str) -> str:
    """Return what divides the table best: its rows have a header, and are alike in length."""
    return max(DELIMITERS, key=lambda delimiter: _fitness(_rows(head, delimiter)))


def _fitness(rows: Sequence[Cells]) -> tuple[bool, int, int]:
    widths = Counter(len(cells) for cells in rows if any(cells))
    width, count = max(widths.items(), key=lambda pair: (pair[0] > 1, pair[1]), default=(0, 0))
    named = any(len(cells) > 1 and columns.has_numbers(cells) for cells in rows[:TITLES_MOST])
    return named, count if width > 1 else 0, width


def _header_place(rows: Sequence[Cells], mapping: Mapping[str, str]) -> int | None:
    """Return where the header row is: the widest that names the numbers, or has what *mapping* names.

    Else it is the first row that is not empty, if it is words and numbers stand below.
    """
    above = next((n for n, cells in enumerate(rows) if any(map(number_cells.is_number, cells))), len(rows))
    top = rows[: min(above + 1, TITLES_MOST)]
    wanted = {name for name in mapping if not name.isdigit()}
    if wanted:
        named = [place for place, cells in enumerate(top) if _mapped(cells, mapping)]
    else:
        named = [place for place, cells in enumerate(top) if columns.has_numbers(cells)]
    if named:
        return max(named, key=lambda place: (_filled(top[place]), -place))
    first = next((place for place, cells in enumerate(top) if _filled(cells)), None)
    if first is None or any(map(number_cells.is_number, top[first])):
        return None
    has_numbers = any(number_cells.is_number(cell) for cells in rows[first + 1 :] for cell in cells)
    return first if has_numbers and _filled(top[first]) > 1 else None


def _mapped(cells: Cells, mapping: Mapping[str, str]) -> bool:
    """Say whether a row names one of the columns in *mapping*."""
    return any(columns.is_named(cells, name) for name in mapping)


def _filled(cells: Cells) -> int:
    return sum(1 for cell in cells if cell.strip())


def _is_list(rows: Sequence[Cells], width: int, *, is_table: bool) -> bool:
    cells = [cell for row in rows for cell in row if cell.strip()]
    if is_table:
        return width <= 1 and (not cells or number_cells.stands_for_number(cells[0]))
    numbers = sum(map(number_cells.is_number, cells))
    is_mixed = 0 < numbers < len(cells)
    return width <= 1 or len(rows) <= 1 or not (is_mixed or _has_codes(rows))


def _has_codes(rows: Sequence[Cells]) -> bool:
    """Say whether one column has whole numbers and another none, as where rows are numbered."""
    of_columns = ([cell for cell in column if cell.strip()] for column in zip_longest(*rows, fillvalue=""))
    whole = [[number_cells.has_whole_number(cell) for cell in cells] for cells in of_columns if cells]
    return any(map(all, whole)) and not all(map(any, whole))


def check(layout: Layout, used: Iterable[str], *, ignore: bool) -> Layout:
    """Return a layout in which it is known what becomes of each column; *used* are the names in a template.

    With *ignore* the columns that are not known are left out. Raises `InvalidInput`.
    """
    if len(layout.columns) > COLUMNS_MOST:
        raise InvalidInput(f"there are more than {COLUMNS_MOST} columns")
    names = set(used)
    empty = _without_cells(layout)
    done = [
        _decided(column, names, ignore=ignore or place in empty)
        for place, column in enumerate(layout.columns)
    ]
    becoming = Counter(column.becomes for column in done)
    if wrong := next((c for c in done if c.becomes and c.becomes not in ROLES and not c.field), None):
        raise InvalidInput(f"{wrong.becomes} is no field of a DID, and none of {', '.join(ROLES)}")
    _check_numbers(layout, becoming)
    if unknown := [column.header or str(place) for place, column in enumerate(done, 1) if not column.becomes]:
        named = ", ".join(unknown)
        reason = f"there is no DID field {named}: say what becomes of it, or leave it out; {_found(layout)}"
        raise UnknownColumns(reason, tuple(unknown))
    names_of = Counter(column.name for column in done if column.becomes == TEMPLATE)
    if twice := sorted(name for name in (*BY_COLUMN, *names_of) if becoming[name] > 1 or names_of[name] > 1):
        raise InvalidInput(f"{', '.join(twice)} is set by two columns")
    return replace(layout, columns=tuple(done), unnamed=frozenset() if ignore else frozenset(empty))


def _decided(column: Column, used: set[str], *, ignore: bool) -> Column:
    if column.becomes:
        return column
    if column.name in used:
        return replace(column, becomes=TEMPLATE)
    return replace(column, becomes=IGNORED) if ignore else column


def _without_cells(layout: Layout) -> set[int]:
    """Return the places of the columns without a name that have nothing in the first rows."""
    filled = {place for row in layout.sample for place, cell in enumerate(row) if cell.strip()}
    unknown = (place for place, column in enumerate(layout.columns) if not (column.header or column.becomes))
    return set(unknown) - filled


def _check_numbers(layout: Layout, becoming: Mapping[str, int]) -> None:
    numbers = becoming.get(NUMBER, 0)
    if numbers > 1:
        names = ", ".join(column.header for column in layout.columns if column.becomes == NUMBER)
        raise InvalidInput(f"there are {numbers} columns of numbers ({names}): say which one it is")
    if numbers and (becoming.get(FIRST) or becoming.get(LAST)):
        raise InvalidInput(
            "there are a column of numbers and columns with the ends of ranges: say which it is"
        )
    if becoming.get(FIRST, 0) != becoming.get(LAST, 0) or becoming.get(FIRST, 0) > 1:
        raise InvalidInput("ranges need one column for the first number, and one for the last")
    if not numbers and not becoming.get(FIRST):
        raise InvalidInput(f"no column of numbers is known: say which one it is; {_found(layout)}")


def _found(layout: Layout) -> str:
    """Say which columns there are, and how the table is divided."""
    divided = DELIMITERS.get(layout.delimiter, layout.delimiter)
    if layout.has_header:
        names = ", ".join(column.header for column in layout.columns if column.header)
        return f"the columns, divided by {divided}, are {names}"
    row = layout.sample[0] if layout.sample else ()
    cells = ", ".join(f"{place}: {cell.strip()[:30]}" for place, cell in enumerate(row, 1))
    return f"no row names the columns; divided by {divided}, they are {cells}"


def records(pieces: Iterable[str], layout: Layout) -> Iterator[tuple[int, list[str]]]:
    """Yield the rows of a table that are not empty, each with its number from 1.

    Raises `InvalidInput` for what is no table.
    """
    lines = (line for part in parts(pieces, "\n") for line in io.StringIO(part, newline=""))
    reader = csv.reader(lines, delimiter=layout.delimiter, skipinitialspace=layout.is_spaced, strict=True)
    try:
        for number, cells in enumerate(reader, 1):
            if number > layout.above and any(cells) and not "".join(cells).isspace():
                yield number, cells
    except csv.Error as error:
        raise InvalidInput(f"line {reader.line_num} of the table cannot be read: {error}") from error


def parts(pieces: Iterable[str], separators: str) -> Iterator[str]:
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
