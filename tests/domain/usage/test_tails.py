"""The tails of the Gamma-Poisson distribution, beside exact sums of fractions."""

import math
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from didier.domain.usage.tails import at_least, at_most, modified_z, shape

MEANS = st.floats(0.01, 1e5)
SHAPES = st.floats(0.5, 500)


def exact(count, mean, whole_shape):
    """Return the probability of *count* or fewer calls, term by term."""
    p = Fraction(whole_shape) / (whole_shape + Fraction(mean))
    return sum(math.comb(k + whole_shape - 1, k) * p**whole_shape * (1 - p) ** k for k in range(count + 1))


@pytest.mark.parametrize(
    ("count", "mean", "whole_shape"),
    [
        (0, 10, 1),
        (0, 100, 20),
        (3, 10, 5),
        (9, 10, 30),
        (5, 50, 16),
        (40, 300, 25),
        (25, 10, 8),
        (120, 30, 12),
    ],
)
def test_tails_are_those_of_exact_sums(count, mean, whole_shape):
    """Both of them, far out as well as in the middle."""
    below = exact(count, mean, whole_shape)

    assert pytest.approx(float(below), rel=1e-9) == at_most(count, mean, whole_shape)
    assert pytest.approx(float(1 - below), rel=1e-9) == at_least(count + 1, mean, whole_shape)


def test_a_shape_need_not_be_whole():
    """With shape 5/2 and a quarter for each failure, no call has 1/32, and one call 5/2 · 3/4 of that."""
    none, one = Fraction(1, 32), Fraction(1, 32) * Fraction(5, 2) * Fraction(3, 4)

    assert pytest.approx(float(none), rel=1e-12) == at_most(0, 7.5, 2.5)
    assert pytest.approx(float(none + one), rel=1e-12) == at_most(1, 7.5, 2.5)


def test_nothing_is_less_than_no_call():
    """Edges are certain, or impossible."""
    assert (0.0, 1.0) == (at_most(-1, 5, 2), at_least(0, 5, 2))
    assert (1.0, 0.0) == (at_most(0, 0, 2), at_least(1, 0, 2))


@given(st.integers(0, 10_000), MEANS, SHAPES)
def test_tails_add_up(count, mean, scatter):
    """What is at most so many, and what is more, is everything."""
    assert pytest.approx(1, abs=1e-8) == at_most(count, mean, scatter) + at_least(count + 1, mean, scatter)


@given(st.integers(0, 10_000), MEANS, SHAPES)
def test_more_calls_are_as_probable_at_least(count, mean, scatter):
    """The tail below grows with the count, the one above shrinks."""
    assert at_most(count, mean, scatter) <= at_most(count + 1, mean, scatter) * (1 + 1e-8)
    assert at_least(count, mean, scatter) * (1 + 1e-8) >= at_least(count + 1, mean, scatter)


@given(st.lists(st.integers(0, 1000), min_size=2, max_size=8))
def test_a_shape_does_not_depend_on_order(counts):
    """Which week was which does not matter."""
    assert pytest.approx(shape(counts)) == shape(counts[::-1])


def test_counts_that_scatter_have_a_smaller_shape():
    """Weeks that differ make the next one less certain."""
    assert shape([50, 150, 20, 180]) < shape([100, 104, 96, 100])


def test_deviations_are_never_below_those_of_chance():
    """Weeks that are alike by accident do not make everything else a change; an outlier widens nothing."""
    assert 0.5 == modified_z(105, [100] * 8)
    assert 20 == modified_z(20, [0] * 8)
    assert modified_z(300, [100, 110, 90, 105, 95, 100, 2000]) == modified_z(
        300, [100, 110, 90, 105, 95, 100, 120]
    )
