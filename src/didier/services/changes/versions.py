"""Versions of DIDs that were changed beside Didier: nobody has raised them there."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace

from sqlalchemy.engine import Connection

from didier.storage.changes import reconcile
from didier.storage.changes.change_log import CREATED, Change
from didier.storage.dids import did_fields
from didier.storage.dids.did_fields import VERSION, version_of
from didier.storage.failures import Outrun

_REMEMBERED = {"did_id", "did_pattern", "user_group"}
"""What is known of a row that the change log does not have."""


def raised(conn: Connection, changes: Sequence[Change]) -> list[Change]:
    """Return *changes* with what Didier alone knows of their DIDs, whose versions they raise.

    That goes with a DID that is deleted, and stays with one that has another number. A new DID has the first
    version; one with an id that was there before goes on where that ended.
    """
    known = did_fields.of(conn, {change.did_id for change in changes}, held=True)
    new = known.keys() - {change.did_id for change in changes if change.action != CREATED}
    last = {did_id: one.change.version or 1 for did_id, one in reconcile.last_changes(conn, new).items()}
    fields = {**known, **{did_id: {**did_fields.DEFAULTS, VERSION: last.get(did_id, 0)} for did_id in new}}
    done = []
    for change in changes:
        old = fields[change.did_id]
        version = int(old[VERSION] or 0) + 1
        fields[change.did_id] = {**old, VERSION: version}
        is_whole = change.before and change.before.keys() - _REMEMBERED
        before = {**change.before, **old} if change.before and is_whole else change.before
        after = change.after and {**change.after, **fields[change.did_id]}
        done.append(replace(change, before=before, after=after, version=version))
    gone = known.keys() - {change.did_id for change in changes if change.after}
    did_fields.delete(conn, {did_id: version_of(known[did_id]) for did_id in gone})
    did_fields.put(conn, {did_id: fields[did_id] for did_id in new if fields[did_id] != known[did_id]})
    _raise(conn, Counter(change.did_id for change in changes if change.did_id not in gone | new), fields)
    return done


def _raise(conn: Connection, times: Mapping[int, int], fields: Mapping[int, did_fields.Fields]) -> None:
    """Raise versions of DIDs, one or more times; raises `Outrun` unless that comes to what *fields* say."""
    for number in range(1, max(times.values(), default=0) + 1):
        did_fields.change(conn, {did_id: {} for did_id, count in times.items() if count >= number})
    if any(known != fields[did_id] for did_id, known in did_fields.of(conn, times).items()):
        raise Outrun
