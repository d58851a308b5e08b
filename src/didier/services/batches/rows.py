"""The rows that are created of what was decided, for one order or for a group of them."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from didier.services.batches.copy_spec import CopySpec
from didier.services.batches.decisions import Chunk
from didier.storage.dids.bulk import NO_VALUES, Block


def block_of(planned: Sequence[tuple[CopySpec, Chunk]], stamp: str) -> Block:
    """Return the DIDs to be created of the targets without problems, with *stamp* as their time."""
    parts = [_Part(spec, spec.stored(spec.overrides), chunk.possible()) for spec, chunk in planned]
    parts = [part for part in parts if part.chunk.targets]
    targets = [target for part in parts for target in part.chunk.targets]
    if not targets:
        return Block({}, stamp, ())
    own = {name for part in parts for name in part.chunk.own_columns}
    alike, varying = _divided(parts, own)
    rows = [row for part in parts for row in part.rows(varying)] if varying else ()
    return Block(alike, stamp, targets, varying, rows, parts[0].chunk.block if len(parts) == 1 else None)


@dataclass(frozen=True, slots=True)
class _Part:
    """The targets of one order: what they are copied from, and what they have instead."""

    spec: CopySpec
    overrides: Mapping[str, Any]
    chunk: Chunk

    def value(self, name: str) -> Any:
        """Return what its DIDs have in a column, unless they have a value of their own."""
        return self.overrides[name] if name in self.overrides else self.spec.image[name]

    def rows(self, columns: Sequence[str]) -> Iterator[list[Any]]:
        """Yield for each target its values of *columns*."""
        alike = [self.value(name) for name in columns]
        if not self.chunk.own:
            yield from [alike] * len(self.chunk.targets)
        for own in map(self.spec.stored, self.chunk.own):
            pairs = zip(columns, alike, strict=True)
            yield [own.get(name, value) for name, value in pairs]


def _divided(parts: Sequence[_Part], own: Collection[str]) -> tuple[dict[str, Any], tuple[str, ...]]:
    """Return the values that all rows have alike, and the names of the columns that vary."""
    first, *others = {id(part.spec.image): part.spec.image for part in parts}.values()
    alike = {**first}
    for name in NO_VALUES:
        alike.pop(name, None)
    varying = {name for name in own if name in alike}
    suspects = {name for part in parts for name in part.overrides if name in alike}
    suspects |= {name for image in others for name in alike if image[name] != first[name]}
    for name in suspects - varying:
        alike[name], *more = {part.value(name) for part in parts}
        if more:
            varying.add(name)
    for name in varying:
        del alike[name]
    return alike, tuple(sorted(varying))
