"""Callers who call many numbers, and those who always do."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from didier.domain.usage.sweeps import Sweep, judge, sweeps

CALLS = st.lists(
    st.tuples(st.integers(0, 10_000), st.sampled_from(["", "1", "2"]), st.sampled_from("abcdef")), max_size=60
).map(sorted)


def calls(caller, count, seconds=10):
    return [(place * seconds, caller, str(place)) for place in range(count)]


def test_who_calls_many_numbers_sweeps():
    """From the first of these calls to the last."""
    assert [Sweep("727", 20, 0, 190)] == sweeps(calls("727", 20))
    assert [] == sweeps(calls("727", 19))


def test_the_same_number_counts_once():
    """A caller who calls again and again does not sweep."""
    assert [] == sweeps([(second, "727", "1800") for second in range(100)])


def test_only_an_hour_counts():
    """Twenty numbers within an hour, not within a day."""
    assert [] == sweeps(calls("727", 20, seconds=190))
    assert [20] == [each.numbers for each in sweeps(calls("727", 20, seconds=189))]


def test_calls_without_a_caller_are_of_nobody():
    """Many people call without a number."""
    assert [] == sweeps(calls("", 100))


@given(CALLS)
def test_the_most_numbers_within_a_time_are_counted(some):
    """As if they were counted anew from each call on."""
    expected = {}
    for second, caller, _ in some:
        within = {n for s, c, n in some if c == caller and second - 100 < s <= second}
        if caller:
            expected[caller] = max(expected.get(caller, 0), len(within))

    assert expected == {each.caller: each.numbers for each in sweeps(some, least=1, seconds=100)}


@pytest.mark.parametrize(
    ("by_day", "usual"),
    [
        ({}, 0),
        ({1: 25, 2: 25, 3: 25, 4: 25}, 0),
        ({1: 1, 2: 1, 3: 2, 4: 1, 5: 1, 6: 1}, 0),
    ],
)
def test_a_sweep_is_found(by_day, usual):
    """Also of a caller who has called before, or has swept on some days."""
    found = judge(Sweep("727", 25, 0, 190), by_day, 8)

    assert ("sweep", "number:sweep:727", 25, usual) == (
        found.kind, found.key, found.figures.observed, found.figures.expected,
    )  # fmt: skip


def test_who_always_sweeps_is_not_found():
    """As a service that tries whether numbers work, unless it tries three times as many."""
    usual = dict.fromkeys(range(5), 25)

    assert judge(Sweep("727", 74, 0, 190), usual, 8) is None
    assert 25 == judge(Sweep("727", 75, 0, 190), usual, 8).figures.expected
