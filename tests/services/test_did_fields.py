"""What Didier knows of DIDs beyond VICIdial's columns: copied, undone, forgotten; and their versions."""

import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from itertools import cycle

import pytest

from didier.cli.local import CALLER
from didier.domain.inputs import Row
from didier.errors import ChangedMeanwhile, NotFound
from didier.runtime.committer import Committer
from didier.services.batches import bulk_edits, copies, edits, journal, rollback, undo_edits
from didier.services.batches.bulk_edits import EditOrder, LargeEditOrder
from didier.services.batches.copies import CopyOrder
from didier.services.batches.edit_spec import EditSpec
from didier.services.batches.edits import AddOrder, DeleteOrder, Done, UpdateOrder
from didier.services.changes.history import history
from didier.services.dids import lookup
from didier.storage.batches import progress
from didier.storage.changes import change_log
from didier.storage.database import reading
from didier.storage.dids import did_fields, dids
from didier.storage.dids.did_fields import DEFAULTS
from didier.storage.failures import Outrun
from didier.storage.statements import run
from didier.storage.tables import DIDS
from support.batches import accept, finish, order, stored, text, undo
from support.passes import beside, reconciled

SOURCE, NUMBER = "18001234567", "5550001"
OWN = {
    "tags": "vip", "gateway_set": "berlin", "schedule": "office", "fallbacks": "EXTEN:100",
    "managed_by": "numbers.yaml",
}  # fmt: skip
INHERITED = {name: OWN[name] for name in ("gateway_set", "schedule", "fallbacks")}


def known(engine, did_id=1):
    """What is known of a DID, without defaults."""
    with reading(engine) as conn:
        fields = did_fields.of(conn, [did_id])[did_id]
    return {name: value for name, value in fields.items() if value != DEFAULTS[name]}


def give(engine, did_id=1, **fields):
    """Let a DID have *fields*."""
    with engine.begin() as conn:
        did_fields.put(conn, {did_id: fields})


def carried_out(engine, service, wish, now):
    """Carry out an order; return its outcome."""
    with engine.begin() as conn:
        [outcome] = service(conn, [wish], now)
    return outcome


def logged(engine, pattern=SOURCE):
    """The versions and fields of the changes of a DID, in order."""
    with reading(engine) as conn:
        places = change_log.places(conn, pattern)
        found = change_log.some(conn, [place.change_id for place in places])
    return [(found[key].change.version, found[key].change.fields) for key in sorted(found)]


def test_every_change_raises_the_version(clean, now):
    """Updates, a deletion and its undo; the log has the versions, and the names of what was set."""
    carried_out(clean, edits.update, UpdateOrder(CALLER, SOURCE, {"extension": "8301", "tags": "b,a"}), now)
    carried_out(clean, edits.update, UpdateOrder(CALLER, SOURCE, {"extension": "8301"}), now)
    deleted = carried_out(clean, edits.delete, DeleteOrder(CALLER, SOURCE), now)
    assert {} == known(clean)
    with clean.begin() as conn:
        undo_edits.undo_edit(conn, deleted.batch_id, CALLER, now)

    assert {"version": 5, "tags": "a,b"} == known(clean)
    assert [(2, ["extension", "tags"]), (3, []), (4, None), (5, None)] == logged(clean)


def test_copies_inherit_but_tags_and_manager(clean, now):
    """A single copy, some at once, and a large batch; each begins with the first version."""
    give(clean, version=7, **OWN)
    several = carried_out(clean, copies.copy, CopyOrder(CALLER, SOURCE, ("5550001", "5550002")), now)
    large = accept(clean, order("5550010-5550012"), now)
    finish(clean, now, large)

    with reading(clean) as conn:
        [first, *_] = several.items
        rest = lookup.one(conn, CALLER, "5550012")
        past = history(conn, CALLER, "5550012")
    assert INHERITED == known(clean, first.did_id)
    assert {**DEFAULTS, **INHERITED} == {name: rest[name] for name in DEFAULTS}
    assert {**DEFAULTS, **INHERITED} == {name: past[0].after[name] for name in DEFAULTS}


