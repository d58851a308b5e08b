"""A short form of `make backtest`: known changes are found among made-up calls, and hardly anything else."""

from datetime import datetime

import pytest

from support import backtests, call_histories, made_up_sweeps


@pytest.fixture(scope="module")
def outcome():
    """Two weeks of 160 numbers, over the change of clocks in autumn."""
    return backtests.run(call_histories.history(3, datetime(2026, 10, 19), 160, 2))


def test_what_is_told_was_planted(outcome):
    """At least 8 of 10 of what is told; the long form has more."""
    right = sum(outcome.precision(direction)[0] for direction in ("more", "fewer"))

    assert right >= 5
    assert right >= 0.8 * len(outcome.episodes)


def test_what_was_planted_is_found(outcome):
    """What numbers with many calls lose for good, and gain tenfold; half of it at least, at this size."""
    many = list(call_histories.CLASSES)[2:]
    counts = [outcome.recall(name, rate) for name in ("none any more", "10 times as many") for rate in many]
    found, planted = map(sum, zip(*counts, strict=True))

    assert planted > 0
    assert found >= 0.5 * planted


def test_what_all_have_in_common_is_told_once(outcome):
    """The outage of a carrier and the holiday, each about its pool."""
    assert ((1, 1), (1, 1)) == (outcome.recall("outage of a carrier"), outcome.recall("holiday"))


def test_sweeps_are_found():
    """All of them, and no service that always does it."""
    right, wrong, planted = made_up_sweeps.run(1, 8)

    assert (planted, 0) == (right, wrong)
