"""The states of a batch: which event leads from which to which, and what is stored with it.

A batch is in one `Stage`: its state as callers know it, and, while a large one is under way, the phase of
its work. Batches that are made in one transaction begin as *done*.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType


@dataclass(frozen=True, slots=True)
class Stage:
    """Where a batch stands: *state* is pending, running, done, failed or undone.

    *phase* is check, make or remove, None where no work of a large batch is under way.
    """

    state: str
    phase: str | None = None

    def __str__(self) -> str:
        return f"{self.state}, {self.phase}" if self.phase else self.state


class IllegalMove(Exception):
    """A batch cannot get from where it stands by this event."""


@dataclass(frozen=True, slots=True)
class Move:
    """What an event does to a batch: where it gets, the columns that are stored with it."""

    to: Stage
    writes: tuple[str, ...] = ()


ORDERED_ATOMIC, ORDERED = Stage("pending", "check"), Stage("pending", "make")
CHECKING, MAKING, REMOVING = Stage("running", "check"), Stage("running", "make"), Stage("running", "remove")
DONE, FAILED, UNDONE = Stage("done"), Stage("failed"), Stage("undone")

ACTIVE = frozenset({"pending", "running"})
"""States in which something goes on by itself."""

_ENDED = ("finished_at",)
_FAILED = ("failure", "finished_at")
_UNDO = ("forced", "undone_by", "undone_by_id", "undone_origin", "undone_at", "undo_groups", "kept")

MOVES: Mapping[str, Mapping[Stage, Move]] = MappingProxyType({
    # An atomic batch is looked through as a whole before its first row is made.
    "check": {ORDERED_ATOMIC: Move(CHECKING), CHECKING: Move(CHECKING)},
    "refuse": {CHECKING: Move(FAILED, _FAILED)},
    "make": {ORDERED: Move(MAKING), CHECKING: Move(MAKING), MAKING: Move(MAKING)},
    "finish": {MAKING: Move(DONE, _ENDED)},
    # Nothing of it is there, or what is there stays: a best-effort batch, or one whose removal failed.
    "fail": dict.fromkeys(
        (ORDERED_ATOMIC, ORDERED, CHECKING, MAKING, REMOVING, DONE), Move(FAILED, _FAILED)
    ),
    # An atomic batch that has made rows fails: they are removed again.
    "roll back": dict.fromkeys((MAKING, REMOVING, DONE), Move(REMOVING, ("failure",))),
    "rolled back": {REMOVING: Move(FAILED, _ENDED)},
    "undo": dict.fromkeys((DONE, FAILED, UNDONE), Move(REMOVING, _UNDO)),
    "undone": {REMOVING: Move(UNDONE, _ENDED)},
    # All that it had changed was changed since: it can still be undone by force.
    "kept all": {REMOVING: Move(DONE, _ENDED)},
})  # fmt: skip
"""By event: from each stage in which it may come, where it leads."""


def after(stage: Stage, event: str) -> Move:
    """Return what *event* does to a batch at *stage*; raise `IllegalMove`."""
    move = MOVES[event].get(stage)
    if move is None:
        raise IllegalMove(f"a batch that is {stage} knows no {event!r}")
    return move


def diagram() -> str:
    """Return the picture of all moves, as Mermaid's state diagram."""
    lines = ["stateDiagram-v2", *(f"    {_name(stage)} : {stage}" for stage in _STAGES)]
    lines += [f"    [*] --> {_name(stage)}" for stage in (ORDERED_ATOMIC, ORDERED, DONE)]
    for event, moves in MOVES.items():
        lines += [f"    {_name(stage)} --> {_name(move.to)} : {event}" for stage, move in moves.items()]
    return "\n".join(lines)


_STAGES = (ORDERED_ATOMIC, ORDERED, CHECKING, MAKING, REMOVING, DONE, FAILED, UNDONE)


def _name(stage: Stage) -> str:
    return f"{stage.state}_{stage.phase}" if stage.phase else stage.state
