import csv
import io

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from didier.domain import columns, inputs, tables
from didier.domain.fields import BY_COLUMN
from didier.domain.inputs import Entry, Row, RowRange, of_unread, size
from didier.domain.tables import COLUMNS_MOST, Layout
from didier.domain.targets import Range
from didier.errors import InvalidInput, UnknownColumns

PROPERTY = settings(derandomize=True, max_examples=80, deadline=None)
NUMBERS = st.integers(15_550_100, 15_550_199).map(str)
TEXTS = st.text("\ufeff,;|\t\r\n -()'\"+0123456789aé中", max_size=80)


def entries(text: str, *, is_table: bool = True, ignore: bool = False) -> list[Entry | RowRange]:
    return list(of_unread([text], is_table=is_table, ignore=ignore))


def rows(text: str, *, is_table: bool = True, ignore: bool = False) -> list[Row]:
    """Return what *text* asks for, target by target."""
    return [
        row
        for entry in entries(text, is_table=is_table, ignore=ignore)
        for row in (
            map(Row, entry) if isinstance(entry, Range) else [entry] if isinstance(entry, Row) else entry
        )
    ]


def numbers(text: str, *, is_table: bool = True, ignore: bool = False) -> list[str]:
    return [row.target for row in rows(text, is_table=is_table, ignore=ignore)]


def refusal(text: str, *, is_table: bool = True) -> str:
    with pytest.raises(InvalidInput) as refused:
        entries(text, is_table=is_table)
    return str(refused.value)


def outcome(pieces: list[str], is_table: bool) -> list[Entry | RowRange] | str:
    try:
        return list(of_unread(pieces, is_table=is_table))
    except InvalidInput as refused:
        return str(refused)


def layout_of(text: str, **mapping: str) -> Layout:
    found = tables.look(text, mapping, is_table=True)

    assert found is not None
    return tables.check(found, (), ignore=False)


@st.composite
def divided(draw: st.DrawFn, texts: st.SearchStrategy[str]) -> tuple[str, list[str]]:
    """A text, and the same text in pieces."""
    text = draw(texts)
    cuts = sorted(draw(st.lists(st.integers(0, len(text)), max_size=6)))
    return text, [text[a:b] for a, b in zip([0, *cuts], [*cuts, len(text)], strict=True)]


@PROPERTY
@given(divided(TEXTS | TEXTS.map("target,did_description\n".__add__)), st.booleans())
def test_pieces_do_not_matter(both, is_table):
    """In whatever pieces a text comes, it asks for the same, or is refused with the same reason."""
    text, pieces = both

    assert outcome([text], is_table) == outcome(pieces, is_table)


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("above", ["", "\r\n\r\n", ",,,\n", "Numbers of Boston\n\n"])
def test_tables_of_every_kind(delimiter, end, above):
    """Cells are divided by one of four characters; line ends are those of any system; titles are skipped."""
    text = above + end.join([
        delimiter.join(["target", "active", "description"]),
        delimiter.join(["15550100", "Y", "Line one"]),
        delimiter.join(["15550101", "N", ""]),
    ])  # fmt: skip

    assert [
        ("15550100", {"did_active": "Y", "did_description": "Line one"}),
        ("15550101", {"did_active": "N"}),
    ] == [(row.target, row.values) for row in rows(text)]


def test_a_spreadsheet_says_what_divides_its_table():
    """The line sep= is no row."""
    assert ["15550100"] == numbers("sep=;\nNumber;Description\n15550100;One, two, three\n")
    assert ["15550100"] == numbers("sep=\\t\nNumber\tDescription\n15550100\tOne, two\n")
    assert ["15550100", "15550101"] == numbers("sep=,\n15550100\n15550101\n")


def test_the_delimiter_is_the_one_by_which_rows_are_alike():
    """A header with more commas than semicolons is still divided by semicolons."""
    with pytest.raises(UnknownColumns) as refused:
        entries("Number;Description, with, commas, here\n18002220100;Boston line\n")

    assert ("Description, with, commas, here",) == refused.value.columns
    assert "divided by semicolons" in str(refused.value)


@PROPERTY
@given(
    st.lists(
        st.tuples(NUMBERS, st.text(st.characters(codec="utf-8", exclude_characters="\0'"), max_size=20)),
        min_size=1,
        max_size=8,
    ),
    st.sampled_from([csv.QUOTE_ALL, csv.QUOTE_MINIMAL]),
)
def test_a_table_is_read_as_it_was_written(wanted, quoting):
    """Whatever a cell holds, quotes and line ends too, it is what was written, blanks at its ends aside."""
    text = io.StringIO(newline="")
    csv.writer(text, quoting=quoting).writerows([["did_pattern", "Description"], *wanted])

    found = [(row.target, row.values.get("did_description", "")) for row in rows(text.getvalue())]
    assert [(target, cell.strip()) for target, cell in wanted] == found


