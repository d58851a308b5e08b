"""Passes over all DIDs, for what was done to them beside Didier, without a thread; and replays of the log."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime

from sqlalchemy.engine import Connection, Engine

from didier.domain.targets import in_run
from didier.services.changes import images
from didier.services.changes import reconcile as services
from didier.storage.changes import change_log, ranges, reconcile, sequence
from didier.storage.changes.change_log import DELETED, Change, Recorded
from didier.storage.changes.reconcile import Pass
from didier.storage.database import reading
from didier.storage.dids import snapshots
from didier.storage.statements import run
from didier.storage.tables import DIDS

NOW = datetime(2026, 3, 4, 5, 6, 7)


def number_all(engine: Engine) -> None:
    """Number what was committed, as the sequencer does."""
    with engine.begin() as conn:
        while not sequence.is_complete(conn):
            sequence.number(conn, 500)


def reconciled(engine: Engine, between: Callable[[], None] = lambda: None) -> list[Change]:
    """Make a pass; return what was recorded. *between* is done behind each look that finds something."""
    with reading(engine) as conn:
        last = reconcile.last_pass(conn)
        done = Pass(sequence.newest(conn), 0.0)
        touched = reconcile.touched(conn, last.position) if last else set()
    floor = last.position if last else None
    found: list[Change] = []
    for first in list(_ranges(engine, touched)):
        with reading(engine) as conn:
            if floor is not None and first not in touched and services.is_same(conn, first):
                continue
        found += _settled(engine, first, floor, between)
    with engine.begin() as conn:
        reconcile.end_pass(conn, done)
    return found


def _ranges(engine: Engine, touched: set[int]) -> Iterator[int]:
    first: int | None = 0
    while first is not None:
        with reading(engine) as conn:
            first = ranges.following(conn, first, touched)
        if first is not None:
            yield first
            first += ranges.SIZE


def _settled(engine: Engine, first: int, floor: int | None, between: Callable[[], None]) -> Iterator[Change]:
    while True:
        with reading(engine) as conn:
            seen = services.look(conn, first, floor)
        if not seen.different:
            assert seen.content
            with engine.begin() as conn:
                ranges.keep(conn, seen.content)
            return
        between()
        with engine.begin() as conn:
            settled = services.settle(conn, seen, floor, NOW)
        yield from settled.changes
        if settled.is_complete or not settled.changes:
            return


@contextmanager
def beside(engine: Engine) -> Iterator[Callable[..., None]]:
    """Yield what runs SQL on DIDs as another program would: ``{}`` is the table."""
    with engine.connect() as conn:

        def execute(sql: str, *values: object) -> None:
            with conn.begin():
                run(conn, sql.format(DIDS, DIDS), *values)

        yield execute


Replayed = dict[int, tuple[str, str | None]]
"""Number and user group of each DID."""


def table(conn: Connection) -> Replayed:
    """Return what there is."""
    rows = run(conn, f"SELECT did_id, did_pattern, user_group FROM {DIDS}")
    return {did_id: (pattern, group) for did_id, pattern, group in rows}


def replayed(conn: Connection, there: Replayed, after: int = 0) -> Replayed:
    """Return what the change log makes of what was *there*, behind the change *after*."""
    sql = "SELECT change_id FROM didier_changes WHERE kind = 'did' AND change_id > ? ORDER BY change_id"
    recorded = change_log.some(conn, [row[0] for row in run(conn, sql, after)])
    now_there = dict(there)
    for change_id in sorted(recorded):
        _replay(conn, now_there, recorded[change_id])
    return now_there


def _replay(conn: Connection, there: Replayed, recorded: Recorded) -> None:
    change = recorded.change
    for did_id in range(change.did_id, change.did_id + change.size):
        if change.action == DELETED:
            there.pop(did_id, None)
            continue
        number = in_run(change.pattern, did_id - change.did_id)
        source = snapshots.read(conn, change.snapshot_id) if change.snapshot_id else {}
        row = images.left_by(change, did_id, number, source)
        assert row
        group = row["user_group"]
        there[did_id] = str(row["did_pattern"]), None if group is None else str(group)
