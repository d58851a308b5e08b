from collections.abc import Iterator

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from didier.domain import patterns
from didier.domain.targets import Range
from didier.storage.batches.duplicates import DuplicateTracker

PROPERTY = settings(derandomize=True, max_examples=150, deadline=None)

SINGLES = st.one_of(
    st.integers(1_000_000, 1_000_040).map(str),
    st.integers(0, 40).map(lambda number: f"{number:07}"),
    st.integers(0, 40).map(lambda number: f"+{number:07}"),
    st.integers(0, 40).map(lambda number: f"{number:020}"),
    st.sampled_from(
        [
            "lobby",
            "Lobby",
            "LOBBY",
            "élan",
            "Elan",
            "1\u066000000",
            "100000a",
            "",
            "+",
            "1000000\0",
            "\uff11000001",
        ]
    ),
)


@st.composite
def ranges(draw: st.DrawFn) -> Range:
    """A range near others: of 7 digits, with a plus sign, with leading zeros, or too wide for an integer."""
    prefix, width, base = draw(
        st.sampled_from([("", 7, 1_000_000), ("", 7, 0), ("+", 7, 0), ("", 20, 0), ("", 18, 10**18 - 100)])
    )
    first = base + draw(st.integers(0, 40))
    return Range(prefix, width, first, first + draw(st.integers(0, 15)))


ORDERS = st.lists(st.lists(SINGLES, max_size=6) | ranges(), max_size=10)


def named_before(order: list[list[str] | Range]) -> Iterator[set[int]]:
    """Return for each part of *order* the places of what was named before, by a plain set."""
    known: set[str] = set()
    for part in order:
        repeated = set()
        for place, target in enumerate(part):
            if patterns.key(target) in known:
                repeated.add(place)
            known.add(patterns.key(target))
        yield repeated


@pytest.fixture(scope="module")
def new():
    """Make an empty memory; all are closed at the end."""
    made: list[DuplicateTracker] = []

    def make() -> DuplicateTracker:
        made.append(DuplicateTracker())
        return made[-1]

    yield make
    for seen in made:
        seen.close()


def told(seen: DuplicateTracker, order: list[list[str] | Range]) -> list[set[int]]:
    return [seen.add_block(part) if isinstance(part, Range) else seen.add(part) for part in order]


@PROPERTY
@given(order=ORDERS)
@example(order=[["1\u066000000"], Range("", 7, 1_000_000, 2_000_000)])
@example(order=[Range("", 7, 0, 9), Range("", 7, 10, 19), Range("", 7, 5, 12), ["0000019", "0000020"]])
@example(order=[Range("", 7, 0, 9), Range("", 7, 0, 9), Range("", 7, 10, 12), ["0000012"]])
def test_it_is_a_set(new, order):
    """In whatever mixture targets come, it tells what a set of their keys would."""
    if any(isinstance(part, Range) and part.size > 1_000 for part in order):
        assert [set(), set()] == told(new(), order)
        return

    assert list(named_before(order)) == told(new(), order)


def test_the_case_of_letters_does_not_matter(new):
    """Patterns that are the same DID are the same target."""
    assert [{1, 2}, {0}] == told(new(), [["Lobby", "LOBBY", "lobby"], ["lobbY", "élan"]])


def test_a_million_numbers_are_one_block(new):
    """A block is not counted out: what overlaps it is found all the same."""
    seen = new()
    seen.add_block(Range("", 10, 5_550_000_000, 5_550_999_999))

    assert {0, 2} == seen.add(["5550123456", "5551000000", "5550999999", "+5550123456", "05550123456"])
    assert set(range(11)) == seen.add_block(Range("", 10, 5_550_999_990, 5_551_000_005))


def test_memories_are_apart(new):
    """What one order has named is nothing to another."""
    new().add(["5550100"])

    assert set() == new().add(["5550100"])
