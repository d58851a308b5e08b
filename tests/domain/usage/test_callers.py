"""Different callers: exactly where they are few, or of one day, else within 2 %."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from didier.domain.usage import callers

FEW = st.sets(st.text(max_size=20), max_size=60)


def hashes(names):
    return {callers.hashed(name) for name in names}


@given(FEW)
def test_what_is_packed_is_read_back(names):
    assert hashes(names) == callers.unpacked(callers.packed(hashes(names)))


@given(st.lists(FEW, max_size=5))
def test_few_are_counted_exactly(days):
    """Who called on several days is one caller."""
    found = callers.count(callers.condensed(hashes(day)) for day in days)
    assert (len(set().union(*days)), True) == (found.count, found.is_exact)


@settings(max_examples=10, deadline=None)
@given(st.integers(callers.EXACT_MOST + 1, 20_000))
def test_one_day_is_exact(most):
    """However many there were."""
    found = callers.count([callers.condensed(hashes(map(str, range(most))))])
    assert (most, True) == (found.count, found.is_exact)


@pytest.mark.parametrize("seed", range(20))
def test_many_are_within_two_percent(seed):
    """Of several days, some with few and some with many, that share half of their callers."""
    days = [range(first, first + size) for first, size in ((0, 8_000), (4_000, 8_000), (11_000, 300))]
    found = callers.count(callers.condensed(hashes(f"{seed}-{one}" for one in day)) for day in days)
    assert not found.is_exact
    assert abs(found.count - 12_000) <= 240
