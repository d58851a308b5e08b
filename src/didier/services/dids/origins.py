"""What DIDs were copied from, as the change log tells, and in what they differ from that."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.engine import Connection

from didier.domain.drift import NOT_COMPARED, Against, Difference, differences
from didier.domain.visibility import Visibility
from didier.services.changes import images
from didier.storage.changes import change_log
from didier.storage.changes.change_log import Image, Recorded
from didier.storage.dids import did_fields, dids, lineage, read_back, snapshots


@dataclass(frozen=True, slots=True)
class Origin:
    """What a DID was copied from: *source* is the pattern that this had then."""

    source_id: int
    source: str
    snapshot_id: int | None
    given: frozenset[str]  # the fields that the copy got otherwise than by its source
    copied_at: datetime
    batch_id: int


def origins(conn: Connection, did_ids: Collection[int]) -> dict[int, Origin]:
    """Return what those of the DIDs *did_ids* were copied from that are copies, by id."""
    creations = lineage.creations(conn, did_ids)
    recorded = change_log.some(conn, set(creations.values()))
    copied = {change_id: one for change_id, one in recorded.items() if one.change.cause == "copy"}
    # One for a whole run, unless its DIDs were given values of their own.
    alike = {
        change_id: _origin(one, one.change.did_id)
        for change_id, one in copied.items()
        if not one.change.details.get("own")
    }
    return {
        did_id: alike.get(change_id) or _origin(copied[change_id], did_id)
        for did_id, change_id in creations.items()
        if change_id in copied
    }


def _origin(recorded: Recorded, did_id: int) -> Origin:
    logged = recorded.change
    return Origin(
        source_id=int(logged.details.get("source_id") or 0),
        source=logged.source or "",
        snapshot_id=logged.snapshot_id,
        given=frozenset(images.given(logged, did_id)),
        copied_at=recorded.changed_at,
        batch_id=recorded.batch_id,
    )


@dataclass(frozen=True, slots=True)
class Drifted:
    """A copy (its *row*) that differs from its source; *source* is the pattern of that."""

    row: Image
    source: str
    origin: Origin
    differs: Mapping[str, Difference]


def drift(
    conn: Connection, sight: Visibility, copies: Mapping[int, Image]
) -> dict[int, dict[str, Difference]]:
    """Return in what the DIDs of the rows *copies* differ from their sources as these are now, by id.

    Without those that do not differ, or whose source is not there for who has *sight*.
    """
    found = origins(conn, copies)
    sources = _sources(conn, sight, found.values(), "now")
    differing = {
        did_id: differences(sources[origin.source_id], copies[did_id], origin.given)
        for did_id, origin in found.items()
        if origin.source_id in sources
    }
    return {did_id: differs for did_id, differs in differing.items() if differs}


def drifted(
    conn: Connection, sight: Visibility, did_ids: Collection[int], against: Against
) -> dict[int, Drifted]:
    """Return those of the DIDs *did_ids* that differ from their sources, by id.

    The database looks for rows that are not as their source, so that only these are read as a whole.
    """
    found = origins(conn, did_ids)
    sources = _sources(conn, sight, found.values(), against)
    seen = {did_id: origin for did_id, origin in found.items() if _key(origin, against) in sources}
    rows = dids.images(conn, _suspects(conn, seen, sources, against))
    compared = [_compared(row, seen[did_id], sources, against) for did_id, row in rows.items()]
    return {int(one.row["did_id"] or 0): one for one in compared if one.differs}


def _key(origin: Origin, against: Against) -> int:
    return origin.source_id if against == "now" else origin.snapshot_id or 0


def _sources(
    conn: Connection, sight: Visibility, found: Iterable[Origin], against: Against
) -> dict[int, Image]:
    """Return the rows of sources, now or when they were copied, that who has *sight* sees."""
    keys = {_key(origin, against) for origin in found} - {0}
    rows = dids.sources(conn, keys) if against == "now" else snapshots.some(conn, keys)
    return {
        key: row for key, row in rows.items() if sight.sees(row.get("user_group"), str(row["did_pattern"]))
    }


def _compared(row: Image, origin: Origin, sources: Mapping[int, Image], against: Against) -> Drifted:
    source = sources[_key(origin, against)]
    return Drifted(row, str(source["did_pattern"]), origin, differences(source, row, origin.given))


FEW = 20
"""Up to how many copies of one source, made alike, are read without asking the database which differ."""


def _suspects(
    conn: Connection, found: Mapping[int, Origin], sources: Mapping[int, Image], against: Against
) -> set[int]:
    """Return the ids of copies of which something is not, to the letter, as in their source."""
    alike: dict[tuple[int, frozenset[str]], list[int]] = defaultdict(list)
    for did_id, origin in found.items():
        alike[_key(origin, against), origin.given].append(did_id)
    known = did_fields.of(conn, found)
    suspects: set[int] = set()
    for (key, given), did_ids in alike.items():
        inherited = {name: value for name, value in sources[key].items() if name not in NOT_COMPARED | given}
        if len(did_ids) <= FEW:
            suspects.update(did_ids)
            continue
        own = {name: inherited[name] for name in did_fields.DEFAULTS if name in inherited}
        suspects.update(one for one in did_ids if any(known[one][name] != own[name] for name in own))
        suspects |= read_back.differing(conn, inherited, did_ids)
    return suspects
