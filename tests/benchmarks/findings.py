"""Plants known changes into made-up calls, judges them hour by hour, and says what was found, and what else.

    make backtest                                   three weeks of 2,000 numbers, in some minutes
    make backtest BACKTEST='--numbers 500 --seed 2'

Its table is that of docs/decisions/0036-sudden-changes.md. It is the same each time for the same seed.
"""

import argparse
import sys
from datetime import datetime
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from support import backtests, call_histories, made_up_sweeps
from support.backtests import Outcome
from support.call_histories import CLASSES

PLANTED = ("10 times as many", "3 times as many", "none any more", "none for hours", "a fifth")
POOLS = ("outage of a carrier", "holiday")


def main() -> None:
    """Print what a backtest comes to."""
    options = _options()
    history = call_histories.history(
        options.seed, datetime.fromisoformat(options.first), options.numbers, options.weeks
    )
    _print(backtests.run(history))
    right, wrong, planted = made_up_sweeps.run(options.seed, 7 * options.weeks)
    print(f"\nsweeps: {right} of {planted} found; {wrong} others")


def _print(outcome: Outcome) -> None:
    print(f"| planted | {' | '.join(CLASSES)} |\n|---|{'---|' * len(CLASSES)}")
    for name in PLANTED:
        cells = " | ".join("{} of {}".format(*outcome.recall(name, rate)) for rate in CLASSES)
        print(f"| {name} | {cells} |")
    for name in POOLS:
        print("{}: {} of {}".format(name, *outcome.recall(name)))
    for direction in ("more", "fewer"):
        print("{}: {} of {} told were planted".format(direction, *outcome.precision(direction)))
    daily = len(outcome.wrong) / outcome.days / outcome.numbers * 100_000
    print(f"told but not planted: {len(outcome.wrong)}, {daily:.1f} a day for 100,000 numbers")
    print(f"{outcome.seconds / outcome.judged * 1e6:.0f} µs for each number and hour")
    for episode in outcome.wrong:
        print(" ", episode.finding)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--numbers", type=int, default=2000)
    parser.add_argument("--weeks", type=int, default=3, help="weeks that are judged, two at least")
    parser.add_argument("--first", default="2026-10-12", help="the Monday on which they begin")
    parser.add_argument("--seed", type=int, default=1)
    return parser.parse_args()


if __name__ == "__main__":
    main()
