"""Copying DIDs: the one copy function that every door uses."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy.engine import Connection

from didier.domain import fields, inputs, patterns, targets
from didier.domain.inputs import Row
from didier.domain.templates import Template
from didier.domain.users import missing_rights
from didier.domain.visibility import Visibility
from didier.errors import (
    AlreadyExists,
    InvalidField,
    InvalidPattern,
    NamedTwice,
    NotAllPossible,
    NotFound,
    NotPermitted,
    TargetProblem,
)
from didier.services.batches import journal
from didier.services.batches.copy_spec import Recipe
from didier.services.batches.decisions import in_runs
from didier.services.changes.copied import Copies
from didier.services.dids import validation
from didier.services.users.authentication import Caller
from didier.storage.batches import batches
from didier.storage.batches.batches import Batch, described
from didier.storage.changes import vicidial_logs
from didier.storage.changes.change_log import Change, Image
from didier.storage.dids import dids, snapshots
from didier.storage.dids.dids import Did, Found, Hold
from didier.storage.statements import is_transactional
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


Refused = NotPermitted | NotFound | InvalidField | NotAllPossible

PROBLEMS_SHOWN = 1_000
"""Most targets whose problems are told of an order that is refused for them."""


@dataclass(slots=True)
class _Plan:
    """An order on its way: its source, and for each target the refusal or None while it is to be made."""

    order: CopyOrder
    source: Did
    recipe: Recipe
    refusals: list[AlreadyExists | InvalidPattern | None]
    own: Sequence[Mapping[str, str | None]] = ()  # values of each target, when any has some

    @property
    def own_columns(self) -> tuple[str, ...]:
        """The columns in which targets have values of their own."""
        return tuple(sorted({column for own in self.own for column in own}))

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
        return Copies(caller.author, source.pattern, snapshot_id, self.recipe, known)


def copy(conn: Connection, orders: Sequence[CopyOrder], now: datetime) -> list[CopyResult | Refused]:
    """Carry out *orders*; return for each what became of its targets, or why it was refused as a whole.

    Of two wishes for the same target the first gets it, within an order as well as between orders. All
    rows of all orders are made by one statement. Each order that was not refused leaves a batch; each that
    made DIDs leaves a row in the admin log.
    """
    found = dids.find(conn, {*(o.source for o in orders), *_targets(orders)})
    sources = [found.get(order.source) for order in orders]
    images = dids.images(conn, {source.did_id for source in sources if source}, Hold.READ)
    checked: Checked = {}
    plans: list[_Plan | Refused] = []
    taken = found.keys()
    for order, source in zip(orders, sources, strict=True):
        own = {column for row in order.rows for column in row.values}
        image = images[source.did_id] if source else {}
        refused = refusal(conn, order.caller, order.source, source, image, order.overrides, own, checked)
        if refused or source is None:
            plans.append(refused or NotFound(order.source))
        else:
            recipe = Recipe(image, order.overrides, order.template)
            plans.append(_plan(conn, order, source, recipe, found, taken))
    ready = [plan for plan in plans if isinstance(plan, _Plan) and not plan.order.dry_run]
    results = _make(conn, ready, now)
    vicidial_logs.write_admin(conn, _events(ready, results), now)
    finished = iter(results)
    return [_outcome(plan, finished) for plan in plans]


def _outcome(plan: _Plan | Refused, finished: Iterator[CopyResult]) -> CopyResult | Refused:
    if not isinstance(plan, _Plan):
        return plan
    if not plan.order.dry_run:
        return next(finished)
    pairs = zip(plan.order.targets, plan.refusals, strict=True)
    return CopyResult(0, tuple(refused or Copied(target, 0) for target, refused in pairs), dry_run=True)


def _make(conn: Connection, plans: Sequence[_Plan], now: datetime) -> list[CopyResult]:
    """Create what is planned, and record it."""
    images = {plan.source.did_id: plan.recipe.image for plan in plans}
    snapshot_ids = dict(zip(images, snapshots.keep(conn, list(images.values())), strict=True))
    copies = [plan.copies(snapshot_ids[plan.source.did_id]) for plan in plans]
    outcomes = _all_items(plans, _create(conn, plans, copies, now))
    done = [_done(*one) for one in zip(plans, copies, outcomes, strict=True)]
    batch_ids = batches.record(conn, done, now)
    return [CopyResult(*pair) for pair in zip(batch_ids, outcomes, strict=True)]


def _create(
    conn: Connection, plans: Sequence[_Plan], copies: Sequence[Copies], now: datetime
) -> Sequence[int | None]:
    """Create the planned DIDs; return their ids in order, None where another program was faster."""
    rows = [row for plan in plans for row in _rows(plan)]
    if not rows or is_transactional(conn, DIDS):
        return dids.copy(conn, rows, now)
    planned = [
        of_plan.change(batches.Item(target, "added"), plan.own[place : place + 1])
        for plan, of_plan in zip(plans, copies, strict=True)
        for place, target in enumerate(plan.order.targets)
        if plan.refusals[place] is None
    ]
    with journal.journaled(conn, planned, now):
        made = dids.copy_where_free(conn, rows, now)
    return [made.get(row.target) for row in rows]


def _targets(orders: Sequence[CopyOrder]) -> Iterator[str]:
    for order in orders:
        yield from order.targets


Checked = dict[tuple[object, ...], InvalidField | None]
"""What was found wrong with overrides, so that equal ones are looked at once in a group."""


def refusal(
    conn: Connection,
    caller: Caller,
    pattern: str,
    source: Did | None,
    image: Image,
    overrides: Mapping[str, str | None],
    own: Collection[str] = (),
    checked: Checked | None = None,
) -> NotPermitted | NotFound | InvalidField | None:
    """Say why *caller* may not copy *source*, the DID *pattern*, with *overrides*; None when they may.

    *image* is the source's row: its values may be said again by who sees some groups alone. *own* are the
    columns in which targets have values of their own; *checked* what was found before.
    """
    if missing := missing_rights(caller.user, "copy_did"):
        return missing
    sight = caller.visibility
    if source is None or not sight.sees(source.group, pattern):
        return NotFound(pattern)
    checked = {} if checked is None else checked
    key = (*overrides.items(), sight, source.did_id if sight.is_limited else 0)
    if key not in checked:
        checked[key] = _bad_override(conn, overrides, sight, image)
    return checked[key] or validation.own_group_problem(caller.user, own)


def missing_source(conn: Connection, caller: Caller, pattern: str) -> NotFound | None:
    """Refuse *pattern* as a source that is not there for *caller*, before its targets are looked at."""
    source = dids.find(conn, [pattern]).get(pattern)
    return None if source and caller.visibility.sees(source.group, pattern) else NotFound(pattern)


def _bad_override(
    conn: Connection, overrides: Mapping[str, str | None], sight: Visibility, image: Image
) -> InvalidField | None:
    for column, value in overrides.items():
        if column not in fields.BY_COLUMN:
            return InvalidField(column, value or "", "a field of a DID")
    return validation.problems(conn, [overrides], [sight], [image])[0] if overrides else None


def _plan(
    conn: Connection, order: CopyOrder, source: Did, recipe: Recipe, found: Found, taken: set[str]
) -> _Plan | NotAllPossible | InvalidField:
    """Decide on each target; *taken* are the keys of what is there, to which the new ones are added."""
    extra = order.rows[0].extra if order.rows else {}
    if order.template and (bad := order.template.problem({*recipe.image, *extra})):
        return bad
    own = _own(order, recipe)
    wrong: Sequence[InvalidField | None] = [None] * len(order.targets)
    if own:
        limits = ([order.caller.visibility] * len(own), [recipe.image] * len(own))
        wrong = validation.problems(conn, own, *limits)
    now_taken = taken.copy() if order.dry_run or order.atomic else taken
    named: set[str] = set()
    refusals: list[AlreadyExists | InvalidPattern | None] = []
    for target, bad_value in zip(order.targets, wrong, strict=True):
        key = found.key(target)
        if problem := patterns.problem(target) or (order.rows and inputs.spoiled(target)):
            refusals.append(targets.refusal(problem))
        elif not order.caller.may_touch(target):
            prefix = order.caller.pattern_prefix
            refusals.append(InvalidPattern(target, f"the token reaches DIDs that begin with {prefix} only"))
        elif bad_value:
            refusals.append(InvalidPattern(target, str(bad_value)))
        elif key in named:
            refusals.append(NamedTwice(target))
        elif key in now_taken:
            refusals.append(AlreadyExists(target))
        else:
            now_taken.add(key)
            refusals.append(None)
        named.add(key)
    if order.atomic and not order.dry_run:
        if any(refusals):
            return _not_all(order, refusals)
        taken |= now_taken
    return _Plan(order, source, recipe, refusals, own)


def _own(order: CopyOrder, recipe: Recipe) -> Sequence[Mapping[str, str | None]]:
    """Return the values that each target has for itself; nothing when none has any."""
    if not order.rows and order.template is None:
        return ()
    own = [recipe.own(row) for row in order.rows or map(Row, order.targets)]
    return own if any(own) else ()


def _not_all(order: CopyOrder, refusals: Sequence[AlreadyExists | InvalidPattern | None]) -> NotAllPossible:
    problems = [
        TargetProblem(place, target, _outcome_word(refused), _reason(refused))
        for place, (target, refused) in enumerate(zip(order.targets, refusals, strict=True), 1)
        if refused
    ]
    return NotAllPossible(tuple(problems[:PROBLEMS_SHOWN]), len(problems))


def _outcome_word(refused: AlreadyExists | InvalidPattern) -> str:
    if isinstance(refused, NamedTwice):
        return "duplicate"
    return "exists" if isinstance(refused, AlreadyExists) else "invalid"


def _reason(refused: AlreadyExists | InvalidPattern) -> str:
    if isinstance(refused, InvalidPattern):
        return refused.reason
    return "named before in this order" if isinstance(refused, NamedTwice) else "exists already"


def _rows(plan: _Plan) -> Iterator[dids.Copy]:
    overrides = fields.stored(plan.order.overrides)
    for place, (target, refused) in enumerate(zip(plan.order.targets, plan.refusals, strict=True)):
        if refused is None:
            own = fields.stored(plan.own[place]) if plan.own else {}
            yield dids.Copy(plan.source.did_id, target, {**overrides, **own})


def _all_items(plans: Sequence[_Plan], ids: Sequence[int | None]) -> list[tuple[Item, ...]]:
    """Return what became of each target; *ids* are those of the copies, None where one exists by now."""
    rest = iter(ids)
    return [
        tuple(
            refused or _item(target, next(rest))
            for target, refused in zip(plan.order.targets, plan.refusals, strict=True)
        )
        for plan in plans
    ]


def _item(target: str, did_id: int | None) -> Item:
    return Copied(target, did_id) if did_id else AlreadyExists(target)


def _done(plan: _Plan, copies: Copies, items: Sequence[Item]) -> Batch | Change:
    """Return the batch that *plan* has come to: its only change, where that is all."""
    pairs = zip(plan.order.targets, items, strict=True)
    placed = in_runs([_batch_item(target, item) for target, item in pairs])
    if len(placed) == 1 and placed[0].item.outcome == "added":
        return copies.change(placed[0].item, plan.own)
    return Batch(
        author=copies.author,
        items=[one.item for one in placed],
        changes=copies.changes(placed, plan.own, batch_id=0),
        overrides=plan.order.overrides,
        mode=plan.mode,
        source_id=plan.source.did_id,
        source_pattern=plan.source.pattern,
        snapshot_id=copies.snapshot_id,
        template=plan.template,
        reach=plan.order.caller.pattern_prefix,
        own_columns=plan.own_columns,
        caller_groups=plan.order.caller.visibility,
    )


def _batch_item(target: str, item: Item) -> batches.Item:
    if isinstance(item, Copied):
        return batches.Item(target, "added", item.did_id)
    reason = item.reason if isinstance(item, InvalidPattern) else None
    return batches.Item(target, _outcome_word(item), reason=reason)


_LOG_WORDS = {"exists": "ALREADY EXISTS", "duplicate": "ALREADY EXISTS", "invalid": "NOT VALID"}


def _events(plans: Sequence[_Plan], results: Sequence[CopyResult]) -> Iterator[vicidial_logs.AdminEntry]:
    """Yield the admin log's row of each order that made DIDs, in VICIdial's words."""
    for plan, result in zip(plans, results, strict=True):
        if not result.copied:
            continue
        lines = [
            f"{item.pattern} ADDED, did_id: {item.did_id}\n"
            if isinstance(item, Copied)
            else f"{item.pattern} {_LOG_WORDS[_outcome_word(item)]}\n"
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
        )
