"""The change log, and the batches and DIDs that lines of the logs are about. They only read."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from types import MappingProxyType

from sqlalchemy.engine import Connection

from didier.domain import patterns
from didier.domain.users import missing_rights
from didier.errors import NotPermitted
from didier.services.access import Caller
from didier.storage import changes, dids
from didier.storage.changes import Changed, ChangeFilter, Made
from didier.storage.usage import Logged

DIDS = "DIDS"
"""The section of VICIdial's admin log in which changes of DIDs stand."""

NOTES_OF = "ADMIN API "
"""How the codes begin of lines whose notes are shown: VICIdial's own pages may note secrets elsewhere."""

BATCHES_LOOKED_AT = 5_000
"""Most batches that are looked through for those of a page of the API log."""


KINDS: Mapping[str, frozenset[str]] = MappingProxyType({
    "add_did": frozenset({"add", "import"}),
    "copy_did": frozenset({"copy"}),
    "delete_did": frozenset({"delete"}),
    "update_did": frozenset({"update", "delete"}),
})  # fmt: skip
"""The kinds of batches that functions make."""


@dataclass(frozen=True, slots=True)
class ChangePage:
    """Some lines of the change log, the id before which the next page begins, and the DIDs they name.

    *following* is None behind the last; *dids* are the patterns by id of those that the caller sees.
    """

    lines: Sequence[Changed]
    following: int | None
    dids: Mapping[int, str]


def page(
    conn: Connection,
    caller: Caller,
    wanted: ChangeFilter,
    limit: int,
    before: int | None = None,
    reach: int = 100_000,
) -> ChangePage | NotPermitted:
    """Return *limit* of the lines that are *wanted*, of users that the caller sees; the newest first.

    *reach* lines are looked through; where these have too few, the next page looks on.
    """
    if missing := missing_rights(caller.user, "api_log"):
        return missing
    limited = not caller.user.sees_users_of(None)
    visible = caller.user.visible_groups() if limited else None
    begin = before if before is not None else changes.newest(conn) + 1
    floor = max(begin - reach, 0)
    lines = changes.page(conn, replace(wanted, visible=visible), limit + 1, begin, floor)
    shown = [_without_secrets(line) for line in lines[:limit]]
    rest = floor if floor > 1 else None
    following = lines[limit - 1].id if len(lines) > limit else rest
    return ChangePage(shown, following, _patterns(conn, caller, shown))


def _without_secrets(line: Changed) -> Changed:
    is_shown = line.section == DIDS or line.code.startswith(NOTES_OF)
    return line if is_shown else replace(line, notes="")


def _patterns(conn: Connection, caller: Caller, lines: Sequence[Changed]) -> dict[int, str]:
    named = [line.record_id for line in lines if line.section == DIDS]
    ids = {int(text) for text in named if text.isascii() and text.isdigit() and len(text) < 10}
    found = changes.patterns(conn, ids)
    return {did_id: pattern for did_id, (pattern, group) in found.items() if caller.user.sees(group)}


def record_of(conn: Connection, caller: Caller, pattern: str) -> str | None:
    """Return the record under which changes of the DID *pattern* are logged, None if the caller sees none."""
    did = dids.find(conn, [pattern]).get(pattern)
    return str(did.did_id) if did and caller.user.sees(did.group) else None


@dataclass(frozen=True, slots=True)
class Traces:
    """What lines of the API log are about: batches by the line's id, and those DIDs that are there."""

    batches: Mapping[int, int]
    dids: Collection[str]


def traces(conn: Connection, caller: Caller, lines: Sequence[Logged]) -> Traces:
    """Return the batches that *lines* tell of, and which pieces of their data are DIDs the caller sees.

    A batch is that of a line when its function makes such batches, it was stored in the same moment by the
    same user, and its source or first target stands in the line; where several fit it is none.
    """
    pieces = {piece for line in lines for piece in data_pieces(line) if _may_be_pattern(piece)}
    found = dids.find(conn, pieces)
    seen = {piece for piece in pieces if (did := found.get(piece)) and caller.user.sees(did.group)}
    return Traces(_batches(conn, lines), seen)


def data_pieces(line: Logged) -> list[str]:
    """Return the parts of a line's data, of which some may be DIDs."""
    return line.data.split("|")[:10]


def _may_be_pattern(piece: str) -> bool:
    return patterns.MIN_LENGTH < len(piece) <= patterns.MAX_LENGTH and piece.isprintable()


def _batches(conn: Connection, lines: Sequence[Logged]) -> dict[int, int]:
    changing = [line for line in lines if line.result != "ERROR" and line.function in KINDS]
    if not changing:
        return {}
    first, last = (datetime.fromisoformat(line.when) for line in (changing[-1], changing[0]))
    made = changes.batches_between(conn, first, last + timedelta(seconds=1), BATCHES_LOOKED_AT)
    by_moment: dict[tuple[str, str], list[Made]] = {}
    for batch in made:
        by_moment.setdefault((batch.when, batch.user.lower()), []).append(batch)
    found = {}
    for line in changing:
        near = by_moment.get((line.when, line.user.lower()), [])
        if batch_id := _of(line, near):
            found[line.api_id] = batch_id
    return found


def _of(line: Logged, near: Sequence[Made]) -> int | None:
    pieces = {patterns.key(piece) for piece in data_pieces(line)}
    near = [batch for batch in near if batch.kind in KINDS[line.function]]
    for name in ("target", "source"):
        fitting = [batch for batch in near if patterns.key(getattr(batch, name)) in pieces]
        if len(fitting) == 1:
            return fitting[0].batch_id
    return None
