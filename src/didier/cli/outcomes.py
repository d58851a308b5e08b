"""What is said of batches of every kind: how far they are, what became of them, what was not done and why."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from types import MappingProxyType
from typing import TYPE_CHECKING

import typer

from didier.cli import printing
from didier.cli.failures import Status
from didier.cli.printing import numbered
from didier.cli.terminal import say

if TYPE_CHECKING:
    from didier.client import Batch
    from didier.client.models import BatchState, ImportedItem, Item, Totals

TOLD = 10
"""Most targets that are named of those to which nothing was done."""

NOT_DONE = ("exists", "duplicate", "invalid", "implausible", "nowhere", "missing", "refused")


@dataclass(frozen=True, slots=True)
class Words:
    """How a kind of batch is told: of what, what it is doing and has done, and the same for its undoing."""

    noun: str
    doing: str
    done: str
    undoing: str
    undone: str


_OTHER = Words("target", "Working", "done", "Undoing", "undone")
"""For a kind that this release does not know."""

_KINDS: Mapping[str, Words] = MappingProxyType(
    {
        "copy": Words("target", "Copying", "created", "Deleting", "deleted"),
        "add": Words("DID", "Creating", "created", "Deleting", "deleted"),
        "update": Words("DID", "Updating", "updated", "Restoring", "restored"),
        "delete": Words("DID", "Deleting", "deleted", "Restoring", "restored"),
        "import": Words("row", "Importing", "imported", "Undoing", "undone"),
    }
)


def words_of(kind: str) -> Words:
    """Return how a kind of batch is told."""
    return _KINDS.get(kind, _OTHER)


def progress(batch: "BatchState") -> str:
    """Say how far a batch is."""
    totals, words = batch.totals, words_of(batch.kind)
    requested = numbered(totals.requested, words.noun)
    if batch.phase == "check":
        return f"{batch.done:,} of {requested} checked, none {words.done} yet"
    if batch.phase == "remove":
        return f"{totals.taken_back:,} of {numbered(totals.edited, 'DID')} {words.undone}"
    told = f"{totals.edited:,} of {requested} {words.done}"
    if batch.kind == "import" and totals.added and totals.updated:
        told += f" ({totals.added:,} created, {totals.updated:,} updated)"
    return ", ".join([told, *_taken_back(totals)])


def _taken_back(totals: "Totals") -> Iterator[str]:
    if totals.removed:
        yield f"{totals.removed:,} deleted again"
    if totals.restored:
        yield f"{totals.restored:,} restored"


def undone(batch: "BatchState") -> str:
    """Say what an undo has done."""
    counts = {"deleted": batch.totals.removed, "restored": batch.totals.restored}
    told = [f"{numbered(count, 'DID')} {word}" for word, count in counts.items() if count]
    if told or batch.state == "undone":
        return f"Batch {batch.id} was undone{': ' if told else ''}{', '.join(told)}."
    return f"Nothing in batch {batch.id} was undone."


def say_notes(created: Iterable["Item | ImportedItem"]) -> None:
    """Say on standard error what is odd about DIDs that were created, once of all that have it in common."""
    notes: dict[str, list[str]] = {}
    for item in created:
        if item.reason:
            notes.setdefault(item.reason, []).append(item.target)
    for note, targets in notes.items():
        named = targets[0] if len(targets) == 1 else f"{targets[0]} and {len(targets) - 1:,} more"
        say(f"didier: {named}: {note}", err=True)


def report(batch: "Batch", as_json: bool) -> None:
    """Print the outcome of a batch that has ended."""
    if as_json:
        printing.print_json(printing.fields(batch))
        return
    if batch.state == "failed":
        return  # said with the status
    say(f"Batch {batch.id} is {batch.state}: {progress(batch)}.")
    outcomes = not_done(batch)
    left = sum(getattr(batch.totals, name) for name in outcomes)
    if not left:
        return
    for item in islice(batch.items(outcomes), TOLD):
        say_not_done(item, batch.kind)
    if left > TOLD:
        wanted = " ".join(f"--outcome {name}" for name in outcomes if getattr(batch.totals, name))
        say(f"didier: and {left - TOLD:,} more: didier batches show {batch.id} {wanted}", err=True)


def not_done(batch: "BatchState") -> Sequence[str]:
    """Return the outcomes that mean that an order was not carried out for a target."""
    left_alone = {"exists"} if batch.kind == "import" and batch.existing != "refuse" else set()
    return [name for name in NOT_DONE if name not in left_alone]


def say_not_done(item: "Item", kind: str) -> None:
    """Say on standard error why nothing was done for a target."""
    say(f"didier: {_why(item, kind)}", err=True)


def _why(item: "Item", kind: str) -> str:
    match item.outcome:
        case "exists":
            return f"DID {item.target} already exists"
        case "duplicate":
            return f"{item.target} appears earlier in this order"
        case "missing":
            return f"there is no DID {item.target}"
        case "invalid" if kind == "copy":
            return f"{item.target!r} is not a valid DID: {item.reason}"
    reason = item.reason or item.outcome
    return reason if item.target in reason else f"DID {item.target}: {reason}"


def ended(batch: "BatchState") -> None:
    """End the command with the status for the outcome of *batch*."""
    totals = batch.totals
    if batch.state == "failed":
        say(f"didier: batch {batch.id} failed: {batch.failure or ''}", err=True)
        if totals.edited:
            say(f"didier: {progress(batch)}", err=True)
        raise typer.Exit(Status.PARTLY if totals.edited > totals.taken_back else Status.REFUSED)
    if batch.state == "done" and any(getattr(totals, name) for name in not_done(batch)):
        raise typer.Exit(Status.PARTLY if totals.edited else Status.REFUSED)
