"""Items of batches in runs: what became of consecutive numbers alike is one item."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace

from sqlalchemy.engine import Connection

from didier.domain import targets
from didier.storage.batches import progress
from didier.storage.batches.batches import BatchItem
from didier.storage.batches.progress import PlacedItem


def in_runs(found: Iterable[BatchItem], first: int = 1) -> list[PlacedItem]:
    """Return items of one target each with their positions from *first* on; those that go on are one run."""
    runs: list[tuple[int, BatchItem, int]] = []
    for position, item in enumerate(found, first):
        if runs and _goes_on(*runs[-1][1:], item):
            begin, run, size = runs[-1]
            runs[-1] = begin, run, size + 1
        else:
            runs.append((position, item, 1))
    return [PlacedItem(begin, run if size == 1 else replace(run, size=size)) for begin, run, size in runs]


def _goes_on(run: BatchItem, size: int, item: BatchItem) -> bool:
    """Say whether *item* is the next number, with the same outcome and the next id."""
    if run.outcome != item.outcome or run.reason != item.reason or len(run.target) != len(item.target):
        return False
    if run.did_id is not None and item.did_id != run.did_id + size:
        return False
    return item.target == targets.in_run(run.target, size)


def rename(conn: Connection, batch_id: int, words: Mapping[int, tuple[str, str]]) -> None:
    """Store what became of targets at last; *words* are pattern and outcome by position in the batch."""
    if not words:
        return
    first, last = min(words), max(words)
    found = progress.items(conn, batch_id, first - 1, last - first + 1)
    there = [placed for placed in found if placed.position <= last]
    if there:
        renamed = in_runs((_renamed(one, words) for run in there for one in _singles(run)), there[0].position)
        progress.replace_items(conn, batch_id, there[0].position, there[-1].position, renamed)


def _singles(run: PlacedItem) -> Iterator[PlacedItem]:
    item = run.item
    for place, target in enumerate(targets.run_of(item.target, item.size)):
        did_id = None if item.did_id is None else item.did_id + place
        yield PlacedItem(run.position + place, replace(item, target=target, did_id=did_id, size=1))


def _renamed(placed: PlacedItem, words: Mapping[int, tuple[str, str]]) -> BatchItem:
    # Earlier releases did not store the position of a change: theirs is not that of the target.
    target, outcome = words.get(placed.position, ("", ""))
    return replace(placed.item, outcome=outcome) if target == placed.item.target else placed.item
