import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from didier.domain import patterns
from didier.domain.targets import LIMIT, Range, expand, is_range, parse, refusal, split
from didier.errors import InvalidPattern, InvalidRange

KEPT = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz:+*#._"


def clean(item: str) -> str:
    return "".join(character for character in item if character in KEPT)


def targets(text: str) -> list[str]:
    return list(expand(split(text, clean)))


@st.composite
def ranges(draw: st.DrawFn) -> Range:
    """A range of up to 300 numbers of ten digits and more, leading zeros among them."""
    width = draw(st.integers(10, 15))
    first = draw(st.integers(0, 10**width - 301))
    return Range(draw(st.sampled_from(["", "+"])), width, first, first + draw(st.integers(0, 300)))


@given(ranges())
def test_a_range_is_read_as_it_was_written(wanted):
    """What a range writes of itself is read as the same range."""
    assert wanted == parse(str(wanted))


@given(ranges())
def test_a_range_has_both_ends_and_all_between(wanted):
    """The numbers are consecutive, from the first to the last, of one width, plus sign kept."""
    numbers = list(wanted)

    assert wanted.size == len(numbers)
    assert str(wanted).partition("-")[0] == numbers[0]
    assert wanted.last == int(numbers[-1])
    assert {len(wanted.prefix) + wanted.width} == {len(number) for number in numbers}
    assert all(int(b) == int(a) + 1 for a, b in itertools.pairwise(numbers))
    assert all(None is patterns.problem(number) for number in numbers)


@given(ranges(), st.integers(1, 15))
def test_a_short_end_replaces_the_last_digits(wanted, length):
    """However many digits of the end are written, it is the same range as long as the rest is the same."""
    first, last = f"{wanted.first:0{wanted.width}}", f"{wanted.last:0{wanted.width}}"
    length = min(length, wanted.width)
    if first[:-length] != last[:-length]:
        return

    assert wanted == parse(f"{wanted.prefix}{first}-{last[-length:]}")


@given(
    st.lists(ranges().filter(lambda r: r.size <= 50), max_size=5),
    st.sampled_from([",", ";", "\n", ", ", " "]),
)
def test_ranges_in_a_list_are_written_out_in_order(wanted, separator):
    """A list of ranges is the list of their numbers."""
    assert [number for r in wanted for number in r] == targets(separator.join(map(str, wanted)))


@given(st.text(KEPT + ",;\t\r\n -()'", max_size=60))
def test_a_list_without_a_range_is_split_as_before(text):
    """Ranges change nothing for lists that have none."""
    pieces = text.replace(";", ",").replace("\n", ",").replace("\r", ",").replace("\t", ",").split(",")
    words = [word for piece in pieces for word in [piece.strip(), *piece.split()]]
    if any(is_range(word) for word in words):
        return

    assert patterns.split_list(text, clean) == targets(text)


@pytest.mark.parametrize(
    ("item", "first", "last", "count"),
    [
        ("18002220000-18002220099", "18002220000", "18002220099", 100),
        ("7275550100-0199", "7275550100", "7275550199", 100),
        ("+442079460000-99", "+442079460000", "+442079460099", 100),
        ("+442079460000-442079460099", "+442079460000", "+442079460099", 100),
        ("+442079460000-+442079460099", "+442079460000", "+442079460099", 100),
        ("00442079460098-103", "00442079460098", "00442079460103", 6),
        ("0000000-0000009", "0000000", "0000009", 10),
        ("5550100-199", "5550100", "5550199", 100),
        ("5550100-5550100", "5550100", "5550100", 1),
        ("5550109-9", "5550109", "5550109", 1),
        ("1000000000-1000000999", "1000000000", "1000000999", 1000),
    ],
)
def test_ranges(item, first, last, count):
    """Both ends are included; leading zeros and the plus sign are kept."""
    numbers = targets(item)

    assert (first, last, count) == (numbers[0], numbers[-1], len(numbers))


