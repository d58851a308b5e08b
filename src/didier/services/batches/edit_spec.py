"""What an order that edits many DIDs does to each of them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from didier.domain.drift import NO_DRIFT_CHANGE, DriftChange
from didier.domain.fields import BY_COLUMN
from didier.domain.inputs import Row
from didier.domain.tag_changes import NO_TAGS, TagChanges
from didier.domain.users import missing_function, missing_rights
from didier.errors import NotPermitted
from didier.services.batches.checks import NO_CHECKS, Checks
from didier.services.users.authentication import Caller
from didier.storage.batches.stored_batch import StoredBatch

VERBS = ("add", "update", "delete", "import")

EXISTING = ("refuse", "skip", "update")
"""What an import may do about rows whose DID exists."""


@dataclass(frozen=True, slots=True)
class EditSpec:
    """What is done: *verb* is one of `VERBS`.

    *values* are set in each DID, *columns* those in which rows may have others for theirs. In an import a new
    DID is as its row says: an empty cell empties the column; in a DID that exists, or with another verb, it
    leaves the column as it is. *existing* is one of `EXISTING`. *force* deletes DIDs too that are protected
    or in use. *checks* are for DIDs that are created, and where calls to those that are changed lead. *tags*
    are added to DIDs that are updated and removed from them, whatever others each has. *drift* is what
    becomes of what each has otherwise than the DID that it was copied from.
    """

    verb: str
    values: Mapping[str, str | None] = field(default_factory=dict)
    columns: Sequence[str] = ()
    existing: str = "refuse"
    force: bool = False
    checks: Checks = NO_CHECKS
    tags: TagChanges = NO_TAGS
    drift: DriftChange = NO_DRIFT_CHANGE

    @classmethod
    def of(cls, batch: StoredBatch) -> "EditSpec":
        """Return what a batch that was stored does."""
        options = batch.options
        return cls(
            batch.kind,
            batch.overrides,
            batch.own_columns,
            options.get("existing", "refuse"),
            options.get("force", False),
            Checks.of(options),
            TagChanges.of(options),
            DriftChange.of(options),
        )

    @property
    def options(self) -> dict[str, object]:
        """What batches store of it beside verb, values and columns."""
        told: dict[str, object] = {"existing": self.existing} if self.verb == "import" else {}
        of_each = self.tags.options | self.drift.options
        return told | self.checks.options | of_each | ({"force": True} if self.force else {})

    @property
    def actions(self) -> Sequence[str]:
        """What the caller must be allowed to do."""
        if self.verb == "import":
            return ("add_did", "update_did") if self.existing == "update" else ("add_did",)
        return ("update_did", "delete_did") if self.verb == "delete" else (f"{self.verb}_did",)

    def missing(self, caller: Caller) -> NotPermitted | None:
        """Name what *caller* lacks for it."""
        refused = (
            missing_function(caller.user, name) or missing_rights(caller.user, name) for name in self.actions
        )
        return next(filter(None, refused), None)

    def new(self, row: Row) -> dict[str, str | None]:
        """Return the values of a DID that is created of *row*."""
        emptied = self.columns if self.verb == "import" else ()
        empty = {column: None for column in emptied if BY_COLUMN[column].empty is not None}
        return {**empty, **self.values, **row.values}

    def changed(self, row: Row) -> dict[str, str | None]:
        """Return the values that the DID of *row* gets, whatever it has; *tags* and *drift* aside."""
        return {**self.values, **row.values}
