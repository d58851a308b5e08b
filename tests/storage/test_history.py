import pytest

from didier.storage.batches import batches
from didier.storage.batches.batches import Batch, Item
from didier.storage.changes import history
from didier.storage.changes.history import Entry

SOURCE = "18001234567"


@pytest.fixture
def conn(engine):
    """A connection."""
    with engine.begin() as conn:
        yield conn


def copied(conn, now, *items, **more):
    """Record a batch of copies."""
    [batch_id] = batches.record(conn, [Batch("admin", 1, "", 1, SOURCE, {}, items, **more)], now)
    return batch_id


def test_images_come_back_as_they_were(conn, now):
    """Texts, numbers and missing values are the same again, whatever the letters."""
    row = {"did_id": 7, "did_pattern": "5550001", "did_description": "Größe \"1\" \\ 'x' …", "phone": None}
    history.record(conn, [Entry(7, "5550001", 3, "update", "admin", 1, "::1", row, None)], now)

    assert [Entry(7, "5550001", 3, "update", "admin", 1, "::1", row, None)] == history.of_batch(conn, 3)


def test_the_entries_of_an_undo_are_not_the_batchs_own(conn, now):
    """What is undone is what the batch did, not what the undo did."""
    history.record(conn, [Entry(7, "5550001", 3, "undo", "admin", 1, "", None, {})], now)

    assert [] == history.of_batch(conn, 3)


@pytest.mark.parametrize(("did_id", "found"), [(99, False), (100, True), (104, True), (105, False)])
def test_the_origin_is_the_run_that_holds_the_id(conn, now, did_id, found):
    """A run stands for all of its ids and for no other."""
    batch_id = copied(conn, now, Item("5550000", "added", 100, size=5))
    origin = history.origin(conn, did_id)

    assert (batch_id if found else None) == (origin and origin.batch_id)


def test_items_without_ids_hide_no_run(conn, now):
    """Updates of a DID in the middle of a run leave it where it came from."""
    batch_id = copied(conn, now, Item("5550000", "added", 100, size=5))
    copied(conn, now, Item("5550002", "updated"), kind="update")

    assert batch_id == history.origin(conn, 102).batch_id


def test_columns_of_the_targets_own_are_unknown(conn, now):
    """Where targets have values of their own the batch does not know them."""
    copied(conn, now, Item("5550000", "added", 100), template="Sales {target}")
    copied(conn, now, Item("5550001", "added", 101), own_columns=("extension",))

    assert {"did_description"} == history.origin(conn, 100).unknown
    assert {"extension"} == history.origin(conn, 101).unknown


def test_a_removed_run_is_found_by_the_ids(conn, now):
    """An entry for many DIDs is found for those that are there or have an entry of their own."""
    history.record(conn, [Entry(100, "5550000", 3, "undo", "admin", 1, "", None, None, size=5)], now)

    assert [3] == [row.batch_id for row in history.rows(conn, "5550002", 102)]
    assert [] == history.rows(conn, "5550002", None)
    assert [] == history.rows(conn, "5550009", 105)
