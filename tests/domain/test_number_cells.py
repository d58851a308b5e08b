import pytest
from hypothesis import given
from hypothesis import strategies as st

from didier.domain import patterns
from didier.domain.number_cells import NumberCell, as_it_stands, is_number, read, unquoted
from didier.domain.number_groups import DIGITS_MOST
from didier.domain.targets import Range

WRITTEN = st.text("0123456789+-()/., ;\t\n'\"=ExXto\u2013\u00a0\u200b\uff11abé#*_:", max_size=60)
NUMBERS = st.integers(10**9, 10**11 - 1).map(str)


def written(cell: str) -> list[str]:
    """Return what a cell asks for, ranges as they write themselves."""
    found = read(cell)

    assert bool(found.targets) != bool(found.problem)
    return [str(target) for target in found.targets]


@pytest.mark.parametrize(
    ("cell", "number"),
    [
        ("18002220100", "18002220100"),
        ("  18002220100 ", "18002220100"),
        ("+18002220100", "+18002220100"),
        ("(800) 222-0100", "8002220100"),
        ("1 800 222 0100", "18002220100"),
        ("800.222.0100", "8002220100"),
        ("+1.800.222.0101", "+18002220101"),
        ("030/1234567", "0301234567"),
        ("+49 (30) 1234-567", "+49301234567"),
        ("+44 (0)20 7946 0000", "+442079460000"),
        ("800 - 222 - 0100", "8002220100"),
        ("tel:+18002220100", "+18002220100"),
        ("555-0100", "5550100"),
        ("2345-6789", "23456789"),
        ("01.23.45.67.89", "0123456789"),
        ("20.79.46.00", "20794600"),
        ("18002220100,", "18002220100"),
        ("42", "42"),
        ("TEL:+1-800-222-0100", "+18002220100"),
        ("sip:+18002220100@carrier.example", "+18002220100"),
        ("<sips:18002220100@10.0.0.1:5061>", "18002220100"),
        ("0044 20 7946 0000", "00442079460000"),
        ("0033-1-23-45-67-89", "0033123456789"),
        ("49 30 12 34 56 78", "493012345678"),
        ("+49 15123456789", "+4915123456789"),
        ("+49 89 1234567-0", "+498912345670"),
        ("+353-1800-123-456", "+3531800123456"),
        ("+33.1.23.45.67.89", "+33123456789"),
        ("612.34.56.78", "612345678"),
        ("1800 555 - 0100", "18005550100"),
        ("(0-312) 34567", "031234567"),
    ],
)
def test_one_number(cell, number):
    """A number is read in whatever groups it is written."""
    assert [number] == written(cell)


@pytest.mark.parametrize(
    ("cell", "number"),
    [
        ('="18002220100"', "18002220100"),
        ("'18002220100", "18002220100"),
        ("'+18002220100", "+18002220100"),
        ("`18002220102", "18002220102"),
        ("\u201918002220102", "18002220102"),
        ("18002220100.0", "18002220100"),
        ("18002220100,00", "18002220100"),
        ("800\u2013222\u20130100", "8002220100"),
        ("1\u2212800\u2212222\u22120102", "18002220102"),
        ("800\u200b222\u00a00100\u202c", "8002220100"),
        ("\uff0b\uff11\uff18\uff10\uff10\uff12\uff12\uff12\uff10\uff11\uff10\uff10", "+18002220100"),
        ("\uff08\uff18\uff10\uff10\uff09\uff12\uff12\uff12\uff0d0100", "8002220100"),
        ("=\u201c18002220100\u201d", "18002220100"),
        ('"=""18002220100"""', "18002220100"),
        ('18002220100"', "18002220100"),
        ("\u00ab18002220100\u00bb", "18002220100"),
        ("\u0661\u0668\u0660\u0660\u0662\u0662\u0662\u0660\u0661\u0660\u0660", "18002220100"),
    ],
)
def test_what_spreadsheets_and_keyboards_put_around_a_number(cell, number):
    """Formulas, apostrophes, whole decimals, typographic dashes and characters that are not seen go."""
    assert [number] == written(cell)


