from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta

import orjson
import pytest
from sqlalchemy.engine import Connection, Engine

from didier.cli.local import CALLER
from didier.services.batches import edits, journal
from didier.services.batches.copies import CopyOrder, copy
from didier.services.batches.edits import AddOrder, UpdateOrder
from didier.services.system import demo
from didier.storage import migrations
from didier.storage.batches import progress
from didier.storage.changes import journal as entries
from didier.storage.changes.change_log import Author, Change
from didier.storage.database import open_engine
from didier.storage.dids import bulk, dids
from didier.storage.statements import as_text, is_transactional, run
from didier.storage.tables import DIDS, vicidial_tables
from support import outside
from support.process import until

SOURCE = "18001234567"
ADMIN = Author("admin", 1, "127.0.0.1", "json-api")
NOW = datetime(2026, 3, 4, 5, 6, 7)


@pytest.fixture
def myisam(mariadb) -> Iterator[Engine]:
    """A VICIdial database with MyISAM tables and the tutorial's DID."""
    engine = open_engine(mariadb.database())
    with engine.begin() as conn:
        vicidial_tables().create_all(conn)
        for table in vicidial_tables().tables:
            conn.exec_driver_sql(f"ALTER TABLE {table} ENGINE=MyISAM")
    migrations.upgrade(engine)
    with engine.begin() as conn:
        demo.fill(conn, NOW)
    yield engine
    engine.dispose()


def planned(*targets: str) -> list[Change]:
    return [Change(ADMIN, "created", "copy", 0, target, source=SOURCE) for target in targets]


def create(conn: Connection, *targets: str) -> None:
    """Create DIDs like the tutorial's."""
    values = {**dids.images(conn, [1])[1]}
    del values["did_id"], values["modify_stamp"]
    rows = [{**values, "did_pattern": target} for target in targets]
    bulk.create_where_free(conn, bulk.block_of(rows, as_text(NOW)))


def orphan(conn: Connection, changes: list[Change]) -> None:
    """Write what is planned as a process that is gone has."""
    with conn.begin() as transaction:
        journal.protect(conn, changes, NOW)
        transaction.rollback()
    with conn.begin():
        run(conn, "UPDATE didier_journal SET guard = 'didier.gone'")


def half_done(myisam: Engine) -> None:
    """Leave three targets as a crash after the second row does."""
    with myisam.connect() as conn:
        orphan(conn, planned("5550001", "5550002", "5550003"))
        create(conn, "5550001", "5550002")


def state(conn: Connection) -> tuple[list[str], list[tuple[str, int]]]:
    """Return the DIDs that are there, and what the change log says was created."""
    patterns = run(conn, f"SELECT did_pattern FROM {DIDS} ORDER BY did_id")
    changes = run(
        conn, "SELECT did_pattern, did_id FROM didier_changes WHERE kind = 'did' ORDER BY change_id"
    )
    return [row[0] for row in patterns], list(changes)


def test_myisam_has_no_transactions(myisam, engine):
    """The tables of VICIdial are told from those that can be rolled back."""
    with myisam.begin() as conn, engine.begin() as other:
        assert not is_transactional(conn, DIDS)
        assert is_transactional(other, DIDS)


def test_copies_are_journaled(myisam):
    """A copy in such a table says what was made, existed and was not valid; the journal is empty again."""
    with myisam.begin() as conn:
        [result] = copy(conn, [CopyOrder(CALLER, SOURCE, ("5550001", SOURCE, "5", "5550002"))], NOW)

    with myisam.begin() as conn:
        patterns, changes = state(conn)
        items = [placed.item for placed in progress.items(conn, result.batch_id, 0, 10)]
        assert entries.is_empty(conn)
    assert [("5550001", 2), ("5550002", 3)] == changes
    assert [SOURCE, "5550001", "5550002"] == patterns
    assert [("5550001", "added"), (SOURCE, "exists"), ("5", "invalid"), ("5550002", "added")] == [
        (item.target, item.outcome) for item in items
    ]


def test_what_a_crash_left_is_taken_back(myisam):
    """Rows whose writer died are removed; nobody was told of them, so nothing tells of them."""
    half_done(myisam)
    with myisam.begin() as conn:
        assert not journal.is_clear(conn)

    with myisam.begin() as conn:
        taken = journal.take_back(conn)
        assert journal.is_clear(conn)
        assert ([SOURCE], []) == state(conn)
    assert [journal.TakenBack(("5550001", "5550002"), ())] == taken


