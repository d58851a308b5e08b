"""Edits on VICIdial's own tables, which are MyISAM: no transactions, other ways to count ids."""

from collections.abc import Iterator

import pytest
from sqlalchemy.engine import Engine

from didier.cli.local import CALLER
from didier.services import demo, editing, undoing
from didier.services.editing import AddOrder, DeleteOrder, UpdateOrder
from didier.services.history import history
from didier.services.undoing import Undone
from didier.storage import dids, migrations
from didier.storage.database import open_engine
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
        [added] = editing.add(conn, [AddOrder(CALLER, "5550001", {"extension": "8301"})], now)
        [updated] = editing.update(conn, [UpdateOrder(CALLER, "5550001", {"extension": "8302"})], now)
    with myisam.begin() as conn:
        undone = [undoing.undo_edit(conn, each.batch_id, CALLER, now) for each in (updated, added)]
        changes = history(conn, CALLER, "5550001")

    assert [Undone(updated.batch_id, 0, 1, ()), Undone(added.batch_id, 1, 0, ())] == undone
    assert ["undone", "restored", "updated", "added"] == [change.action for change in changes]


def test_a_deleted_did_comes_back_with_its_id(myisam, now):
    """The row that is put back is the one that was there, and ids go on behind the highest."""
    with myisam.begin() as conn:
        before = dids.images(conn, [1])[1]
        [deleted] = editing.delete(conn, [DeleteOrder(CALLER, SOURCE)], now)
        [added] = editing.add(conn, [AddOrder(CALLER, "5550001", {})], now)
        undoing.undo_edit(conn, deleted.batch_id, CALLER, now)

        assert 2 == added.did_id
        assert before == dids.images(conn, [1])[1]
