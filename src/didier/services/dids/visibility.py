"""What callers see of changes, copies and batches: each row counts with the user group that it had then.

What is not visible is not there: a DID that leaves the caller's groups is a deletion to them, one that enters
them is created; who sees a copy need not see its source. Where the group is not known (copies of earlier
releases, targets with groups of their own) only callers without limit see a row.
"""

from collections.abc import Collection, Sequence
from dataclasses import replace

from sqlalchemy.engine import Connection

from didier.domain import patterns
from didier.domain.batch_states import ACTIVE
from didier.domain.users import is_visible
from didier.domain.visibility import Visibility
from didier.services.users.authentication import Caller
from didier.storage.batches.stored_batch import StoredBatch
from didier.storage.changes import change_log
from didier.storage.changes.change_log import Image
from didier.storage.dids import snapshots
from didier.storage.users import users


def sees_row(sight: Visibility, row: Image | None) -> bool:
    """Say whether the row of a DID, as it was at some time, is seen."""
    return row is not None and sight.sees(row.get("user_group"), str(row.get("did_pattern", "")))


def of_change(
    sight: Visibility, before: Image | None, after: Image | None
) -> tuple[Image | None, Image | None] | None:
    """Return what is seen of the rows before and after a change, None when neither is.

    A change across the border of what is seen has one row: it is a creation or a deletion.
    """
    shown = (before if sees_row(sight, before) else None, after if sees_row(sight, after) else None)
    return None if shown == (None, None) else shown


def of_batches(conn: Connection, caller: Caller, found: Sequence[StoredBatch]) -> list[StoredBatch]:
    """Return what *caller* sees of the batches *found*: those whose DIDs they see, in each of its rows.

    A source that they do not see is not in a batch. A token with a prefix sees what one that reaches no
    further has ordered. For callers without limit nothing is looked up, for others two sets of groups.
    """
    sight = caller.visibility
    reached = [batch for batch in found if _is_reached(batch, sight.prefix)]
    if not sight.is_limited:
        return reached
    sources = _groups_of_sources(conn, reached, sight)
    changed = _groups_of_changes(conn, reached, sight)
    return [
        batch if sight.sees(sources.get(batch.batch_id), batch.source_pattern) else _without_source(batch)
        for batch in reached
        if _sees_dids(caller, sight, batch, sources, changed)
    ]


def of_batch(conn: Connection, caller: Caller, batch: StoredBatch) -> StoredBatch | None:
    """Return what *caller* sees of a batch, None when that is nothing."""
    seen = of_batches(conn, caller, [batch])
    return seen[0] if seen else None


_Groups = dict[int, str | None]
"""User groups by batch."""


def _is_reached(batch: StoredBatch, prefix: str | None) -> bool:
    return prefix is None or patterns.begins_with(batch.pattern_prefix or "", prefix)


def _groups_of_sources(conn: Connection, found: Sequence[StoredBatch], sight: Visibility) -> _Groups:
    """Return the groups that the sources of copies had then, where that is known."""
    if sight.groups is None:
        return {}
    groups = snapshots.groups(conn, {batch.snapshot_id for batch in found if batch.snapshot_id is not None})
    return {one.batch_id: groups[one.snapshot_id] for one in found if one.snapshot_id in groups}


def _groups_of_changes(
    conn: Connection, found: Sequence[StoredBatch], sight: Visibility
) -> dict[int, set[str | None]]:
    if sight.groups is None:
        return {}
    return change_log.groups_of(conn, [batch.batch_id for batch in found if batch.kind != "copy"])


def _sees_dids(
    caller: Caller,
    sight: Visibility,
    batch: StoredBatch,
    sources: _Groups,
    changed: dict[int, set[str | None]],
) -> bool:
    """Say whether all DIDs of a batch are seen, in each row that they had in it.

    Where nothing is known of them the caller of the batch sees it for as long as they see every group that
    they saw when they ordered it.
    """
    if sight.groups is None:
        return True
    groups = _copied_to(batch, sources) if batch.kind == "copy" else changed.get(batch.batch_id)
    if groups:
        return all(sight.sees_group(group) for group in groups) and _is_whole(batch, sight)
    is_own = bool(batch.user_id) and batch.user_id == caller.user.user_id  # 0 is nobody in the database
    return is_own and batch.caller_groups is not None and sight.covers(batch.caller_groups)


def _is_whole(batch: StoredBatch, sight: Visibility) -> bool:
    """Say whether the changes of a batch are all that it is about, or the rest of it is seen too.

    Targets that are not changed yet, or were refused, may be DIDs of any group that its caller saw.
    """
    if batch.kind == "copy" or ("existing" not in batch.options and batch.kind == "import"):
        return True  # the targets of copies are new; imports of earlier releases were small, and all or none
    if batch.state not in ACTIVE and batch.edited == batch.requested:
        return True
    return batch.caller_groups is not None and sight.covers(batch.caller_groups)


def _copied_to(batch: StoredBatch, sources: _Groups) -> Collection[str | None]:
    """Return the group of the DIDs that were copied, none where it is not known."""
    if "user_group" in batch.own_columns:
        return ()
    if given := batch.overrides.get("user_group"):
        return (given,)
    return (sources[batch.batch_id],) if batch.batch_id in sources else ()


def _without_source(batch: StoredBatch) -> StoredBatch:
    return replace(batch, source_id=0, source_pattern="", snapshot_id=None)


def users_seen(conn: Connection, sight: Visibility, names: Collection[str]) -> set[str]:
    """Return those of the users *names* who are seen: there is no such user among the others, or no more."""
    if sight.users is None:
        return set(names)
    there = users.accounts(conn, set(names))
    return {name for name, account in there.items() if is_visible(account.user.group, sight.users)}