@pytest.mark.parametrize(
    "name",
    [
        "target", "did_pattern", "DID", " Number ", "Phone Number", "phone-number", "NEW_DID", "DID Number",
        "TN", "PhoneNumber", "Telephone Number", "FullNumber", "destination_number", "E164", "didNumber",
        "#DID", "Rufnummer", "Número", "N\u00fam\u00e9ro de t\u00e9l\u00e9phone", "Номер телефона",
        "電話番号", "전화번호",
        "N\u00ba de tel\u00e9fono", "Telefon Numaras\u0131", "TELEFON NUMARASI", "\u2116 телефона",
        "Nr telefonu", "Telefon-Nr.", "10 Digit TN",
    ],
)  # fmt: skip
def test_names_of_the_column_of_numbers(name):
    """The column of the numbers has one of many names, whatever the case, the blanks and the accents."""
    assert ["15550100"] == numbers(f"description,{name}\n,15550100\n")


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
def test_names_of_fields(name, column):
    """A column is named as the field is, or by a shorter word."""
    [row] = rows(f"{name},target\nvalue,15550100")

    assert {column: "value"} == row.values


def test_every_alias_is_a_field():
    """No alias stands for a field that there is not."""
    assert set(columns.ALIASES.values()) <= set(BY_COLUMN)


def test_an_empty_cell_leaves_the_field_and_blank_empties_it():
    """An empty cell says nothing; --BLANK-- empties the field."""
    first, second = rows("target,extension,did_description\n15550100,,--BLANK--\n15550101,--BLANK--,\n")

    assert ({"did_description": None}, {"extension": None}) == (first.values, second.values)


@pytest.mark.parametrize(
    ("word", "stored"),
    [("Yes", "Y"), ("true", "Y"), ("1", "Y"), ("ACTIVE", "Y"), ("y", "Y"), ("No", "N"), ("FALSE", "N"),
     ("0", "N"), ("inactive", "N"), ("1.0", "Y"), ("'0", "N"), ("Y", "Y"), ("maybe", "maybe")],
)  # fmt: skip
def test_words_for_yes_and_no(word, stored):
    """A field of Y and N takes the words that people and spreadsheets have for them."""
    [row] = rows(f"target,active\n15550100,{word}\n")

    assert {"did_active": stored} == row.values


def test_numbers_in_other_columns_may_be_spoiled_too():
    """A row is refused when a spreadsheet has shortened any number of it; descriptions are texts."""
    shortened, whole, text = rows(
        "target,extension,description\n15550100,1.8E+10,\n15550101,8300.0,\n15550102,8300,1.8E+10\n"
    )

    assert "row 2: extension: a spreadsheet has shortened the number" in shortened.problem
    assert {"extension": "8300"} == whole.values
    assert {"extension": "8300", "did_description": "1.8E+10"} == text.values


def test_rows_that_are_no_numbers_are_refused_by_row():
    """Totals, a repeated header and words for nothing are rows that are refused; the others are read."""
    found = rows(
        "Title\nNumber,Description\n15550100,a\n\nNumber,Description\nNULL,b\nTotal: 1,\n15550101,c\n"
    )

    assert ["15550100", "15550101"] == [
        row.target for row in found if not row.problem and row.target != "Number"
    ]
    assert ["row 6: NULL is no number"] == [row.problem for row in found if row.target == "NULL"]
    assert [7] == [row.line for row in found if row.target == "Total: 1"]


def test_a_refused_row_has_its_cells():
    """They are given back by the names of their columns; what guards a formula is put on again then."""
    [row] = rows("Number,Description\n NULL ,'=a\n")

    assert {"Number": " NULL ", "Description": "=a"} == row.cells


def test_rows_may_be_ragged():
    """Cells may lack at the end, empty ones be too many; empty rows are no rows."""
    found = rows("target,extension,user\n15550100\n\n,,\n15550101,8300\n15550102,8300,6666,,\n")

    assert [
        ("15550100", {}),
        ("15550101", {"extension": "8300"}),
        ("15550102", {"extension": "8300", "user": "6666"}),
    ] == [(row.target, row.values) for row in found]


def test_a_row_with_more_cells_than_columns_is_refused_alone():
    """The others are read."""
    one, other = rows("target,user\n15550100,1\n15550101,1,2\n")

    assert "" == one.problem
    assert "row 3: it has more cells than the table has columns (2)" == other.problem


def test_what_is_no_table_is_refused():
    """A quote that ends in the middle of a cell is refused with its line."""
    assert "line 2 of the table cannot be read" in refusal('target,user\n"1555"0100,1\n')


def test_a_row_without_number_is_refused():
    """A row with values but without a number is in its place."""
    [row] = rows("target,user\n,6666\n")

    assert "row 2: there is no number" == row.problem


