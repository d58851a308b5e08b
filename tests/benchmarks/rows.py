"""Rows of figures: what was measured, what it is compared with, and what was promised."""

import statistics
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Options:
    """How much is measured."""

    seconds: float = 5  # of each measurement
    largest: int = 10_000_000  # DIDs in an embedded database
    mariadb_largest: int = 1_000_000  # DIDs in MariaDB
    calls: int = 1_000_000  # in the logs of calls
    rounds: int = 3


@dataclass(frozen=True, slots=True)
class Target:
    """A promise: that the measured value, or with *ratio* its ratio to the reference, keeps to *bound*."""

    bound: float
    ratio: bool = False
    most: bool = False  # otherwise at least

    def is_met(self, value: float) -> bool:
        """Say whether *value* keeps the promise."""
        return value <= self.bound if self.most else value >= self.bound


def at_least_times(bound: float) -> Target:
    """Return the promise of at least *bound* times the reference."""
    return Target(bound, ratio=True)


def at_most_times(bound: float) -> Target:
    """Return the promise of at most *bound* times the reference."""
    return Target(bound, ratio=True, most=True)


def at_most(bound: float) -> Target:
    """Return the promise of a value of at most *bound*."""
    return Target(bound, most=True)


Spread = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Row:
    """One figure. Spreads are the least and the greatest of the rounds; a value is their median."""

    name: str
    unit: str
    measured: float
    spread: Spread | None = None
    reference: str | None = None
    reference_value: float | None = None
    ratio: float | None = None
    ratio_spread: Spread | None = None
    target: Target | None = None

    @property
    def met(self) -> bool | None:
        """Whether the promise is kept; None without one."""
        if self.target is None:
            return None
        value = self.ratio if self.target.ratio else self.measured
        return value is not None and self.target.is_met(value)


Group = Callable[[Options], Iterator[Row]]


def alone(name: str, unit: str, values: Sequence[float], target: Target | None = None) -> Row:
    """Return the row of *values*, one for each round, that are compared with nothing."""
    return Row(name, unit, statistics.median(values), _spread(values), target=target)


def compared(
    name: str, unit: str, pairs: Sequence[tuple[float, float]], reference: str, target: Target | None = None
) -> Row:
    """Return the row of *pairs*, one for each round: what was measured, and its reference just then."""
    values, references = zip(*pairs, strict=True)
    ratios = [value / other for value, other in pairs]
    return Row(
        name, unit, statistics.median(values), _spread(values), reference, statistics.median(references),
        statistics.median(ratios), _spread(ratios), target,
    )  # fmt: skip


def _spread(values: Sequence[float]) -> Spread | None:
    return (min(values), max(values)) if len(values) > 1 else None


def as_json(row: Row, group: str) -> dict[str, Any]:
    """Return *row* as it is written to files."""
    return {
        "group": group,
        "name": row.name,
        "unit": row.unit,
        "measured": _rounded(row.measured),
        "spread": row.spread and [_rounded(value) for value in row.spread],
        "reference": row.reference,
        "reference_value": _rounded(row.reference_value),
        "ratio": _rounded(row.ratio),
        "ratio_spread": row.ratio_spread and [_rounded(value) for value in row.ratio_spread],
        "target": row.target and _promise(row.target, row.unit),
        "met": row.met,
    }


def _rounded(value: float | None) -> float | None:
    return None if value is None else float(f"{value:.4g}")


def _promise(target: Target, unit: str) -> str:
    what = "ratio" if target.ratio else "measured"
    bound = f"{target.bound:g}" if target.ratio else quantity(target.bound, unit)
    return f"{what} {'<=' if target.most else '>='} {bound}"


def quantity(value: float, unit: str) -> str:
    """Return *value* as it is shown: with three figures at least, as no more are repeatable."""
    digits = 0 if value >= 100 or value == int(value) else 1 if value >= 10 else 2
    space = "" if unit.startswith("/") else " "
    return f"{value:,.{digits}f}{space}{unit}"


COLUMNS = ("what", "measured", "spread", "reference", "ratio", "its spread", "target", "met")


def cells(row: dict[str, Any]) -> tuple[str, ...]:
    """Return a row, as `as_json` has it, as texts, one for each of `COLUMNS`."""
    reference = row["reference"] or ""
    if reference:
        reference += f": {quantity(row['reference_value'], row['unit'])}"
    return (
        row["name"],
        quantity(row["measured"], row["unit"]),
        _range(row["spread"]),
        reference,
        "" if row["ratio"] is None else f"{row['ratio']:.3g}",
        _range(row["ratio_spread"]),
        (row["target"] or "").replace("<=", "≤").replace(">=", "≥"),
        {True: "yes", False: "no", None: ""}[row["met"]],
    )


def _range(spread: Spread | None) -> str:
    if spread is None:
        return ""
    return " to ".join(f"{value:,.0f}" if value >= 100 else f"{value:.3g}" for value in spread)
