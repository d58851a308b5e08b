"""Deciding on orders to copy DIDs: which are refused, and what the others would create.

A group of orders is decided on with the same number of statements as one; nothing is written.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice

from sqlalchemy.engine import Connection

from didier.domain.inputs import Row
from didier.domain.templates import Template
from didier.errors import InvalidField, NotAllPossible, NotFound, NotPermitted
from didier.services.batches import copy_source, decisions, notes, spellings
from didier.services.batches.checks import NO_CHECKS, Checks
from didier.services.batches.copy_spec import CopySpec
from didier.services.batches.decisions import Asked, Chunk
from didier.services.users.authentication import Caller
from didier.storage.dids import dids
from didier.storage.dids.dids import Did, Found, Hold

Refused = NotPermitted | NotFound | InvalidField | NotAllPossible

PROBLEMS_SHOWN = 1_000
"""Most targets whose problems are told of an order that is refused for them."""


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
class Plan:
    """An order on its way: its source, what its copies have, and what is decided on its targets."""

    order: CopyOrder
    source: Did
    asked: Asked

    @property
    def spec(self) -> CopySpec:
        """What its copies have."""
        return self.asked.spec

    @property
    def chunk(self) -> Chunk:
        """Its targets."""
        return self.asked.chunk

    @property
    def mode(self) -> str:
        """As batches have it."""
        return "atomic" if self.order.atomic else "best_effort"

    @property
    def template(self) -> str | None:
        """The text of the template, as batches have it."""
        return self.order.template.text if self.order.template else None


def decide(conn: Connection, orders: Sequence[CopyOrder]) -> list[Plan | Refused]:
    """Decide on *orders*; of two for the same target the first gets it, also within an order."""
    found = dids.find(conn, {*(o.source for o in orders), *(t for order in orders for t in order.targets)})
    wanted = list(_wanted(conn, orders, found))
    asked = [plan.asked for plan in wanted if isinstance(plan, Plan)]
    dead_ends = decisions.dead_ends(conn, asked)
    rest = iter(zip(decisions.bad_values(conn, asked), dead_ends, strict=True))
    taken = found.keys()
    decided = [_decided(one, found, taken, *next(rest)) if isinstance(one, Plan) else one for one in wanted]
    again = [spellings.again(one.chunk.targets, one.checks.region) for one in asked]
    notes.look(conn, asked, again, dead_ends)
    return decided


def _wanted(conn: Connection, orders: Sequence[CopyOrder], found: Found) -> Iterator[Plan | Refused]:
    """Yield what *orders* would come to if all their targets were possible."""
    sources = [found.get(order.source) for order in orders]
    images = dids.sources(conn, {source.did_id for source in sources if source}, Hold.READ)
    checked: copy_source.Checked = {}
    for order, source in zip(orders, sources, strict=True):
        own = {column for row in order.rows for column in row.values}
        image = images[source.did_id] if source else {}
        refused = copy_source.refusal(
            conn, order.caller, order.source, source, image, order.overrides, own, checked
        )
        if refused is None and order.template:
            extra = order.rows[0].extra if order.rows else {}
            refused = order.template.problem({*image, *extra})
        if refused or source is None:
            yield refused or NotFound(order.source)
            continue
        spec = CopySpec(image, order.overrides, order.template)
        chunk = Chunk(0, order.targets, None, spec.own_of(order.rows or order.targets), order.rows)
        yield Plan(order, source, Asked(chunk, spec, order.caller.visibility, order.checks))


def _decided(
    plan: Plan, found: Found, taken: set[str], bad_values: Mapping[int, str], dead_ends: Mapping[int, str]
) -> Plan | NotAllPossible:
    """Decide on each target; *taken* are the keys of what is there, to which the new ones are added."""
    order, chunk = plan.order, plan.chunk
    keys = [found.key(target) for target in order.targets]
    there = {place: found.get(order.targets[place]) for place, key in enumerate(keys) if key in taken}
    decisions.decide(plan.asked, there, spellings.repeated(dict(enumerate(keys))), bad_values, dead_ends)
    if order.dry_run:
        return plan
    if order.atomic and chunk.problems:
        problems = list(islice(decisions.target_problems(chunk), PROBLEMS_SHOWN))
        return NotAllPossible(tuple(problems), len(chunk.problems))
    taken.update(key for place, key in enumerate(keys) if place not in chunk.problems)
    return plan
