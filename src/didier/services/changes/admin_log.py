"""The change log, and the batches and DIDs that lines of the logs are about. They only read."""

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from types import MappingProxyType

from sqlalchemy.engine import Connection

from didier.domain import patterns
from didier.domain.users import missing_rights
from didier.errors import NotPermitted
from didier.services.dids import visibility
from didier.services.users.authentication import Caller
from didier.storage.batches import progress
from didier.storage.batches.stored_batch import StoredBatch
from didier.storage.changes import admin_log
from didier.storage.changes.admin_log import AdminLogLine, BatchSummary, ChangeFilter
from didier.storage.dids import dids
from didier.storage.usage.call_statistics import Logged

DIDS = "DIDS"
"""The section of VICIdial's admin log in which changes of DIDs stand."""

USERS = "USERS"
"""The section in which changes of users stand."""

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

    lines: Sequence[AdminLogLine]
    following: int | None
    dids: Mapping[int, str]


def page(
    conn: Connection,
    caller: Caller,
    wanted: ChangeFilter,
    limit: int,
    before: int | None = None,
    most_read: int = 100_000,
) -> ChangePage | NotPermitted:
    """Return *limit* of the lines that are *wanted*, of users that the caller sees; the newest first.

    Lines about what the caller does not see are left out, so that there may be fewer. *most_read* lines are
    looked through; where these have too few, the next page looks on.
    """
    if missing := missing_rights(caller.user, "api_log"):
        return missing
    visible = caller.visibility.users
    begin = before if before is not None else admin_log.newest(conn) + 1
    floor = max(begin - most_read, 0)
    lines = admin_log.page(conn, replace(wanted, visible=visible), limit + 1, begin, floor)
    shown = _visible(conn, caller, [_without_secrets(line) for line in lines[:limit]])
    rest = floor if floor > 1 else None
    following = lines[limit - 1].id if len(lines) > limit else rest
    return ChangePage(shown, following, _patterns(conn, caller, shown))


def _without_secrets(line: AdminLogLine) -> AdminLogLine:
    is_shown = line.section == DIDS or line.code.startswith(NOTES_OF)
    return line if is_shown else replace(line, notes="")


def _visible(conn: Connection, caller: Caller, lines: Sequence[AdminLogLine]) -> list[AdminLogLine]:
    """Return those of *lines* that are about what the caller sees, and of it what they see.

    A line with a batch is seen as the batch is, with the groups that its DIDs had then; another, as the DID
    or the user is now. What has neither (campaigns, servers) is told to callers without limit alone.
    """
    sight = caller.visibility
    if not sight.is_limited and sight.users is None:
        return [*lines]
    batches = _batches_seen(conn, caller, {line.batch_id for line in lines if line.batch_id is not None})
    patterns = _patterns(conn, caller, lines)
    users = visibility.users_seen(conn, sight, {line.record_id for line in lines if line.section == USERS})
    shown = []
    for line in lines:
        if line.section != DIDS:
            is_seen = line.section == USERS and line.record_id in users
        elif line.batch_id is None:
            is_seen = _number(line.record_id) in patterns
        else:
            is_seen = line.batch_id in batches
        if is_seen:
            batch = batches.get(line.batch_id or 0)
            shown.append(_without_source(line) if batch and _hides_source(batch) else line)
    return shown


def _batches_seen(conn: Connection, caller: Caller, batch_ids: Collection[int]) -> dict[int, StoredBatch]:
    seen = visibility.of_batches(conn, caller, progress.some(conn, batch_ids))
    return {batch.batch_id: batch for batch in seen}


def _hides_source(batch: StoredBatch) -> bool:
    return batch.kind == "copy" and not batch.source_pattern


def _without_source(line: AdminLogLine) -> AdminLogLine:
    """Return the line of a copy without what may name its source."""
    return replace(line, record_id="", notes="")


def _number(record_id: str) -> int:
    """Return the id of a DID as it stands in the log, 0 for what is none."""
    is_number = record_id.isascii() and record_id.isdigit() and len(record_id) < 10
    return int(record_id) if is_number else 0


def _patterns(conn: Connection, caller: Caller, lines: Sequence[AdminLogLine]) -> dict[int, str]:
    ids = {_number(line.record_id) for line in lines if line.section == DIDS} - {0}
    found, sight = admin_log.patterns(conn, ids), caller.visibility
    return {did_id: pattern for did_id, (pattern, group) in found.items() if sight.sees(group, pattern)}


