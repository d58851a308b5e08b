"""Deciding on the targets of a copy: which of them cannot be created, and why not.

The same for one number and for a million: a chunk is some targets of an order, or all of them.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from sqlalchemy.engine import Connection

from didier.domain import fallbacks, patterns, targets
from didier.domain.inputs import Row
from didier.domain.targets import Range
from didier.domain.visibility import EVERYTHING, Visibility
from didier.errors import Implausible, InvalidPattern, LeadsNowhere, TargetProblem
from didier.services.batches import item_runs
from didier.services.batches.checks import NO_CHECKS, Checks
from didier.services.batches.copy_spec import CopySpec
from didier.services.dids import nowhere, validation
from didier.storage.batches.batches import BatchItem
from didier.storage.batches.progress import PlacedItem
from didier.storage.dids import dids
from didier.storage.dids.dids import Did


@dataclass(frozen=True, slots=True)
class Problem:
    """Why a target is not made: *outcome* is exists, duplicate, invalid, implausible or nowhere."""

    outcome: str
    reason: str
    did: Did | None = None  # the one that exists
    refusal: InvalidPattern | LeadsNowhere | None = (
        None  # of one that is no pattern, out of reach, or nowhere
    )


@dataclass(slots=True)
class Chunk:
    """Some targets of an order, one behind the other."""

    position: int  # how many targets of the order come before
    targets: Sequence[str]
    block: Range | None = None  # when they are consecutive numbers
    own: Sequence[Mapping[str, str | None]] = ()  # of each target, when any has values of its own
    rows: Sequence[Row] = ()  # of each target, when they were read one by one
    problems: dict[int, Problem] = field(default_factory=dict)  # by place in the chunk
    notes: dict[int, str] = field(default_factory=dict)  # what is odd about targets, by place
    similar: dict[int, str] = field(default_factory=dict)  # DIDs that are the number of targets, by place

    @property
    def size(self) -> int:
        """How many targets there are."""
        return len(self.targets)

    @property
    def end(self) -> int:
        """How many targets of the order are decided on with this chunk."""
        return self.position + self.size

    @property
    def possible_count(self) -> int:
        """How many targets have no problems."""
        return self.size - len(self.problems)

    @property
    def own_columns(self) -> tuple[str, ...]:
        """The columns in which targets have values of their own."""
        return tuple(sorted({column for own in self.own for column in own}))

    def possible(self) -> "Chunk":
        """Return the targets without problems."""
        if not self.problems:
            return self
        places = [place for place in range(len(self.targets)) if place not in self.problems]
        own = [self.own[place] for place in places] if self.own else ()
        rows = [self.rows[place] for place in places] if self.rows else ()
        return Chunk(self.position, [self.targets[place] for place in places], None, own, rows)


@dataclass(frozen=True, slots=True)
class Asked:
    """Targets to be created as *spec* says, by who has this *sight*, looked at for *checks*."""

    chunk: Chunk
    spec: CopySpec
    sight: Visibility = EVERYTHING
    checks: Checks = NO_CHECKS


def decide(
    asked: Asked,
    there: Mapping[int, Did | None],
    repeated: Collection[int],
    bad_values: Mapping[int, str],
    dead_ends: Mapping[int, str],
) -> None:
    """Find the problems of the targets of *asked*, each by its place.

    *there* are those that exist (with the DID, unless it is yet to be created by an order before), *repeated*
    those that were named before in the order, *bad_values* those with a value of their own that is wrong,
    *dead_ends* those whose calls would lead nowhere.
    """
    chunk, sight, checks = asked.chunk, asked.sight, asked.checks
    # The numbers of a block are patterns all.
    is_fine = chunk.block and not bad_values and sight.prefix is None and not checks.block_doubt(chunk.block)
    for place in () if is_fine else range(len(chunk.targets)):
        if refusal := _invalid(chunk, place, sight, checks):
            outcome = "implausible" if isinstance(refusal, Implausible) else "invalid"
            chunk.problems[place] = Problem(outcome, refusal.reason, refusal=refusal)
        elif place in bad_values:
            chunk.problems[place] = Problem("invalid", bad_values[place])
    for place, did in there.items():
        chunk.problems.setdefault(place, Problem("exists", "already exists", did))
    for place in repeated:
        found = chunk.problems.get(place)
        if found is None or found.outcome == "exists":
            chunk.problems[place] = Problem("duplicate", "appears earlier in this order")
    for place, why in dead_ends.items() if checks.leading else ():
        chunk.problems.setdefault(place, _dead_end(chunk.targets[place], why))


def _dead_end(target: str, why: str) -> Problem:
    return Problem("nowhere", f"calls would lead nowhere: {why}", refusal=LeadsNowhere(target, why))


def _invalid(chunk: Chunk, place: int, sight: Visibility, checks: Checks) -> InvalidPattern | None:
    target = chunk.targets[place]
    if chunk.rows and chunk.rows[place].problem:
        return InvalidPattern(target, chunk.rows[place].problem)
    if problem := patterns.problem(target):
        return targets.refusal(problem)
    if not sight.sees_pattern(target):
        return InvalidPattern(target, f"the token is only for DIDs that begin with {sight.prefix}")
    doubt = checks.doubt(target)
    if doubt is None:
        return None
    return Implausible(target, chunk.rows[place].told(doubt) if chunk.rows else doubt)


def bad_values(conn: Connection, asked: Sequence[Asked]) -> list[dict[int, str]]:
    """Return for each of *asked* what is wrong with the values that targets have for themselves, by place."""
    rows = [
        (number, place, own) for number, one in enumerate(asked) for place, own in enumerate(one.chunk.own)
    ]
    bad: list[dict[int, str]] = [{} for _ in asked]
    if rows:
        sights = [asked[number].sight for number, _, _ in rows]
        images = [asked[number].spec.image for number, _, _ in rows]
        found = validation.problems(conn, [own for _, _, own in rows], sights, images)
        for (number, place, _), problem in zip(rows, found, strict=True):
            if problem:
                bad[number][place] = str(problem)
    return bad


def dead_ends(conn: Connection, asked: Sequence[Asked]) -> list[dict[int, str]]:
    """Return for each of *asked* why calls to targets would lead nowhere, by place, where that is looked for.

    Of targets that send their calls the same way one is looked at for all.
    """
    ways: dict[tuple[object, ...], Mapping[str, str | int | None]] = {}
    of_targets: list[list[tuple[object, ...]]] = []
    for number, one in enumerate(asked):
        own = (one.chunk.own or ({},)) if one.checks.leading or one.checks.region else ()
        of_targets.append([(number, *_sent_by(values)) for values in own])
        alike = one.spec.values if own else {}
        new = ((way, values) for way, values in zip(of_targets[-1], own, strict=True) if way not in ways)
        ways |= {way: {**alike, **one.spec.stored(values)} for way, values in new}
    reasons = dict(zip(ways, nowhere.reasons(conn, list(ways.values())), strict=True))
    dead = [
        {place: why for place, way in enumerate(ways_of) if (why := reasons[way])} for ways_of in of_targets
    ]
    return [
        found if one.chunk.own else dict.fromkeys(range(one.chunk.size), found[0]) if found else {}
        for one, found in zip(asked, dead, strict=True)
    ]


def _sent_by(values: Mapping[str, str | None]) -> Iterator[tuple[str, str | None]]:
    """Yield those of *values* that say where calls go."""
    return (item for item in values.items() if item[0] in fallbacks.DECIDING)


_EXPLAINED = frozenset({"invalid", "implausible", "nowhere"})


def target_problems(chunk: Chunk) -> Iterator[TargetProblem]:
    """Yield what is wrong with targets of *chunk*, in order."""
    for place, problem in sorted(chunk.problems.items()):
        yield TargetProblem(chunk.position + place + 1, chunk.targets[place], problem.outcome, problem.reason)


def refused_rows_of(chunk: Chunk) -> dict[int, Row]:
    """Return the rows of the targets of *chunk* that cannot be created, by position in the order."""
    if not chunk.rows:
        return {}
    return {chunk.position + place + 1: chunk.rows[place] for place in chunk.problems}


def existing(conn: Connection, chunk: Chunk) -> dict[int, Did]:
    """Return the DIDs that exist of the targets of *chunk*, by place."""
    block = chunk.block
    if block:
        first, last = chunk.targets[0], chunk.targets[-1]
        digits = slice(len(block.prefix), None)
        found = dids.between(conn, first, last)
        return {int(d.pattern[digits]) - block.first: d for d in found if d.pattern[digits].isdigit()}
    there = dids.find(conn, set(chunk.targets))
    pairs = ((place, there.get(target)) for place, target in enumerate(chunk.targets))
    return {place: did for place, did in pairs if did}


def items(chunk: Chunk, ids: Sequence[int | None] | None) -> list[PlacedItem]:
    """Return the items of *chunk*; *ids* are those of its possible targets, None where one exists by now.

    Consecutive numbers with consecutive ids are one item. Without *ids* they are yet to be given.
    """
    if chunk.block and isinstance(ids, range) and not (chunk.problems or chunk.notes):
        return [PlacedItem(chunk.position + 1, BatchItem(chunk.targets[0], "added", ids.start, len(ids)))]
    rest = iter(ids or ())
    found = []
    for place, target in enumerate(chunk.targets):
        problem = chunk.problems.get(place)
        did_id = None if problem or ids is None else next(rest)
        outcome = problem.outcome if problem else "added" if did_id or ids is None else "exists"
        reason = problem.reason if problem and problem.outcome in _EXPLAINED else None
        if outcome == "added":
            reason = chunk.notes.get(place)
        found.append(BatchItem(target, outcome, did_id, 1, reason))
    return item_runs.in_runs(found, chunk.position + 1)
