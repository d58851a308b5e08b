"""A batch as it stands: a row of ``didier_batches``."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any

import orjson

from didier.domain.batch_states import ACTIVE, Stage
from didier.domain.visibility import Visibility
from didier.storage.changes.change_log import Author
from didier.storage.statements import as_moment


@dataclass(frozen=True, slots=True)
class StoredBatch:
    """A batch as it stands."""

    batch_id: int
    kind: str  # copy, add, update, delete or import
    mode: str  # atomic or best_effort
    state: str  # pending, running, done, failed or undone
    phase: str | None  # of a large one that is under way: check, make or remove
    created_at: datetime
    finished_at: datetime | None  # None while it is under way
    user_name: str
    user_id: int | None  # None: of a release that stored no ids, and the user is gone
    address: str
    origin: str | None  # by which door it was ordered; None: not known
    source_id: int
    source_pattern: str
    snapshot_id: int | None
    overrides: Mapping[str, str | None]
    own_columns: tuple[str, ...]
    template: str | None
    pattern_prefix: str | None  # how patterns begin that the token of who ordered it reaches; None: all
    options: Mapping[str, Any]  # existing, force and where, as far as the order has them
    requested: int
    added: int
    existing: int
    invalid: int
    duplicates: int
    updated: int
    deleted: int
    missing: int
    refused: int
    removed: int
    restored: int
    kept: int
    position: int
    failure: str | None
    forced: bool
    undone_by: str | None
    undone_by_id: int | None
    undone_origin: str | None
    undo_groups: frozenset[str] | None  # in small letters; None is no limit
    undone_at: datetime | None
    undo_from: int | None  # the changes from this one on are taken back; None: none yet
    caller_groups: Visibility | None  # what the caller saw when it was ordered; None: not known

    @property
    def author(self) -> Author:
        """Who ordered it."""
        return Author(self.user_name, self.user_id, self.address, self.origin or "")

    @property
    def undoer(self) -> Author:
        """Who takes back what it has done: who undoes it, or who ordered it when it has failed."""
        if self.undone_by is None:
            return self.author
        return Author(self.undone_by, self.undone_by_id, self.address, self.undone_origin or "")

    @property
    def edited(self) -> int:
        """How many DIDs were added, updated or deleted."""
        return self.added + self.updated + self.deleted

    @property
    def taken_back(self) -> int:
        """How many of these an undo has dealt with: they are removed, restored or kept."""
        return self.removed + self.restored + self.kept

    @property
    def stage(self) -> Stage:
        """Where it stands."""
        return Stage(self.state, self.phase)


_NAMES = tuple(field.name for field in fields(StoredBatch))
_COLUMNS = ["reach" if name == "pattern_prefix" else name for name in _NAMES]
SELECT = f"SELECT {', '.join(_COLUMNS)} FROM didier_batches"


def stored_batch(row: Sequence[Any]) -> StoredBatch:
    """Return the batch of a row as `SELECT` reads it."""
    values = dict(zip(_NAMES, row, strict=True))
    for name in ("created_at", "finished_at", "undone_at"):
        values[name] = as_moment(values[name])
    if values["state"] not in ACTIVE:  # what was made in one transaction has one time
        values["finished_at"] = values["finished_at"] or values["created_at"]
    values["overrides"] = orjson.loads(values["overrides"] or "{}")
    values["own_columns"] = tuple(orjson.loads(values["own_columns"] or "[]"))
    values["options"] = orjson.loads(values["options"] or "{}")
    values["forced"] = bool(values["forced"])
    groups = values["undo_groups"]
    values["undo_groups"] = None if groups is None else frozenset(orjson.loads(groups))
    saw = values["caller_groups"]
    values["caller_groups"] = None if saw is None else what_was_seen(orjson.loads(saw))
    return StoredBatch(**values)


def what_was_seen(groups: list[str] | None) -> Visibility:
    """Return what somebody saw whose *groups* were stored; None was no limit."""
    seen = None if groups is None else frozenset(groups)
    return Visibility(groups=seen, users=seen)