def record_of(conn: Connection, caller: Caller, pattern: str) -> str | None:
    """Return the record under which changes of the DID *pattern* are logged, None if the caller sees none."""
    did = dids.find(conn, [pattern]).get(pattern)
    return str(did.did_id) if did and caller.visibility.sees(did.group, did.pattern) else None


@dataclass(frozen=True, slots=True)
class Traces:
    """What lines of the API log are about: batches by the line's id, and those DIDs that are there."""

    batches: Mapping[int, int]
    dids: Collection[str]


def traces(conn: Connection, caller: Caller, lines: Sequence[Logged]) -> Traces:
    """Return what the caller sees of the batches and DIDs that *lines* tell of.

    A batch is that of a line when its function makes such batches, it was stored in the same moment by the
    same user, and its source or first target stands in the line; where several fit it is none.
    """
    pieces = {piece for line in lines for piece in data_pieces(line) if _may_be_pattern(piece)}
    found, sight = dids.find(conn, pieces), caller.visibility
    seen = {piece for piece in pieces if (did := found.get(piece)) and sight.sees(did.group, did.pattern)}
    return Traces(batches_of(conn, caller, lines), seen)


def without_hidden(conn: Connection, caller: Caller, lines: Sequence[Logged]) -> list[Logged]:
    """Return *lines* of the API log, each without the data and the user that the caller does not see.

    The data of a change is seen as its batch is. That of another line names a DID that is seen now, and none
    that is not: of what is there no longer the group is not known.
    """
    sight = caller.visibility
    if sight.users is not None:
        known = visibility.users_seen(conn, sight, {line.agent_user for line in lines})
        lines = [line if line.agent_user in known else replace(line, agent_user="") for line in lines]
    if sight.groups is None:
        return [*lines]
    batches = batches_of(conn, caller, lines)
    words = {line.api_id: {*filter(_may_be_pattern, _words(line))} for line in lines}
    found = dids.find(conn, set().union(*words.values()))

    def is_seen(line: Logged) -> bool:
        if _is_change(line):
            return line.api_id in batches
        named = [did for word in words[line.api_id] if (did := found.get(word))]
        return bool(named) and all(sight.sees_group(did.group) for did in named)

    return [line if is_seen(line) else replace(line, data="") for line in lines]


def _words(line: Logged) -> list[str]:
    """Return the parts of a line's data and of the lists in it, of which any may be a DID."""
    return re.split(r"[|,; ]", line.data)


def _is_change(line: Logged) -> bool:
    return line.result != "ERROR" and line.function in KINDS


def batches_of(conn: Connection, caller: Caller, lines: Sequence[Logged]) -> dict[int, int]:
    """Return the batches that *lines* tell of, by the line's id, as far as the caller sees them."""
    found = _batches(conn, lines)
    if not found or not caller.visibility.is_limited:
        return found
    seen = _batches_seen(conn, caller, set(found.values()))
    return {api_id: batch_id for api_id, batch_id in found.items() if batch_id in seen}


def data_pieces(line: Logged) -> list[str]:
    """Return the parts of a line's data, of which some may be DIDs."""
    return line.data.split("|")[:10]


def _may_be_pattern(piece: str) -> bool:
    return patterns.MIN_LENGTH < len(piece) <= patterns.MAX_LENGTH and piece.isprintable()


def _batches(conn: Connection, lines: Sequence[Logged]) -> dict[int, int]:
    changing = [line for line in lines if _is_change(line)]
    if not changing:
        return {}
    first, last = (datetime.fromisoformat(line.when) for line in (changing[-1], changing[0]))
    made = admin_log.batches_between(conn, first, last + timedelta(seconds=1), BATCHES_LOOKED_AT)
    by_moment: dict[tuple[str, str], list[BatchSummary]] = {}
    for batch in made:
        by_moment.setdefault((batch.when, batch.user.lower()), []).append(batch)
    found = {}
    for line in changing:
        near = by_moment.get((line.when, line.user.lower()), [])
        if batch_id := _of(line, near):
            found[line.api_id] = batch_id
    return found


def _of(line: Logged, near: Sequence[BatchSummary]) -> int | None:
    pieces = {patterns.key(piece) for piece in data_pieces(line) if piece}
    near = [batch for batch in near if batch.kind in KINDS[line.function]]
    for name in ("target", "source"):
        fitting = [batch for batch in near if patterns.key(getattr(batch, name)) in pieces]
        if len(fitting) == 1:
            return fitting[0].batch_id
    return None
