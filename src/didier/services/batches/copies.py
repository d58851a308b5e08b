"""Copying DIDs: the one copy function that every door uses."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import islice

from sqlalchemy.engine import Connection

from didier.domain.inputs import Row
from didier.domain.templates import Template
from didier.errors import (
    AlreadyExists,
    InvalidField,
    InvalidPattern,
    LeadsNowhere,
    NamedTwice,
    NotAllPossible,
    NotFound,
    NotPermitted,
)
from didier.services.batches import copy_source, decisions, execute
from didier.services.batches.checks import NO_CHECKS, Checks
from didier.services.batches.copy_spec import CopySpec
from didier.services.batches.decisions import Chunk, Problem
from didier.services.batches.notes import Notes
from didier.services.batches.rows import block_of
from didier.services.changes.copied import Copies
from didier.services.users.authentication import Caller
from didier.storage.batches import batches, refused_rows
from didier.storage.batches.batches import NewBatch, described
from didier.storage.changes import event_sql, vicidial_logs
from didier.storage.changes.change_log import Change
from didier.storage.dids import dids, snapshots
from didier.storage.dids.dids import Did, Found, Hold
from didier.storage.statements import as_text
from didier.storage.tables import DIDS


@dataclass(frozen=True, slots=True)
class CopyOrder:
    """A wish to copy *source* to each of *targets*; *overrides* replace columns of the source.

    A dry run is decided like any other order but makes nothing. An *atomic* order makes all or nothing.
    *rows*, one for each target, have values that are for it alone; *template* makes its description.
    """

    caller: Caller
    source: str
    targets: tuple[str, ...]
    overrides: Mapping[str, str | None] = field(default_factory=dict)
    dry_run: bool = False
    atomic: bool = False
    rows: tuple[Row, ...] = ()
    template: Template | None = None
    checks: Checks = NO_CHECKS


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


Refused = NotPermitted | NotFound | InvalidField | NotAllPossible

PROBLEMS_SHOWN = 1_000
"""Most targets whose problems are told of an order that is refused for them."""


@dataclass(frozen=True, slots=True)
class _Plan:
    """An order on its way: its source, what its copies have, and what is decided on its targets."""

    order: CopyOrder
    source: Did
    spec: CopySpec
    chunk: Chunk

    @property
    def mode(self) -> str:
        """As batches have it."""
        return "atomic" if self.order.atomic else "best_effort"

    @property
    def template(self) -> str | None:
        """The text of the template, as batches have it."""
        return self.order.template.text if self.order.template else None

    def copies(self, snapshot_id: int) -> Copies:
        """Return what the change log says of all its copies; *snapshot_id* is the source as it is."""
        caller, source = self.order.caller, self.source
        known = described(self.mode, caller.pattern_prefix, caller.visibility, source.did_id, self.template)
        return Copies(caller.author, source.pattern, snapshot_id, self.spec, known)


def copy(conn: Connection, orders: Sequence[CopyOrder], now: datetime) -> list[CopyResult | Refused]:
    """Carry out *orders*; return for each what became of its targets, or why it was refused as a whole.

    Of two orders for the same target the first gets it, within an order as well as between orders. All rows
    of all orders are created by one statement. Each order that was not refused leaves a batch; each that
    created DIDs leaves a row in the admin log.
    """
    found = dids.find(conn, {*(o.source for o in orders), *_targets(orders)})
    sources = [found.get(order.source) for order in orders]
    images = dids.sources(conn, {source.did_id for source in sources if source}, Hold.READ)
    checked: copy_source.Checked = {}
    plans: list[_Plan | Refused] = []
    taken = found.keys()
    for order, source in zip(orders, sources, strict=True):
        own = {column for row in order.rows for column in row.values}
        image = images[source.did_id] if source else {}
        refused = copy_source.refusal(
            conn, order.caller, order.source, source, image, order.overrides, own, checked
        )
        if refused or source is None:
            plans.append(refused or NotFound(order.source))
        else:
            spec = CopySpec(image, order.overrides, order.template)
            plans.append(_plan(conn, order, source, spec, found, taken))
    ready = [plan for plan in plans if isinstance(plan, _Plan) and not plan.order.dry_run]
    results = _create(conn, ready, now)
    vicidial_logs.write_admin(conn, _events(ready, results), now)
    finished = iter(results)
    return [_outcome(plan, finished) for plan in plans]


def _outcome(plan: _Plan | Refused, finished: Iterator[CopyResult]) -> CopyResult | Refused:
    if not isinstance(plan, _Plan):
        return plan
    return CopyResult(0, _items(plan.chunk, None), dry_run=True) if plan.order.dry_run else next(finished)


def _create(conn: Connection, plans: Sequence[_Plan], now: datetime) -> list[CopyResult]:
    """Create what is planned, and record it."""
    images = {plan.source.did_id: plan.spec.image for plan in plans}
    snapshot_ids = dict(zip(images, snapshots.keep(conn, list(images.values())), strict=True))
    copies = [plan.copies(snapshot_ids[plan.source.did_id]) for plan in plans]
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


def _planned(plans: Sequence[_Plan], copies: Sequence[Copies]) -> Iterator[Change]:
    for plan, of_plan in zip(plans, copies, strict=True):
        yield from of_plan.planned(plan.chunk)


def _targets(orders: Sequence[CopyOrder]) -> Iterator[str]:
    for order in orders:
        yield from order.targets


def _plan(
    conn: Connection, order: CopyOrder, source: Did, spec: CopySpec, found: Found, taken: set[str]
) -> _Plan | NotAllPossible | InvalidField:
    """Decide on each target; *taken* are the keys of what is there, to which the new ones are added."""
    extra = order.rows[0].extra if order.rows else {}
    if order.template and (bad := order.template.problem({*spec.image, *extra})):
        return bad
    sight = order.caller.visibility
    chunk = Chunk(0, order.targets, None, spec.own_of(order.rows or order.targets), order.rows)
    keys = [found.key(target) for target in order.targets]
    first: dict[str, int] = {}
    repeated = [place for place, key in enumerate(keys) if first.setdefault(key, place) != place]
    there = {place: found.get(order.targets[place]) for place, key in enumerate(keys) if key in taken}
    bad_values = decisions.bad_values(conn, chunk.own, sight, spec)
    dead_ends = decisions.dead_ends(conn, chunk, spec, order.checks)
    decisions.decide(chunk, there, repeated, bad_values, sight, order.checks, dead_ends)
    _look(conn, order, spec, chunk)
    if not order.dry_run:
        if order.atomic and chunk.problems:
            problems = list(islice(decisions.target_problems(chunk), PROBLEMS_SHOWN))
            return NotAllPossible(tuple(problems), len(chunk.problems))
        taken.update(key for place, key in enumerate(keys) if place not in chunk.problems)
    return _Plan(order, source, spec, chunk)


def _look(conn: Connection, order: CopyOrder, spec: CopySpec, chunk: Chunk) -> None:
    """Note what is odd about the targets of *chunk*."""
    notes = Notes(order.source, order.checks)
    try:
        notes.look(conn, chunk, order.caller.visibility)
    finally:
        notes.close()
    if order.checks.region and not order.checks.leading:
        for place, why in decisions.dead_ends(conn, chunk, spec, Checks(leading=True)).items():
            if place not in chunk.problems:
                told = (chunk.notes.get(place, ""), f"calls lead nowhere: {why}")
                chunk.notes[place] = "; ".join(filter(None, told))


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


def _done(plan: _Plan, copies: Copies, ids: Sequence[int | None]) -> NewBatch | Change:
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


def _events(plans: Sequence[_Plan], results: Sequence[CopyResult]) -> Iterator[vicidial_logs.AdminEntry]:
    """Yield the admin log's row of each order that made DIDs, in VICIdial's words."""
    for plan, result in zip(plans, results, strict=True):
        if not result.copied:
            continue
        lines = [
            f"{item.pattern} ADDED, did_id: {item.did_id}\n"
            if isinstance(item, Copied)
            else f"{item.pattern} {'ALREADY EXISTS' if isinstance(item, AlreadyExists) else 'NOT VALID'}\n"
            for item in result.items
        ]
        made = len(result.copied)
        yield vicidial_logs.AdminEntry(
            user=plan.order.caller.name,
            address=plan.order.caller.address,
            type="COPY",
            record_id=str(result.copied[-1].did_id),
            code="ADMIN API COPY DIDS",
            notes=f"DID Source: {plan.order.source} Inserts: {made}"
            f" Insert Errors: {len(result.items) - made} Copy Log:\n{''.join(lines)}",
            batch_id=result.batch_id,
            # Of the last target alone, as in VICIdial's log; the notes name all.
            sql=event_sql.copied(
                DIDS,
                {"did_pattern": result.copied[-1].pattern, **plan.order.overrides},
                {"did_id": plan.source.did_id},
            ),
        )
