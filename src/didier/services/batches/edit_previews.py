"""What an order that edits many DIDs would do, DID by DID; nothing is written."""

from collections import Counter
from itertools import islice

from sqlalchemy.engine import Connection

from didier.domain import inputs
from didier.domain.inputs import Row
from didier.services.batches import edit_parts, edit_samples
from didier.services.batches.edit_parts import Part
from didier.services.batches.edit_samples import Sampled
from didier.services.batches.edit_spec import EditSpec
from didier.services.batches.order_text import Text
from didier.services.batches.spellings import Spelled
from didier.services.users.authentication import Caller
from didier.storage.batches.duplicates import DuplicateTracker
from didier.storage.batches.progress import PlacedItem

CHUNK = 2_000
"""How many DIDs are decided on at a time."""

DONE = frozenset({"added", "updated", "deleted"})
"""What becomes of DIDs to which something is done."""


class EditPreview:
    """Looks through an order; `totals` has how many DIDs there are of each outcome so far.

    `sample` has the first of those to which something would be done.
    """

    def __init__(self, caller: Caller, spec: EditSpec, text: Text) -> None:
        self._caller, self._spec = caller, spec
        self._rows = inputs.rows(text.entries())
        self._named = DuplicateTracker()
        self._spelled = Spelled(spec.checks.region)
        self._position = 0
        self.totals: Counter[str] = Counter()
        self.rows: list[Row] = []  # of the DIDs that the last step returned
        self.sample: list[Sampled] = []

    def close(self) -> None:
        """Forget the targets."""
        self._named.close()
        self._spelled.close()

    def step(self, conn: Connection) -> list[PlacedItem] | None:
        """Return what would become of the next DIDs, None behind the last."""
        rows = list(islice(self._rows, CHUNK))
        self.rows = rows
        if not rows:
            return None
        targets = [row.target for row in rows]
        part = Part(self._position, rows, self._named.add(targets), self._spelled.add(targets))
        found = edit_parts.decide(conn, self._caller, self._spec, part, dry_run=True).items()
        self.totals.update(item.outcome for item in found)
        self._position += len(rows)
        done = [row for row, item in zip(rows, found, strict=True) if item.outcome in DONE]
        self.sample += edit_samples.sample(
            conn, self._caller, self._spec, done[: edit_samples.SHOWN - len(self.sample)]
        )
        return [PlacedItem(part.position + place, item) for place, item in enumerate(found, 1)]

    def is_possible(self, *, atomic: bool) -> bool:
        """Say whether the order, which was looked through, would be carried out."""
        done = sum(self.totals[outcome] for outcome in DONE)
        left = self.totals["exists"] if self._spec.existing != "refuse" else 0
        return done + left == self.totals.total() if atomic else done > 0
