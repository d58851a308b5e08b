"""Adding, updating, deleting and importing many DIDs by one order, which leaves one batch.

A small order is carried out at once, in one transaction; a large one is taken in, and `job` carries it out.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from types import MappingProxyType
from typing import Any

from sqlalchemy.engine import Connection

from didier.domain import batch_states
from didier.domain.inputs import Row
from didier.errors import InvalidField, NotAllPossible, NotPermitted
from didier.services.batches import edit_parts, spellings
from didier.services.batches.copy_plans import PROBLEMS_SHOWN
from didier.services.batches.edit_parts import Part
from didier.services.batches.edit_spec import EditSpec
from didier.services.batches.order_text import Text
from didier.services.changes import record
from didier.services.dids import validation
from didier.services.users.authentication import Caller
from didier.storage.batches import batches, progress, refused_rows
from didier.storage.batches.batches import BatchItem, NewBatch
from didier.storage.batches.stored_batch import StoredBatch
from didier.storage.changes import vicidial_logs

_NOTHING: Mapping[str, Any] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class EditOrder:
    """A wish to edit the DIDs of *rows* as *spec* says; atomic: all of them or none.

    *where* are the conditions by which they were chosen, if they were.
    """

    caller: Caller
    spec: EditSpec
    rows: Sequence[Row]
    atomic: bool = True
    dry_run: bool = False
    where: Mapping[str, Any] = field(default_factory=lambda: _NOTHING)


@dataclass(frozen=True, slots=True)
class Edited:
    """What became of each row, see `storage.batches.batches.BatchItem`; a dry run has no batch."""

    batch_id: int
    items: Sequence[BatchItem]
    dry_run: bool


Refused = NotAllPossible | NotPermitted | InvalidField


def edit(conn: Connection, orders: Sequence[EditOrder], now: datetime) -> list[Edited | Refused]:
    """Carry out *orders*, each of which leaves one batch, which can be undone."""
    return [_edit(conn, order, now) for order in orders]


def _edit(conn: Connection, order: EditOrder, now: datetime) -> Edited | Refused:
    if refused := refusal(conn, order.caller, order.spec):
        return refused
    respelled = spellings.again((row.target for row in order.rows), order.spec.checks.region)
    part = Part(0, order.rows, respelled=respelled)
    plan = edit_parts.decide(conn, order.caller, order.spec, part, dry_run=order.dry_run)
    if plan.refused and order.atomic:
        for problem in plan.refused.values():
            if isinstance(problem, NotPermitted):
                return problem
        problems = plan.problems()
        return NotAllPossible(tuple(problems[:PROBLEMS_SHOWN]), len(problems))
    if order.dry_run:
        return Edited(0, plan.items(), dry_run=True)
    batch = _batch(order.caller, order.spec, order.atomic, order.where)
    batch_id = batches.insert_batches(conn, [batch], now)[0]
    items, changes = edit_parts.carry_out(conn, plan, order.spec, batch_id, now)
    progress.add_items(
        conn, batch_id, [progress.PlacedItem(place, item) for place, item in enumerate(items, 1)]
    )
    refused_rows.keep(conn, batch_id, plan.refused_rows())
    progress.change(conn, batch_id, {"requested": len(items), **batches.totals(items)})
    vicidial_logs.write_admin(conn, [record.event_of(change, batch_id) for change in changes], now)
    return Edited(batch_id, items, dry_run=False)


def refusal(conn: Connection, caller: Caller, spec: EditSpec) -> NotPermitted | InvalidField | None:
    """Say why an order is refused whatever its DIDs are."""
    if missing := spec.missing(caller):
        return missing
    if spec.verb == "update" and not (spec.values or spec.columns or spec.tags or spec.drift):
        return InvalidField("values", "", "at least one column")
    if spec.tags and "tags" in {*spec.values, *spec.columns}:
        return InvalidField("tags", "", "set, or added and removed, not both")
    if spec.drift and (spec.values or spec.columns or spec.tags):
        return InvalidField("drift", spec.drift.action, "what is done alone, without values and tags")
    if bad := spec.tags.problem() or spec.drift.problem():
        return bad
    return validation.problem_of_all(conn, spec.values, caller.visibility)


def _batch(caller: Caller, spec: EditSpec, atomic: bool, where: Mapping[str, Any]) -> NewBatch:
    return NewBatch(
        author=caller.author,
        items=(),
        changes=(),
        overrides=spec.values,
        kind=spec.verb,
        mode="atomic" if atomic else "best_effort",
        pattern_prefix=caller.pattern_prefix,
        own_columns=tuple(sorted(spec.columns)),
        caller_groups=caller.visibility,
        options=spec.options | ({"where": where} if where else {}),
    )


@dataclass(frozen=True, slots=True)
class LargeEditOrder:
    """A wish to edit the DIDs of *text*; the rest as in `EditOrder`."""

    caller: Caller
    spec: EditSpec
    text: Text
    atomic: bool = True
    where: Mapping[str, Any] = field(default_factory=lambda: _NOTHING)


def accept(
    conn: Connection, orders: Sequence[LargeEditOrder], now: datetime
) -> list[StoredBatch | NotPermitted | InvalidField]:
    """Take *orders* in: what is returned as pending will be carried out, also after a restart."""
    return [_accept(conn, order, now) for order in orders]


def _accept(
    conn: Connection, order: LargeEditOrder, now: datetime
) -> StoredBatch | NotPermitted | InvalidField:
    if refused := refusal(conn, order.caller, order.spec):
        return refused
    batch = _batch(order.caller, order.spec, order.atomic, order.where)
    stage = batch_states.ORDERED_ATOMIC if order.atomic else batch_states.ORDERED
    return progress.accept(conn, batch, order.text.count, stage, order.text.pieces, now)
