"""With which DIDs something is wrong that was not before, and with which no more.

What is wrong is worked out over tables that VICIdial changes too, whenever somebody asks. So that followers
hear of it, what was found the last time is kept, and compared.
"""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

import orjson
from sqlalchemy.engine import Connection

from didier.domain.checks import ANY, LOOKED_AT
from didier.domain.visibility import EVERYTHING
from didier.services.changes.runs import in_runs
from didier.services.dids import checks
from didier.services.dids.checks import CheckedDid
from didier.storage.changes import change_log
from didier.storage.changes.change_log import CHECK, FAILED, PASSED, Author, Change, Image
from didier.storage.dids import dids, failed_checks
from didier.storage.dids.checks import Check, look
from didier.storage.dids.failed_checks import Kept

IDS = 5_000
"""How many ids are looked at in one statement: tables without transactions are locked meanwhile."""

AT_ONCE = 100
"""Most DIDs whose differences are stored in one step, while others wait (some 25 ms on MariaDB)."""

STEPS_MOST = 100
"""After how many steps with differences all that DIDs lead to is looked at anew."""

CIRCLE_MOST = 100
"""Of longer circles those who see some DIDs alone are not told."""

NOBODY = Author("", None, "")
"""Who has changed how a check comes out is not known: often something else than the DID was changed."""


@dataclass(frozen=True, slots=True)
class Difference:
    """What was kept of a DID, what is to be kept *after* that (None: nothing is wrong), and what is told.

    *seen* is what it was worked out by; None: the DID is gone.
    """

    did_id: int
    before: Kept | None
    after: Kept | None
    findings: Sequence[Mapping[str, Any]]
    seen: Image | None


Step = Sequence[Difference]
"""What is stored at once."""


@dataclass(frozen=True, slots=True)
class Compared:
    """Steps to be stored, and the id behind which to go on then; None: these are the last."""

    steps: Sequence[Step]
    following: int | None


def compare(conn: Connection, own_contexts: Sequence[str], after: int) -> Compared:
    """Compare what is wrong with DIDs that have ids above *after* with what was found the last time.

    *own_contexts* are in the dialplan beside those that the database knows. It only reads.
    """
    check = look(conn, ANY, EVERYTHING, own_contexts)
    steps: list[Step] = []
    while (first := failed_checks.following(conn, after)) is not None:
        after = first + IDS - 1
        found = _differences(conn, check, first, after)
        steps += [found[place : place + AT_ONCE] for place in range(0, len(found), AT_ONCE)]
        if len(steps) >= STEPS_MOST:
            return Compared(steps, after)
    return Compared(steps, None)


def _differences(conn: Connection, check: Check, first: int, last: int) -> list[Difference]:
    """Return what is different of the DIDs with ids from *first* to *last*, by id."""
    known = failed_checks.within(conn, first, last)
    failing = [one for one in checks.within(conn, check, first, last) if one.findings]
    found = list(_failed(conn, check, failing, known))
    passed = known.keys() - {_id(one.row) for one in failing}
    there = dids.images(conn, passed, wanted=_LOOKED_AT)
    for did_id in passed:
        seen = _seen(there[did_id]) if did_id in there else None
        found.append(Difference(did_id, known[did_id], None, (), seen))
    return sorted(found, key=lambda one: one.did_id)


def _failed(
    conn: Connection, check: Check, failing: Sequence[CheckedDid], known: Mapping[int, Kept]
) -> Iterator[Difference]:
    """Yield those of the DIDs with something wrong of which that was not *known*."""
    ways = {_id(one.row): check.loops.way(_id(one.row))[: CIRCLE_MOST + 1] for one in failing}
    groups = dids.images(conn, {did_id for way in ways.values() for did_id in way}, wanted=_NAMED)
    for one in failing:
        did_id, seen = _id(one.row), _seen(one.row)
        circle = [[groups[on_it][name] for name in _NAMED[1:]] for on_it in ways[did_id] if on_it in groups]
        findings = [_told(found.kind, found.reason, circle) for found in one.findings]
        kept = Kept(_digest(findings, seen), _chosen_by(seen))
        before = known.get(did_id)
        if before is None or before.digest != kept.digest:
            yield Difference(did_id, before, kept, findings, seen)


_NAMED = ("did_id", "user_group", "did_pattern")


def _told(kind: str, reason: str, circle: Sequence[Sequence[Any]]) -> Mapping[str, Any]:
    """Return a finding for the log; that of a loop names the DIDs on it, which not everybody may see."""
    if kind != "loop":
        return {"kind": kind, "reason": reason}
    return {"kind": kind, "reason": reason, "circle": circle if len(circle) <= CIRCLE_MOST else None}


def _id(row: Image) -> int:
    return int(row["did_id"] or 0)


_LOOKED_AT = ("did_id", "did_pattern", "user_group", *LOOKED_AT, "version")


def _seen(row: Image) -> Image:
    return {name: row.get(name) for name in _LOOKED_AT}


def _chosen_by(row: Image) -> Image:
    return {name: row[name] for name in ("did_route", "user_group")}


def _digest(findings: Sequence[Mapping[str, Any]], seen: Image) -> str:
    """Return what is another one where something else is told, or others are."""
    told = [findings, seen["did_pattern"], _chosen_by(seen)]
    return hashlib.blake2b(orjson.dumps(told), digest_size=16).hexdigest()


def store(conn: Connection, step: Step, now: datetime, *, is_told: bool) -> None:
    """Keep what was found, and say in the change log what is different, unless that is not to be told.

    What was done to a DID meanwhile counts: the next look finds how it is then.
    """
    there = dids.images(conn, [one.did_id for one in step], wanted=_LOOKED_AT)
    now_seen = {did_id: _seen(row) for did_id, row in there.items()}
    sure = [one for one in step if one.seen == now_seen.get(one.did_id)]
    failed_checks.remove(conn, [one.did_id for one in sure])
    failed_checks.put(conn, {one.did_id: one.after for one in sure if one.after})
    if is_told:
        change_log.record(conn, _in_runs(map(_change, filter(_is_there, sure))), now, CHECK)


def _is_there(one: Difference) -> bool:
    return one.seen is not None


def _change(one: Difference) -> Change:
    seen = one.seen or {}
    after = _chosen_by(seen)
    before = one.before.chosen_by if one.before else after
    return Change(
        NOBODY,
        FAILED if one.after else PASSED,
        CHECK,
        one.did_id,
        str(seen["did_pattern"]),
        batch_id=0,
        group_before=_group(before),
        group_after=_group(after),
        details={"rows": [before, after], "findings": one.findings},
        version=None,
    )


def _group(row: Image) -> str | None:
    return None if row["user_group"] is None else str(row["user_group"])


def _in_runs(changes: Iterator[Change]) -> list[Change]:
    """Return *changes*, which are by id, with those as one that are alike and go on."""
    placed = [replace(change, position=place) for place, change in enumerate(changes)]
    return [replace(run, position=1) for run in in_runs(placed)]
