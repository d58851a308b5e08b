from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from sqlalchemy.engine import Connection, Engine

from didier.cli.local import CALLER
from didier.services.batches import journal
from didier.services.batches.copies import CopyOrder, copy
from didier.services.system import demo
from didier.storage import migrations
from didier.storage.batches import progress
from didier.storage.changes import journal as entries
from didier.storage.changes.change_log import Author, Change
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


def planned(*targets: str) -> list[Change]:
    who = Author("admin", 1, "127.0.0.1", "json-api")
    return [Change(who, "created", "copy", 0, target, source=SOURCE) for target in targets]


def half_done(conn: Connection) -> None:
    """Leave three targets as a crash after the second row does."""
    journal_id = entries.begin(conn, planned("5550001", "5550002", "5550003"), dids.highest_id(conn), NOW)
    conn.exec_driver_sql("UPDATE didier_journal SET guard = 'didier.gone'")
    dids.copy_where_free(conn, [dids.Copy(1, target, {}) for target in ("5550001", "5550002")], NOW)
    assert journal_id


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
    with myisam.begin() as conn:
        half_done(conn)
        assert not journal.is_clear(conn)

    with myisam.begin() as conn:
        taken = journal.take_back(conn)
        assert journal.is_clear(conn)
        assert ([SOURCE], []) == state(conn)
    assert [journal.TakenBack(("5550001", "5550002"), ())] == taken


def test_a_row_that_was_changed_since_is_kept(myisam):
    """A DID that somebody has changed meanwhile is not removed, and the change log has it."""
    with myisam.begin() as conn:
        half_done(conn)
        dids.update(conn, 2, {"did_description": "Changed by hand"}, NOW + timedelta(minutes=1))

    with myisam.begin() as conn:
        [taken] = journal.take_back(conn)
        patterns, changes = state(conn)
    assert (("5550002",), ("5550001",)) == (taken.removed, taken.kept)
    assert [SOURCE, "5550001"] == patterns
    assert [("5550001", 2)] == changes


def test_what_is_being_made_is_left_alone(myisam):
    """While its writer's connection is open it is the writer's own, and nobody else's."""
    with myisam.connect() as writer, myisam.connect() as other:
        with writer.begin():
            entries.begin(writer, planned("5550001"), dids.highest_id(writer), NOW)
        with other.begin():
            assert [] == journal.take_back(other)
            assert not journal.is_clear(other)
        with writer.begin():
            assert [journal.TakenBack((), ())] == journal.take_back(writer)


def test_an_end_of_the_connection_leaves_it_to_others(myisam):
    """However it ends: what was being made is taken back by the next who looks."""
    with myisam.connect() as writer:
        with writer.begin():
            entries.begin(writer, planned("5550001"), dids.highest_id(writer), NOW)
        writer.invalidate()

    with myisam.begin() as conn:
        assert [journal.TakenBack((), ())] == journal.take_back(conn)


def broken_off(conn: Connection) -> None:
    """Create a DID under the journal, and fail."""
    with conn.begin(), journal.journaled(conn, planned("5550001"), NOW):
        dids.copy_where_free(conn, [dids.Copy(1, "5550001", {})], NOW)
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
        dids.add(conn, {"did_pattern": "5550001", "did_description": "By VICIdial"}, NOW)
        made = dids.copy_where_free(conn, [dids.Copy(1, f"555000{i}", {}) for i in (1, 2)], NOW)

        assert {"5550002": 3} == made
        assert [("By VICIdial",)] == run(conn, f"SELECT did_description FROM {DIDS} WHERE did_id = 2")


def test_overrides_work_there_too(myisam):
    """An override replaces the source's column."""
    order = CopyOrder(replace(CALLER, name="x"), SOURCE, ("5550001",), {"did_active": "N"})
    with myisam.begin() as conn:
        copy(conn, [order], NOW)

        assert [("N",)] == run(conn, f"SELECT did_active FROM {DIDS} WHERE did_id = 2")
