"""Changes of many DIDs in few rows of the change log: those that are alike and go on are one run."""

from collections.abc import Iterable
from dataclasses import replace

from didier.domain.targets import in_run
from didier.storage.changes.change_log import LONGEST_RUN, Change, Image


def in_runs(changes: Iterable[Change]) -> list[Change]:
    """Return *changes* of one batch, in order, with each run of them as one.

    A run goes on with the next position, the next number and the next id, the same done to it, and an image
    before and after that is the same but for these.
    """
    runs: list[tuple[Change, int]] = []
    for change in changes:
        if runs and _goes_on(*runs[-1], change):
            runs[-1] = runs[-1][0], runs[-1][1] + 1
        else:
            runs.append((change, 1))
    return [first if size == 1 else replace(first, size=size) for first, size in runs]


def _goes_on(first: Change, size: int, change: Change) -> bool:
    return (
        size < LONGEST_RUN
        and change.did_id == first.did_id + size
        and change.position == first.position + size
        and len(change.pattern) == len(first.pattern)
        and change.action == first.action
        and change.details == first.details
        and change.pattern == in_run(first.pattern, size)
        and _is_alike(change.before, first.before)
        and _is_alike(change.after, first.after)
    )


def _is_alike(image: Image | None, first: Image | None) -> bool:
    """Say whether *image* is that of the *first* DID of a run, but for id and number."""
    if image is None or first is None:
        return image is first
    return {**image, "did_id": first["did_id"], "did_pattern": first["did_pattern"]} == first
