"""Tails of the Gamma-Poisson distribution, and how much counts scatter.

Calls come by chance (Poisson) at a rate that is itself not the same on two days (Gamma). Together that is
the negative binomial distribution; with *shape* r and *mean* m its variance is m + m²/r. Its tails are
regularized incomplete beta functions, counted by their continued fraction in the modified form of Lentz
(Numerical Recipes, 3rd edition, 6.4): as exact for 10⁻³⁰ as for 0.3, for ten calls and for a million.
"""

import math
import statistics
from collections.abc import Sequence

_USUAL_SCATTER = 0.03
"""Square of how far rates are usually from their mean (17 %), for counts that say little about it."""

_USUAL_WEIGHT = 4
"""As many weeks as that counts for beside those that there are."""

_TINY = 1e-300
_PRECISION = 1e-14
_STEPS_MOST = 100_000


def at_most(count: int, mean: float, shape: float) -> float:
    """Return the probability of *count* calls or fewer where *mean* are expected."""
    if count < 0:
        return 0.0
    return _beta(shape, count + 1, shape / (shape + mean), mean / (shape + mean)) if mean > 0 else 1.0


def at_least(count: int, mean: float, shape: float) -> float:
    """Return the probability of *count* calls or more where *mean* are expected."""
    if count <= 0:
        return 1.0
    return _beta(count, shape, mean / (shape + mean), shape / (shape + mean)) if mean > 0 else 0.0


def shape(counts: Sequence[int]) -> float:
    """Return the shape by which to predict the next of *counts*, which are alike and at least two.

    The scatter beyond that of chance (by moments) is drawn towards the usual one, since few counts say little
    about it; what is not known of the mean is added, as if it were scatter too.
    """
    mean = max(sum(counts), 1) / len(counts)
    freedom = len(counts) - 1
    variance = (
        sum((count - mean) ** 2 for count in counts) / freedom
    )  # statistics.variance takes 50 times as long
    measured = max(0.0, (variance - mean) / mean**2)
    scatter = (_USUAL_WEIGHT * _USUAL_SCATTER + freedom * measured) / (_USUAL_WEIGHT + freedom)
    return 1 / (scatter + (scatter + 1 / mean) / len(counts))


def modified_z(count: int, counts: Sequence[int]) -> float:
    """Return how far *count* is from the median of *counts*, in deviations that outliers do not widen.

    It is the modified z-score of Iglewicz and Hoaglin (1993): 0.6745 of the median absolute deviation is one.
    Eight counts may be alike by accident: the deviation is never below that of chance, the median's root.
    """
    median = statistics.median(counts)
    deviation = statistics.median(abs(each - median) for each in counts) / 0.6745
    return (count - median) / max(deviation, math.sqrt(max(median, 1)))


def _beta(a: float, b: float, x: float, rest: float) -> float:
    """Return the regularized incomplete beta function of *x*; *rest* is 1 - x, exact where that is small."""
    front = math.exp(
        math.lgamma(a + b) - math.lgamma(a) - math.lgamma(b) + a * math.log(x) + b * math.log(rest)
    )
    if x < (a + 1) / (a + b + 2):  # elsewhere the fraction of the other side is the one that converges
        return front * _fraction(a, b, x) / a
    return max(0.0, 1 - front * _fraction(b, a, rest) / b)


def _fraction(a: float, b: float, x: float) -> float:
    c, d = 1.0, 1 / _off_zero(1 - (a + b) * x / (a + 1))
    result = d
    for step in range(1, _STEPS_MOST):
        twice = 2 * step
        even = step * (b - step) * x / ((a + twice - 1) * (a + twice))
        odd = -(a + step) * (a + b + step) * x / ((a + twice) * (a + twice + 1))
        for term in (even, odd):
            d = 1 / _off_zero(1 + term * d)
            c = _off_zero(1 + term / c)
            result *= c * d
        if abs(c * d - 1) < _PRECISION:
            break
    return result


def _off_zero(value: float) -> float:
    return value if abs(value) > _TINY else _TINY
