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
    runs: list[Change] = []
    for change in changes:
        if runs and _goes_on(runs[-1], change):
            runs[-1] = replace(runs[-1], size=runs[-1].size + 1)
        else:
            runs.append(change)
    return runs


def _goes_on(run: Change, change: Change) -> bool:
    size = run.size
    return (
        size < LONGEST_RUN
        and change.did_id == run.did_id + size
        and change.position == run.position + size
        and len(change.pattern) == len(run.pattern)
        and change.action == run.action
        and change.details == run.details
        and change.pattern == in_run(run.pattern, size)
        and _is_alike(run, change.before, run.before)
        and _is_alike(run, change.after, run.after)
    )


def _is_alike(run: Change, image: Image | None, first: Image | None) -> bool:
    """Say whether *image* is that of the run's *first* DID, but for id and number."""
    if image is None or first is None:
        return image is first
    return {**image, "did_id": first["did_id"], "did_pattern": first["did_pattern"]} == first
