"""Random copies, batches, edits, undos and restarts, against a model that holds everything in memory."""

import asyncio
import os
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from itertools import chain
from typing import Any

from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from sqlalchemy.engine import Engine

from didier.cli.local import CALLER
from didier.domain import inputs
from didier.domain.templates import Template
from didier.errors import AlreadyExists, DeletionLocked, NotAllPossible, NotFound, NotUndoable
from didier.runtime.committer import Committer
from didier.services.batches import batches, copies, edits, journal, rollback
from didier.services.batches.batches import BatchOrder, Undone, UndoOrder
from didier.services.batches.copies import CopyOrder, CopyResult
from didier.services.batches.edits import AddOrder, DeleteOrder, LockOrder, UpdateOrder
from didier.services.batches.order_text import text_of
from didier.services.changes.history import history
from didier.storage import row_sets
from didier.storage.batches import progress
from didier.storage.changes import change_log
from didier.storage.database import open_engine, reading
from didier.storage.statements import as_text, run
from didier.storage.tables import DIDS
from support.batches import each, interrupted, stored, table

EXAMPLES = int(os.environ.get("MODEL_EXAMPLES", "10"))
"""Sequences of steps, on each database."""

SOURCE = "18001234567"
TARGETS = [*(str(number) for number in range(5_550_100, 5_550_130)), "Sales", "SALES", "number", SOURCE, "x"]
BLOCKS = st.tuples(st.integers(5_550_100, 5_550_400), st.sampled_from([1, 4, 9, 120]))
"""First number and size; above a hundred they are decided on by themselves."""

VALUES = st.fixed_dictionaries(
    {},
    optional={
        "did_description": st.sampled_from(["First line", "Second line"]),
        "extension": st.sampled_from(["8301", "8302"]),
        "did_active": st.sampled_from("YN"),
        "did_carrier_description": st.sampled_from(["Carrier", None]),
        "max_queue_ingroup_calls": st.sampled_from(["7", "007"]),
        "tags": st.sampled_from(["vip, Berlin", None]),
    },
)
LINES = st.lists(st.sampled_from(TARGETS) | BLOCKS, min_size=1, max_size=4)
LINES |= LINES.map(lambda lines: [*lines, lines[0]])
PLACES = st.integers(0, 1_000)
"""Of something among what there is."""

EDITS = ("add", "update", "update", "delete", "lock", "unlock", "undo", "restart")
PACES = st.integers(1, 9)
STOPS = st.lists(st.tuples(st.integers(1, 6), st.booleans()), max_size=2)
"""Steps behind which the runner ends, and whether as if the process had died."""

UNLIKE_SOURCE = ("did_id", "did_pattern", "modify_stamp", "version")
HELD = {"vip, Berlin": "Berlin,vip"}
"""What values are as they are stored, where that differs."""

Row = dict[str, Any]
Last = tuple[datetime, str, int]
"""When something was changed, how, and by which batch: of a copy when it was ordered."""


def key(pattern: str) -> str:
    """Return what patterns that are one DID share."""
    return pattern.lower()


def held(values: dict[str, str | None]) -> Row:
    """Return *values* as the columns hold them."""
    return {
        name: int(value) if name == "max_queue_ingroup_calls" else HELD.get(value, value or "")
        for name, value in values.items()
    }


def expanded(lines: list[Any]) -> list[str]:
    """Return the targets of an order one by one."""
    targets: list[str] = []
    for line in lines:
        first, size = line if isinstance(line, tuple) else (0, 0)
        targets += [str(first + place) for place in range(size)] or [line]
    return targets


def written(line: Any) -> str:
    """Return a line of an order as it is written."""
    return f"{line[0]}-{line[0] + line[1] - 1}" if isinstance(line, tuple) else line


