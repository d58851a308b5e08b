"""Copies as the change log has them."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from didier.services.batches.copy_spec import CopySpec
from didier.services.batches.decisions import Chunk, items
from didier.storage.batches.batches import BatchItem
from didier.storage.batches.progress import PlacedItem
from didier.storage.changes.change_log import CREATED, Author, Change


@dataclass(frozen=True, slots=True)
class Copies:
    """What all copies of an order have alike; *batch* is what a copy says of it that is the only one."""

    author: Author
    source: str
    snapshot_id: int | None
    spec: CopySpec
    batch: Mapping[str, Any] = field(default_factory=dict)

    def change(
        self,
        item: BatchItem,
        own: Sequence[Mapping[str, str | None]] = (),
        position: int = 1,
        batch_id: int | None = None,
    ) -> Change:
        """Return the change that creates the run *item*, without a batch one that is a batch by itself.

        *own* are the values of each target, when any has some; an id that is not known yet is 0.
        """
        details: dict[str, Any] = {"source_id": self.spec.image["did_id"]}
        if self.spec.overrides:
            details["values"] = self.spec.overrides
        if own and any(own):
            details["own"] = own
        if batch_id is None:
            details |= self.batch
            details |= {"note": item.reason} if item.reason else {}
        return Change(
            author=self.author,
            action=CREATED,
            cause="copy",
            did_id=item.did_id or 0,
            pattern=item.target,
            batch_id=batch_id,
            position=position,
            size=item.size,
            group_after=self.spec.group(own),
            source=self.source,
            snapshot_id=self.snapshot_id,
            details=details,
        )

    def planned(self, chunk: Chunk, batch_id: int | None = None) -> list[Change]:
        """Return the changes that create the targets of *chunk* without problems, one for each run."""
        return self.changes(items(chunk, None), chunk.own, batch_id, chunk.position)

    def changes(
        self,
        items: Iterable[PlacedItem],
        own: Sequence[Mapping[str, str | None]],
        batch_id: int | None,
        position: int = 0,
    ) -> list[Change]:
        """Return the changes that *items* tell of, one for each run that was added.

        *own* are the values of each target behind the first *position* of the order, when any has some.
        """
        changes = []
        for placed in items:
            first = placed.position - 1 - position
            if placed.item.outcome == "added":
                values = own[first : first + placed.item.size]
                changes.append(self.change(placed.item, values, placed.position, batch_id))
        return changes