def test_a_copy_may_be_given_tags(clean, now):
    """All targets, or each its own: also those of one statement that have none."""
    rows = (Row("5550001", {"tags": "b, a"}), Row("5550002"))
    wish = CopyOrder(CALLER, SOURCE, ("5550001", "5550002"), rows=rows)
    own = carried_out(clean, copies.copy, wish, now).items
    alike = carried_out(clean, copies.copy, CopyOrder(CALLER, SOURCE, ("5550003",), {"tags": "x"}), now).items

    assert [{"tags": "a,b"}, {}, {"tags": "x"}] == [known(clean, one.did_id) for one in (*own, *alike)]


@pytest.mark.parametrize("forced", [False, True])
def test_undo_of_copies_keeps_what_has_other_fields(clean, now, forced):
    """Tags alone make it another; by force it goes, and the log has the version behind that."""
    batch_id = accept(clean, order("5550010-5550012"), now)
    finish(clean, now, batch_id)
    carried_out(clean, edits.update, UpdateOrder(CALLER, "5550011", {"tags": "vip"}), now)

    undo(clean, batch_id, now, force=forced)
    finish(clean, now, batch_id)

    assert (3, 0) if forced else (2, 1) == (stored(clean, batch_id).removed, stored(clean, batch_id).kept)
    assert [1, 2] == [version for version, _ in logged(clean, "5550010")]
    assert [1, 2, 3] if forced else [1, 2] == [version for version, _ in logged(clean, "5550011")]


def test_an_undo_brings_fields_back(clean, now):
    """Those of an update, and with a DID that was deleted all of them."""
    give(clean, **OWN)
    updated = carried_out(clean, edits.update, UpdateOrder(CALLER, SOURCE, {"tags": ""}), now)
    assert {**OWN, "tags": "", "version": 2}.items() >= known(clean).items()
    undo(clean, updated.batch_id, now)
    deleted = carried_out(clean, edits.delete, DeleteOrder(CALLER, SOURCE), now)
    undo(clean, deleted.batch_id, now)

    assert {**OWN, "version": 5} == known(clean)


def test_many_at_once(clean, now):
    """An order of many has them as one of one does, and what it leaves out stays."""
    spec = EditSpec("add", {"tags": "b,a"})
    rows = (Row("5550001"), Row("5550002"))
    added = carried_out(clean, bulk_edits.edit, EditOrder(CALLER, spec, rows), now)
    changed = EditSpec("update", {"did_active": "N"})
    carried_out(clean, bulk_edits.edit, EditOrder(CALLER, changed, rows), now)

    ids = [item.did_id for item in added.items]
    assert [{"tags": "a,b", "version": 2}] * 2 == [known(clean, did_id) for did_id in ids]


def test_the_mark_of_a_did_is_also_of_its_fields(clean, now):
    """Who has seen other fields changes nothing."""
    with reading(clean) as conn:
        seen = lookup.version(lookup.one(conn, CALLER, SOURCE))
    give(clean, gateway_set="berlin")

    wish = UpdateOrder(CALLER, SOURCE, {"did_active": "N"}, etag=seen)
    assert ChangedMeanwhile(SOURCE) == carried_out(clean, edits.update, wish, now)


def test_what_is_deleted_outside_is_forgotten(clean, now):
    """Fields go with the DID; one that gets its id has none of them, and goes on with its version."""
    give(clean, version=3, **OWN)
    reconciled(clean)
    with beside(clean) as sql:
        sql("DELETE FROM {} WHERE did_id = 1")
        [deleted] = reconciled(clean)
        assert (4, {}) == (deleted.version, known(clean))
        sql("INSERT INTO {} (did_id, did_pattern) VALUES (1, '5550009')")
        [created] = reconciled(clean)

    assert (5, {"version": 5}) == (created.version, known(clean))


def test_a_new_did_from_outside_has_the_defaults(clean, now):
    """It begins with the first version, whatever was left of one that had its id."""
    give(clean, 5, tags="left")
    reconciled(clean)
    with beside(clean) as sql:
        sql("INSERT INTO {} (did_id, did_pattern) VALUES (5, '5550009'), (6, '5550010')")
        created = reconciled(clean)

    assert [1, 1] == [change.version for change in created]
    assert [{}, {}] == [known(clean, did_id) for did_id in (5, 6)]