@pytest.mark.parametrize(
    ("item", "number"),
    [
        ("800-555-0100", "8005550100"),
        ("1-800-555-0100", "18005550100"),
        ("800555-0100", "8005550100"),
        ("1800555-0100", "18005550100"),
        ("1800555-0999", "18005550999"),
        ("44207946-0000", "442079460000"),
        ("5550100-", "5550100"),
        ("-5550100", "5550100"),
        ("5550100--5550199", "55501005550199"),
        ("5550100-5550150-5550199", "555010055501505550199"),
        ("5550100-lobby", "5550100lobby"),
        ("5550100a-5550199", "5550100a5550199"),
        ("555\u0660100-5550199", "5551005550199"),
        ("555;0002--", "5550002"),
        ("1 800 555-0100", "18005550100"),
    ],
)
def test_numbers_with_dashes_are_no_ranges(item, number):
    """Numbers as people write them stay one number, as VICIdial's clean-up makes it."""
    assert [number] == targets(item)


@pytest.mark.parametrize("item", ["5550100 - 5550199", "5550100- 5550199", "5550100 -5550199"])
def test_blanks_within_make_no_range(item):
    """A range is written without blanks; with them nothing between the ends is made."""
    assert 2 >= len(targets(item))


@pytest.mark.parametrize(
    ("item", "reason"),
    [
        ("18002220099-18002220000", "the end comes before the beginning"),
        ("7275550199-0100", "the end comes before the beginning"),
        ("5550100-18005550199", "the end has more digits than the beginning"),
        ("5550100-+5550199", "both ends must be complete numbers, each with a plus sign"),
        ("+5550100-+99", "both ends must be complete numbers, each with a plus sign"),
        (f"{'1' * 51}-{'1' * 51}", "numbers have at most 50 characters"),
        ("1000000000-1000001000", "a list may have at most 1000 numbers"),
        ("0000000-9999999", "a list may have at most 1000 numbers"),
        (f"{'1' * 50}-{'9' * 50}", "a list may have at most 1000 numbers"),
    ],
)
def test_impossible_ranges_are_refused_with_the_reason(item, reason):
    """A range that cannot be stays in the list as it was written, and its refusal says why."""
    assert [item] == targets(item)

    problem = patterns.problem(item)
    assert problem is not None
    assert InvalidRange(item, reason) == refusal(problem)


def test_other_refusals_are_left_as_they_are():
    """What is not written as a range is refused as a pattern."""
    problem = InvalidPattern("5", "it must have 2 to 50 characters")

    assert problem == refusal(problem)


def test_the_limit_is_that_of_the_whole_list():
    """A range with which a list would come to more than the limit is left; smaller ones behind it count."""
    items = ["1000000000-1000000599", "2000000000-2000000599", "3000000000-3000000398"]
    made = list(expand(items))

    assert 600 + 1 + 399 == len(made) == LIMIT
    assert items[1] == made[600]


def test_ranges_are_written_out_lazily():
    """Nothing is counted out before it is asked for."""
    endless = (f"{number:010}-{number:010}" for number in itertools.count())

    assert "0000000000" == next(expand(endless))


def test_a_short_item_beside_a_range_stays_alone():
    """Lines and semicolons separate a range from whatever stands beside it."""
    assert ["5550100", "5550101", "555", "lobby"] == targets("5550100-1\n555;lobby")


@given(ranges(), st.integers(0, 310), st.integers(1, 310))
def test_a_slice_is_a_part_of_the_range(whole, start, count):
    """A slice has the numbers behind the first *start*, at most *count* of them, written as before."""
    start = min(start, whole.size - 1)

    assert list(whole)[start : start + count] == list(whole.slice(start, count))


@given(ranges())
def test_a_number_is_written_as_the_range_does(whole):
    """Each number alone is the one that counting out gives."""
    assert list(whole) == [whole.pattern(number) for number in range(whole.first, whole.last + 1)]


@given(ranges(), st.integers(1, 300))
def test_reversed_ranges_are_refused(whole, down):
    """An end below the beginning is refused, however short it is written."""
    first = f"{whole.last:0{whole.width}}"
    end = f"{max(0, whole.last - down):0{whole.width}}"

    for length in range(1, whole.width + 1):
        if end[:-length] == first[:-length] and end < first:
            item = f"{whole.prefix}{first}-{end[-length:]}"
            assert InvalidRange(item, "the end comes before the beginning") == parse(item)
