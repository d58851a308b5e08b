"""Editing some DIDs of an order, one behind the other: deciding on each, and carrying that out.

The same for an order that is carried out at once and for the parts of a large one.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence, Set
from dataclasses import dataclass, field, replace
from datetime import datetime

from sqlalchemy.engine import Connection

from didier.domain import patterns, targets
from didier.domain.inputs import Row
from didier.errors import (
    AlreadyExists,
    ChangedMeanwhile,
    DeletionLocked,
    Implausible,
    InUse,
    InvalidPattern,
    LeadsNowhere,
    NamedTwice,
    NoDrift,
    NotFound,
    Protected,
    Refusal,
    TargetProblem,
)
from didier.services.batches import edit_decisions, execute, spellings
from didier.services.batches.edit_decisions import Decided
from didier.services.batches.edit_orders import AddOrder, DeleteOrder, UpdateOrder
from didier.services.batches.edit_spec import EditSpec
from didier.services.changes.runs import in_runs
from didier.services.users.authentication import Caller
from didier.storage.batches.batches import BatchItem
from didier.storage.changes import change_log
from didier.storage.changes.change_log import CREATED, Change
from didier.storage.dids import dids
from didier.storage.dids.dids import Found

_REFUSED: Mapping[type[Refusal], str] = {
    NamedTwice: "duplicate", AlreadyExists: "exists", NotFound: "missing", InUse: "refused",
    DeletionLocked: "refused", Protected: "refused", ChangedMeanwhile: "refused", Implausible: "implausible",
    LeadsNowhere: "nowhere", NoDrift: "refused",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Part:
    """Some DIDs of an order: *position* come before.

    Those at the places *repeated* stand earlier in the order, those *respelled* in another spelling.
    """

    position: int
    rows: Sequence[Row]
    repeated: Collection[int] = ()
    respelled: Set[int] = frozenset()

    @property
    def size(self) -> int:
        """How many DIDs there are."""
        return len(self.rows)


@dataclass(frozen=True, slots=True)
class Plan:
    """What was decided on a part, by place: refusals, and of the others what becomes of the DID.

    A DID that an import leaves as it is exists. *changes* are what is to be carried out; a dry run has none.
    """

    part: Part
    refused: dict[int, Refusal] = field(default_factory=dict)
    outcomes: dict[int, str] = field(default_factory=dict)  # added, updated, deleted or exists
    changes: dict[int, Change] = field(default_factory=dict)
    notes: dict[int, str] = field(default_factory=dict)  # what is odd about numbers that are created

    def problems(self) -> list[TargetProblem]:
        """Return what is wrong with rows, in order."""
        rows, first = self.part.rows, self.part.position + 1
        return [
            TargetProblem(first + place, rows[place].target, outcome_of(refused), _why(rows[place], refused))
            for place, refused in sorted(self.refused.items())
        ]

    def refused_rows(self) -> dict[int, Row]:
        """Return the rows that are refused, by position in the order."""
        return {self.part.position + place + 1: self.part.rows[place] for place in self.refused}

    def items(self, ids: Mapping[int, int] | None = None) -> list[BatchItem]:
        """Return what becomes of each row; *ids* are those of new DIDs by position in the order."""
        known = ids or {}
        return [
            self._item(place, row, known.get(self.part.position + place + 1))
            for place, row in enumerate(self.part.rows)
        ]

    def _item(self, place: int, row: Row, did_id: int | None) -> BatchItem:
        refused = self.refused.get(place)
        if refused is None:
            return BatchItem(row.target, self.outcomes[place], did_id, reason=self.notes.get(place))
        outcome = outcome_of(refused)
        return BatchItem(row.target, outcome, reason=_why(row, refused) if outcome in _EXPLAINED else None)


def _why(row: Row, refused: Refusal) -> str:
    if row.problem or (row.line and isinstance(refused, InvalidPattern)):
        return row.told(refused.reason if isinstance(refused, InvalidPattern) else str(refused))
    return str(refused)


_EXPLAINED = frozenset({"invalid", "implausible", "nowhere", "refused"})


def outcome_of(refused: Refusal) -> str:
    """Return what became of a DID that was not edited for this reason."""
    return _REFUSED.get(type(refused), "invalid")


def decide(conn: Connection, caller: Caller, spec: EditSpec, part: Part, *, dry_run: bool = False) -> Plan:
    """Decide what becomes of the DIDs of *part*; in a dry run they are not held for the transaction."""
    found = dids.find(conn, {row.target for row in part.rows})
    plan = Plan(part)
    orders = _Orders(caller, spec, dry_run)
    seen: set[str] = set()
    for place, row in enumerate(part.rows):
        key = found.key(row.target)
        if place in part.repeated or key in seen:
            plan.refused[place] = NamedTwice(row.target)
        elif refused := _unread(row) or orders.add(place, row, found):
            plan.refused[place] = refused
        seen.add(key)
    plan.outcomes.update(dict.fromkeys(orders.left, "exists"))
    new, changed, gone = orders.additions, orders.updates, orders.deletions
    if new:
        _take(plan, "added", new, edit_decisions.additions(conn, list(new.values()), found))
        for place in new.keys() & part.respelled - plan.refused.keys():
            plan.notes.setdefault(place, spellings.told(""))
    if changed:
        _take(plan, "updated", changed, edit_decisions.updates(conn, list(changed.values()), found))
    if gone:
        _take(plan, "deleted", gone, edit_decisions.deletions(conn, list(gone.values()), found))
    return plan


def _unread(row: Row) -> InvalidPattern | None:
    """Refuse what could not be read."""
    return InvalidPattern(row.target, row.problem) if row.problem else None


def _take(plan: Plan, word: str, places: Iterable[int], decided: Decided) -> None:
    """Put into *plan* what was decided on the orders of *places*."""
    changes = iter(decided.changes)
    for number, (place, outcome) in enumerate(zip(places, decided.outcomes, strict=True)):
        if isinstance(outcome, Refusal):
            plan.refused[place] = outcome
            continue
        plan.outcomes[place] = word
        if number in decided.notes:
            plan.notes[place] = decided.notes[number]
        if outcome is None:
            plan.changes[place] = next(changes)


@dataclass(frozen=True, slots=True)
class _Orders:
    """The orders that the rows of a part come to, by place; DIDs at the places *left* stay as they are."""

    caller: Caller
    spec: EditSpec
    dry_run: bool
    additions: dict[int, AddOrder] = field(default_factory=dict)
    updates: dict[int, UpdateOrder] = field(default_factory=dict)
    deletions: dict[int, DeleteOrder] = field(default_factory=dict)
    left: list[int] = field(default_factory=list)

    def add(self, place: int, row: Row, found: Found) -> Refusal | None:
        """Take a row, or say why it is refused."""
        spec = self.spec
        if spec.verb == "delete":
            self.deletions[place] = DeleteOrder(self.caller, row.target, spec.force, self.dry_run)
        elif spec.verb == "update":
            self._update(place, row)
        elif spec.verb == "add" or found.get(row.target) is None:
            if problem := patterns.problem(row.target):
                return targets.refusal(problem)
            values = spec.new(row)
            self.additions[place] = AddOrder(self.caller, row.target, values, self.dry_run, spec.checks)
        elif spec.existing == "refuse":
            return AlreadyExists(row.target)
        elif spec.existing == "update" and spec.changed(row):
            self._update(place, row)
        else:
            self.left.append(place)
        return None

    def _update(self, place: int, row: Row) -> None:
        values = self.spec.changed(row)
        self.updates[place] = UpdateOrder(
            self.caller, row.target, values, self.dry_run, checks=self.spec.checks, tags=self.spec.tags,
            drift=self.spec.drift,
        )  # fmt: skip


def carry_out(
    conn: Connection, plan: Plan, spec: EditSpec, batch_id: int, now: datetime
) -> tuple[list[BatchItem], list[Change]]:
    """Carry out what was decided, and record it as part of a batch; return items and changes, in order.

    Raises `Outrun` when another program was faster; then nothing of the transaction may be stored.
    """
    first = plan.part.position + 1
    planned = [
        replace(change, batch_id=batch_id, cause=spec.verb, position=first + place)
        for place, change in sorted(plan.changes.items())
    ]
    done = execute.carry_out(conn, planned, now)
    change_log.record(conn, in_runs(done), now)
    return plan.items({one.position: one.did_id for one in done if one.action == CREATED}), done