def test_ranges_in_tables():
    """A range stays one where the row says nothing else; with values each of its numbers has them."""
    block, with_values = entries("target,user\n15550100-15550102,\n15550200-1,6666\n")

    assert Range("", 8, 15_550_100, 15_550_102) == block
    assert isinstance(with_values, RowRange)
    assert [("15550200", {"user": "6666"}), ("15550201", {"user": "6666"})] == [
        (row.target, row.values) for row in with_values
    ]


@pytest.mark.parametrize(
    "header",
    [
        "Number From,Number To",
        "from,to",
        "Start;End",
        "first\tlast",
        "Rufnummer von;Rufnummer bis",
        "desde,hasta",
        "From TN,To TN",
        "Block Start;Block End",
        "Beginning Number,Ending Number",
        "Anfang;Ende",
    ],
)
def test_ranges_in_two_columns(header):
    """Both ends of a range may be columns; a row with one of them is a number."""
    delimiter = next(mark for mark in ",;\t" if mark in header)
    text = f"{header}\n18002220100{delimiter}18002220109\n18002220200{delimiter}\n"

    assert 11 == sum(map(size, entries(text)))
    assert ["18002220109", "18002220200"] == numbers(text)[-2:]


@pytest.mark.parametrize("last", ["18002220099", "NULL", "18002220109 ext 5"])
def test_ends_that_make_no_range_are_refused(last):
    """The end before the beginning, and what is no number."""
    [row] = rows(f"from,to\n18002220100,{last}\n")

    assert row.problem.startswith("row 2: ")


def test_a_range_with_values_of_its_own_stays_whole():
    """It is as long to read as it is to write; its targets are made of it one by one."""
    [found] = entries("target,did_active\n18002220000-18002229999,N")

    assert isinstance(found, RowRange)
    assert (10_000, 10_000) == (size(found), len(list(found)))
    assert ("18002220000", {"did_active": "N"}) == (next(iter(found)).target, next(iter(found)).values)


@pytest.mark.parametrize(
    ("header", "reason"),
    [
        ("target,colour", "there is no DID field colour:"),
        ("target,Colour,size,did_active", "there is no DID field Colour, size:"),
        ("target,did_active,active", "did_active is set by two columns"),
        ("target,number", "2 columns of numbers (target, number): say which one it is"),
        ("target,description,did_description,user,user", "did_description, user is set by two columns"),
        (
            "colour,size",
            "no column of numbers is known: say which one it is; the columns, divided by commas, are",
        ),
        ("number,from,to", "there is no DID field from, to:"),
        ("from,description", "no column of numbers is known"),
    ],
)
def test_wrong_headers_are_refused_by_name(header, reason):
    """Columns that are no fields, fields that two columns set, and columns that are missing are named."""
    assert reason in refusal(f"{header}\n15550100,15550101\n")


def test_a_table_without_header_needs_a_mapping():
    """What is in each column is not guessed; the first row is shown."""
    text = "18002220100,Boston line\n18002220101,New York line\n"

    assert "they are 1: 18002220100, 2: Boston line" in refusal(text)
    assert "they are 1: 18002220100, 2: Boston line" in refusal(text, is_table=False)
    found = tables.look(text, {"1": "number", "2": "did_description"}, is_table=True)
    assert found is not None
    assert ["number", "did_description"] == [column.becomes for column in found.columns]


def test_two_columns_of_numbers_without_header_are_a_list_only_where_lists_may_come():
    """A pasted text is a list of numbers; in a file it is not known which column they are in."""
    text = "18002220100,18002220101\n18002220102,18002220103\n"

    assert 4 == len(numbers(text, is_table=False))
    assert "no column of numbers is known" in refusal(text)


def test_one_column_needs_no_header():
    """A column of numbers is one, and a word above it is no number."""
    assert ["18002220100", "18002220101"] == numbers("18002220100\n18002220101\n")
    assert ["18002220100"] == numbers("18002220100,,\n")
    assert "no column of numbers is known" in refusal("Colour\n18002220100\n")


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("1.8E+10\n18002220100\n", "row 1: a spreadsheet has shortened the number"),
        ("NULL\n18002220100\n", "row 1: NULL is no number"),
        (
            "18002220100,\n" * 60 + "18002220101,12\n",
            "row 61: it has more cells than the table has columns (1)",
        ),
        ("18002220100\n" * 60 + "18002220101,12\n", "row 61: 18002220101,12 is not one number"),
    ],
)
def test_rows_of_one_column_are_refused_alone(text, problem):
    """What is no number, in the first row too, is refused by its row; a second cell is no number."""
    refused = [row.problem for row in rows(text) if row.problem]

    assert {"18002220100"} == {row.target for row in rows(text) if not row.problem}
    assert 1 == len(refused)
    assert refused[0].startswith(problem)