def test_a_change_outside_raises_the_version(clean, now):
    """Fields stay as they are, also with another number, which is two changes."""
    give(clean, **OWN)
    reconciled(clean)
    with beside(clean) as sql:
        sql("UPDATE {} SET did_active = 'N' WHERE did_id = 1")
        [updated] = reconciled(clean)
        sql("UPDATE {} SET did_pattern = '5550009' WHERE did_id = 1")
        deleted, created = reconciled(clean)

    assert [2, 3, 4] == [change.version for change in (updated, deleted, created)]
    assert {**OWN, "version": 4} == known(clean)
    assert OWN.items() <= created.after.items()


def test_fields_outside_are_no_change(clean, now):
    """What somebody does to Didier's own table is nothing that VICIdial did."""
    carried_out(clean, edits.update, UpdateOrder(CALLER, SOURCE, {"did_active": "N"}), now)
    reconciled(clean)
    give(clean, **OWN)

    assert [] == reconciled(clean)


@pytest.mark.parametrize("verb", ["copy", "add", "update", "delete"])
def test_nothing_is_left_of_what_failed(clean, now, verb):
    """Neither rows nor fields, whether the table has transactions or what is done is taken back."""
    give(clean, **OWN)
    service, wish = {
        "copy": (copies.copy, CopyOrder(CALLER, SOURCE, (NUMBER,))),
        "add": (edits.add, AddOrder(CALLER, NUMBER, {"tags": "x"})),
        "update": (edits.update, UpdateOrder(CALLER, SOURCE, {"tags": "x", "did_active": "N"})),
        "delete": (edits.delete, DeleteOrder(CALLER, SOURCE)),
    }[verb]
    before = _everything(clean)

    with clean.connect() as conn:
        with conn.begin() as transaction:
            [outcome] = service(conn, [wish], now)
            transaction.rollback()
        with conn.begin():
            journal.take_back(conn)
    assert isinstance(outcome, Done | copies.CopyResult)

    assert before == _everything(clean)


def _everything(engine):
    with reading(engine) as conn:
        ids = [row[0] for row in run(conn, f"SELECT did_id FROM {DIDS}")]
        fields = run(conn, "SELECT * FROM didier_did_fields ORDER BY did_id")
        return dids.images(conn, ids), fields


two_processes = pytest.mark.parametrize("kept_home", ["mariadb", "myisam"], indirect=True)
"""SQLite has one transaction at a time that writes, and it sees all that was before."""


def both(engine, *work):
    """Have two processes carry out orders, one behind the other in each; return the outcomes of each."""

    async def one(orders):
        committer = Committer(engine, recover=lambda conn: not journal.take_back(conn))
        committer.start()
        try:
            return [await committer.run(service, order) for service, order in orders]
        finally:
            await committer.stop()

    with ThreadPoolExecutor(2) as threads:
        return [done.result() for done in [threads.submit(asyncio.run, one(orders)) for orders in work]]


@two_processes
def test_two_processes_update_one_did(clean, now):
    """All that was ordered is done, whoever waits for whom, and each change has a version of its own."""
    service = partial(edits.update, now=now)
    orders = [
        [(service, UpdateOrder(CALLER, SOURCE, {"tags": f"{who}{n}"})) for n in range(25)] for who in "ab"
    ]

    outcomes = both(clean, *orders)

    assert {Done} == {type(outcome) for done in outcomes for outcome in done}
    assert [*range(2, 52)] == [version for version, _ in logged(clean)]


@two_processes
def test_two_processes_update_the_same_lists(clean, now):
    """In whatever order they name the DIDs."""
    rows = [Row(str(5550000 + n)) for n in range(25)]
    carried_out(clean, copies.copy, CopyOrder(CALLER, SOURCE, tuple(row.target for row in rows)), now)
    service, spec = partial(bulk_edits.edit, now=now), EditSpec("update", {"did_active": "N"})

    first, second = (
        [(service, EditOrder(CALLER, spec, tuple(named)))] * 8 for named in (rows, reversed(rows))
    )
    outcomes = both(clean, first, second)

    assert {25} == {len(done.items) for some in outcomes for done in some}
    assert [[*range(1, 18)]] * 25 == [[version for version, _ in logged(clean, row.target)] for row in rows]


