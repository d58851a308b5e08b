import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from didier.domain import kept_inputs
from didier.domain.inputs import BLANK, Entry, Row, RowRange, of_item, of_text, of_unread, size, skip
from didier.domain.kept_inputs import Kept
from didier.domain.tables import LONGEST_LINE
from didier.domain.targets import Range
from didier.errors import InvalidInput

PROPERTY = settings(derandomize=True, max_examples=80, deadline=None)

NUMBERS = st.integers(15_550_100, 15_550_199).map(str)
RANGES = NUMBERS.flatmap(lambda first: st.integers(0, 99).map(lambda end: f"{first}-{end:02}"))
CELLS = st.text(max_size=12)
VALUES = st.dictionaries(
    st.sampled_from(["did_active", "did_description", "extension"]),
    st.none() | CELLS.map(str.strip).filter(lambda value: value and value != BLANK),
)
ROWS = st.builds(
    Row,
    NUMBERS | CELLS,
    VALUES,
    extra=st.dictionaries(st.sampled_from(["city", "trunk"]), CELLS),
    problem=CELLS,
    note=CELLS,
    line=st.just(3),
    cells=st.dictionaries(CELLS, CELLS, max_size=3),
)


def of_list(text: str) -> list[Entry | RowRange]:
    return list(of_text([text], None))


def listed(text: str) -> list[str]:
    """Return the targets of a list, ranges as they write themselves."""
    return [str(entry) if isinstance(entry, Range) else entry.target for entry in of_list(text)]


def each(entries: list[Entry]) -> list[str]:
    """Return the targets of *entries*, one by one."""
    return [
        target for entry in entries for target in (entry if isinstance(entry, Range) else (entry.target,))
    ]


@PROPERTY
@given(
    st.lists(NUMBERS | RANGES, max_size=12), st.sampled_from([",", "\n", "\r\n", "\r", "\t", ";", ", ", "|"])
)
def test_what_separates_items(items, separator):
    """Commas, line ends of every system, tabs, bars and semicolons stand between targets."""
    wanted = listed(",".join(items))

    assert wanted == listed(separator.join(items))
    assert len(items) == len(wanted)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("(800) 555-0100", ["8005550100"]),
        ("(800) 555-0100\r\n800-555-0101\r\n1 800/555/0102", ["8005550100", "8005550101", "1 800/555/0102"]),
        ("555\n(0002)", ["555", "0002"]),
        ("+44 20 7946 0000, +44 20 7946 0001", ["+442079460000", "+442079460001"]),
        ("15550100\n\n\n15550101", ["15550100", "15550101"]),
        ("15550100 15550101", ["15550100", "15550101"]),
        (" , ,\t\r\n;", []),
        ("", []),
        ("lobby\tLOBBY;reception", ["lobby", "LOBBY", "reception"]),
        ("15550100-15550101\t15550103", ["15550100-15550101", "15550103"]),
        ("15550100 to 15550101", ["15550100-15550101"]),
        ("15550109-15550100", ["15550109-15550100"]),
    ],
)
def test_lists_as_people_write_them(text, found):
    """Items are numbers and ranges; what is neither stays as it is written."""
    assert found == listed(text)


def test_an_item_that_cannot_be_read_is_refused_alone():
    """The others are targets."""
    bad, good = of_list("1.8E+10\n18002220100")

    assert isinstance(bad, Row)
    assert "a spreadsheet has shortened the number" in bad.problem
    assert Row("18002220100") == good


def test_a_range_is_not_counted_out():
    """A list with a range of a million is one entry."""
    assert [Range("", 10, 5_550_000_000, 5_550_999_999)] == of_list("5550000000-5550999999")


def test_lists_are_read_lazily():
    """What stands in the first piece is there before the second is asked for."""

    def pieces():
        yield "15550100\n15550101\n55"
        raise AssertionError("the second piece was asked for")

    entries = of_text(pieces(), None)

    assert [Row("15550100"), Row("15550101")] == [next(entries), next(entries)]


def test_a_long_line_of_numbers_is_a_list():
    """A list on one line, longer than a cell of a table may be, is a list all the same."""
    assert 20_000 == len(listed("18005550100 " * 20_000))
    assert 20_000 == len(list(of_unread(["18005550100 " * 20_000], is_table=False)))


def test_an_item_without_end_is_refused():
    """What goes on for more than a line may is refused, not gathered in memory."""
    pieces = ("1" * 100_000 for _ in range(LONGEST_LINE // 100_000 + 1))

    with pytest.raises(InvalidInput, match="more than 1000000 characters"):
        list(of_text(pieces, None))


def test_an_item_may_hold_several():
    """An item of a list in JSON is read as a cell is."""
    assert [Row("18002220100"), Row("18002220101")] == list(of_item("18002220100, 18002220101"))


def kept(entries: list[Entry | RowRange]) -> str:
    fields = {
        name for entry in entries if not isinstance(entry, Range)
        for name in (entry.row if isinstance(entry, RowRange) else entry).values
    }  # fmt: skip
    writer = Kept(fields)
    return (writer.header() + b"".join(map(writer.line, entries))).decode("utf-8", "surrogatepass")


@PROPERTY
@given(st.lists(ROWS | NUMBERS.map(Row) | RANGES.map(lambda item: next(of_item(item))), max_size=6))
def test_what_is_kept_is_read_as_it_was(entries):
    """Whatever a target is and is known by, it is the same when the order is carried out."""
    assert entries == list(kept_inputs.read([kept(entries)]))


def test_a_range_with_values_is_kept_as_one():
    """It is a line; its targets are made of it when they are needed."""
    block = Range("", 11, 18_002_220_000, 18_002_220_002)
    text = kept([RowRange(block, Row(str(block), {"did_active": "N"}))])

    assert 2 == text.count("\n")
    assert [
        ("18002220000", {"did_active": "N"}),
        ("18002220001", {"did_active": "N"}),
        ("18002220002", {"did_active": "N"}),
    ] == [(row.target, row.values) for row in kept_inputs.read([text]) if isinstance(row, Row)]


@pytest.mark.parametrize(
    ("text", "targets"),
    [
        ("18002220100\n18002220101-18002220102", ["18002220100", "18002220101", "18002220102"]),
        ("target,did_active,city\n18002220100,N,Bonn\n", ["18002220100"]),
        (",\n18002220100\nnumber\n", ["18002220100", "number"]),
    ],
)
def test_what_an_earlier_release_has_kept_is_read(text, targets):
    """It kept the text as it was sent."""
    assert targets == each(list(kept_inputs.read([text])))


@PROPERTY
@given(
    st.lists(NUMBERS.map(Row) | RANGES.map(lambda item: next(of_item(item))), max_size=6), st.integers(0, 300)
)
def test_skip_leaves_out_the_first(entries, count):
    """What is left are the targets behind the first *count*, whatever entries they stand in."""
    assert each(entries)[count:] == each(list(skip(entries, count)))


def test_skip_counts_no_range_out():
    """The rest of a range is a range."""
    assert [Range("", 7, 2_000_000, 2_999_999)] == list(skip([Range("", 7, 1_000_000, 2_999_999)], 1_000_000))


def test_sizes():
    """A row is one target, a range as many as it has numbers."""
    block = Range("", 7, 1_000_000, 1_000_004)

    assert [1, 5, 5] == [size(Row("1")), size(block), size(RowRange(block, Row("1")))]