def test_a_row_that_was_changed_since_is_kept(myisam):
    """A DID that somebody has changed meanwhile is not removed, and the change log has it."""
    half_done(myisam)
    with myisam.begin() as conn:
        outside.update(conn, 2, {"did_description": "Changed by hand"}, NOW + timedelta(minutes=1))

    with myisam.begin() as conn:
        [taken] = journal.take_back(conn)
        patterns, changes = state(conn)
    assert (("5550002",), ("5550001",)) == (taken.restored, taken.kept)
    assert [SOURCE, "5550001"] == patterns
    assert [("5550001", 2)] == changes


def test_a_row_that_another_program_created_just_then_stays(myisam):
    """Also with the same time: it is not what was planned, and nobody told of it."""
    order = CopyOrder(CALLER, SOURCE, ("5550001", "5550002", "5550003"))
    with myisam.connect() as conn:
        with conn.begin() as transaction:
            copy(conn, [order], NOW)
            transaction.rollback()
        bulk.delete(conn, [3])
        taken = outside.add(conn, {"did_pattern": "5550002", "did_description": "By VICIdial"}, NOW)

        with conn.begin():
            assert [journal.TakenBack(("5550001", "5550003"), ())] == journal.take_back(conn)
            assert ([SOURCE, "5550002"], []) == state(conn)
            assert "By VICIdial" == dids.images(conn, [taken])[taken]["did_description"]


def test_a_run_is_taken_back(myisam):
    """Of consecutive numbers that were planned as one, those that are there are removed."""
    with myisam.connect() as conn:
        orphan(conn, [replace(planned("5550001")[0], size=3)])
        create(conn, "5550001", "5550003", "5550004")

    with myisam.begin() as conn:
        assert [journal.TakenBack(("5550001", "5550003"), ())] == journal.take_back(conn)
        assert [SOURCE, "5550004"] == state(conn)[0]


def changed(conn: Connection, action: str, did_id: int, **values: str) -> Change:
    """Return the change that sets *values*, or deletes the DID."""
    before = dids.images(conn, [did_id])[did_id]
    after = {**before, **values} if action == "updated" else None
    return Change(ADMIN, action, "update", did_id, str(before["did_pattern"]), before=before, after=after)


def test_half_an_update_is_taken_back(myisam):
    """Rows that were updated are to the letter as they were; others, and what others set since, stay."""
    with myisam.connect() as conn:
        create(conn, "5550001", "5550002", "5550003")
        before = dids.images(conn, [2, 3, 4])
        planned = [changed(conn, "updated", did, did_active="N", extension="1") for did in (2, 3, 4)]
        orphan(conn, planned)
        bulk.update(conn, {did_id: {"did_active": "N", "extension": "1"} for did_id in (2, 3)}, NOW)
        outside.update(conn, 3, {"extension": "2"}, NOW + timedelta(minutes=1))

    with myisam.begin() as conn:
        taken = journal.take_back(conn)
        there = dids.images(conn, [2, 3, 4])
        logged = run(conn, "SELECT did_pattern, after_image FROM didier_changes")
    assert [journal.TakenBack(("5550001",), ("5550002",))] == taken
    assert (before[2], before[4]) == (there[2], there[4])
    assert ("N", "2") == (there[3]["did_active"], there[3]["extension"])
    assert [("5550002", there[3])] == [(pattern, orjson.loads(after)) for pattern, after in logged]


def test_half_a_deletion_is_taken_back(myisam):
    """Rows that were deleted are there again, with their ids and times, unless somebody took the number."""
    with myisam.connect() as conn:
        create(conn, "5550001", "5550002", "5550003")
        before = dids.images(conn, [2, 3, 4])
        orphan(conn, [changed(conn, "deleted", did_id) for did_id in (2, 3, 4)])
        bulk.delete(conn, [2, 3])
        taker = outside.add(conn, {"did_pattern": "5550002"}, NOW)

    with myisam.begin() as conn:
        taken = journal.take_back(conn)
        there = dids.images(conn, [2, 3, 4, taker])
        changes = run(conn, "SELECT action, did_id FROM didier_changes")
    assert [journal.TakenBack(("5550001",), ("5550002",))] == taken
    assert {2: before[2], 4: before[4]} == {did_id: row for did_id, row in there.items() if did_id != taker}
    assert [("deleted", 3)] == changes


