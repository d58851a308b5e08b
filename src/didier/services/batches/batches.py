"""Large batches: taking an order in, looking at it, undoing it. `job` carries them out."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import chain, islice

from sqlalchemy.engine import Connection

from didier.domain import batch_states
from didier.domain.targets import run_of
from didier.domain.templates import Template
from didier.domain.users import User, missing_function, missing_rights
from didier.errors import (
    BatchNotFound,
    InvalidField,
    NotCancellable,
    NotFound,
    NotPermitted,
    NotUndoable,
)
from didier.services.batches import copy_source, job_steps, rollback, undo_edits
from didier.services.batches.checks import NO_CHECKS, Checks
from didier.services.batches.edit_spec import EditSpec
from didier.services.batches.order_text import Text
from didier.services.dids import visibility
from didier.services.users.authentication import Caller
from didier.storage.batches import progress
from didier.storage.batches.batches import NewBatch
from didier.storage.batches.progress import BatchFilter, PlacedItem
from didier.storage.batches.stored_batch import StoredBatch
from didier.storage.changes.change_log import Image
from didier.storage.dids import dids, snapshots

SMALL = 1_000
"""Most targets of a batch that is made in one transaction, while others wait (some 20 ms)."""

UNDONE_AT_ONCE = 1_000
"""Most DIDs that an undo removes while others wait."""


@dataclass(frozen=True, slots=True)
class BatchOrder:
    """A wish to copy *source* to the targets of *text*; atomic: all of them or none."""

    caller: Caller
    source: str
    text: Text
    overrides: Mapping[str, str | None] = field(default_factory=dict)
    template: Template | None = None
    atomic: bool = True
    checks: Checks = NO_CHECKS


Refused = NotPermitted | NotFound | InvalidField


def accept(conn: Connection, orders: Sequence[BatchOrder], now: datetime) -> list[StoredBatch | Refused]:
    """Take *orders* in: what is returned as pending will be made, also after a restart."""
    found = dids.find(conn, {order.source for order in orders})
    sources = [found.get(order.source) for order in orders]
    images = dids.sources(conn, {source.did_id for source in sources if source})
    outcomes: list[StoredBatch | Refused] = []
    for order, source in zip(orders, sources, strict=True):
        image = images[source.did_id] if source else {}
        refused = copy_source.refusal(
            conn, order.caller, order.source, source, image, order.overrides, order.text.own_columns
        )
        if refused or source is None:
            outcomes.append(refused or NotFound(order.source))
        else:
            outcomes.append(_accept(conn, order, image, now))
    return outcomes


def _accept(conn: Connection, order: BatchOrder, image: Image, now: datetime) -> StoredBatch | InvalidField:
    if order.template and (bad := order.template.problem({*image, *order.text.names})):
        return bad
    own = order.text.own_columns | ({"did_description"} if order.template else frozenset())
    batch = NewBatch(
        author=order.caller.author,
        items=(),
        changes=(),
        source_id=int(image["did_id"] or 0),
        source_pattern=str(image["did_pattern"]),
        overrides=order.overrides,
        mode="atomic" if order.atomic else "best_effort",
        snapshot_id=snapshots.keep(conn, [image])[0],
        template=order.template.text if order.template else None,
        own_columns=tuple(sorted(own)),
        pattern_prefix=order.caller.pattern_prefix,
        caller_groups=order.caller.visibility,
        options=order.checks.options,
    )
    stage = batch_states.ORDERED_ATOMIC if order.atomic else batch_states.ORDERED
    return progress.accept(conn, batch, order.text.count, stage, order.text.pieces, now)


def _missing_rights(user: User, *actions: str) -> NotPermitted | None:
    return next((missing for action in actions if (missing := missing_rights(user, action))), None)


def _may_look(user: User) -> NotPermitted | None:
    """Apply what a list of DIDs asks for: a batch is a list of DIDs."""
    return missing_function(user, "list_dids") or missing_rights(user, "list_dids")


def get(conn: Connection, caller: Caller, batch_id: int) -> StoredBatch | NotPermitted | BatchNotFound:
    """Return a batch that *caller* may see, see `visibility.of_batches`."""
    if missing := _may_look(caller.user):
        return missing
    batch = progress.get(conn, batch_id)
    return (batch and visibility.of_batch(conn, caller, batch)) or BatchNotFound(batch_id)


LOOKED_AT = 1_000
"""How many batches are looked at together, once a page has shown that some are hidden."""


def page(
    conn: Connection, caller: Caller, wanted: BatchFilter, before: int | None, limit: int
) -> list[StoredBatch] | NotPermitted:
    """Return the batches that are wanted and visible, newest first, *limit* at most."""
    if missing := _may_look(caller.user):
        return missing
    found: list[StoredBatch] = []
    size = limit
    while len(found) < limit:
        rows = progress.page(conn, wanted, before, size)
        seen = visibility.of_batches(conn, caller, rows)
        # A source that is not visible is not found by its number either.
        found += [batch for batch in seen if wanted.source is None or batch.source_pattern]
        if len(rows) < size:
            break
        before, size = rows[-1].batch_id, max(limit, LOOKED_AT)
    return found[:limit]


def items(
    conn: Connection, caller: Caller, batch_id: int, after: int, limit: int, outcomes: Sequence[str] = ()
) -> list[PlacedItem] | NotPermitted | BatchNotFound:
    """Return items of a batch that end behind the position *after*."""
    batch = get(conn, caller, batch_id)
    if not isinstance(batch, StoredBatch):
        return batch
    return progress.items(conn, batch_id, after, limit, outcomes)


@dataclass(frozen=True, slots=True)
class UndoOrder:
    """A wish to undo a batch; *force* takes DIDs too that were changed since."""

    caller: Caller
    batch_id: int
    force: bool = False


UndoRefused = NotPermitted | BatchNotFound | NotUndoable

KEPT_SHOWN = 1_000
"""Most DIDs that are named of those that an undo kept."""


@dataclass(frozen=True, slots=True)
class Undone:
    """A batch that was undone, or is being undone, and the DIDs that were kept: changed since, or locked."""

    batch: StoredBatch
    kept: tuple[str, ...]


def undo(
    conn: Connection, orders: Sequence[UndoOrder], now: datetime
) -> list[Undone | UndoRefused | undo_edits.Refused]:
    """Undo batches: a small one at once, a large one is taken in and undone behind the others."""
    return [_undo(conn, order, now) for order in orders]


def _undo(conn: Connection, order: UndoOrder, now: datetime) -> Undone | UndoRefused | undo_edits.Refused:
    batch = progress.get(conn, order.batch_id)
    if batch is None or visibility.of_batch(conn, order.caller, batch) is None:
        return BatchNotFound(order.batch_id)
    undo_it = _undo_copies if batch.kind == "copy" else _undo_edit
    kept = undo_it(conn, order, batch, now)
    if not isinstance(kept, tuple):
        return kept
    undone = progress.get(conn, batch.batch_id) or batch
    return Undone(visibility.of_batch(conn, order.caller, undone) or undone, kept)


def _undo_edit(
    conn: Connection, order: UndoOrder, batch: StoredBatch, now: datetime
) -> tuple[str, ...] | undo_edits.Refused:
    if missing := missing_function(order.caller.user, "update_did"):
        return missing
    undone = undo_edits.undo_edit(conn, batch.batch_id, order.caller, now, force=order.force)
    return undone.kept if isinstance(undone, undo_edits.UndoneEdits) else undone


def _undo_copies(
    conn: Connection, order: UndoOrder, batch: StoredBatch, now: datetime
) -> tuple[str, ...] | UndoRefused:
    user = order.caller.user
    # As for every deletion, Delete DIDs is not enough.
    if missing := missing_function(user, "copy_did") or _missing_rights(user, "copy_did", "delete_did"):
        return missing
    is_left = batch.state == "undone" and batch.kept > 0 and order.force
    is_over = batch.state in {"done", "failed"} and batch.added > batch.removed
    if batch.phase is not None or not (is_left or is_over):
        return NotUndoable(batch.batch_id, batch.state)
    rollback.begin(conn, batch, order.caller, now, force=order.force)
    if batch.added - batch.removed <= UNDONE_AT_ONCE:
        rollback.finish_at_once(conn, batch.batch_id, now)
    kept = rollback.kept_items(conn, batch.batch_id, KEPT_SHOWN)
    targets = chain.from_iterable(run_of(run.target, run.size) for run in kept)
    return tuple(islice(targets, KEPT_SHOWN))


@dataclass(frozen=True, slots=True)
class CancelOrder:
    """A wish to end a large batch that is under way."""

    caller: Caller
    batch_id: int


def cancel(
    conn: Connection, orders: Sequence[CancelOrder], now: datetime
) -> list[StoredBatch | NotPermitted | BatchNotFound | NotCancellable]:
    """End batches: what an atomic one has done is taken back; what another has done can be undone."""
    return [_cancel(conn, order, now) for order in orders]


def _cancel(
    conn: Connection, order: CancelOrder, now: datetime
) -> StoredBatch | NotPermitted | BatchNotFound | NotCancellable:
    batch = progress.get(conn, order.batch_id)
    if batch is None or visibility.of_batch(conn, order.caller, batch) is None:
        return BatchNotFound(order.batch_id)
    actions = ("copy_did",) if batch.kind == "copy" else EditSpec.of(batch).actions
    user = order.caller.user
    for action in actions:
        if missing := missing_function(user, action) or missing_rights(user, action):
            return missing
    if batch.phase not in {"check", "make"}:
        return NotCancellable(batch.batch_id, batch.state)
    job_steps.fail(conn, batch.batch_id, f"cancelled by {order.caller.name}", now)
    cancelled = progress.get(conn, batch.batch_id) or batch
    return visibility.of_batch(conn, order.caller, cancelled) or cancelled
