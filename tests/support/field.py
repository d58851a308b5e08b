"""What is right for each of the files in ``tests/field``, at every door."""

import io
import zipfile
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

FILES = Path(__file__).parent.parent / "field"
NAMES = sorted(path.name for path in FILES.iterdir() if path.suffix in {".csv", ".xlsx"})


@dataclass(frozen=True)
class Right:
    """The numbers that a file asks for, and what is *refused* of it, with words of the reason.

    *whole*: words of the reason for which nothing is read of it.
    """

    numbers: Sequence[str] = ()
    refused: Mapping[str, str] = field(default_factory=dict)
    whole: str = ""


def _ten(first: int) -> list[str]:
    return [str(number) for number in range(first, first + 10)]


_SPOILED = "a spreadsheet has shortened the number"
_NO_NUMBER = "is no number"

RIGHT: Mapping[str, Right] = {
    "active-words.csv": Right([f"1800222010{n}" for n in range(7)]),
    "apostrophe-digits.csv": Right(["+18002220100", "18002220101", "18002220102"]),
    "delimiter-guess.csv": Right(whole="Description, with, commas, here"),
    "dots.csv": Right(["8002220100", "+18002220101", "18002220102"]),
    "dsiprouter-example-shape.csv": Right(whole="EndpointGroupID, Name"),
    "emoji-description.csv": Right(refused={"18002220100": "U+1F600"}),
    "excel-formula.csv": Right(["18002220100", "18002220101"]),
    "excel-workbook.xlsx": Right(whole="save the sheet as CSV UTF-8"),
    "extension-suffix.csv": Right([f"1800222010{n}" for n in range(4)]),
    "freepbx-export-shape.csv": Right(whole="cidnum, extension, description, destination"),
    "header-phonenumber.csv": Right(["+18002220100", "+18002220101"]),
    "import-1001-rows.csv": Right([str(18003000000 + n) for n in range(1001)]),
    "late-cell.csv": Right([f"180022201{n:02}" for n in range(10)], {"18002220110": "which has no name"}),
    "leading-empty-row.csv": Right(["18002229000"]),
    "no-header.csv": Right(["18002220100", "18002220101"]),
    "null-words.csv": Right(refused=dict.fromkeys(["NULL", "N/A", "none", "-", "#N/A", "#REF!"], _NO_NUMBER)),
    "numbered-rows.csv": Right(whole="no column of numbers is known"),
    "one-column-spoiled.csv": Right(["18002220101"], {"1.8E+10": _SPOILED, "NULL": _NO_NUMBER}),
    "panel-unknown-header.csv": Right(whole="Country, City, Type, Status"),
    "pipe.csv": Right(["18002220100"]),
    "range-blanks.csv": Right(_ten(18002220100)),
    "range-columns.csv": Right(_ten(18002220100)),
    "range-formatted.csv": Right([*_ten(8002220100), *_ten(18002220100)]),
    "range-groups.csv": Right(
        ["18002220110"],
        {
            "800-222-0100-0109": "it may be several numbers, or a range",
            "(800) 222-0100-199": "it may be several numbers, or a range",
            "1800222010[0-9]": "it may be several numbers, or a range",
            "1800222x100": "a telephone number has digits",
        },
    ),
    "range-mask.csv": Right(refused=dict.fromkeys(["180022201XX", "1800222010x"], "a telephone number has")),
    "range-words.csv": Right(_ten(18002220100)),
    "sci-comma.csv": Right(refused={"1,8E+10": _SPOILED}),
    "sci-in-extension-copy.csv": Right(["18002229011"], {"18002229010": _SPOILED}),
    "sci-in-extension.csv": Right(refused={"442079460000": _SPOILED}),
    "sci-no-plus.csv": Right(refused=dict.fromkeys(["1.80022201E10", "3.108207129E9"], _SPOILED)),
    "several-sheets.xlsx": Right(whole="there are numbers in several sheets (Boston, York)"),
    "sheet-behind-notes.xlsx": Right(["18002220101"]),
    "two-in-cell-comma.csv": Right(["18002220100", "18002220101"]),
    "two-in-cell-space.csv": Right(["18002220100", "18002220101"]),
    "two-number-columns.csv": Right(whole="say which one it is"),
    "typographic-dashes.csv": Right(["8002220100", "18002220101", "18002220102"]),
    "unknown-columns.csv": Right(whole="status, connection_name, created_at"),
    "utf16.csv": Right(["18002220100"]),
    "wildcards.csv": Right(
        refused={
            "_1NXXNXXXXXX": "no call will match this wildcard",
            "_X.": "no call will match this wildcard",
            "_18002220[0-4]XX": "[ (U+005B)",
        }
    ),
    "windows1252.csv": Right(whole="it looks like Windows-1252"),
}


class Markup(str):
    """A cell or row of a sheet, as it stands in the file."""


Sheet = Sequence[Sequence[str | int | float | bool] | Markup]


def workbook(rows: Sheet) -> bytes:
    """Return an .xlsx file with one sheet that has *rows* (ECMA-376, the least that a reader needs)."""
    return workbook_of({"Numbers": rows})


def workbook_of(sheets: Mapping[str, Sheet], hidden: Collection[str] = ()) -> bytes:
    """Return an .xlsx file with *sheets*, of which some are *hidden*."""
    spreadsheet = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
    office = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
    package = "http://schemas.openxmlformats.org/package/2006"
    numbered = list(enumerate(sheets, 1))
    parts = {
        "[Content_Types].xml": f'<Types xmlns="{package}/content-types">'
        '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
        '<Default Extension="xml" ContentType="application/xml"/>'
        '<Override PartName="/xl/workbook.xml" ContentType="application/vnd.openxmlformats-officedocument.'
        'spreadsheetml.sheet.main+xml"/></Types>',
        "_rels/.rels": f'<Relationships xmlns="{package}/relationships"><Relationship Id="r1"'
        f' Type="{office}/officeDocument" Target="xl/workbook.xml"/></Relationships>',
        "xl/workbook.xml": f'<workbook xmlns="{spreadsheet}" xmlns:r="{office}"><sheets>'
        + "".join(
            f'<sheet name="{name}" sheetId="{n}" r:id="r{n}"{HIDDEN if name in hidden else ""}/>'
            for n, name in numbered
        )
        + "</sheets></workbook>",
        "xl/_rels/workbook.xml.rels": f'<Relationships xmlns="{package}/relationships">'
        + "".join(
            f'<Relationship Id="r{n}" Type="{office}/worksheet" Target="worksheets/sheet{n}.xml"/>'
            for n, _ in numbered
        )
        + "</Relationships>",
    }
    for n, name in numbered:
        parts[f"xl/worksheets/sheet{n}.xml"] = (
            f'<worksheet xmlns="{spreadsheet}"><sheetData>'
            + "".join(map(_row, sheets[name]))
            + "</sheetData></worksheet>"
        )
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for name, content in parts.items():
            archive.writestr(name, f'<?xml version="1.0" encoding="UTF-8"?>{content}')
    return file.getvalue()


HIDDEN = ' state="hidden"'


def _row(row: Sequence[str | int | float | bool] | Markup) -> str:
    return row if isinstance(row, Markup) else f"<row>{''.join(map(_cell, row))}</row>"


def _cell(value: str | int | float | bool) -> str:
    if isinstance(value, Markup):
        return value
    if isinstance(value, bool):
        return f'<c t="b"><v>{int(value)}</v></c>'
    if isinstance(value, str):
        return f'<c t="inlineStr"><is><t>{value}</t></is></c>'
    return f"<c><v>{value}</v></c>"
