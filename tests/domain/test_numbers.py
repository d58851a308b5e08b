import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from didier.domain.numbers import REGIONS, block_spellings, forms, spellings
from didier.domain.targets import Range, parse

PROPERTY = settings(derandomize=True, max_examples=150, deadline=None)

REGION = st.sampled_from(["US", "GB", "IT", "DE"])
DIALLED = st.from_regex(r"\+?(1|44|39|49|0|00|011)?[0-9]{5,11}", fullmatch=True)


@pytest.mark.parametrize(
    ("region", "same"),
    [
        ("US", {"8002223333", "18002223333", "+18002223333"}),
        ("US", {"+442079460000", "442079460000", "011442079460000"}),
        ("GB", {"+442079460000", "442079460000", "02079460000", "2079460000"}),
        ("GB", {"+18002223333", "18002223333", "0018002223333"}),
        ("IT", {"+390612345678", "390612345678", "0612345678"}),
        ("DE", {"+4930901820", "4930901820", "030901820", "30901820"}),
    ],
)
def test_spellings_of_one_number(region, same):
    """Each spelling of a number has all the others: as dialled at home and abroad, with and without plus."""
    assert {name: same - {name} for name in same} == {name: set(spellings(name, region)) for name in same}


def test_digits_that_are_a_number_at_home_are_no_number_abroad():
    """Without a plus sign, what can be dialled at home is not read as another country's number."""
    assert "390612345678" in spellings("+390612345678", "DE")
    assert {"+49390612345678", "49390612345678", "0390612345678"} == set(spellings("390612345678", "DE"))


def test_an_italian_zero_is_part_of_the_number():
    """The zero of an Italian area code is dialled from abroad too, and never left out."""
    assert not {"612345678", "+39612345678"} & set(spellings("0612345678", "IT"))


@pytest.mark.parametrize(
    "pattern", ["default", "s", "911", "lobby", "1800CALLNOW", "", "+", "1" * 21, "٠٦١٢٣٤٥٦٧٨"]
)
@pytest.mark.parametrize("region", ["US", "DE"])
def test_what_is_no_number_has_no_spellings(pattern, region):
    """Names, short codes and what is too long stand for themselves."""
    assert [] == spellings(pattern, region)


@PROPERTY
@given(DIALLED, REGION)
def test_spellings_are_others(pattern, region):
    """No pattern is a spelling of itself, none is set twice, and all can be dialled."""
    found = spellings(pattern, region)

    assert pattern not in found
    assert len(found) == len(set(found))
    assert all(name.removeprefix("+").isdigit() for name in found)


@PROPERTY
@given(
    st.integers(2_000_000_000, 9_899_999_999).filter(lambda n: n // 1_000_000 % 10 > 1),
    st.sampled_from(["", "1", "+1"]),
)
def test_american_spellings_are_mutual(number, prefix):
    """What a number is spelled like is spelled like it."""
    pattern = f"{prefix}{number}"

    assert all(pattern in spellings(other, "US") for other in spellings(pattern, "US"))


@PROPERTY
@given(st.from_regex(r"\+(1|44|49|39)[2-9][0-9]{8,9}", fullmatch=True), REGION)
def test_spellings_with_a_plus_are_unique(pattern, region):
    """A number that is written with its plus sign is no other such number."""
    assert [] == [name for name in spellings(pattern, region) if name.startswith("+")]


@st.composite
def blocks(draw: st.DrawFn) -> Range:
    """A range of up to 60,000 numbers of which some are telephone numbers."""
    first = draw(st.from_regex(r"\+?(1|44|39|49|0|00)?[1-9][0-9]{6,10}", fullmatch=True))
    prefix, digits = ("+", first[1:]) if first.startswith("+") else ("", first)
    last = min(int(digits) + draw(st.integers(0, 60_000)), 10 ** len(digits) - 1)
    return Range(prefix, len(digits), int(digits), last)


@PROPERTY
@given(blocks(), REGION, st.data())
@example(Range("", 7, 1_000_000, 2_999_999), "US", None)
@example(Range("", 11, 18_002_220_000, 18_002_229_999), "US", None)
@example(Range("", 10, 612_340_000, 612_349_999), "IT", None)
@example(Range("", 8, 30_900_000, 30_999_999), "DE", None)
def test_a_block_is_spelled_as_its_numbers(block, region, data):
    """Where a block has spellings, each of its numbers has the same, in the same order."""
    found = block_spellings(block, region)
    if found is None:
        return
    drawn = [] if data is None else data.draw(st.lists(st.integers(0, block.size - 1), max_size=5))
    places = {0, block.size - 1, block.size // 2, block.size // 3, *drawn}

    for place in sorted(places):
        pattern = block.pattern(block.first + place)
        assert spellings(pattern, region) == [other.pattern(other.first + place) for other in found]
    assert [block.size] * len(found) == [other.size for other in found]


def test_blocks_have_spellings():
    """A block of American numbers is spelled without its country code, and with a plus sign."""
    block = parse("18002220000-9999")
    assert isinstance(block, Range)

    assert ["+18002220000-18002229999", "8002220000-8002229999"] == sorted(
        map(str, block_spellings(block, "US") or ())
    )


def test_a_block_of_other_names_has_no_spellings():
    """Numbers that nobody dials have none."""
    assert [] == block_spellings(Range("", 22, 10**21, 10**21 + 9), "US")


def test_regions_are_countries():
    """The countries that can be chosen are those whose numbers are known."""
    assert {"US", "GB", "IT", "DE"} <= REGIONS


@pytest.mark.parametrize(
    ("dialled", "region", "expected"),
    [
        ("18005550100", "US", ["+18005550100", "8005550100", "0018005550100", "01118005550100"]),
        ("8005550100", "US", ["+18005550100", "18005550100", "0018005550100", "01118005550100"]),
        ("0018005550100", "US", ["+18005550100", "18005550100", "8005550100", "01118005550100"]),
        ("01118005550100", "FR", ["+18005550100", "18005550100", "0018005550100"]),
        ("0301234567", "DE", ["+49301234567", "49301234567", "301234567", "0049301234567", "01149301234567"]),
    ],
)
def test_forms_of_what_is_dialled(dialled, region, expected):
    """International ones come first, whatever the carrier puts before the number."""
    assert expected == forms(dialled, region)


def test_what_is_dialled_at_home_is_no_exit_prefix():
    """A number of Leeds begins with 011."""
    assert "+441132345678" == forms("01132345678", "GB")[0]


@pytest.mark.parametrize("dialled", ["8600", "default", "sip:18005550100@10.0.0.1", "00", "", "i", "0" * 15])
def test_what_is_no_number_has_no_forms(dialled):
    """Extensions, names and addresses are what they are."""
    assert [] == forms(dialled, "US")


@PROPERTY
@given(DIALLED, REGION)
def test_forms_are_others(dialled, region):
    """None comes twice, what was dialled is not among them, and all spellings are."""
    found = forms(dialled, region)

    assert len(set(found)) == len(found)
    assert dialled not in found
    assert {*spellings(dialled, region)} <= {*found}