@two_processes
def test_a_batch_goes_on_while_another_process_changes_its_dids(clean, now):
    """What both want to change is changed by one behind the other; batch and undo come to their end."""
    numbers = [str(5550000 + n) for n in range(400)]
    carried_out(clean, copies.copy, CopyOrder(CALLER, SOURCE, tuple(numbers)), now)
    spec = EditSpec("update", {"did_description": "Changed in bulk"})
    wish = LargeEditOrder(CALLER, spec, text("5550000-5550399"), atomic=True)
    batch_id = carried_out(clean, bulk_edits.accept, wish, now).batch_id

    for then in (lambda: None, lambda: undo(clean, batch_id, now, force=True)):
        then()
        with changing(clean, numbers, now):
            [done] = finish(clean, now, batch_id, pace=20)

    assert ("undone", None, 400) == (done.state, done.failure, done.restored)


@contextmanager
def changing(engine, numbers, now):
    """Have another process change one DID after the other."""
    ended = threading.Event()

    async def change():
        committer = Committer(engine, recover=lambda conn: not journal.take_back(conn))
        committer.start()
        for number in cycle(numbers):
            await committer.run(partial(edits.update, now=now), UpdateOrder(CALLER, number, {"tags": "x"}))
            if ended.is_set():
                break
        await committer.stop()

    with ThreadPoolExecutor(1) as threads:
        running = threads.submit(asyncio.run, change())
        try:
            yield
        finally:
            ended.set()
        running.result()


@two_processes
def test_two_processes_delete_the_same(clean, now):
    """Each DID is deleted once; the other process finds it gone."""
    numbers = [str(5550000 + n) for n in range(25)]
    carried_out(clean, copies.copy, CopyOrder(CALLER, SOURCE, tuple(numbers)), now)
    service = partial(edits.delete, now=now)
    orders = [[(service, DeleteOrder(CALLER, number)) for number in numbers]] * 2

    first, second = both(clean, *orders)

    assert [{Done, NotFound}] * 25 == [{type(a), type(b)} for a, b in zip(first, second, strict=True)]
    assert [[1, 2]] * 25 == [[version for version, _ in logged(clean, number)] for number in numbers]
    with reading(clean) as conn:
        assert [] == run(conn, "SELECT did_id FROM didier_did_fields")


@two_processes
def test_what_another_process_has_changed_meanwhile_counts(clean, now):
    """Also where the transaction began before, and only what Didier knows was changed."""
    with clean.connect() as conn, conn.begin():
        run(conn, "SELECT COUNT(*) FROM didier_did_fields")  # from now on it sees what there is now
        changed = carried_out(clean, edits.update, UpdateOrder(CALLER, SOURCE, {"tags": "x"}), now)
        [late] = edits.update(conn, [UpdateOrder(CALLER, SOURCE, {"did_active": "N"})], now)
        [outdated] = edits.update(
            conn, [UpdateOrder(CALLER, SOURCE, {}, etag=edits.etag(changed.image))], now
        )

    assert (2, 3) == (changed.image["version"], late.image["version"])
    assert ChangedMeanwhile(SOURCE) == outdated
    assert {"tags": "x", "version": 3} == known(clean)


@two_processes
def test_a_removal_that_was_outrun_is_not_stored(clean, now):
    """The copies are looked at again: one was given tags when they had been decided on."""
    batch_id = accept(clean, order("5550010-5550012"), now)
    finish(clean, now, batch_id)
    with clean.begin() as conn:
        rollback.begin(conn, progress.get(conn, batch_id), CALLER, now, force=False)

    with clean.connect() as conn:
        with conn.begin() as transaction:
            run(conn, "SELECT COUNT(*) FROM didier_did_fields")
            carried_out(clean, edits.update, UpdateOrder(CALLER, "5550011", {"tags": "x"}), now)
            with pytest.raises(Outrun):
                rollback.step(conn, batch_id, 100, now)
            transaction.rollback()
        with conn.begin():
            journal.take_back(conn)
    finish(clean, now, batch_id)

    assert (2, 1) == (stored(clean, batch_id).removed, stored(clean, batch_id).kept)
