"""What a whole pool shows is one finding; what one number shows stays its own."""

import random
from dataclasses import replace

import pytest

from didier.domain.usage.activity import Activity, summed
from didier.domain.usage.pools import judge_all
from didier.domain.usage.weekly_hours import HOUR, WEEK, Look

from .test_findings import HOURS, NOON

SINCE = NOON - 9 * WEEK


def numbers(count, pools, rate=20, start=0, factor=1.0, hours=4):
    """Return numbers that get *factor* times their calls in the last *hours*."""
    changed = {hour: round(rate * factor) for hour in range(NOON - hours * HOUR, NOON, HOUR)}
    calls = dict.fromkeys(range(SINCE, NOON, HOUR), rate) | changed
    usual = {hour: n for hour, n in calls.items() if n}
    return [Activity(f"18{place:03}", usual, SINCE, pools) for place in range(start, start + count)]


def found(some, *wider):
    names = dict.fromkeys(name for each in some for name in each.pools)
    pools = [summed(name, [each for each in some if name in each.pools]) for name in names]
    narrow = [
        replace(pool, activity=replace(pool.activity, pools=tuple(set(wider) - {pool.activity.subject})))
        for pool in pools
    ]
    return judge_all(Look(HOURS, NOON), narrow, some)


def test_a_pool_that_is_quiet_is_one_finding():
    """With its figures, and how many numbers are part of it."""
    dead, others = numbers(30, ("north", "all"), factor=0), numbers(60, ("south", "all"), start=30)
    (one,) = found([*dead, *others], "all")

    assert ("silent", "pool:fewer:north", True) == (one.kind, one.key, one.is_of_pool)
    assert ("north", 0, 30, 30) == (one.pool.name, one.pool.observed, one.pool.members, one.pool.affected)
    assert pytest.approx(one.figures.expected) == one.pool.expected


def test_what_all_show_is_about_all():
    """A holiday is one finding, not one for each carrier."""
    some = [*numbers(30, ("north", "all"), factor=0.1), *numbers(30, ("south", "all"), start=30, factor=0.1)]
    (one,) = found(some, "all")

    assert ("pool:fewer:all", 60) == (one.key, one.pool.affected)


def test_a_number_in_a_pool_that_goes_on_is_its_own():
    """The pool's figures are those of the others."""
    some = [*numbers(1, ("north",), factor=0), *numbers(20, ("north",), start=1)]
    (one,) = found(some)

    assert ("number:fewer:18000", False) == (one.key, one.is_of_pool)
    assert ("north", 20 * 20 * 4, 21) == (one.pool.name, one.pool.observed, one.pool.members)


def test_a_number_with_most_calls_of_a_pool_is_its_own():
    """Though the sums of the pool change with it."""
    some = [*numbers(1, ("north",), rate=500, factor=0), *numbers(20, ("north",), rate=2, start=1)]

    assert ["number:fewer:18000"] == [each.key for each in found(some)]


def test_numbers_that_are_too_rare_are_found_together():
    """None of them could be found alone."""
    (one,) = found(numbers(50, ("north",), rate=1, factor=0))

    assert ("pool:fewer:north", 0, 50) == (one.key, one.pool.affected, one.pool.members)


def test_a_pool_that_is_louder_is_one_finding():
    """As where a campaign brings calls to all of its numbers."""
    assert ["pool:more:north"] == [each.key for each in found(numbers(30, ("north",), factor=4))]


def test_a_loud_number_in_a_quiet_pool_is_its_own():
    """They change in different directions."""
    some = [*numbers(1, ("north",), factor=6), *numbers(30, ("north",), factor=0, start=1)]

    assert ["pool:fewer:north", "number:more:18000"] == [each.key for each in found(some)]


def test_pools_that_are_too_small_explain_nothing():
    """Two numbers that are quiet are two findings, whatever they share."""
    some = numbers(2, ("north",), factor=0)

    assert ["number:fewer:18000", "number:fewer:18001"] == [each.key for each in found(some)]


def test_a_new_number_is_silent_beside_its_pool():
    """Of less than a week there is nothing to be compared with week by week."""
    since = NOON - 10 * 24 * HOUR
    new = Activity("18000", dict.fromkeys(range(since, NOON - 24 * HOUR, HOUR), 50), since, ("north",))
    (one,) = found([new, *numbers(20, ("north",), start=1)])

    assert ("silent", "number:fewer:18000", NOON - 24 * HOUR) == (one.kind, one.key, one.start)


def test_the_order_of_numbers_does_not_matter():
    """They come as they are stored."""
    some = [
        *numbers(12, ("north", "all"), factor=0), *numbers(3, ("south", "all"), start=12, factor=0),
        *numbers(40, ("south", "all"), start=15),
    ]  # fmt: skip
    keys = sorted(each.key for each in found(some, "all"))
    random.Random(1).shuffle(some)

    assert keys == sorted(each.key for each in found(some, "all"))
    assert "pool:fewer:north" in keys


def test_a_larger_pool_shows_the_same():
    """Twice as many numbers with the same calls are found alike."""
    for size in (20, 40, 80):
        assert ["pool:fewer:north"] == [each.key for each in found(numbers(size, ("north",), factor=0))]