@pytest.mark.parametrize(
    "cell",
    [
        "18002220100 ext 12",
        "18002220100x12",
        "18002220100 ext. 12",
        "18002220100#12",
        "1800-222-0100;ext=12",
        "18002220100 (x12)",
        "18002220100 ramal 12",
        "18002220100 \u0434\u043e\u0431. 12",
    ],
)
def test_an_extension_is_left_out_and_that_is_said(cell):
    """The number is the DID; its extension is somebody else's matter."""
    assert NumberCell(("18002220100",), note="without its extension 12") == read(cell)


@pytest.mark.parametrize(
    ("cell", "block"),
    [
        ("18002220100-18002220109", "18002220100-18002220109"),
        ("18002220100 - 18002220109", "18002220100-18002220109"),
        ("18002220100 \u2013 18002220109", "18002220100-18002220109"),
        ("18002220100 to 18002220109", "18002220100-18002220109"),
        ("from 18002220100 to 18002220109", "18002220100-18002220109"),
        ("18002220100 bis 18002220109", "18002220100-18002220109"),
        ("18002220100..18002220109", "18002220100-18002220109"),
        ("18002220100 -> 18002220109", "18002220100-18002220109"),
        ("18002220100- 18002220109", "18002220100-18002220109"),
        ("18002220100 \u2013109", "18002220100-18002220109"),
        ("18002220100 hasta 18002220109", "18002220100-18002220109"),
        ("18002220100 \uff5e 18002220109", "18002220100-18002220109"),
        ("(800) 222-0100 - (800) 222-0109", "8002220100-8002220109"),
        ("1-800-222-0100 - 1-800-222-0109", "18002220100-18002220109"),
        ("+1 800 222 0100 to 0109", "+18002220100-18002220109"),
        ("7275550100-0199", "7275550100-7275550199"),
        ("4000 to 4099", "4000-4099"),
    ],
)
def test_ranges(cell, block):
    """A range has every number of it, however its ends are written."""
    found = read(cell)

    assert [Range] == [type(target) for target in found.targets]
    assert [block] == written(cell)


@pytest.mark.parametrize(
    ("cell", "numbers"),
    [
        ("18002220100, 18002220101", ["18002220100", "18002220101"]),
        ("18002220100;18002220101", ["18002220100", "18002220101"]),
        ("18002220100\n18002220101", ["18002220100", "18002220101"]),
        ("18002220100 18002220101", ["18002220100", "18002220101"]),
        ("18002220100/18002220101", ["18002220100", "18002220101"]),
        ("18002220100 and 18002220101", ["18002220100", "18002220101"]),
        ("5550100 5550101", ["5550100", "5550101"]),
        ("18002220100-18002220109, 18002220200", ["18002220100-18002220109", "18002220200"]),
        (" ".join(["18002220100"] * 40), ["18002220100"] * 40),
    ],
)
def test_several_numbers(cell, numbers):
    """A cell may have several whole numbers."""
    assert numbers == written(cell)


