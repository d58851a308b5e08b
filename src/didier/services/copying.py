"""Copying DIDs: the one copy function that every door uses."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy.engine import Connection

from didier.domain import fields, patterns, targets
from didier.domain.users import missing_rights
from didier.errors import (
    AlreadyExists,
    InvalidField,
    InvalidPattern,
    InvalidRange,
    NotFound,
    NotPermitted,
)
from didier.services import journal
from didier.services.access import Caller
from didier.storage import batches, dids, logs
from didier.storage.dids import Did, Found
from didier.storage.statements import is_transactional
from didier.storage.tables import DIDS


@dataclass(frozen=True, slots=True)
class CopyOrder:
    """A wish to copy *source* to each of *targets*; *overrides* replace columns of the source.

    A dry run is decided like any other order but makes nothing.
    """

    caller: Caller
    source: str
    targets: tuple[str, ...]
    overrides: Mapping[str, str | None] = field(default_factory=dict)
    dry_run: bool = False


@dataclass(frozen=True, slots=True)
class Copied:
    """A new DID; in a dry run one that would be made, whose id is 0."""

    pattern: str
    did_id: int


Item = Copied | AlreadyExists | InvalidPattern


@dataclass(frozen=True, slots=True)
class CopyResult:
    """What became of an order: one item for each target, in order. A dry run has no batch: its id is 0."""

    batch_id: int
    items: tuple[Item, ...]
    dry_run: bool = False

    @property
    def copied(self) -> list[Copied]:
        """The DIDs that were made."""
        return [item for item in self.items if isinstance(item, Copied)]


Refused = NotPermitted | NotFound | InvalidField


@dataclass(slots=True)
class _Plan:
    """An order on its way: its source, and for each target the refusal or None while it is to be made."""

    order: CopyOrder
    source: Did
    refusals: list[AlreadyExists | InvalidPattern | None]


def copy(conn: Connection, orders: Sequence[CopyOrder], now: datetime) -> list[CopyResult | Refused]:
    """Carry out *orders*; return for each what became of its targets, or why it was refused as a whole.

    Of two wishes for the same target the first gets it, within an order as well as between orders. All
    rows of all orders are made by one statement. Each order that was not refused leaves a batch; each that
    made DIDs leaves a row in the admin log.
    """
    found = dids.find(conn, {*(o.source for o in orders), *_targets(orders)})
    plans: list[_Plan | Refused] = []
    taken = found.keys()
    for order in orders:
        source = found.get(order.source)
        refused = _refused(order, source)
        if refused or source is None:
            plans.append(refused or NotFound(order.source))
        else:
            plans.append(_plan(order, source, found, taken))
    ready = [plan for plan in plans if isinstance(plan, _Plan) and not plan.order.dry_run]
    results = _make(conn, ready, now)
    logs.write_admin(conn, _events(ready, results), now)
    finished = iter(results)
    return [_outcome(plan, finished) for plan in plans]


def _outcome(plan: _Plan | Refused, finished: Iterator[CopyResult]) -> CopyResult | Refused:
    if not isinstance(plan, _Plan):
        return plan
    if not plan.order.dry_run:
        return next(finished)
    pairs = zip(plan.order.targets, plan.refusals, strict=True)
    return CopyResult(0, tuple(refusal or Copied(target, 0) for target, refusal in pairs), dry_run=True)


def _make(conn: Connection, plans: Sequence[_Plan], now: datetime) -> list[CopyResult]:
    """Make what is planned, in the transaction or, where the table knows none, under the journal."""
    copies = [copy for plan in plans for copy in _copies(plan)]
    if copies and not is_transactional(conn, DIDS):
        batch_ids, ids = journal.make(conn, [_batch(plan) for plan in plans], copies, now)
        outcomes = _all_items(plans, ids)
    else:
        outcomes = _all_items(plans, dids.copy(conn, copies, now))
        done = [_batch(plan, items) for plan, items in zip(plans, outcomes, strict=True)]
        batch_ids = batches.record(conn, done, now)
    return [CopyResult(*pair) for pair in zip(batch_ids, outcomes, strict=True)]


def _targets(orders: Sequence[CopyOrder]) -> Iterator[str]:
    for order in orders:
        yield from order.targets


def _refused(order: CopyOrder, source: Did | None) -> Refused | None:
    user = order.caller.user
    if missing := missing_rights(user, "copy_did"):
        return missing
    if source is None or not user.sees(source.group):
        return NotFound(order.source)
    for column, value in order.overrides.items():
        if value is not None and (problem := fields.problem(column, value)):
            return problem
    return None


def _plan(order: CopyOrder, source: Did, found: Found, taken: set[str]) -> _Plan:
    """Decide on each target; *taken* are the keys of what is there, to which the new ones are added."""
    if order.dry_run:
        taken = taken.copy()
    refusals: list[AlreadyExists | InvalidPattern | None] = []
    for target in order.targets:
        key = found.key(target)
        if problem := patterns.problem(target):
            refusals.append(targets.refusal(problem))
        elif key in taken:
            refusals.append(AlreadyExists(target))
        else:
            taken.add(key)
            refusals.append(None)
    return _Plan(order, source, refusals)


def _copies(plan: _Plan) -> Iterator[dids.Copy]:
    for target, refusal in zip(plan.order.targets, plan.refusals, strict=True):
        if refusal is None:
            yield dids.Copy(plan.source.did_id, target, plan.order.overrides)


def _all_items(plans: Sequence[_Plan], ids: Sequence[int | None]) -> list[tuple[Item, ...]]:
    """Return what became of each target; *ids* are those of the copies, None where one exists by now."""
    rest = iter(ids)
    return [
        tuple(
            refusal or _item(target, next(rest))
            for target, refusal in zip(plan.order.targets, plan.refusals, strict=True)
        )
        for plan in plans
    ]


def _item(target: str, did_id: int | None) -> Item:
    return Copied(target, did_id) if did_id else AlreadyExists(target)


def _batch(plan: _Plan, items: Sequence[Item | None] = ()) -> batches.Batch:
    """Return the batch of *plan*; without *items* as planned."""
    caller = plan.order.caller
    pairs = zip(plan.order.targets, items or plan.refusals, strict=True)
    return batches.Batch(
        user=caller.name,
        address=caller.address,
        source_id=plan.source.did_id,
        source_pattern=plan.source.pattern,
        overrides=plan.order.overrides,
        items=[_batch_item(target, item) for target, item in pairs],
    )


def _batch_item(target: str, item: Item | None) -> batches.Item:
    if item is None:
        return batches.Item(target, batches.PLANNED)
    if isinstance(item, Copied):
        return batches.Item(target, "added", item.did_id)
    return batches.Item(target, "exists" if isinstance(item, AlreadyExists) else "invalid")


_LOG_WORDS = {AlreadyExists: "ALREADY EXISTS", InvalidPattern: "NOT VALID", InvalidRange: "NOT VALID"}


def _events(plans: Sequence[_Plan], results: Sequence[CopyResult]) -> Iterator[logs.AdminEntry]:
    """Yield the admin log's row of each order that made DIDs, in VICIdial's words."""
    for plan, result in zip(plans, results, strict=True):
        if not result.copied:
            continue
        lines = [
            f"{item.pattern} ADDED, did_id: {item.did_id}\n"
            if isinstance(item, Copied)
            else f"{item.pattern} {_LOG_WORDS[type(item)]}\n"
            for item in result.items
        ]
        made = len(result.copied)
        yield logs.AdminEntry(
            user=plan.order.caller.name,
            address=plan.order.caller.address,
            type="COPY",
            record_id=str(result.copied[-1].did_id),
            code="ADMIN API COPY DIDS",
            notes=f"DID Source: {plan.order.source} Inserts: {made}"
            f" Insert Errors: {len(result.items) - made} Copy Log:\n{''.join(lines)}",
            batch_id=result.batch_id,
        )
