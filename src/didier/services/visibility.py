"""What callers see of changes, copies and batches: each row counts with the user group that it had then.

What is not visible is not there: a DID that leaves the caller's groups is a deletion to them, one that enters
them is created; who sees a copy need not see its source. Where the group is not known (copies of earlier
releases, targets with groups of their own) only callers without limit see a row.
"""

from didier.domain.visibility import Visibility
from didier.storage.history import Image


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
