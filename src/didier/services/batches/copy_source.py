"""Who may copy a DID, and with which values."""

from collections.abc import Collection, Mapping

from sqlalchemy.engine import Connection

from didier.domain.users import missing_rights
from didier.errors import InvalidField, NotFound, NotPermitted
from didier.services.dids import validation
from didier.services.users.authentication import Caller
from didier.storage.changes.change_log import Image
from didier.storage.dids import dids
from didier.storage.dids.dids import Did

Checked = dict[tuple[object, ...], InvalidField | None]
"""What was found wrong with overrides, so that equal ones are looked at once in a group."""


def refusal(
    conn: Connection,
    caller: Caller,
    pattern: str,
    source: Did | None,
    image: Image,
    overrides: Mapping[str, str | None],
    own: Collection[str] = (),
    checked: Checked | None = None,
) -> NotPermitted | NotFound | InvalidField | None:
    """Say why *caller* may not copy *source*, the DID *pattern*, with *overrides*; None when they may.

    *image* is the source's row: its values may be said again by who sees some groups alone. *own* are the
    columns in which targets have values of their own; *checked* what was found before.
    """
    if missing := missing_rights(caller.user, "copy_did"):
        return missing
    sight = caller.visibility
    if source is None or not sight.sees(source.group, pattern):
        return NotFound(pattern)
    checked = {} if checked is None else checked
    key = (*overrides.items(), sight, source.did_id if sight.is_limited else 0)
    if key not in checked:
        checked[key] = validation.problem_of_all(conn, overrides, sight, image)
    return checked[key] or validation.own_group_problem(caller.user, own)


def missing(conn: Connection, caller: Caller, pattern: str) -> NotFound | None:
    """Refuse *pattern* as a source that is not there for *caller*, before its targets are looked at."""
    source = dids.find(conn, [pattern]).get(pattern)
    return None if source and caller.visibility.sees(source.group, pattern) else NotFound(pattern)
