"""Workbooks of spreadsheets (.xlsx), read as the table of their first sheet that has anything in it."""

import csv
import io
import zipfile
from collections.abc import Callable, Iterator, Sequence
from datetime import date, datetime, time, timedelta

from python_calamine import CalamineError, CalamineWorkbook

from didier.errors import InvalidInput

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
    """Yield the first sheet with anything in it as a table divided by commas; raise `InvalidInput`."""
    rows = _rows(content)
    text = io.StringIO()
    writer = csv.writer(text)
    for number, cells in enumerate(rows, 1):
        writer.writerow(list(map(_written, cells)))
        if number % PIECE_ROWS == 0:
            yield text.getvalue()
            text.seek(0)
            text.truncate()
            if pause:
                pause()
    yield text.getvalue()


def _rows(content: bytes) -> Sequence[Sequence[Cell]]:
    if len(content) > BYTES_MOST:
        raise InvalidInput(f"a workbook may have at most {BYTES_MOST:,} bytes: {SAVE}")
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            if sum(part.file_size for part in archive.infolist()) > UNPACKED_MOST:
                raise InvalidInput(f"the workbook unpacks to more than {UNPACKED_MOST:,} bytes: {SAVE}")
        workbook = CalamineWorkbook.from_filelike(io.BytesIO(content))
        sheets = (workbook.get_sheet_by_name(name).to_python() for name in workbook.sheet_names)
        return next(filter(None, sheets), [])
    except (CalamineError, zipfile.BadZipFile) as error:
        raise InvalidInput(f"the workbook cannot be read ({error}): {SAVE}") from error


def _written(cell: Cell) -> str:
    """Return a cell as people read it; whole numbers have no decimals, whatever their format shows."""
    if isinstance(cell, bool):
        return "Y" if cell else "N"
    if isinstance(cell, float):
        return str(int(cell)) if cell.is_integer() else repr(cell)
    return cell.isoformat() if isinstance(cell, date | time) else str(cell)
