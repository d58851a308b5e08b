"""What earlier releases recorded is in the change log after an upgrade."""

import os
from contextlib import contextmanager
from datetime import datetime
from importlib.resources import files

import orjson
import pytest
from alembic import command
from alembic.config import Config

from didier.cli.local import CALLER
from didier.domain.visibility import EVERYTHING
from didier.services.batches import journal
from didier.services.batches.journal import TakenBack
from didier.services.changes.history import history
from didier.services.dids import lookup
from didier.storage.batches import batches, progress
from didier.storage.batches.batches import NewBatch
from didier.storage.batches.input_text import pack
from didier.storage.batches.progress import BatchFilter
from didier.storage.changes import change_log
from didier.storage.changes.change_log import Author, Change
from didier.storage.database import open_engine
from didier.storage.migrations import upgrade
from didier.storage.statements import columns_of, insert, run, scalar
from didier.storage.tables import DIDS, vicidial_tables

ITEMS = int(os.environ.get("TAKE_OVER_ITEMS", "60000"))
"""Items of the large batch; there are millions in `make soak`."""

SOURCE = "18001234567"
WHEN = "2026-03-04 05:06:07"


@contextmanager
def left_by_0_1(url):
    """A database as release 0.1 (revision 0004) leaves it."""
    engine = open_engine(url, create=True)
    config = Config()
    config.set_main_option("script_location", str(files("didier.storage") / "migrations"))
    with engine.begin() as conn:
        vicidial_tables().create_all(conn)
        config.attributes["connection"] = conn
        command.upgrade(config, "0004")
        insert(
            conn, DIDS, ("did_id", "did_pattern", "user_group", "extension"), [(1, SOURCE, "SALES", "8300")]
        )
    yield engine
    engine.dispose()


@pytest.fixture
def old(empty_url):
    """Such a database of either kind."""
    with left_by_0_1(empty_url) as engine:
        yield engine


@pytest.fixture
def old_myisam(mariadb):
    """Such a database without transactions, as VICIdial's tables are."""
    with left_by_0_1(mariadb.database()) as engine:
        with engine.begin() as conn:
            run(conn, f"ALTER TABLE {DIDS} ENGINE=MyISAM")
        yield engine


def add(conn, table, **values):
    insert(conn, table, tuple(values), [tuple(values.values())])


def batch(conn, batch_id, kind="copy", **more):
    known = {"batch_id": batch_id, "created_at": WHEN, "user_name": "admin", "address": "::1",
             "kind": kind, "source_id": 1, "source_pattern": SOURCE, "requested": 1, "added": 1,
             "state": "done"}  # fmt: skip
    add(conn, "didier_batches", **{**known, **more})


def item(conn, batch_id, position, target, did_id, outcome="added", size=1):
    add(conn, "didier_batch_items", batch_id=batch_id, position=position, target=target, did_id=did_id,
        outcome=outcome, size=size)  # fmt: skip


def entry(conn, action, pattern, did_id, before=None, after=None, **more):
    known = {
        "did_id": did_id,
        "did_pattern": pattern,
        "batch_id": 9,
        "action": action,
        "changed_at": WHEN,
        "user_name": "crm",
        "address": "",
        "before_image": image(before),
        "after_image": image(after),
    }
    add(conn, "didier_history", **{**known, **more})


def image(row):
    return None if row is None else orjson.dumps(row).decode()


def did(conn, did_id, pattern):
    insert(conn, DIDS, ("did_id", "did_pattern"), [(did_id, pattern)])


def snapshot(conn):
    columns = columns_of(conn, DIDS)
    [row] = run(conn, f"SELECT {', '.join(f'`{name}`' for name in columns)} FROM {DIDS} WHERE did_id = 1")
    source = {name: str(value) for name, value in zip(columns, row, strict=True)}
    add(conn, "didier_snapshots", snapshot_id=5, digest="x", content=image(source))


def taken(conn):
    """Return all changes as they are in the log."""
    ids = [row[0] for row in run(conn, "SELECT change_id FROM didier_changes ORDER BY change_id")]
    found = change_log.some(conn, ids)
    return [found[change_id] for change_id in ids]