@pytest.mark.parametrize(
    ("cell", "reason"),
    [
        ("1.80022201E10", "a spreadsheet has shortened the number"),
        ("3.108207129E9", "a spreadsheet has shortened the number"),
        ("1,8E+10", "a spreadsheet has shortened the number"),
        ("1.8e+10", "a spreadsheet has shortened the number"),
        ("", "there is no number"),
        ("\u200b", "there is no number"),
        ("NULL", "NULL is no number"),
        ("N/A", "N/A is no number"),
        ("none", "none is no number"),
        ("-", "- is no number"),
        ("#REF!", "#REF! is no number"),
        ("18002220100/01", "it may be several numbers, or a range"),
        ("(800) 222-0100/0101", "it may be several numbers, or a range"),
        ("100-199", "it may be several numbers, or a range"),
        ("4000-4099", "it may be several numbers, or a range"),
        ("800-222-0100-800-222-0109", "it may be several numbers, or a range"),
        ("800-222-0100-0109", "it may be several numbers, or a range"),
        ("(800) 222-0100-199", "it may be several numbers, or a range"),
        ("800 222 0100 0101", "it may be several numbers, or a range"),
        ("8002220100 12", "it may be several numbers, or a range"),
        ("+49 89 1234500-12", "it may be several numbers, or a range"),
        ("555-0100 - 0109", "it may be several numbers, or a range"),
        ("180022201(00-09)", "it may be several numbers, or a range"),
        ("1800222010[0-9]", "it may be several numbers, or a range"),
        ("1800222010[01]", "it may be several numbers, or a range"),
        ("1800222010(0)", "it may be several numbers, or a range"),
        ("1. 18002220100", "it may be several numbers, or a range"),
        ("2) 18002220100", "it may be several numbers, or a range"),
        ("(3) 18002220100", "it may be several numbers, or a range"),
        ("// 18002220100", "it may be several numbers, or a range"),
        ("1.80022 E+10", "a spreadsheet has shortened the number"),
        ('="1.8E+10"', "a spreadsheet has shortened the number"),
        ("#NV", "#NV is no number"),
        ("01/02/26", "01/02/26 is no telephone number"),
        ("31.12.99", "31.12.99 is no telephone number"),
        ("2026-01", "2026-01 is no telephone number"),
        ("1/2026", "1/2026 is no telephone number"),
        ("18,002,220,100", "not several whole ones"),
        ("100, 101", "not several whole ones"),
        ("18002220109-18002220100", "the end comes before the beginning"),
        ("Total: 1", "here is U+0020"),
        ("2026-01-02", "2026-01-02 is no telephone number"),
        ("01/02/2026", "01/02/2026 is no telephone number"),
        ("1.2.2026", "1.2.2026 is no telephone number"),
        ("192.168.1.1", "192.168.1.1 is no telephone number"),
        ("192.168.10.20", "192.168.10.20 is no telephone number"),
        ("_18002220[0-4]XX", "here is [ (U+005B)"),
        ("lobby-1", "here is - (U+002D)"),
        ("1800 222 0100 \U0001f600", "here U+1F600"),
        ("0044 20 7946 0000-99", "it may be several numbers, or a range"),
        ("01 23 45 67 89-95", "it may be several numbers, or a range"),
        ("800-222-0100 12", "it may be several numbers, or a range"),
        ("222-0100 (0109)", "it may be several numbers, or a range"),
        ("222-0100..0109", "it may be several numbers, or a range"),
    ],
)
def test_what_is_not_certain_is_refused(cell, reason):
    """Lost digits, words for nothing, and what may be one number as well as two."""
    found = read(cell)

    assert () == found.targets
    assert reason in found.problem


@pytest.mark.parametrize(
    "cell",
    [
        "_X.",
        "_1NXXNXXXXXX",
        "180022201XX",
        "1800222x100",
        "180022201X0",
        "1800222#100",
        "s",
        "default",
        "*98",
        "18002220100.5",
    ],
)
def test_what_may_be_a_pattern_is_taken_as_it_is_written(cell):
    """Whether it is plausible is asked elsewhere."""
    assert [cell] == written(cell)


@given(WRITTEN)
def test_nothing_is_glued(cell):
    """No number comes out of a cell with more digits than numbers have, unless it is written so."""
    for target in read(cell).targets:
        digits = str(target.pattern(target.first) if isinstance(target, Range) else target).removeprefix("+")
        assert len(digits) <= DIGITS_MOST or digits in cell or not digits.isdigit()


@given(WRITTEN)
def test_what_is_read_may_be_a_pattern(cell):
    """What a cell asks for can be a DID."""
    found = read(cell)
    each = [target.pattern(target.first) if isinstance(target, Range) else target for target in found.targets]

    assert [] == [problem for problem in map(patterns.problem, each) if problem and len(problem.pattern) > 1]


@given(NUMBERS)
def test_a_number_alone_is_itself(number):
    """Digits are not touched."""
    assert [number] == written(number)
    assert is_number(number)


@pytest.mark.parametrize("cell", ["Number", "Boston line", "", "NULL", "1.8E10"])
def test_words_are_no_numbers(cell):
    """A row of words may be a header row."""
    assert not is_number(cell)


@pytest.mark.parametrize(
    ("cell", "target"),
    [
        ("800.222.0100", "800.222.0100"),
        ("1.8E+10", "1.8E+10"),
        ("(800) 222-0100", "8002220100"),
        (" s1 ", "s1"),
    ],
)
def test_a_did_that_is_there_is_named_as_it_is(cell, target):
    """To change what was made of a spoiled number, it can be named."""
    assert (target,) == as_it_stands(cell).targets


@pytest.mark.parametrize(
    ("cell", "value"),
    [("8300.0", "8300"), ("8300.5", "8300.5"), ("'8300", "8300"), ('="8300"', "8300"), ("it's", "it's")],
)
def test_values_are_unquoted(cell, value):
    """What a spreadsheet puts around digits goes from values too; texts stay."""
    assert value == unquoted(cell)