def test_half_of_an_undone_deletion_is_taken_back(myisam):
    """Rows that were to be there again with their ids are deleted again."""
    with myisam.connect() as conn:
        create(conn, "5550001", "5550002", "5550003")
        before = dids.images(conn, [2, 3])
        bulk.delete(conn, [2, 3])
        back = [
            Change(ADMIN, "created", "undo", id_, str(row["did_pattern"]), 7, after=row)
            for id_, row in before.items()
        ]
        orphan(conn, back)
        bulk.create_where_free(conn, bulk.block_of([{**before[2], "modify_stamp": as_text(NOW)}]))

    with myisam.begin() as conn:
        assert [journal.TakenBack(("5550001",), ())] == journal.take_back(conn)
        assert [SOURCE, "5550003"] == state(conn)[0]


def test_what_builds_on_something_is_taken_back_first(myisam):
    """A DID that was created and updated in one transaction is gone."""
    with myisam.connect() as conn:
        with conn.begin() as transaction:
            edits.add(conn, [AddOrder(CALLER, "5550001", {"extension": "8301"})], NOW)
            edits.update(conn, [UpdateOrder(CALLER, "5550001", {"extension": "8302"})], NOW)
            transaction.rollback()
        with conn.begin():
            assert 2 == len(journal.take_back(conn))
            assert ([SOURCE], []) == state(conn)


def test_what_is_being_made_is_left_alone(myisam):
    """While its writer's connection is open it is the writer's own, and nobody else's."""
    with myisam.connect() as writer, myisam.connect() as other:
        with writer.begin() as transaction:
            journal.protect(writer, planned("5550001"), NOW)
            with other.begin():
                assert [] == journal.take_back(other)
                assert not journal.is_clear(other)
            transaction.rollback()
        with writer.begin():
            assert [journal.TakenBack((), ())] == journal.take_back(writer)


def test_an_end_of_the_connection_leaves_it_to_others(myisam):
    """However it ends: what was being made is taken back by the next who looks."""
    with myisam.connect() as writer:
        journal.protect(writer, planned("5550001"), NOW)
        writer.invalidate()

    def take_back() -> list[journal.TakenBack]:
        with myisam.begin() as conn:
            return list(journal.take_back(conn))

    taken: list[journal.TakenBack] = []
    until(
        lambda: taken.extend(take_back()) or taken
    )  # the server has to notice that the connection has ended
    assert [journal.TakenBack((), ())] == taken


def test_the_entry_goes_with_the_commit(myisam):
    """What was committed is done: nothing is left to be taken back."""
    with myisam.begin() as conn:
        journal.protect(conn, planned("5550001"), NOW)
        create(conn, "5550001")

    with myisam.begin() as conn:
        assert journal.is_clear(conn)
        assert [SOURCE, "5550001"] == state(conn)[0]


def broken_off(conn: Connection) -> None:
    """Create a DID under the journal, and fail."""
    with conn.begin():
        journal.protect(conn, planned("5550001"), NOW)
        create(conn, "5550001")
        raise ZeroDivisionError


def test_a_failure_leaves_the_entry(myisam):
    """What an error broke off is taken back as what a crash did."""
    with myisam.connect() as conn:
        with pytest.raises(ZeroDivisionError):
            broken_off(conn)

        with conn.begin():
            assert [journal.TakenBack(("5550001",), ())] == journal.take_back(conn)
            assert ([SOURCE], []) == state(conn)


def test_a_number_that_another_program_made_first_exists(myisam):
    """A target that appears between the look and the copy is left alone, and not created."""
    with myisam.begin() as conn:
        outside.add(conn, {"did_pattern": "5550001", "did_description": "By VICIdial"}, NOW)
        create(conn, "5550001", "5550002")

        assert [SOURCE, "5550001", "5550002"] == state(conn)[0]
        assert [("By VICIdial",)] == run(conn, f"SELECT did_description FROM {DIDS} WHERE did_id = 2")


def test_overrides_work_there_too(myisam):
    """An override replaces the source's column."""
    order = CopyOrder(replace(CALLER, name="x"), SOURCE, ("5550001",), {"did_active": "N"})
    with myisam.begin() as conn:
        copy(conn, [order], NOW)

        assert [("N",)] == run(conn, f"SELECT did_active FROM {DIDS} WHERE did_id = 2")
