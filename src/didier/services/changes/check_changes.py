"""With which DIDs something is wrong that was not before, and with which no more.

What is wrong is worked out over tables that VICIdial changes too, whenever somebody asks. So that followers
hear of it, what was found the last time is kept, and compared.
"""

import hashlib
from collections.abc import Mapping, Sequence
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
from didier.storage.dids import checks as conditions
from didier.storage.dids import dids, failed_checks
from didier.storage.dids.filters import Filter

AT_ONCE = 500
"""Most DIDs with something wrong whose differences are stored in one step, while others wait."""

STEPS_MOST = 10
"""After how many steps with differences all that DIDs lead to is looked at anew."""

NOBODY = Author("", None, "")
"""Who has changed how a check comes out is not known: often something else than the DID was changed."""


@dataclass(frozen=True, slots=True)
class Step:
    """What is different in a range of ids.

    *failed* are digests of what is wrong with DIDs now, by id, *passed* those with which nothing is wrong any
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
    wanted = Filter(check=conditions.look(conn, ANY, EVERYTHING, own_contexts))
    steps: list[Step] = []
    following: int | None = after
    while following is not None and len(steps) < STEPS_MOST:
        step, following = _compare(conn, wanted, following)
        if step.failed or step.passed:
            steps.append(step)
    return Compared(steps, following)


def _compare(conn: Connection, wanted: Filter, after: int) -> tuple[Step, int | None]:
    found = checks.by_id(conn, wanted, AT_ONCE, after)
    rows = {_id(one.row): one.row for one in found}
    last = max(rows) if len(found) == AT_ONCE else None
    findings = {_id(one.row): one.findings for one in found if one.findings}
    digests = {did_id: _digest(of_one) for did_id, of_one in findings.items()}
    known = failed_checks.between(conn, after, last)
    failed = {did_id: digest for did_id, digest in digests.items() if digest != known.get(did_id)}
    passed = sorted(known.keys() - digests.keys())
    changes = [_change(FAILED, rows[did_id], findings[did_id]) for did_id in failed]
    changes += [_change(PASSED, row) for row in dids.images(conn, passed).values()]
    return Step(failed, passed, _in_runs(changes)), last


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
