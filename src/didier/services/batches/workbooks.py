"""Workbooks of spreadsheets (.xlsx), read as the table of the sheet that has the numbers.

Hidden sheets are not read. That numbers are in more than one is said: none are lost without a word.
"""

import csv
import io
import zipfile
import zlib
from collections.abc import Callable, Iterator
from datetime import date, datetime, time, timedelta

from python_calamine import CalamineError, CalamineSheet, CalamineWorkbook, SheetTypeEnum, SheetVisibleEnum

from didier.domain import number_cells
from didier.errors import InvalidInput
from didier.services.batches import workbook_parts
from didier.services.batches.workbook_parts import Part

MARK = b"PK\x03\x04"
"""How a workbook begins: it is a ZIP archive (Office Open XML, ECMA-376, part 2)."""

OLD_MARK = b"\xd0\xcf\x11\xe0"
"""How workbooks of before 2007 begin (.xls)."""

BYTES_MOST = 20_000_000
"""Most bytes of a workbook."""

UNPACKED_MOST = 300_000_000
"""Most bytes of what is in it: a small archive may hold a disk full of zeros."""

PIECE_ROWS = 1_000
"""Rows that are written together."""

SAVE = "save the sheet as CSV UTF-8 and send that"

Cell = float | str | bool | time | date | datetime | timedelta


def text_of(content: bytes, pause: Callable[[], None] | None = None) -> Iterator[str]:
    """Yield the sheet that has the numbers as a table divided by commas; raise `InvalidInput`."""
    rows = _rows(content, pause)
    text = io.StringIO()
    writer = csv.writer(text)
    for number, cells in enumerate(rows, 1):
        writer.writerow(cells)
        if number % PIECE_ROWS == 0:
            yield text.getvalue()
            text.seek(0)
            text.truncate()
            if pause:
                pause()
    yield text.getvalue()


def _rows(content: bytes, pause: Callable[[], None] | None) -> Iterator[list[str]]:
    if len(content) > BYTES_MOST:
        raise InvalidInput(f"a workbook may have at most {BYTES_MOST:,} bytes: {SAVE}")
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            if sum(part.file_size for part in archive.infolist()) > UNPACKED_MOST:
                raise InvalidInput(f"the workbook unpacks to more than {UNPACKED_MOST:,} bytes: {SAVE}")
            parts = workbook_parts.sheets(archive, pause)
        workbook = CalamineWorkbook.from_filelike(io.BytesIO(content))
        sheet = _sheet_of_numbers(workbook)
    except (CalamineError, zipfile.BadZipFile, zlib.error) as error:
        raise InvalidInput(f"the workbook cannot be read ({error}): {SAVE}") from error
    return _cells(sheet, parts[sheet.name]) if sheet else iter(())


def _sheet_of_numbers(workbook: CalamineWorkbook) -> CalamineSheet | None:
    """Return the sheet with numbers; else the first with anything in it."""
    names = [
        sheet.name
        for sheet in workbook.sheets_metadata
        if sheet.visible == SheetVisibleEnum.Visible and sheet.typ == SheetTypeEnum.WorkSheet
    ]
    filled = [sheet for sheet in map(workbook.get_sheet_by_name, names) if sheet.height]
    with_numbers = [sheet for sheet in filled if len(filled) == 1 or _has_numbers(sheet)]
    if len(with_numbers) > 1:
        named = ", ".join(sheet.name for sheet in with_numbers)
        raise InvalidInput(f"there are numbers in several sheets ({named}): send a workbook with one of them")
    return next(iter(with_numbers or filled), None)


def _has_numbers(sheet: CalamineSheet) -> bool:
    return any(number_cells.has_whole_number(_written(cell)) for cells in sheet.iter_rows() for cell in cells)


def _cells(sheet: CalamineSheet, part: Part) -> Iterator[list[str]]:
    """Yield the rows of a sheet, with its errors, which the reader leaves out."""
    if part.uncalculated:
        raise InvalidInput(
            f"the formula in {part.uncalculated} of the sheet {sheet.name} has no value yet:"
            " open the workbook in a spreadsheet, and save it"
        )
    errors: dict[int, list[tuple[int, str]]] = {}
    for (row, column), text in part.errors.items():
        errors.setdefault(row, []).append((column, text))
    for number, cells in enumerate(sheet.iter_rows()):
        written = list(map(_written, cells))
        for column, text in errors.get(number, ()):
            written[column] = text
        yield written


def _written(cell: Cell) -> str:
    """Return a cell as people read it; whole numbers have no decimals, whatever their format shows."""
    if isinstance(cell, bool):
        return "Y" if cell else "N"
    if isinstance(cell, float):
        return str(int(cell)) if cell.is_integer() else repr(cell)
    return cell.isoformat() if isinstance(cell, date | time) else str(cell)
