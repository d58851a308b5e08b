"""Changes in tables without transactions, all or nothing all the same.

MyISAM, VICIdial's default, cannot roll back. So what is going to be done is written to the journal, an InnoDB
table of Didier's own, before the first row is touched, and taken out with the commit that says what was done.
What a crash leaves half done is taken back: by the next start, or as soon as the database answers again.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy.engine import Connection

from didier.storage.changes import change_log, journal
from didier.storage.changes.change_log import Change
from didier.storage.changes.journal import Entry
from didier.storage.dids import dids
from didier.storage.statements import checkpoint, is_transactional
from didier.storage.tables import DIDS


@contextmanager
def journaled(conn: Connection, planned: Sequence[Change], now: datetime) -> Iterator[None]:
    """Carry out *planned* in the body: all of it, or after a crash nothing."""
    journal_id = journal.begin(conn, planned, dids.highest_id(conn), now)
    checkpoint(conn)
    yield
    journal.end(conn, journal_id)


@dataclass(frozen=True, slots=True)
class TakenBack:
    """What a crash left half done: what was removed, and what was kept because it was changed since."""

    removed: tuple[str, ...]
    kept: tuple[str, ...]


def is_clear(conn: Connection) -> bool:
    """Say whether nothing is left to be taken back, now or when another process is done with it."""
    return is_transactional(conn, DIDS) or journal.is_empty(conn)


def take_back(conn: Connection) -> list[TakenBack]:
    """Remove what was left half done; nobody was told that it was made."""
    if is_transactional(conn, DIDS):
        return []
    return [_take_back(conn, entry) for entry in journal.left(conn)]


def _take_back(conn: Connection, entry: Entry) -> TakenBack:
    made = dids.made_after(conn, [change.pattern for change in entry.changes], entry.high_water)
    removed, kept = [], []
    for change in entry.changes:
        did_id, changed_at = made.get(change.pattern, (None, None))
        if did_id is None:
            continue
        if changed_at in {None, entry.moment}:
            dids.delete(conn, did_id)
            removed.append(change.pattern)
        else:
            kept.append(replace(change, did_id=did_id))
    change_log.record(conn, kept, entry.moment)
    journal.end(conn, entry.journal_id)
    return TakenBack(tuple(removed), tuple(change.pattern for change in kept))
