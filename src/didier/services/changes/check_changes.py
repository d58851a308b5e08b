"""With which DIDs something is wrong that was not before, and with which no more.

What is wrong is worked out over tables that VICIdial changes too, whenever somebody asks. So that followers
hear of it, what was found the last time is kept, and compared.
"""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

import orjson
from sqlalchemy.engine import Connection

from didier.domain.checks import ANY, Finding
from didier.domain.visibility import EVERYTHING
from didier.services.changes.runs import in_runs
from didier.services.dids import checks
from didier.storage.changes import change_log
from didier.storage.changes.change_log import CHECK, FAILED, PASSED, Author, Change, Image
from didier.storage.dids import dids, failed_checks
from didier.storage.dids.checks import Check, look

IDS = 5_000
"""How many ids are looked at in one statement: tables without transactions are locked meanwhile."""

AT_ONCE = 500
"""Most DIDs whose differences are stored in one step, while others wait."""

STEPS_MOST = 20
"""After how many steps with differences all that DIDs lead to is looked at anew."""

NOBODY = Author("", None, "")
"""Who has changed how a check comes out is not known: often something else than the DID was changed."""


@dataclass(frozen=True, slots=True)
class Step:
    """What is different of some DIDs.

    *failed* are digests of what is wrong with them now, by id, *passed* those with which nothing is wrong any
    more, or that are gone; *changes* say the same in the change log.
    """

    failed: Mapping[int, str]
    passed: Sequence[int]
    changes: Sequence[Change]


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
        steps += _different(conn, check, first, after)
        if len(steps) >= STEPS_MOST:
            return Compared(steps, after)
    return Compared(steps, None)


def _different(conn: Connection, check: Check, first: int, last: int) -> Iterator[Step]:
    """Yield what is different of the DIDs with ids from *first* to *last*."""
    found = {_id(one.row): one for one in checks.within(conn, check, first, last) if one.findings}
    digests = {did_id: _digest(one.findings) for did_id, one in found.items()}
    known = failed_checks.within(conn, first, last)
    differing = sorted(
        did_id for did_id in digests.keys() | known.keys() if digests.get(did_id) != known.get(did_id)
    )
    for place in range(0, len(differing), AT_ONCE):
        some = differing[place : place + AT_ONCE]
        failed = {did_id: digests[did_id] for did_id in some if did_id in digests}
        passed = [did_id for did_id in some if did_id not in digests]
        changes = [_change(FAILED, found[did_id].row, found[did_id].findings) for did_id in failed]
        changes += [_change(PASSED, row) for row in dids.images(conn, passed).values()]
        yield Step(failed, passed, _in_runs(changes))


def _id(row: Image) -> int:
    return int(row["did_id"] or 0)


def _digest(findings: Sequence[Finding]) -> str:
    return hashlib.blake2b(orjson.dumps(findings), digest_size=16).hexdigest()


def _change(action: str, row: Image, findings: Sequence[Finding] = ()) -> Change:
    group = None if row["user_group"] is None else str(row["user_group"])
    chosen_by = {"did_route": row.get("did_route"), "user_group": group}
    told = [{"kind": one.kind, "reason": one.reason} for one in findings]
    return Change(
        NOBODY,
        action,
        CHECK,
        _id(row),
        str(row["did_pattern"]),
        batch_id=0,
        group_before=group,
        group_after=group,
        details={"row": chosen_by, "findings": told},
        version=None,
    )


def _in_runs(changes: Sequence[Change]) -> list[Change]:
    """Return *changes* by id, those that are alike and go on as one."""
    ordered = sorted(changes, key=lambda change: change.did_id)
    placed = [replace(change, position=place) for place, change in enumerate(ordered)]
    return [replace(run, position=1) for run in in_runs(placed)]


def store(conn: Connection, step: Step, now: datetime, *, is_told: bool) -> None:
    """Keep what was found, and say in the change log what is different, unless that is not to be told."""
    failed_checks.remove(conn, step.passed)
    failed_checks.put(conn, step.failed)
    if is_told:
        change_log.record(conn, step.changes, now, CHECK)
