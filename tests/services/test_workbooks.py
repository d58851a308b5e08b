"""Workbooks as spreadsheets and programs write them."""

import io
import zipfile

import pytest

from didier.domain.inputs import Row
from didier.errors import InvalidInput
from didier.services.batches.order_text import Reading, read_text
from didier.storage.batches.input_text import pack
from support.field import Markup, workbook, workbook_of

ONE, OTHER = ["Number"], [18002220100]
ERROR = Markup('<c t="e"><v>#REF!</v></c>')


def rows(content: bytes) -> list[Row]:
    text = read_text(list(pack([content])), 1_000, None, Reading(is_table=True))
    return [entry for entry in text.entries() if isinstance(entry, Row)]


def refusal(content: bytes) -> str:
    with pytest.raises(InvalidInput) as refused:
        rows(content)
    return str(refused.value)


@pytest.mark.parametrize(
    ("cell", "number"),
    [
        (18002220100, "18002220100"),
        (18002220100.0, "18002220100"),
        (Markup("<c><v>1.80022201E10</v></c>"), "18002220100"),
        ("18002220100", "18002220100"),
        (Markup('<c t="str"><f>"1800"&amp;2220100</f><v>18002220100</v></c>'), "18002220100"),
        (Markup("<c t='inlineStr'><is><r><t>1800</t></r><r><t>2220100</t></r></is></c>"), "18002220100"),
    ],
)
def test_cells_of_numbers(cell, number):
    """A number is whole, whatever its cell is."""
    assert [number] == [row.target for row in rows(workbook([ONE, [cell]]))]


def test_errors_are_refused_as_they_are_written():
    """The reader would leave them out, and with them the row."""
    first, second = rows(workbook([ONE, [ERROR], OTHER]))

    assert ("#REF!", "row 2: #REF! is no number") == (first.target, first.problem)
    assert ("18002220100", "") == (second.target, second.problem)


def test_a_formula_without_a_value_is_said():
    """Programs write them; only a spreadsheet calculates."""
    reason = refusal(workbook([ONE, [Markup("<c><f>1800*10</f></c>")], OTHER]))

    assert "the formula in row 2, column 1 of the sheet Numbers has no value yet" in reason


@pytest.mark.parametrize(
    ("sheets", "hidden"),
    [
        ({"Read me": [["A list of numbers"]], "Numbers": [ONE, OTHER], "Sheet3": []}, ()),
        ({"Old": [ONE, [18002220199]], "Numbers": [ONE, OTHER]}, ["Old"]),
        ({"Numbers": [ONE, OTHER], "Codes": [["Code"], [12]]}, ()),
    ],
)
def test_the_sheet_with_the_numbers_is_read(sheets, hidden):
    """Notes and codes are none; what is hidden is not meant."""
    assert ["18002220100"] == [row.target for row in rows(workbook_of(sheets, hidden))]


def test_numbers_in_several_sheets_are_not_lost_without_a_word():
    """Which of them is meant has to be said."""
    reason = refusal(workbook_of({"Boston": [ONE, OTHER], "York": [ONE, [18002220101]]}))

    assert "there are numbers in several sheets (Boston, York)" in reason


def test_rows_are_numbered_as_in_the_sheet():
    """Also where the table does not begin in its first row and column."""
    cells = (("C3", "Number"), ("C4", "18002220100"), ("C5", "NULL"))
    placed = [
        Markup(f'<row r="{at[1]}"><c r="{at}" t="inlineStr"><is><t>{text}</t></is></c></row>')
        for at, text in cells
    ]

    assert ["", "row 5: NULL is no number"] == [row.problem for row in rows(workbook(placed))]


def test_a_cell_far_away_takes_no_memory():
    """The reader would make room for all cells before it; one that is only formatted is none."""
    far = '<row r="1048576"><c r="XFD1048576"{}</row>'

    assert "the last cell of a sheet is in row 1,048,576, column 16,384" in refusal(
        workbook([ONE, OTHER, Markup(far.format(' t="b"><v>1</v></c>'))])
    )
    assert 1 == len(rows(workbook([ONE, OTHER, Markup(far.format(' s="1"/>'))])))


def test_other_archives_are_no_workbooks():
    """A table that was compressed, and a workbook of which the end is missing."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("numbers.csv", "Number\n18002220100\n")

    assert "it is no .xlsx" in refusal(file.getvalue())
    assert "save the sheet as CSV UTF-8" in refusal(workbook([ONE, OTHER])[:-100])
