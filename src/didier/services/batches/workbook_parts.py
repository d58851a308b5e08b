"""The sheets of a workbook, looked at before they are read: how large they are, what reading would drop.

The reader makes room for every cell up to the last one: a single cell in the last row and column of a sheet
would take all memory. Of cells with errors it makes empty ones, and of formulas that were never calculated.
"""

import posixpath
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol
from xml.parsers.expat import ExpatError, ParserCreate
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


def sheets(archive: ZipFile) -> Mapping[str, Part]:
    """Return what is known of each sheet, by its name; raise `InvalidInput` for what is too large."""
    try:
        targets = _Relations()
        _parse(archive, _RELATIONS, targets)
        names = _Names()
        _parse(archive, _WORKBOOK, names)
        return {name: _part(archive, targets.found[key]) for name, key in names.found.items()}
    except (KeyError, ValueError, StopIteration, ExpatError) as error:
        raise BadZipFile("it is no .xlsx") from error


def _part(archive: ZipFile, path: str) -> Part:
    sheet = _Sheet()
    _parse(archive, path, sheet)
    part = sheet.part
    if part.rows * part.columns > CELLS_MOST:
        raise InvalidInput(
            f"the last cell of a sheet is in row {part.rows:,}, column {part.columns:,}:"
            " delete what is far from the table, or save the sheet as CSV UTF-8 and send that"
        )
    return part


class _Handler(Protocol):
    def start(self, name: str, attributes: Mapping[str, str]) -> None: ...
    def end(self, name: str) -> None: ...
    def text(self, data: str) -> None: ...


def _parse(archive: ZipFile, path: str, handler: _Handler) -> None:
    parser = ParserCreate()
    parser.StartElementHandler = lambda name, given: handler.start(name.rpartition(":")[2], given)
    parser.EndElementHandler = lambda name: handler.end(name.rpartition(":")[2])
    parser.CharacterDataHandler = handler.text
    with archive.open(path) as part:
        while piece := part.read(_PIECE):
            parser.Parse(piece)
    parser.Parse(b"", True)


class _Quiet:
    """Handles nothing but the beginnings of elements."""

    def __init__(self) -> None:
        self.found: dict[str, str] = {}

    def end(self, name: str) -> None: ...
    def text(self, data: str) -> None: ...


class _Relations(_Quiet):
    """Finds which part is behind which key."""

    def start(self, name: str, attributes: Mapping[str, str]) -> None:
        if name == "Relationship":
            target = attributes["Target"]
            is_whole = target.startswith(("/xl/", "xl/"))
            self.found[attributes["Id"]] = target.lstrip("/") if is_whole else posixpath.join("xl", target)


class _Names(_Quiet):
    """Finds the names of sheets, and the key of each one's part."""

    def start(self, name: str, attributes: Mapping[str, str]) -> None:
        if name == "sheet":
            self.found[attributes["name"]] = next(
                value for key, value in attributes.items() if key.rpartition(":")[1:] == (":", "id")
            )


class _Sheet:
    """Looks at the cells of a sheet; those that are only formatted are none."""

    def __init__(self) -> None:
        self.part = Part()
        self._row = self._column = 0
        self._is_error = self._has_formula = self._has_value = False
        self._text: list[str] | None = None

    def start(self, name: str, attributes: Mapping[str, str]) -> None:
        if name == "c":
            self._begin(attributes)
        elif name in _VALUES:
            self._has_value = True
            self.part.rows = max(self.part.rows, self._row)
            self.part.columns = max(self.part.columns, self._column)
            self._text = [] if self._is_error else None
        elif name == "f":
            self._has_formula = True
        elif name == "row":
            self._row, self._column = int(attributes.get("r", self._row + 1)), 0

    def _begin(self, attributes: Mapping[str, str]) -> None:
        place = _PLACE.fullmatch(attributes["r"]) if "r" in attributes else None
        if place:
            self._column, self._row = _number_of(place[1]), int(place[2])
        else:
            self._column += 1
        self._is_error = attributes.get("t") == "e"
        self._has_formula = self._has_value = False

    def text(self, data: str) -> None:
        if self._text is not None:
            self._text.append(data)

    def end(self, name: str) -> None:
        if name in _VALUES and self._text is not None:
            self.part.errors[self._row - 1, self._column - 1] = "".join(self._text)
            self._text = None
        elif name == "c" and self._has_formula and not self._has_value and not self.part.uncalculated:
            self.part.uncalculated = f"row {self._row}, column {self._column}"


def _number_of(letters: str) -> int:
    number = 0
    for letter in letters:
        number = number * 26 + ord(letter) - ord("A") + 1
    return number
