"""The mark that a restored backup has in the change log: its number is beyond all that were undone.

Changes behind a backup would get the numbers again that others had, and followers who know of those would go
on as if nothing had happened. Between the last change of the backup and the mark no number is given out:
whoever has one of those is told to take an export (`storage.changes.sequence.is_known`).
"""

from datetime import datetime

from sqlalchemy.engine import Connection

from didier.storage.changes import sequence
from didier.storage.changes.change_log import RESTORE, UPDATED
from didier.storage.statements import as_text, run

MARK = (
    "INSERT INTO didier_changes (change_id, kind, action, cause, origin, changed_at, user_name, address,"
    f" batch_id) VALUES (?, '{RESTORE}', '{UPDATED}', '{RESTORE}', '', ?, '', '', 0)"
)
"""Adds a mark, given its id and the time: of an embedded database the id is its number."""


def mark(conn: Connection, now: datetime) -> None:
    """Mark that the database was put back by other tools: nobody knows what it has undone."""
    # Elsewhere who numbers changes passes over as many.
    number = sequence.newest(conn) + sequence.GAP if sequence.is_by_ids(conn) else None
    run(conn, MARK, number, as_text(now))