def test_copies_are_taken_over(old):
    """Each run with its source as it was, its group, and what it had of its own as far as that is known."""
    with old.begin() as conn:
        snapshot(conn)
        batch(conn, 3, snapshot_id=5, overrides='{"extension": "8301"}', own_columns='["did_description"]')
        item(conn, 3, 1, "5550000", 7, size=5)
        item(conn, 3, 6, "5559000", None, "exists")
        batch(conn, 4, overrides='{"user_group": "OTHER"}')
        item(conn, 4, 1, "5559001", 12, "removed")

    upgrade(old)

    who = Author("admin", None, "::1")
    details = {
        "source_id": 1,
        "template": None,
        "values": {"extension": "8301"},
        "unknown": ["did_description"],
    }
    with old.begin() as conn:
        run_of_five, other = taken(conn)
    assert (
        Change(who, "created", "copy", 7, "5550000", 3, 1, 5, None, "SALES", SOURCE, 5, details, version=None)
        == run_of_five.change
    )
    assert (datetime.fromisoformat(WHEN), 4, "OTHER") == (
        other.changed_at, other.batch_id, other.change.group_after
    )  # fmt: skip


def test_the_history_is_taken_over(old):
    """What was done is read from the rows before and after; imports and undos are told by their batches."""
    row = {"did_pattern": "5550001", "user_group": "SALES"}
    with old.begin() as conn:
        batch(conn, 9, "import")
        entry(conn, "add", "5550001", 7, None, row)
        entry(conn, "update", "5550001", 7, row, {**row, "user_group": "OTHER"}, batch_id=8)
        entry(conn, "undo", "5550001", 7, row, None)
        entry(conn, "delete", "5550001", 8, row, None, batch_id=8)
        entry(conn, "undo", "5550100", 20, size=30)

    upgrade(old)

    with old.begin() as conn:
        changes = [one.change for one in taken(conn)]
    assert [
        ("created", "import", None, "SALES"), ("updated", "update", "SALES", "OTHER"),
        ("deleted", "undo", "SALES", None), ("deleted", "delete", "SALES", None),
        ("deleted", "undo", None, None),
    ] == [(one.action, one.cause, one.group_before, one.group_after) for one in changes]  # fmt: skip
    assert [row, row] == [changes[0].after, changes[1].before]
    assert (30, 20) == (changes[4].size, changes[4].did_id)


def test_history_and_sources_are_read_as_before(old):
    """A DID that was copied, updated and put back by an undo shows all of it."""
    row = {"did_id": 7, "did_pattern": "5550001", "extension": "8300"}
    with old.begin() as conn:
        snapshot(conn)
        batch(conn, 3, snapshot_id=5)
        item(conn, 3, 1, "5550001", 7)
        did(conn, 7, "5550001")
        batch(conn, 4, "update")
        entry(conn, "update", "5550001", 7, row, {**row, "extension": "8301"}, batch_id=4)
        entry(conn, "undo", "5550001", 7, {**row, "extension": "8301"}, row, batch_id=4)

    upgrade(old)

    with old.begin() as conn:
        changes = history(conn, CALLER, "5550001")
        assert SOURCE == lookup.written(conn, 7, EVERYTHING)["copied_from"]
    assert [("restored", 4), ("updated", 4), ("copied", 3)] == [(one.action, one.batch_id) for one in changes]
    assert {"extension": ("8300", "8301")} == changes[1].changed
    assert "8300" == changes[2].after["extension"]


def test_no_id_of_a_batch_is_given_out_again(old):
    """New batches have ids above the old ones, whether they are one change or many; there is no gap."""
    with old.begin() as conn:
        batch(conn, 40)
        item(conn, 40, 1, "5550001", 7)

    upgrade(old)

    change = Change(Author("admin", 1, ""), "created", "copy", 8, "5550002")
    with old.begin() as conn:
        found = batches.record(conn, [change, NewBatch(change.author, (), ())], datetime(2026, 3, 5))
        ids = [batch.batch_id for batch in progress.page(conn, BatchFilter(), None, 10)]
        logged = [row[0] for row in run(conn, "SELECT change_id FROM didier_changes ORDER BY change_id")]
    assert {41, 42} == {*found}
    assert [42, 41, 40] == ids
    assert [40, 41, 42] == logged


def test_what_cannot_be_read_stops_nothing(old):
    """Texts that are no JSON are taken over as what is not known."""
    with old.begin() as conn:
        batch(conn, 3, overrides="x", own_columns="[")
        item(conn, 3, 1, "5550001", 7)
        entry(conn, "update", "5550002", 8)
        run(conn, "UPDATE didier_history SET before_image = '{', after_image = '{}'")

    upgrade(old)

    with old.begin() as conn:
        assert [(7, "created"), (8, "updated")] == run(
            conn, "SELECT did_id, action FROM didier_changes ORDER BY change_id"
        )


