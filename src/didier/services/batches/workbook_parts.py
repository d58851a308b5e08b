"""The sheets of a workbook, looked at before they are read: how large they are, what reading would drop.

The reader makes room for every cell up to the last one: a single cell in the last row and column of a sheet
would take all memory. Of cells with errors it makes empty ones, and of formulas that were never calculated.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Protocol
from xml.parsers.expat import ExpatError, ParserCreate, XMLParserType
from zipfile import BadZipFile, ZipFile

from didier.errors import InvalidInput

CELLS_MOST = 10_000_000
"""Most cells up to the last one of a sheet."""

_WORKBOOK, _RELATIONS = "xl/workbook.xml", "xl/_rels/workbook.xml.rels"
_PIECE = 65_536
_PLACE = re.compile("([A-Z]{1,3})([0-9]{1,7})")
_VALUES = frozenset({"v", "is"})


@dataclass(slots=True)
class Part:
    """What is known of a sheet: its extent, its *errors* by row and column from 0.

    *uncalculated* says where a formula is that has no value.
    """

    rows: int = 0
    columns: int = 0
    errors: dict[tuple[int, int], str] = field(default_factory=dict)
    uncalculated: str = ""

    def include(self, row: int, column: int) -> None:
        """Make the extent such that the cell is within it."""
        if row > self.rows:
            self.rows = row
        if column > self.columns:
            self.columns = column


def sheets(archive: ZipFile, pause: Callable[[], None] | None = None) -> Mapping[str, Part]:
    """Return what is known of each sheet, by its name; *pause* is called after every piece of one.

    Raises `InvalidInput` for what is too large, and `BadZipFile` for what is no workbook.
    """
    try:
        relations, names = _Elements("Relationship"), _Elements("sheet")
        _parse(archive, _RELATIONS, relations)
        _parse(archive, _WORKBOOK, names)
        targets = {given["Id"]: _path(given["Target"]) for given in relations.found}
        return {given["name"]: _part(archive, targets[_key(given)], pause) for given in names.found}
    except (KeyError, ValueError, StopIteration, ExpatError) as error:
        raise BadZipFile("it is no .xlsx") from error


def _path(target: str) -> str:
    return target.lstrip("/") if target.startswith(("/xl/", "xl/")) else f"xl/{target}"


def _key(sheet: Mapping[str, str]) -> str:
    return next(value for name, value in sheet.items() if name.endswith(":id"))


def _part(archive: ZipFile, path: str, pause: Callable[[], None] | None) -> Part:
    sheet = _Sheet()
    _parse(archive, path, sheet, pause)
    part = sheet.part
    if part.rows * part.columns > CELLS_MOST:
        raise InvalidInput(
            f"the last cell of a sheet is in row {part.rows:,}, column {part.columns:,}:"
            " delete what is far from the table, or save the sheet as CSV UTF-8 and send that"
        )
    return part


class _Listener(Protocol):
    def listen(self, parser: XMLParserType) -> None: ...


def _parse(archive: ZipFile, path: str, listener: _Listener, pause: Callable[[], None] | None = None) -> None:
    parser = ParserCreate()
    listener.listen(parser)
    with archive.open(path) as part:
        while piece := part.read(_PIECE):
            parser.Parse(piece)
            if pause:
                pause()
    parser.Parse(b"", True)


class _Elements:
    """Finds the attributes of all elements of one name."""

    def __init__(self, name: str) -> None:
        self._name = name
        self.found: list[Mapping[str, str]] = []

    def listen(self, parser: XMLParserType) -> None:
        parser.StartElementHandler = self._start

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        if name.rpartition(":")[2] == self._name:
            self.found.append(attributes)


class _Sheet:
    """Looks at the cells of a sheet; those that are only formatted are none.

    The ends of elements and texts are listened to in cells with errors and formulas only: others are many.
    """

    def __init__(self) -> None:
        self.part = Part()
        self._row = self._column = 0
        self._is_error = self._has_value = False
        self._text: list[str] = []

    def listen(self, parser: XMLParserType) -> None:
        self._parser = parser
        parser.StartElementHandler = self._start

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        if ":" in name:
            name = name.rpartition(":")[2]
        if name == "c":
            self._begin(attributes)
        elif name in _VALUES:
            self._has_value = True
            self.part.include(self._row, self._column)
        elif name == "f":
            self._parser.EndElementHandler = self._end
        elif name == "row":
            self._row, self._column = int(attributes.get("r", self._row + 1)), 0

    def _begin(self, attributes: dict[str, str]) -> None:
        if place := _PLACE.fullmatch(attributes.get("r", "")):
            self._column, self._row = _number_of(place[1]), int(place[2])
        else:
            self._column += 1
        self._has_value = False
        self._is_error = attributes.get("t") == "e"
        if self._is_error:
            self._text = []
            self._parser.CharacterDataHandler = self._text.append
            self._parser.EndElementHandler = self._end

    def _end(self, name: str) -> None:
        if name.rpartition(":")[2] == "f":
            self._text.clear()  # of the formula
        if name.rpartition(":")[2] != "c":
            return
        if self._is_error:
            self.part.errors[self._row - 1, self._column - 1] = "".join(self._text)
        elif not self._has_value and not self.part.uncalculated:
            self.part.uncalculated = f"row {self._row}, column {self._column}"
        self._parser.CharacterDataHandler = self._parser.EndElementHandler = None


def _number_of(letters: str) -> int:
    number = 0
    for letter in letters:
        number = number * 26 + ord(letter) - ord("A") + 1
    return number