@dataclass
class Made:
    """What the model knows of a batch."""

    batch_id: int
    kind: str
    state: str
    created_at: datetime
    items: list[list[Any]] = field(default_factory=list)  # target, outcome, DID id
    atomic: bool = False
    targets: list[str] = field(default_factory=list)  # of one that waits
    wanted: Row = field(default_factory=dict)  # columns of the copies
    template: bool = False
    before: Row | None = None  # of an edit
    after: Row | None = None
    counts: dict[str, int] = field(default_factory=dict)

    @property
    def totals(self) -> dict[str, int]:
        """The totals of a batch of copies: what was made stays counted as added."""
        found = [item[1] for item in self.items]
        made = sum(found.count(outcome) for outcome in ("added", "removed", "kept", "missing"))
        others = {name: found.count(name) for name in ("exists", "invalid", "duplicate", "removed", "kept")}
        return {"added": made, **others}

    def is_undoable(self, force: bool) -> bool:
        """Say whether a copy can be undone; what an undo has kept, by force."""
        left = self.totals["kept"] > 0 and force
        return self.totals["added"] > 0 and (self.state == "done" or (self.state == "undone" and left))


class Model(RuleBasedStateMachine):
    """A database and what has to be in it."""

    def __init__(self, url: str, source: Row) -> None:
        super().__init__()
        self.url = url
        self.now = datetime(2026, 3, 4, 5, 6, 7)
        self.rows: dict[int, Row] = {source["did_id"]: dict(source)}
        self.made: dict[int, Made] = {}
        self.updated: set[int] = set()
        self.last: dict[int, Last] = {}  # change of each DID
        self.versions: dict[int, int] = {}  # of each DID that was changed, also of one that is gone
        self.gone: dict[str, Last] = {}  # the same by pattern of those that an edit took away
        self.open()
        empty(self.engine, source)

    def open(self) -> None:
        """Begin as a server does."""
        self.engine: Engine = open_engine(self.url)
        recover = lambda conn: not journal.take_back(conn) and journal.is_clear(conn)  # noqa: E731
        self.committer = Committer(self.engine, recover=recover)
        self.committer.start()

    def close(self) -> None:
        """End as a server does."""
        asyncio.run(self.committer.stop())
        self.engine.dispose()

    def teardown(self) -> None:
        """The change log has every version of each DID once, in order; then end."""
        logged: dict[int, list[int | None]] = defaultdict(list)
        with reading(self.engine) as conn:
            ids = [row[0] for row in run(conn, "SELECT change_id FROM didier_changes WHERE kind = 'did'")]
            found = change_log.some(conn, ids)
        for change_id in sorted(found):
            for single in found[change_id].change.singles():
                logged[single.did_id].append(single.version)
        for did_id, versions in logged.items():
            last = self.versions[did_id]
            assert [*range(last - len(versions) + 1, last + 1)] == versions
        self.close()

    def ask(self, service: Callable[..., Any], order: Any) -> Any:
        """Carry out an order, a second later than the one before."""
        self.now += timedelta(seconds=1)
        return asyncio.run(self.committer.run(partial(service, now=self.now), order))

    # What is where, in the model.

    def find(self, pattern: str) -> Row | None:
        """Return the DID with *pattern*."""
        return next((row for row in self.rows.values() if key(row["did_pattern"]) == key(pattern)), None)

    @property
    def waiting(self) -> list[Made]:
        """The batches that wait to be made."""
        return [batch for batch in self.made.values() if batch.state == "pending"]

    def undoable(self, force: bool = False) -> list[Made]:
        """Return the copies that can be undone; where an undo has kept some, by force."""
        return [batch for batch in self.made.values() if batch.kind == "copy" and batch.is_undoable(force)]

    def some(self, place: int) -> str:
        """Return the pattern of a DID, often of one made lately, seldom of one that may not be there."""
        there = [row["did_pattern"] for row in self.rows.values()]
        if place > 900 or not there:
            return TARGETS[place % len(TARGETS)]
        return there[-1 - place % min(8, len(there))] if place > 300 else there[place % len(there)]

    def put(self, row: Row, action: str, batch_id: int, stamp: datetime | None = None) -> None:
        """Say that a DID is as *row* since a change; its *stamp* is the time of now unless it is another."""
        did_id = row["did_id"]
        marks = {"modify_stamp": as_text(stamp or self.now), "version": self.raised(did_id)}
        self.rows[did_id] = row | marks
        self.last[did_id] = self.now, action, batch_id

    def raised(self, did_id: int) -> int:
        """Return the version that a DID has with another change."""
        first = 1 if did_id in self.rows else 0  # what was there before everything has one
        self.versions[did_id] = self.versions.get(did_id, first) + 1
        return self.versions[did_id]

    def take(self, did_id: int, batch_id: int, action: str | None) -> None:
        """Say that a DID is gone; *action* unless its history may not be found any more."""
        self.raised(did_id)
        row = self.rows.pop(did_id)
        self.gone.pop(key(row["did_pattern"]), None)
        if action:
            self.gone[key(row["did_pattern"])] = self.now, action, batch_id

    def outcomes(self, targets: list[str]) -> list[str]:
        """Return what becomes of each target when what is possible is made."""
        named: set[str] = set()
        found = []
        for target in targets:
            if len(target) < 2:
                found.append("invalid")
            elif key(target) in named:
                found.append("duplicate")
            else:
                found.append("exists" if self.find(target) else "added")
            named.add(key(target))
        return found

    def copied(self, batch: Made, ids: list[int | None]) -> None:
        """Say that the items of *batch* were made, with *ids*."""
        for item, did_id in zip(batch.items, ids, strict=True):
            item[2] = did_id
            if item[1] == "added":
                own = {"did_description": f"Sales {item[0]}"} if batch.template else {}
                identity = {"did_id": did_id, "did_pattern": item[0]}
                row = {**batch.wanted, **own, **identity}
                self.put(row, "copied", batch.batch_id, batch.created_at)

    # Rules.

    @rule(
        source=PLACES,
        numbers=st.lists(st.sampled_from(TARGETS), min_size=1, max_size=6),
        overrides=VALUES,
        atomic=st.booleans(),
        template=st.booleans(),
    )
    def copy(self, source, numbers, overrides, atomic, template):
        """A small copy, all or nothing or what is possible."""
        source = self.some(source)
        found, outcomes = self.find(source), self.outcomes(numbers)
        made_of = Template("Sales {target}") if template else None
        order = CopyOrder(CALLER, source, tuple(numbers), overrides, atomic=atomic, template=made_of)
        result = self.ask(copies.copy, order)
        if found is None:
            assert NotFound(source) == result
        elif atomic and set(outcomes) != {"added"}:
            assert isinstance(result, NotAllPossible)
        else:
            assert isinstance(result, CopyResult)
            batch = Made(result.batch_id, "copy", "done", self.now, template=template)
            batch.items = [[*pair, None] for pair in zip(numbers, outcomes, strict=True)]
            batch.wanted = wanted(found, overrides)
            self.made[batch.batch_id] = batch
            self.copied(batch, [getattr(item, "did_id", None) for item in result.items])

    @rule(
        source=PLACES,
        lines=LINES,
        overrides=VALUES,
        atomic=st.booleans(),
        template=st.booleans(),
        steps=st.none() | st.tuples(PACES, STOPS),
    )
    def order_batch(self, source, lines, overrides, atomic, template, steps):
        """A large batch is taken in; its source, and what exists, may change before it is made."""
        source = self.some(source)
        found = self.find(source)
        made_of = Template("Sales {target}") if template else None
        text = text_of(chain.from_iterable(map(inputs.of_item, map(written, lines))), frozenset(), 1_000)
        result = self.ask(batches.accept, BatchOrder(CALLER, source, text, overrides, made_of, atomic))
        if found is None:
            assert NotFound(source) == result
            return
        batch = Made(result.batch_id, "copy", "pending", self.now, atomic=atomic, template=template)
        batch.targets, batch.wanted = expanded(lines), wanted(found, overrides)
        self.made[batch.batch_id] = batch
        if steps:
            self.carry_out(*steps)

    @precondition(lambda self: self.waiting)
    @rule(pace=PACES, stops=STOPS)
    def carry_out(self, pace, stops):
        """The batches that wait are made, also over restarts in their middle."""
        self.run_batches(pace, stops)
        for batch in self.waiting:
            self.carried_out(batch)

    def run_batches(self, pace: int, stops: list[tuple[int, bool]]) -> None:
        """Let the runner work until nothing waits."""
        self.now += timedelta(seconds=1)
        for last, abruptly in stops:
            interrupted(self.engine, self.now, pace=pace, last=last, abruptly=abruptly)
            self.close()
            self.open()
        interrupted(self.engine, self.now, pace=pace)

    def carried_out(self, batch: Made) -> None:
        """Do in the model what the runner has done."""
        outcomes = self.outcomes(batch.targets)
        batch.items = [[*pair, None] for pair in zip(batch.targets, outcomes, strict=True)]
        if batch.atomic and set(outcomes) != {"added"}:
            batch.state = "failed"
            batch.items = [item for item in batch.items if item[1] != "added"]
        else:
            batch.state = "done"
            self.copied(batch, [one.did_id for one in each(self.engine, batch.batch_id)])

    @rule(what=st.sampled_from(EDITS), place=PLACES, new=st.sampled_from(TARGETS[:-1]), values=VALUES)
    def edit(self, what, place, new, values):
        """A DID is added, changed, deleted or locked, that is undone, or the server is restarted."""
        if what == "add":
            self.add(new, values)
        elif what == "undo" and self.made:
            self.undo(place, place % 3 == 0)
        else:
            self.edit_one(what, self.some(place), values)

    def edit_one(self, what: str, pattern: str, values: dict[str, str | None]) -> None:
        """Do with a DID what the name says."""
        if what == "update":
            self.update(pattern, values or {"extension": "8301"})
        elif what == "delete":
            self.delete(pattern)
        elif what == "restart":
            self.close()
            self.open()
            self.histories_agree(self.rows)
        elif what in {"lock", "unlock"}:
            self.lock(pattern, what == "lock")

    @precondition(lambda self: self.undoable())
    @rule(places=st.lists(PLACES, min_size=1, max_size=3), what=st.sampled_from(EDITS[1:5]), values=VALUES)
    def edit_copies(self, places, what, values):
        """DIDs that the last batch has made are changed."""
        batch = self.undoable()[-1]
        made = [item[0] for item in batch.items if item[1] == "added"]
        for place in places:
            self.edit_one(what, made[place % len(made)], values)

    def add(self, pattern, values):
        """A DID of its own."""
        found = self.find(pattern)
        done = self.ask(edits.add, AddOrder(CALLER, pattern, values))
        if found:
            assert AlreadyExists(pattern) == done
            return
        row = dict(done.image)  # what its other columns have is the table's word
        assert held(values) | {"did_pattern": pattern} == {
            name: row[name] for name in [*values, "did_pattern"]
        }
        self.edited(Made(done.batch_id, "add", "done", self.now, after=row), row)

    def update(self, pattern, values):
        """A DID is changed, perhaps to what it is already."""
        found = self.find(pattern)
        done = self.ask(edits.update, UpdateOrder(CALLER, pattern, values))
        if found is None:
            assert NotFound(pattern) == done
            return
        row = found | held(values)
        self.updated.add(found["did_id"])
        self.edited(Made(done.batch_id, "update", "done", self.now, before=found, after=row), row)

    def delete(self, pattern):
        """A DID is deleted, unless it is locked."""
        found = self.find(pattern)
        done = self.ask(edits.delete, DeleteOrder(CALLER, pattern))
        if found is None:
            assert NotFound(pattern) == done
        elif self.is_locked(found["did_id"]):
            assert DeletionLocked(pattern) == done
        else:
            self.edited(Made(done.batch_id, "delete", "done", self.now, before=found), None)

    def edited(self, batch: Made, row: Row | None) -> None:
        """Do in the model what an edit has done."""
        self.made[batch.batch_id] = batch
        if row is None:
            self.take(batch.before["did_id"], batch.batch_id, "deleted")
        else:
            self.put(row, "added" if batch.before is None else "updated", batch.batch_id)

    def lock(self, pattern, locked):
        """A DID is locked against deletion, or not any more."""
        found = self.find(pattern)
        done = self.ask(edits.lock, LockOrder(CALLER, pattern, locked))
        if found is None:
            assert NotFound(pattern) == done
            return
        row = found | {"locked": "Y" if locked else "N"}
        self.updated.add(found["did_id"])
        self.edited(Made(done.batch_id, "update", "done", self.now, before=found, after=row), row)

    def is_locked(self, did_id):
        """Say whether a DID is locked against deletion."""
        return self.rows.get(did_id, {}).get("locked") == "Y"

    @precondition(lambda self: self.made)
    @rule(place=PLACES, force=st.booleans())
    def undo(self, place, force):
        """A batch is undone."""
        batch = self.chosen(place)
        if batch.kind == "copy":
            self.undo_copies(batch, force)
        else:
            self.undo_edit(batch, force)

    def chosen(self, place: int) -> Made:
        """Return a batch, mostly one of the last: they have more to be undone."""
        found = list(self.made.values())
        return found[place % len(found)] if place > 700 else found[-1 - place % min(4, len(found))]

    def undo_copies(self, batch: Made, force: bool) -> None:
        """Undo at once what a copy has made."""
        possible = batch.is_undoable(force)
        result = self.ask(batches.undo, UndoOrder(CALLER, batch.batch_id, force))
        if possible:
            assert isinstance(result, Undone)
            self.undone(batch, force)
        else:
            assert NotUndoable(batch.batch_id, batch.state) == result

    @precondition(lambda self: self.undoable() and not self.waiting)
    @rule(place=PLACES, force=st.booleans(), pace=PACES, stops=STOPS)
    def undo_in_steps(self, place, force, pace, stops):
        """A copy is undone by the runner, as large ones are, also over restarts in its middle."""
        found = self.undoable(force)
        batch = found[place % len(found)]
        self.now += timedelta(seconds=1)
        with self.engine.begin() as conn:
            rollback.begin(conn, progress.get(conn, batch.batch_id), CALLER, self.now, force=force)
        self.run_batches(pace, stops)
        self.undone(batch, force)

    def undone(self, batch: Made, force: bool) -> None:
        """Do in the model what the undo of a copy has done."""
        for item in batch.items:
            if item[1] not in {"added", "kept"}:
                continue
            row = self.rows.get(item[2])
            if row is None:
                item[1] = "missing"
            elif self.is_locked(item[2]) or (not force and self.is_changed(batch, row)):
                item[1] = "kept"
            else:
                item[1] = "removed"
                self.take(item[2], batch.batch_id, None)
        batch.state = "undone"

    def is_changed(self, batch: Made, row: Row) -> bool:
        """Say whether a copy was changed since: where it has values of its own, at all."""
        later = row["did_id"] in self.updated or row["modify_stamp"] != as_text(batch.created_at)
        if batch.template and later:
            return True
        own = {"did_description"} if batch.template else set()
        return any(row[name] != value for name, value in batch.wanted.items() if name not in own)

    def undo_edit(self, batch: Made, force: bool) -> None:
        """Undo an addition, a change or a deletion."""
        result = self.ask(batches.undo, UndoOrder(CALLER, batch.batch_id, force))
        if batch.state != "done":
            assert NotUndoable(batch.batch_id, batch.state) == result
            return
        refused, kept, then = self.back(batch, force)
        if refused:
            assert refused == result
            return
        assert isinstance(result, Undone)
        assert kept == result.kept
        if not kept:
            batch.state = "undone"
            then()

    def back(self, batch: Made, force: bool) -> tuple[Any, tuple[str, ...], Callable[[], None]]:
        """Return why an edit is not undone, what is kept, and what is done in the model."""
        image = batch.before or batch.after or {}
        did_id, pattern = image["did_id"], image["did_pattern"]
        row = self.rows.get(did_id)
        if batch.kind == "delete":
            there = row or self.find(pattern)
            return there and AlreadyExists(pattern), (), lambda: self.put(image, "restored", batch.batch_id)
        columns = changed(batch)
        if row is None:
            return None, (pattern,) if batch.kind == "update" else (), lambda: None
        if not force and any(row[name] != batch.after[name] for name in columns):
            return None, (pattern,), lambda: None
        if batch.kind == "add":
            locked = self.is_locked(did_id)
            return locked and DeletionLocked(pattern), (), lambda: self.take(did_id, batch.batch_id, "undone")
        former = {name: batch.before[name] for name in columns}
        return None, (), lambda: self.put(row | former, "restored", batch.batch_id)

    # What holds after each step.

    @invariant()
    def agrees(self):
        """The table is the model's, and of each batch state, totals and items are."""
        there = {row["did_id"]: row for row in table(self.engine).values()}
        assert self.rows == there
        for batch in self.made.values():
            found = stored(self.engine, batch.batch_id)
            assert (batch.kind, batch.state) == (found.kind, found.state)
            if batch.kind == "copy":
                assert batch.totals == {
                    "added": found.added,
                    "exists": found.existing,
                    "invalid": found.invalid,
                    "duplicate": found.duplicates,
                    "removed": found.removed,
                    "kept": found.kept,
                }
                items = [[one.target, one.outcome, one.did_id] for one in each(self.engine, batch.batch_id)]
                assert batch.items == items

    @invariant()
    def history_agrees(self):
        """The history of the DID that was changed last begins with that change."""
        self.histories_agree(list(self.last)[-1:])

    def histories_agree(self, did_ids) -> None:
        """Compare the last change of each DID."""
        with reading(self.engine) as conn:
            for did_id in did_ids:
                if did_id in self.rows and did_id in self.last:
                    row, last = self.rows[did_id], self.last[did_id]
                    first, *_ = history(conn, CALLER, row["did_pattern"], 1)
                    if last > self.gone.get(key(row["did_pattern"]), last[:1]):
                        assert last == (first.when, first.action, first.batch_id)
                        assert {name: row[name] for name in first.after} == first.after
            for pattern, last in self.gone.items():
                if not self.find(pattern):
                    first, *_ = history(conn, CALLER, pattern, 1)
                    assert last == (first.when, first.action, first.batch_id)