@pytest.mark.parametrize("text", ["101\t18002220100\n102\t18002220101\n", "18002220100,12\n18002220101,\n"])
def test_a_pasted_table_whose_rows_have_codes_is_no_list(text):
    """Where one column has whole numbers and another none, the codes are no DIDs."""
    assert "no column of numbers is known" in refusal(text, is_table=False)


@pytest.mark.parametrize("header", ['Number, "Description"', "Number, Description"])
def test_blanks_before_quotes_belong_to_no_cell(header):
    """Scripts that join cells by hand write them."""
    [row] = rows(f'{header}\n15550100,  "A, b"\n')

    assert {"did_description": "A, b"} == row.values


def test_a_mapping_says_what_becomes_of_columns():
    """By header in whatever spelling; with the column of numbers named, others of that kind are left out."""
    found = layout_of(
        "Number;Phone;City;Notes\n1;18002220100;Bonn;x\n",
        PHONE="number",
        city="did_description",
        Notes="ignore",
    )

    assert ["ignore", "number", "did_description", "ignore"] == [column.becomes for column in found.columns]


def test_a_mapping_finds_the_header_row():
    """A row that has the names of the mapping is the header, whatever stands above."""
    text = "Report,of today\nTrunk,Line\nA,18002220100\n"
    found = layout_of(text, Line="number", Trunk="did_carrier_description")

    assert [(3, ["A", "18002220100"])] == list(tables.records([text], found))


def test_a_mapping_to_nothing_that_there_is_is_refused():
    """What a column becomes is a field, or one of a few words."""
    with pytest.raises(InvalidInput, match="colour is no field of a DID"):
        layout_of("Number;City\n18002220100;Bonn\n", City="colour")


def test_columns_that_are_not_known_can_be_left_out():
    """On purpose."""
    assert ["18002220100"] == numbers("Number,City\n18002220100,Bonn\n", ignore=True)


def test_a_template_makes_other_columns_known():
    """What a template names may be a column, once."""
    text = "target,city\r15550100,Bonn"
    found = tables.look(text, {}, is_table=True)

    assert found is not None
    known = tables.check(found, ["city"], ignore=False)
    [row] = inputs.of_text([text], known, ["city"])
    assert (
        Row("15550100", extra={"city": "Bonn"}, line=2, cells={"target": "15550100", "city": "Bonn"}) == row
    )
    twice = tables.look("target,city,city\n15550100,a,b\n", {}, is_table=True)
    assert twice is not None
    with pytest.raises(InvalidInput, match="city is set by two columns"):
        tables.check(twice, ["city"], ignore=False)


@pytest.mark.parametrize("row", ["15550100", "15550100,", "15550100,,"])
def test_cells_that_are_not_there_are_empty(row):
    """A template finds the same in a short row as in one whose cells are empty."""
    text = f"target,city,did_active\n{row}"
    found = tables.look(text, {}, is_table=True)
    assert found is not None
    [read] = inputs.of_text([text], tables.check(found, ["city"], ignore=False), ["city"])

    assert isinstance(read, Row)
    assert ({}, {"city": ""}) == (read.values, read.extra)


def test_columns_of_an_export_do_not_matter():
    """Id and time of a DID that was exported belong to that DID."""
    [row] = rows("did_id,did_pattern,modify_stamp\n7,15550100,2026-03-04 05:06:07\n")

    assert ("15550100", {}) == (row.target, row.values)


def test_a_column_without_name_that_has_cells_is_not_left_out_silently():
    """Nobody knows what it is."""
    assert "there is no DID field 2:" in refusal("Number,,\n18002220100,Bonn,\n")
    assert ["18002220100"] == numbers("Number,,\n18002220100,,\n")


@pytest.mark.parametrize("row", ["15550199,15550150,1", "15550199,,1,15550150"])
def test_a_late_cell_in_a_column_without_name_is_refused(row):
    """Where the first rows have none there, the column is taken for none."""
    *read, refused = rows("Number,,User,\n" + "15550100,,1,\n" * 60 + row)

    assert {""} == {one.problem for one in read}
    assert refused.problem.startswith("row 62: it has a cell in column ")


def test_columns_have_a_limit():
    """A header row of a million columns would make a million cells of every row."""
    many = ",".join(["target", *[""] * (COLUMNS_MOST - 1)])

    assert ["15550100"] == numbers(f"{many}\n15550100")
    assert "more than 1000 columns" in refusal(f"{many},\n15550100")


def test_line_separators_of_unicode_end_no_row():
    """What only some programs take for a line end is a character of the cell."""
    [row] = rows("target,description\n15550100,one\u2028two\x85three\x0bfour\n")

    assert "one\u2028two\x85three\x0bfour" == row.values["did_description"]
