"""What a copy would do, target by target; nothing is written."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy.engine import Connection

from didier.domain.inputs import Row
from didier.domain.routes import sentence
from didier.errors import InvalidField, NotFound, NotPermitted, Refusal
from didier.services.batches import copy_source
from didier.services.batches.batches import BatchOrder
from didier.services.batches.copy_spec import CopySpec
from didier.services.batches.decisions import Chunk
from didier.services.batches.planner import Planner
from didier.storage.dids import dids

SAMPLE = 5
"""How many DIDs are shown of those that would be created."""

CHUNK = 2_000
"""How many targets are decided on at a time."""

STATUSES = ("new", "similar", "exists", "duplicate", "invalid", "implausible", "nowhere")


@dataclass(frozen=True, slots=True)
class Difference:
    """A field in which a DID differs from what would be made."""

    now: Any
    would_be: Any


@dataclass(frozen=True, slots=True)
class PreviewItem:
    """What would become of a target: *status* is one of `STATUSES`.

    New and similar ones would be made, also if *reason* says what is odd about them; a similar one is the
    same number in another spelling as *similar_to*, or as one before. One that *exists* differs from what
    would be made in *differs*.
    """

    position: int  # counted from 1
    target: str
    status: str
    reason: str | None = None
    did_id: int | None = None
    similar_to: str | None = None
    differs: Mapping[str, Difference] = field(default_factory=dict)
    row: Row | None = field(default=None, compare=False)  # from which it was read

    @property
    def is_possible(self) -> bool:
        """Whether it would be created."""
        return self.status in {"new", "similar"}


@dataclass(frozen=True, slots=True)
class SampledCopy:
    """A DID that would be created: its description, and what calls to it would do in words."""

    target: str
    description: str
    destination: str


class Preview:
    """Looks through an order; `totals` has how many targets there are of each status so far.

    `sample` has the first of those that would be created.
    """

    def __init__(self, order: BatchOrder, spec: CopySpec) -> None:
        self._spec = spec
        self._sight = order.caller.visibility
        self._planner = Planner(spec, order.text.entries(), self._sight, checks=order.checks)
        self.totals = dict.fromkeys(STATUSES, 0)
        self.sample: list[SampledCopy] = []

    def close(self) -> None:
        """Forget the targets."""
        self._planner.close()

    def step(self, conn: Connection) -> list[PreviewItem] | None:
        """Return what would become of the next targets, None behind the last."""
        chunk = self._planner.take(CHUNK)
        if chunk is None:
            return None
        self._planner.decide(conn, chunk)
        rows = self._existing(conn, chunk)
        found = [self._seen(chunk, place, rows) for place in range(len(chunk.targets))]
        for place, seen in enumerate(found):
            self.totals[seen.status] += 1
            if seen.is_possible and len(self.sample) < SAMPLE:
                self.sample.append(self._sampled(chunk, place))
        return found

    def _sampled(self, chunk: Chunk, place: int) -> SampledCopy:
        row = {**self._spec.values, **self._own(chunk, place)}
        return SampledCopy(chunk.targets[place], str(row["did_description"] or ""), sentence(row))

    def _own(self, chunk: Chunk, place: int) -> Mapping[str, Any]:
        return self._spec.stored(chunk.own[place]) if chunk.own else {}

    def _existing(self, conn: Connection, chunk: Chunk) -> dict[int, dict[str, Any]]:
        """Return the rows of the DIDs of *chunk* that exist and that the caller sees."""
        there = [problem.did for problem in chunk.problems.values() if problem.did]
        visible = [did.did_id for did in there if self._sight.sees(did.group, did.pattern)]
        return {**dids.images(conn, visible)}

    def _seen(self, chunk: Chunk, place: int, rows: Mapping[int, Mapping[str, Any]]) -> PreviewItem:
        position, target = chunk.position + place + 1, chunk.targets[place]
        problem = chunk.problems.get(place)
        if problem is None:
            status, other = "similar" if place in chunk.similar else "new", chunk.similar.get(place)
            note = chunk.notes.get(place)
            return PreviewItem(position, target, status, note, similar_to=other or None)
        read = chunk.rows[place] if chunk.rows else None
        did = problem.did
        row = rows.get(did.did_id) if did else None
        if did is None or row is None or problem.outcome != "exists":
            return PreviewItem(position, target, problem.outcome, problem.reason, row=read)
        wanted = {**self._spec.values, **self._own(chunk, place)}
        differs = {name: Difference(row[name], value) for name, value in wanted.items() if row[name] != value}
        return PreviewItem(position, target, "exists", problem.reason, did.did_id, None, differs, read)


def preview(
    conn: Connection, order: BatchOrder
) -> Preview | NotPermitted | NotFound | InvalidField | Refusal:
    """Begin to look through *order*, or say why it would be refused as a whole."""
    source = dids.find(conn, [order.source]).get(order.source)
    image = dids.sources(conn, [source.did_id])[source.did_id] if source else {}
    refused = copy_source.refusal(
        conn, order.caller, order.source, source, image, order.overrides, order.text.own_columns
    )
    if refused or source is None:
        return refused or NotFound(order.source)
    if order.template and (bad := order.template.problem({*image, *order.text.names})):
        return bad
    return Preview(order, CopySpec(image, order.overrides, order.template))
