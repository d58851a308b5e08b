"""Copying DIDs: the one copy function that every door uses."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import islice

from sqlalchemy.engine import Connection

from didier.errors import AlreadyExists, InvalidPattern, LeadsNowhere, NamedTwice
from didier.services.batches import copy_plans, decisions, execute
from didier.services.batches.copy_plans import CopyOrder, Plan, Refused
from didier.services.batches.decisions import Chunk, Problem
from didier.services.batches.rows import block_of
from didier.services.changes.copied import Copies
from didier.storage.batches import batches, refused_rows
from didier.storage.batches.batches import NewBatch, described
from didier.storage.changes import event_sql, vicidial_logs
from didier.storage.changes.change_log import Change
from didier.storage.dids import snapshots
from didier.storage.statements import as_text
from didier.storage.tables import DIDS

__all__ = ["Copied", "CopyOrder", "CopyOutcome", "CopyResult", "Refused", "copy"]


@dataclass(frozen=True, slots=True)
class Copied:
    """A new DID; in a dry run one that would be made, whose id is 0. *note* says what is odd about it."""

    pattern: str
    did_id: int
    note: str = ""


CopyOutcome = Copied | AlreadyExists | InvalidPattern | LeadsNowhere


@dataclass(frozen=True, slots=True)
class CopyResult:
    """What became of an order: one item for each target, in order. A dry run has no batch: its id is 0."""

    batch_id: int
    items: tuple[CopyOutcome, ...]
    dry_run: bool = False

    @property
    def copied(self) -> list[Copied]:
        """The DIDs that were made."""
        return [item for item in self.items if isinstance(item, Copied)]


def copy(conn: Connection, orders: Sequence[CopyOrder], now: datetime) -> list[CopyResult | Refused]:
    """Carry out *orders*; return for each what became of its targets, or why it was refused as a whole.

    Of two orders for the same target the first gets it, within an order as well as between orders. All rows
    of all orders are created by one statement. Each order that was not refused leaves a batch; each that
    created DIDs leaves a row in the admin log.
    """
    plans = copy_plans.decide(conn, orders)
    ready = [plan for plan in plans if isinstance(plan, Plan) and not plan.order.dry_run]
    results = _create(conn, ready, now)
    vicidial_logs.write_admin(conn, _events(ready, results), now)
    finished = iter(results)
    return [_outcome(plan, finished) for plan in plans]


def _outcome(plan: Plan | Refused, finished: Iterator[CopyResult]) -> CopyResult | Refused:
    if not isinstance(plan, Plan):
        return plan
    return CopyResult(0, _items(plan.chunk, None), dry_run=True) if plan.order.dry_run else next(finished)


def _create(conn: Connection, plans: Sequence[Plan], now: datetime) -> list[CopyResult]:
    """Create what is planned, and record it."""
    images = {plan.source.did_id: plan.spec.image for plan in plans}
    snapshot_ids = dict(zip(images, snapshots.keep(conn, list(images.values())), strict=True))
    copies = [_copies(plan, snapshot_ids[plan.source.did_id]) for plan in plans]
    block = block_of([(plan.spec, plan.chunk) for plan in plans], as_text(now))
    created = iter(execute.create(conn, block, lambda: list(_planned(plans, copies)), now))
    ids = [list(islice(created, plan.chunk.possible_count)) for plan in plans]
    done = [_done(*one) for one in zip(plans, copies, ids, strict=True)]
    batch_ids = batches.record(conn, done, now)
    for batch_id, plan in zip(batch_ids, plans, strict=True):
        refused_rows.keep(conn, batch_id, decisions.refused_rows_of(plan.chunk))
    return [
        CopyResult(batch_id, _items(plan.chunk, of_plan))
        for batch_id, plan, of_plan in zip(batch_ids, plans, ids, strict=True)
    ]


def _planned(plans: Sequence[Plan], copies: Sequence[Copies]) -> Iterator[Change]:
    for plan, of_plan in zip(plans, copies, strict=True):
        yield from of_plan.planned(plan.chunk)


def _copies(plan: Plan, snapshot_id: int) -> Copies:
    """Return what the change log says of all copies; *snapshot_id* is the source as it is."""
    caller, source = plan.order.caller, plan.source
    known = described(plan.mode, caller.pattern_prefix, caller.visibility, source.did_id, plan.template)
    return Copies(caller.author, source.pattern, snapshot_id, plan.spec, known)


def _items(chunk: Chunk, ids: Sequence[int | None] | None) -> tuple[CopyOutcome, ...]:
    """Return what became of each target; *ids* are those of the copies, without them it is a dry run."""
    rest = iter(ids or ())
    return tuple(
        _refused(target, chunk.problems[place])
        if place in chunk.problems
        else _item(target, 0 if ids is None else next(rest), chunk.notes.get(place, ""))
        for place, target in enumerate(chunk.targets)
    )


def _item(target: str, did_id: int | None, note: str) -> CopyOutcome:
    """Return the item of a target without problem; one without id was taken in between."""
    return AlreadyExists(target) if did_id is None else Copied(target, did_id, note)


def _refused(target: str, problem: Problem) -> AlreadyExists | InvalidPattern | LeadsNowhere:
    if problem.outcome == "duplicate":
        return NamedTwice(target)
    if problem.outcome == "exists":
        return AlreadyExists(target)
    return problem.refusal or InvalidPattern(target, problem.reason)


def _done(plan: Plan, copies: Copies, ids: Sequence[int | None]) -> NewBatch | Change:
    """Return the batch that *plan* has come to: its only change, where that is all."""
    chunk = plan.chunk
    placed = decisions.items(chunk, ids)
    if len(placed) == 1 and placed[0].item.outcome == "added":
        return copies.change(placed[0].item, chunk.own)
    return NewBatch(
        author=copies.author,
        items=[one.item for one in placed],
        changes=copies.changes(placed, chunk.own, batch_id=0),
        overrides=plan.order.overrides,
        mode=plan.mode,
        source_id=plan.source.did_id,
        source_pattern=plan.source.pattern,
        snapshot_id=copies.snapshot_id,
        template=plan.template,
        pattern_prefix=plan.order.caller.pattern_prefix,
        own_columns=chunk.own_columns,
        caller_groups=plan.order.caller.visibility,
    )


def _events(plans: Sequence[Plan], results: Sequence[CopyResult]) -> Iterator[vicidial_logs.AdminEntry]:
    """Yield the admin log's row of each order that made DIDs, in VICIdial's words."""
    for plan, result in zip(plans, results, strict=True):
        copied = result.copied
        if not copied:
            continue
        lines = [
            f"{item.pattern} ADDED, did_id: {item.did_id}\n"
            if isinstance(item, Copied)
            else f"{item.pattern} {'ALREADY EXISTS' if isinstance(item, AlreadyExists) else 'NOT VALID'}\n"
            for item in result.items
        ]
        yield vicidial_logs.AdminEntry(
            user=plan.order.caller.name,
            address=plan.order.caller.address,
            type="COPY",
            record_id=str(copied[-1].did_id),
            code="ADMIN API COPY DIDS",
            notes=f"DID Source: {plan.order.source} Inserts: {len(copied)}"
            f" Insert Errors: {len(result.items) - len(copied)} Copy Log:\n{''.join(lines)}",
            batch_id=result.batch_id,
            # Of the last target alone, as in VICIdial's log; the notes name all.
            sql=event_sql.copied(
                DIDS,
                {"did_pattern": copied[-1].pattern, **plan.order.overrides},
                {"did_id": plan.source.did_id},
            ),
        )
