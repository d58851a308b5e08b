"""Edits on VICIdial's own tables, which are MyISAM: no transactions, other ways to count ids."""

from collections.abc import Iterator

import pytest
from sqlalchemy.engine import Engine

from didier.cli.local import CALLER
from didier.services.batches import edits, undo_edits
from didier.services.batches.edits import AddOrder, DeleteOrder, UpdateOrder
from didier.services.batches.undo_edits import UndoneEdits
from didier.services.changes.history import history
from didier.services.system import demo
from didier.storage import migrations
from didier.storage.database import open_engine
from didier.storage.dids import dids
from didier.storage.tables import vicidial_tables

SOURCE = "18001234567"


@pytest.fixture
def myisam(mariadb, now) -> Iterator[Engine]:
    """A VICIdial database with MyISAM tables and the tutorial's DID."""
    engine = open_engine(mariadb.database())
    with engine.begin() as conn:
        vicidial_tables().create_all(conn)
        for table in vicidial_tables().tables:
            conn.exec_driver_sql(f"ALTER TABLE {table} ENGINE=MyISAM")
    migrations.upgrade(engine)
    with engine.begin() as conn:
        demo.fill(conn, now)
    yield engine
    engine.dispose()


def test_edits_are_recorded_and_taken_back(myisam, now):
    """What was changed is told with both rows, and undone."""
    with myisam.begin() as conn:
        [added] = edits.add(conn, [AddOrder(CALLER, "5550001", {"extension": "8301"})], now)
        [updated] = edits.update(conn, [UpdateOrder(CALLER, "5550001", {"extension": "8302"})], now)
    with myisam.begin() as conn:
        undone = [undo_edits.undo_edit(conn, each.batch_id, CALLER, now) for each in (updated, added)]
        changes = history(conn, CALLER, "5550001")

    assert [UndoneEdits(updated.batch_id, 0, 1, ()), UndoneEdits(added.batch_id, 1, 0, ())] == undone
    assert ["undone", "restored", "updated", "added"] == [change.action for change in changes]


def test_a_deleted_did_comes_back_with_its_id(myisam, now):
    """The row that is put back is the one that was there, and ids go on behind the highest."""
    with myisam.begin() as conn:
        before = dids.images(conn, [1])[1]
        [deleted] = edits.delete(conn, [DeleteOrder(CALLER, SOURCE)], now)
        [added] = edits.add(conn, [AddOrder(CALLER, "5550001", {})], now)
        undo_edits.undo_edit(conn, deleted.batch_id, CALLER, now)

        assert 2 == added.did_id
        assert before | {"version": 3} == dids.images(conn, [1])[1]
