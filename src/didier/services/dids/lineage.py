"""The tree of what was copied from what: the sources of a DID, and its copies. It only reads."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy.engine import Connection

from didier.domain.users import missing_rights
from didier.domain.visibility import Visibility
from didier.errors import NotFound, NotPermitted
from didier.services.dids import lookup
from didier.services.dids.lookup import FoundDids, Wanted
from didier.services.dids.origins import Origin, origins
from didier.services.users.authentication import Caller
from didier.storage.dids import dids, lineage, snapshots
from didier.storage.dids.pages import Sort, Value

DEEPEST = 100
"""How many sources, each copied from the next, are shown."""


@dataclass(frozen=True, slots=True)
class Ancestor:
    """A DID from which another was copied, by the pattern it had then; *pattern* is None if it is gone."""

    pattern: str | None
    origin: Origin


@dataclass(frozen=True, slots=True)
class Lineage:
    """The sources of a DID, the nearest first, and its copies: how many, and some of them.

    *copies_of* has the number of copies of each of these, by pattern, where there are some.
    """

    pattern: str
    sources: Sequence[Ancestor]
    total: int
    copies: FoundDids
    copies_of: Mapping[str, int]


def tree(
    conn: Connection, caller: Caller, pattern: str, limit: int, after: Sequence[Value] | None = None
) -> Lineage | NotPermitted | NotFound:
    """Return what the DID *pattern* was copied from, and *limit* of its copies behind the place *after*.

    What the caller does not see ends the line, as if the DID had been made there.
    """
    if missing := missing_rights(caller.user, "did_info"):
        return missing
    sight = caller.visibility
    did = dids.find(conn, [pattern]).get(pattern)
    if did is None or not sight.sees(did.group, did.pattern):
        return NotFound(pattern)
    wanted = Wanted(copied_from=did.pattern)
    copies = lookup.page(conn, caller, wanted, Sort(), limit, after)
    total = lookup.total(conn, caller, wanted, exact=True)
    if isinstance(copies, NotPermitted):
        return copies
    if isinstance(total, NotPermitted):
        return total
    counts = lineage.copies_of_each(conn, sight, [str(row["did_pattern"]) for row in copies.rows])
    return Lineage(did.pattern, _ancestors(conn, sight, did.did_id), total.count, copies, counts)


def _ancestors(conn: Connection, sight: Visibility, did_id: int) -> list[Ancestor]:
    found: list[Ancestor] = []
    while len(found) < DEEPEST and (origin := origins(conn, [did_id]).get(did_id)):
        did_id = origin.source_id
        now = dids.images(conn, [did_id], wanted=("did_id", "did_pattern", "user_group")).get(did_id)
        then = snapshots.groups(conn, [origin.snapshot_id] if origin.snapshot_id else [])
        if not sight.sees(then.get(origin.snapshot_id or 0), origin.source):
            break
        is_seen = now and sight.sees(now["user_group"], str(now["did_pattern"]))
        found.append(Ancestor(str(now["did_pattern"]) if now and is_seen else None, origin))
    return found
