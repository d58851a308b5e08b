import csv
import io

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from didier.domain import inputs
from didier.domain.inputs import (
    COLUMNS_MOST,
    LONGEST_LINE,
    Entry,
    Row,
    RowRange,
    check_header,
    read,
    read_ranges,
    size,
    skip,
)
from didier.domain.targets import Range
from didier.errors import InvalidInput

PROPERTY = settings(derandomize=True, max_examples=80, deadline=None)

NUMBERS = st.integers(5_550_100, 5_550_199).map(str)
RANGES = NUMBERS.flatmap(lambda first: st.integers(0, 99).map(lambda end: f"{first}-{end:02}"))
TEXTS = st.text("\ufeff,;\t\r\n -()'\"+0123456789aé中", max_size=80)


def listed(text: str) -> list[str]:
    """Return the targets of a list, ranges as they write themselves."""
    return [str(entry) if isinstance(entry, Range) else entry.target for entry in read([text], is_csv=False)]


def rows(text: str) -> list[Entry]:
    return list(read([text], is_csv=True))


def each(entries: list[Entry]) -> list[str]:
    """Return the targets of *entries*, one by one."""
    return [
        target for entry in entries for target in (entry if isinstance(entry, Range) else (entry.target,))
    ]


def refusal(text: str, **settings) -> str:
    with pytest.raises(InvalidInput) as refused:
        list(read([text], **settings))
    return str(refused.value)


def outcome(pieces: list[str], is_csv: bool | None) -> list[Entry] | str:
    """Return what is read, or why nothing can be; a line number there depends on nothing but the text."""
    try:
        return list(read(pieces, is_csv=is_csv))
    except InvalidInput as refused:
        return str(refused)


@st.composite
def divided(draw: st.DrawFn, texts: st.SearchStrategy[str]) -> tuple[str, list[str]]:
    """A text, and the same text in pieces."""
    text = draw(texts)
    cuts = sorted(draw(st.lists(st.integers(0, len(text)), max_size=6)))
    return text, [text[a:b] for a, b in zip([0, *cuts], [*cuts, len(text)], strict=True)]


@PROPERTY
@given(divided(TEXTS), st.sampled_from([None, False]))
def test_pieces_of_a_list_do_not_matter(both, is_csv):
    """In whatever pieces a list comes, it is the same list."""
    text, pieces = both

    assert outcome([text], is_csv) == outcome(pieces, is_csv)


@PROPERTY
@given(divided(TEXTS.map("target,did_description\n".__add__)))
def test_pieces_of_a_csv_text_do_not_matter(both):
    """In whatever pieces a CSV text comes, it has the same rows, or is refused with the same reason."""
    text, pieces = both

    assert outcome([text], None) == outcome(pieces, None)


@PROPERTY
@given(
    st.lists(NUMBERS | RANGES, max_size=12), st.sampled_from([",", "\n", "\r\n", "\r", "\t", ";", ", ", " "])
)
def test_what_separates_items(items, separator):
    """Commas, line ends of every system, tabs, semicolons and blanks stand between targets."""
    wanted = each(list(read([",".join(items)])))

    assert wanted == each(list(read([separator.join(items)])))
    assert sum(map(size, read([separator.join(items)]))) == len(wanted)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("(800) 555-0100", ["8005550100"]),
        ("(800) 555-0100\r\n", ["8005550100"]),
        ("(800) 555-0100\r\n800-555-0101\r\n1 800/555/0102", ["8005550100", "8005550101", "18005550102"]),
        ("555\n(0002)", ["555", "0002"]),
        ("+44 20 7946 0000, +44 20 7946 0001", ["+442079460000", "+442079460001"]),
        ("\ufeff5550100\n\n\n5550101", ["5550100", "5550101"]),
        (" , ,\t\r\n;", []),
        ("", []),
        ("lobby\tLOBBY;reception", ["lobby", "LOBBY", "reception"]),
        ("5550100-5550101\t5550103", ["5550100-5550101", "5550103"]),
        ("5550109-5550100", ["5550109-5550100"]),
        ("555\u00a00100", ["5550100"]),
    ],
)
def test_numbers_as_people_write_them(text, found):
    """Dashes, brackets, slashes and blanks within a number go; impossible ranges stay as they are written."""
    assert found == listed(text)


def test_a_range_is_not_counted_out():
    """A list with a range of a million is one entry."""
    assert [Range("", 10, 5_550_000_000, 5_550_999_999)] == list(read(["5550000000-5550999999"]))


def test_lists_are_read_lazily():
    """What stands in the first piece is there before the second is asked for."""

    def pieces():
        yield "5550100\n5550101\n55"
        raise AssertionError("the second piece was asked for")

    entries = read(pieces())

    assert [Row("5550100"), Row("5550101")] == [next(entries), next(entries)]


def test_a_long_line_of_numbers_is_a_list():
    """A list on one line, longer than a cell of a CSV text may be, is a list all the same."""
    assert 20_000 == len(listed("18005550100 " * 20_000))
    assert 20_000 == len(list(read(["18005550100 " * 20_000])))


