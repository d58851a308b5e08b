"""The wishes to change single DIDs, and what becomes of them."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field

import orjson

from didier.domain.drift import NO_DRIFT_CHANGE, DriftChange
from didier.domain.tag_changes import NO_TAGS, TagChanges
from didier.domain.visibility import EVERYTHING, Visibility
from didier.errors import (
    AlreadyExists,
    ChangedMeanwhile,
    DeletionLocked,
    InUse,
    InvalidField,
    InvalidPattern,
    LeadsNowhere,
    NotFound,
    NothingToChange,
    NotPermitted,
    Protected,
)
from didier.services.batches.checks import NO_CHECKS, Checks
from didier.services.users.authentication import Caller
from didier.storage.changes.change_log import Image


@dataclass(frozen=True, slots=True)
class AddOrder:
    """A wish for a new DID with the columns in *values*, defaults elsewhere.

    A dry run of this or another order is decided like any other but changes nothing.
    """

    caller: Caller
    pattern: str
    values: Mapping[str, str | None]
    dry_run: bool = False
    checks: Checks = NO_CHECKS


@dataclass(frozen=True, slots=True)
class UpdateOrder:
    """A wish to set the columns in *values* of a DID; None and the empty text empty them.

    With *etag*, only if the DID is still as it was when `etag` gave that. *tags* are added and removed,
    *drift* says what becomes of what it has otherwise than its source.
    """

    caller: Caller
    pattern: str
    values: Mapping[str, str | None]
    dry_run: bool = False
    etag: str | None = None
    checks: Checks = NO_CHECKS
    tags: TagChanges = NO_TAGS
    drift: DriftChange = NO_DRIFT_CHANGE


@dataclass(frozen=True, slots=True)
class DeleteOrder:
    """A wish to delete a DID; *force* deletes one that is protected or in use too, but none that is locked.

    With *etag*, only if the DID is still as it was when `etag` gave that.
    """

    caller: Caller
    pattern: str
    force: bool = False
    dry_run: bool = False
    etag: str | None = None


@dataclass(frozen=True, slots=True)
class LockOrder:
    """A wish to lock a DID against deletion, or with *locked* false to end that."""

    caller: Caller
    pattern: str
    locked: bool = True


@dataclass(frozen=True, slots=True)
class Done:
    """The DID that was added, changed, deleted or locked, or would be; the id of one yet to be added is 0."""

    pattern: str
    did_id: int
    dry_run: bool = False
    batch_id: int = field(default=0, compare=False)  # 0 in a dry run, and of a lock
    image: Image | None = field(default=None, compare=False, repr=False)  # the row as it is, or as it was
    sight: Visibility = field(default=EVERYTHING, compare=False, repr=False)  # of the caller
    note: str = field(default="", compare=False)  # what is odd about it, where that was asked for


AddRefused = NotPermitted | InvalidPattern | AlreadyExists | InvalidField | LeadsNowhere
UpdateRefused = NotPermitted | NotFound | ChangedMeanwhile | InvalidField | LeadsNowhere | NothingToChange
DeleteRefused = NotPermitted | NotFound | ChangedMeanwhile | DeletionLocked | Protected | InUse
LockRefused = NotPermitted | NotFound


def etag(image: Image) -> str:
    """Return a short text that changes whenever a column of the DID does."""
    return hashlib.sha256(orjson.dumps(image, option=orjson.OPT_SORT_KEYS)).hexdigest()[:20]
