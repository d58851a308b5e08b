"""Copies as the change log has them."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from didier.services.batches.copy_spec import Recipe
from didier.storage.batches.progress import PlacedItem
from didier.storage.changes.change_log import CREATED, Author, Change


@dataclass(frozen=True, slots=True)
class Copies:
    """What all copies of an order have alike."""

    author: Author
    source: str
    snapshot_id: int | None
    recipe: Recipe

    def change(self, target: str, own: Sequence[Mapping[str, str | None]] = ()) -> Change:
        """Return the change that creates *target*, whose id is not known yet."""
        details: dict[str, object] = {"source_id": self.recipe.image["did_id"]}
        if self.recipe.overrides:
            details["values"] = self.recipe.overrides
        if any(own):
            details["own"] = own
        return Change(
            author=self.author,
            action=CREATED,
            cause="copy",
            did_id=0,
            pattern=target,
            group_after=self.recipe.group(own),
            source=self.source,
            snapshot_id=self.snapshot_id,
            details=details,
        )

    def changes(
        self,
        items: Iterable[PlacedItem],
        own: Sequence[Mapping[str, str | None]],
        position: int = 0,
        batch_id: int | None = None,
    ) -> list[Change]:
        """Return the changes that *items* tell of, one for each run that was added.

        *own* are the values of each target behind the first *position* of the order, when any has some.
        """
        changes = []
        for placed in items:
            item, first = placed.item, placed.position - 1 - position
            if item.did_id is not None and item.outcome == "added":
                change = self.change(item.target, own[first : first + item.size])
                changes.append(
                    replace(
                        change,
                        did_id=item.did_id,
                        batch_id=batch_id,
                        size=item.size,
                        position=placed.position,
                    )
                )
        return changes