def changed(batch: Made) -> list[str]:
    """Return the columns that an edit has set: all of a DID that it added."""
    names = [name for name in batch.after if name not in {"modify_stamp", "version"}]
    return [name for name in names if batch.before is None or batch.before[name] != batch.after[name]]


def wanted(source: Row, overrides: dict[str, str | None]) -> Row:
    """Return the columns that the copies of *source* have."""
    values = source | {"tags": "", "managed_by": "", "locked": "N", "exceptions": ""} | held(overrides)
    return {name: value for name, value in values.items() if name not in UNLIKE_SOURCE}


EMPTIED = ("batches", "batch_items", "batch_input", "snapshots", "changes", "locked_dids", "did_fields")


def empty(engine: Engine, source: Row) -> None:
    """Leave nothing in the database but the DID *source*."""
    with engine.begin() as conn:
        for name in EMPTIED:
            run(conn, f"DELETE FROM didier_{name}")
        run(conn, f"DELETE FROM {DIDS}")
        row_sets.insert_each(conn, DIDS, [source])


def test_everything_agrees_with_the_model(engine, database_url):
    """Whatever is done in whatever order, rows, batches and histories are as they have to be."""
    [source] = table(engine).values()
    run_state_machine_as_test(
        lambda: Model(database_url, source),
        settings=settings(
            max_examples=EXAMPLES,
            stateful_step_count=50,
            derandomize=True,
            phases=[Phase.generate],  # to shrink what fails would take minutes
            report_multiple_bugs=False,
            database=None,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