def test_many_items_are_taken_over_once(old):
    """All of them, in order, by parts; a second upgrade finds nothing left."""
    with old.begin() as conn:
        batch(conn, 3)
        batch(conn, 4)
        rows = (
            "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?)"
            " SELECT 3 + (i > ?), i, 5550000000 + i, 100 + i, 'added', 1 FROM n"
        )
        if conn.dialect.name != "sqlite":
            run(conn, "SET max_recursive_iterations = 100000000")
        columns = "(batch_id, position, target, did_id, outcome, size)"
        run(conn, f"INSERT INTO didier_batch_items {columns} {rows}", ITEMS, ITEMS // 2)

    upgrade(old)
    upgrade(old)

    with old.begin() as conn:
        sql = (
            "SELECT COUNT(*), COUNT(DISTINCT did_id), SUM(position = did_id - 100),"
            " SUM(batch_id = 3 + (position > ?)) FROM didier_changes"
        )
        counts = [int(count) for count in run(conn, sql, ITEMS // 2)[0]]
        pairs = "SELECT did_id, LAG(did_id) OVER (ORDER BY change_id) AS before_it FROM didier_changes"
        wrongly = scalar(conn, f"SELECT COUNT(*) FROM ({pairs}) AS p WHERE before_it > did_id")
    assert [ITEMS] * 4 == counts[:4]
    assert 0 == wrongly


def test_what_a_crash_left_half_done_is_taken_back(old_myisam):
    """The journal was in the batches before."""
    with old_myisam.begin() as conn:
        batch(conn, 3, state="running", high_water=1, guard="didier.gone")
        for position, target in enumerate(("5550001", "5550002"), 1):
            item(conn, 3, position, target, None, "planned")
        insert(conn, DIDS, ("did_pattern", "modify_stamp"), [("5550001", WHEN)])

    upgrade(old_myisam)

    with old_myisam.begin() as conn:
        assert [TakenBack(("5550001",), ())] == journal.take_back(conn)
        assert [(SOURCE,)] == run(conn, f"SELECT did_pattern FROM {DIDS}")
        assert ("failed", 0) == (progress.get(conn, 3).state, progress.get(conn, 3).added)
        assert ["missing", "missing"] == [placed.item.outcome for placed in progress.items(conn, 3, 0, 10)]


def test_half_a_chunk_of_a_large_batch_is_taken_back(old_myisam):
    """Of the targets behind its position those are removed that are there, and the batch goes on."""
    numbers = [f"555000{n}" for n in range(6)]
    with old_myisam.begin() as conn:
        batch(conn, 3, state="running", phase="make", requested=6, position=2, planned=3, high_water=3)
        [piece] = pack(["\n".join([",", *numbers]).encode()])
        run(conn, "INSERT INTO didier_batch_input (batch_id, piece, content) VALUES (3, 0, ?)", piece)
        insert(conn, DIDS, ("did_pattern", "modify_stamp"), [(n, WHEN) for n in (*numbers[:4], numbers[5])])

    upgrade(old_myisam)

    with old_myisam.begin() as conn:
        assert [TakenBack((numbers[2], numbers[3]), ())] == journal.take_back(conn)
        left = [row[0] for row in run(conn, f"SELECT did_pattern FROM {DIDS} ORDER BY did_id")]
        assert [SOURCE, *numbers[:2], numbers[5]] == left
        found = progress.get(conn, 3)
        assert ("make", 2) == (found.phase, found.position)
        assert [(None,)] == run(conn, "SELECT planned FROM didier_batches")


def test_half_a_removal_is_completed(old_myisam):
    """What the batch counts as removed goes, but what it has kept."""
    with old_myisam.begin() as conn:
        batch(conn, 3, state="running", phase="remove", requested=6, planned=4, high_water=2)
        item(conn, 3, 1, "5550000", 2, "removed")
        item(conn, 3, 2, "5550001", 3, "kept")
        insert(conn, DIDS, ("did_pattern", "modify_stamp"), [(f"555000{n}", WHEN) for n in range(6)])

    upgrade(old_myisam)

    with old_myisam.begin() as conn:
        left = [row[0] for row in run(conn, f"SELECT did_pattern FROM {DIDS} ORDER BY did_id")]
        assert [SOURCE, "5550001", "5550004", "5550005"] == left
        assert [(None,)] == run(conn, "SELECT planned FROM didier_batches")
