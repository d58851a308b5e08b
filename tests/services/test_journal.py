from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from sqlalchemy.engine import Connection, Engine

from didier.cli.local import CALLER
from didier.services.batches import journal
from didier.services.batches.copies import Copied, CopyOrder, copy
from didier.services.system import demo
from didier.storage import migrations
from didier.storage.batches import batches
from didier.storage.batches.batches import Batch, Item, Running
from didier.storage.database import open_engine
from didier.storage.dids import dids
from didier.storage.statements import is_transactional, run
from didier.storage.tables import DIDS, vicidial_tables

SOURCE = "18001234567"
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


def half_done(conn: Connection, guard: str = "didier.gone") -> int:
    """Leave a batch of three targets as a crash after the second row does."""
    items = [Item(f"555000{i}", batches.PLANNED) for i in (1, 2, 3)]
    planned = Batch("admin", 1, "127.0.0.1", 1, SOURCE, {}, items)
    [batch_id] = batches.record(conn, [planned], NOW, Running(dids.highest_id(conn), guard))
    dids.copy_where_free(conn, [dids.Copy(1, item.target, {}) for item in items[:2]], NOW)
    return batch_id


def state(conn: Connection) -> tuple[list[str], list[tuple[str, str]], list[str]]:
    patterns = run(conn, f"SELECT did_pattern FROM {DIDS} ORDER BY did_id")
    items = run(conn, "SELECT target, outcome FROM didier_batch_items ORDER BY batch_id, position")
    found = run(conn, "SELECT state FROM didier_batches ORDER BY batch_id")
    return [row[0] for row in patterns], list(items), [row[0] for row in found]


def test_myisam_has_no_transactions(myisam, engine):
    """The tables of VICIdial are told from those that can be rolled back."""
    with myisam.begin() as conn, engine.begin() as other:
        assert not is_transactional(conn, DIDS)
        assert is_transactional(other, DIDS)


def test_copies_are_journaled(myisam):
    """A copy in such a table says in the journal what was made, existed and was not valid."""
    with myisam.begin() as conn:
        [result] = copy(conn, [CopyOrder(CALLER, SOURCE, ("5550001", SOURCE, "5", "5550002"))], NOW)

    with myisam.begin() as conn:
        patterns, items, states = state(conn)
    assert [("5550001", 2), ("5550002", 3)] == [
        (i.pattern, i.did_id) for i in result.items if isinstance(i, Copied)
    ]
    assert [SOURCE, "5550001", "5550002"] == patterns
    assert [("5550001", "added"), (SOURCE, "exists"), ("5", "invalid"), ("5550002", "added")] == items
    assert ["done"] == states


def test_what_a_crash_left_is_taken_back(myisam):
    """Rows of a batch whose writer died are removed, and the journal says so."""
    with myisam.begin() as conn:
        batch_id = half_done(conn)

    with myisam.begin() as conn:
        taken = journal.take_back(conn)
        patterns, items, states = state(conn)
    assert [journal.TakenBack(batch_id, ("5550001", "5550002"), ())] == taken
    assert [SOURCE] == patterns
    assert [("5550001", "removed"), ("5550002", "removed"), ("5550003", "missing")] == items
    assert ["failed"] == states


def test_a_row_that_was_changed_since_is_kept(myisam):
    """A DID that somebody has changed meanwhile is not removed."""
    with myisam.begin() as conn:
        half_done(conn)
        dids.update(conn, 2, {"did_description": "Changed by hand"}, NOW + timedelta(minutes=1))

    with myisam.begin() as conn:
        [taken] = journal.take_back(conn)
        patterns, items, _ = state(conn)
    assert (("5550002",), ("5550001",)) == (taken.removed, taken.kept)
    assert [SOURCE, "5550001"] == patterns
    assert ("5550001", "added") == items[0]


def test_a_batch_that_is_being_made_is_left_alone(myisam):
    """While its writer holds the guard a batch is none of ours, also for another node."""
    with myisam.begin() as writer:
        half_done(writer, "didier.alive")
        writer.exec_driver_sql("COMMIT")
        with batches.guarded(writer, "didier.alive"), myisam.begin() as other:
            assert [] == journal.take_back(other)

    with myisam.begin() as conn:
        assert [1] == [taken.batch_id for taken in journal.take_back(conn)]


def test_a_number_that_another_program_made_first_exists(myisam):
    """A target that appears between the look and the copy is reported as existing and left alone."""
    planned = Batch(
        "admin", 1, "", 1, SOURCE, {}, [Item("5550001", batches.PLANNED), Item("5550002", batches.PLANNED)]
    )
    with myisam.begin() as conn:
        dids.add(conn, {"did_pattern": "5550001", "did_description": "By VICIdial"}, NOW)

        _, ids = journal.make(conn, [planned], [dids.Copy(1, i.target, {}) for i in planned.items], NOW)

        assert [None, 3] == ids
        assert [("5550001", "exists"), ("5550002", "added")] == state(conn)[1]
        assert [("By VICIdial",)] == run(conn, f"SELECT did_description FROM {DIDS} WHERE did_id = 2")


def test_overrides_work_there_too(myisam):
    """An override replaces the source's column."""
    order = CopyOrder(replace(CALLER, name="x"), SOURCE, ("5550001",), {"did_active": "N"})
    with myisam.begin() as conn:
        copy(conn, [order], NOW)

        assert [("N",)] == run(conn, f"SELECT did_active FROM {DIDS} WHERE did_id = 2")