def test_an_item_without_end_is_refused():
    """What goes on for more than a line may is refused, not gathered in memory."""
    pieces = ("1" * 100_000 for _ in range(LONGEST_LINE // 100_000 + 1))

    with pytest.raises(InvalidInput, match="more than 1000000 characters"):
        list(read(pieces))


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("begin", ["", "\ufeff", "\r\n\r\n", "\ufeff\n"])
def test_csv_of_every_kind(delimiter, end, begin):
    """Commas, semicolons and tabs divide cells; line ends are those of any system; a BOM does not matter."""
    text = begin + end.join([
        delimiter.join(["target", "active", "description"]),
        delimiter.join(["5550100", "Y", "Line one"]),
        delimiter.join(["5550101", "N", ""]),
    ])  # fmt: skip

    assert [
        Row("5550100", {"did_active": "Y", "did_description": "Line one"}, {
            "target": "5550100", "active": "Y", "description": "Line one"}),
        Row("5550101", {"did_active": "N"}, {"target": "5550101", "active": "N", "description": ""}),
    ] == list(read([text]))  # fmt: skip


@PROPERTY
@given(
    st.lists(
        st.tuples(NUMBERS, st.text(st.characters(codec="utf-8", exclude_characters="\0'"), max_size=20)),
        max_size=8,
    ),
    st.sampled_from([csv.QUOTE_ALL, csv.QUOTE_MINIMAL]),
)
def test_csv_is_read_as_it_was_written(wanted, quoting):
    """Whatever a cell holds, quotes and line ends too, it is what was written, blanks at its ends aside."""
    text = io.StringIO(newline="")
    csv.writer(text, quoting=quoting).writerows([["did_pattern", "Description"], *wanted])

    found = [(row.target, row.extra["description"]) for row in rows(text.getvalue())]
    assert [(target, cell.strip()) for target, cell in wanted] == found


def test_line_separators_of_unicode_end_no_row():
    """What only some programs take for a line end is a character of the cell."""
    [row] = rows("target,description\n5550100,one\u2028two\x85three\x0bfour\n")

    assert "one\u2028two\x85three\x0bfour" == row.values["did_description"]


@pytest.mark.parametrize(
    "name", ["target", "did_pattern", "DID", " Number ", "Phone Number", "phone-number", "NEW_DID"]
)
def test_names_of_the_column_of_targets(name):
    """The column of targets has one of several names, whatever the case and the blanks."""
    assert ["5550100"] == each(list(read([f"description,{name}\n,5550100\n"])))


@pytest.mark.parametrize(
    ("name", "column"),
    [
        ("description", "did_description"),
        ("Active", "did_active"),
        ("In-Group", "group_id"),
        ("ingroup", "group_id"),
        ("call menu", "menu_id"),
        ("carrier", "did_carrier_description"),
        ("route", "did_route"),
        ("filter_url", "filter_url"),
    ],
)
def test_names_of_columns(name, column):
    """A column is named as the field is, or by a shorter word."""
    [row] = rows(f"{name},target\nvalue,5550100")

    assert {column: "value"} == row.values


def test_an_empty_cell_leaves_the_field_and_blank_empties_it():
    """An empty cell says nothing; --BLANK-- empties the field."""
    first, second = rows("target,extension,did_description\n5550100,,--BLANK--\n5550101,--BLANK--,\n")

    assert ({"did_description": None}, {"extension": None}) == (first.values, second.values)


def test_rows_may_be_ragged():
    """Cells may lack at the end, empty ones be too many; empty rows are no rows."""
    found = rows("target,extension,user\n5550100\n\n,,\n5550101,8300\n5550102,8300,6666,,\n")

    assert [
        ("5550100", {}),
        ("5550101", {"extension": "8300"}),
        ("5550102", {"extension": "8300", "user": "6666"}),
    ] == [(row.target, row.values) for row in found]


def test_cells_beyond_the_header_are_refused():
    """A value without a column is refused with its line."""
    assert "line 3 of the CSV text has more cells" in refusal("target,user\n5550100,1\n5550101,1,2\n")


def test_what_is_no_csv_is_refused():
    """A quote that ends in the middle of a cell is refused with its line."""
    assert "line 2 of the CSV text cannot be read" in refusal('target,user\n"555"0100,1\n')


def test_a_row_without_target_stands_for_no_number():
    """A row with values but without a target is kept: it is refused as a pattern, in its place."""
    [row] = rows("target,user\n,6666\n")

    assert "" == row.target


def test_ranges_in_csv():
    """A range stays one where the row says nothing else; with values each of its numbers has them."""
    found = rows("target,user\n5550100-5550102,\n5550200-1,6666\n")

    values = {"user": "6666"}
    extra = {"target": "5550200-1", "user": "6666"}
    assert [
        Range("", 7, 5_550_100, 5_550_102), Row("5550200", values, extra), Row("5550201", values, extra)
    ] == found  # fmt: skip


@pytest.mark.parametrize(
    ("cell", "target"),
    [
        ("'+442079460000", "+442079460000"),
        ("(800) 555-0100", "8005550100"),
        ("800-555-0100", "8005550100"),
        ("'5550100", "'5550100"),
        ("5550109-5550100", "5550109-5550100"),
    ],
)
def test_targets_in_cells(cell, target):
    """A cell holds a number as people write it, or as a spreadsheet guards it."""
    assert [target] == each(rows(f"target\n{cell}\n"))


@pytest.mark.parametrize(
    ("header", "reason"),
    [
        ("target,colour", "there is no DID field colour;"),
        ("target,Colour,size,did_active", "there is no DID field colour, size;"),
        ("target,did_active,active", "did_active is set by two columns"),
        ("target,target", "target is set by two columns"),
        ("target,description,did_description,user,user", "did_description, user is set by two columns"),
    ],
)
def test_wrong_headers_are_refused_by_name(header, reason):
    """Columns that are no fields, and fields that two columns set, are named."""
    with pytest.raises(InvalidInput) as refused:
        check_header(f"{header}\n5550100\n")

    assert reason in str(refused.value)


def test_a_template_makes_other_columns_known():
    """What a template names may be a column, once."""
    found = check_header("target,city\r5550100,Bonn", ["city"])

    assert found is not None
    assert ["target", "city"] == found.extra
    with pytest.raises(InvalidInput, match="city is set by two columns"):
        check_header("target,city,city\n", ["city"])


def test_columns_of_an_export_do_not_matter():
    """Id and time of a DID that was exported belong to that DID."""
    assert check_header("did_id,did_pattern,modify_stamp,,\n") is not None
    [row] = rows("did_id,did_pattern,modify_stamp\n7,5550100,2026-03-04 05:06:07\n")

    assert ("5550100", {}) == (row.target, row.values)


@pytest.mark.parametrize("text", ["description,active\nx,Y\n", "5550100\n5550101\n", "", "\n", "a" * 140_000])
def test_csv_without_targets_is_refused(text):
    """Without a column of targets the names that it may have are told."""
    assert "a column target or did_pattern or did or number or phone_number or new_did" in refusal(
        text, is_csv=True
    )


def test_a_header_is_no_header_in_a_list():
    """Where a list is asked for, the first line is a target as any other."""
    assert ["target", "5550100"] == each(list(read(["target\n5550100"], is_csv=False)))


@PROPERTY
@given(
    st.lists(NUMBERS.map(Row) | RANGES.map(lambda item: next(iter(read([item])))), max_size=6),
    st.integers(0, 300),
)
def test_skip_leaves_out_the_first(entries, count):
    """What is left are the targets behind the first *count*, whatever entries they stand in."""
    assert each(entries)[count:] == each(list(skip(entries, count)))


def test_skip_counts_no_range_out():
    """The rest of a range is a range."""
    assert [Range("", 7, 2_000_000, 2_999_999)] == list(skip([Range("", 7, 1_000_000, 2_999_999)], 1_000_000))


def test_the_words_of_the_module_are_known_fields():
    """Every alias stands for a field that there is."""
    assert set(inputs.ALIASES.values()) <= set(inputs.BY_COLUMN)


@pytest.mark.parametrize(
    ("target", "refused"), [("1.8E+10", True), ("1E+9", True), ("18E10", False), ("1.8.E", False)]
)
def test_numbers_that_a_spreadsheet_has_shortened(target, refused):
    """Their last digits are lost: they are refused, and it is said what to do."""
    found = inputs.spoiled(target)

    assert refused == (found is not None and "format the column as text" in str(found))


def test_a_range_with_values_of_its_own_stays_whole():
    """It is as long to read as it is to write; its targets are made of it one by one."""
    [found] = read_ranges(["target,did_active\n18002220000-18002229999,N"], is_csv=True)

    assert isinstance(found, RowRange)
    assert (10_000, 10_000) == (size(found), len(list(found)))
    assert Row(
        "18002220000", {"did_active": "N"}, {"target": "18002220000-18002229999", "did_active": "N"}
    ) == next(iter(found))


def test_columns_have_a_limit():
    """A header row of a million columns would make a million cells of every row."""
    many = ",".join(["target", *[""] * (COLUMNS_MOST - 1)])

    assert check_header(f"{many}\n5550100") is not None
    with pytest.raises(InvalidInput, match="more than 1000 columns"):
        check_header(f"{many},\n5550100")


@pytest.mark.parametrize("row", ["5550100", "5550100,", "5550100,,"])
def test_cells_that_are_not_there_are_empty(row):
    """A template finds the same in a short row as in one whose cells are empty."""
    assert [Row("5550100", {}, {"target": "5550100", "city": "", "did_active": ""})] == rows(
        f"target,city,did_active\n{row}"
    )
