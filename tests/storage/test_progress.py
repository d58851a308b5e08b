from datetime import datetime, timedelta

import pytest

from didier.domain import batch_states
from didier.storage.batches import batches, progress
from didier.storage.batches.batches import BatchItem, NewBatch
from didier.storage.batches.progress import BatchFilter, PlacedItem
from didier.storage.changes.change_log import Author
from didier.storage.statements import run

OVERRIDES = {"did_active": "N", "extension": None}


def batch(user: str = "admin", source: str = "18001234567", **settings) -> NewBatch:
    return NewBatch(Author(user, 1, "192.0.2.1"), (), (), source_id=1, source_pattern=source, **settings)


def accepted(
    conn, now: datetime, requested: int = 10, pieces: tuple[bytes, ...] = (b"one", b"two"), **settings
) -> int:
    accepted = progress.accept(conn, batch(**settings), requested, batch_states.ORDERED, pieces, now)
    return accepted.batch_id


def placed(position: int, size: int, outcome: str = "added", did_id: int | None = None) -> PlacedItem:
    return PlacedItem(position, BatchItem(str(5_550_100 + position), outcome, did_id, size))


def test_a_batch_is_what_was_accepted(conn, now):
    """Everything of an order is there again, and nothing of it is done."""
    found = progress.accept(
        conn,
        NewBatch(
            Author("x" * 30, 1, "192.0.2.1", "json-api"), (), (), OVERRIDES, mode="atomic", source_id=7,
            source_pattern="18001234567", snapshot_id=3,
            template="Sales {target}", pattern_prefix="1800", own_columns=("did_description", "list_id"),
        ),
        1_000_000, batch_states.ORDERED_ATOMIC, (b"",), now,
    )  # fmt: skip

    assert found == progress.get(conn, found.batch_id)
    assert ("copy", "atomic", "pending", "check", now, None) == (
        found.kind, found.mode, found.state, found.phase, found.created_at, found.finished_at
    )  # fmt: skip
    assert ("x" * 20, "192.0.2.1", 7, "18001234567", 3) == (
        found.user_name, found.address, found.source_id, found.source_pattern, found.snapshot_id
    )  # fmt: skip
    assert (OVERRIDES, ("did_description", "list_id"), "Sales {target}", "1800") == (
        found.overrides, found.own_columns, found.template, found.pattern_prefix
    )  # fmt: skip
    assert [1_000_000, 0, 0, 0, 0, 0, 0, 0] == [
        found.requested, found.added, found.existing, found.invalid, found.duplicates, found.removed,
        found.kept, found.position,
    ]  # fmt: skip
    assert (None, False) == (found.failure, found.forced)


def test_a_batch_that_is_not_there(conn):
    """Another id is no batch."""
    assert progress.get(conn, 10_000) is None


def test_the_text_is_kept_until_it_is_forgotten(conn, now):
    """Its pieces come in order, those of each batch apart; what is forgotten is gone."""
    pieces = tuple(bytes([number]) * 3 for number in range(12))
    first, second = accepted(conn, now, pieces=pieces), accepted(conn, now, pieces=(b"\0\xff",))

    assert [pieces, (b"\0\xff",)] == [tuple(progress.pieces(conn, id_)) for id_ in (first, second)]
    progress.forget_pieces(conn, first)
    assert [(), (b"\0\xff",)] == [tuple(progress.pieces(conn, id_)) for id_ in (first, second)]


def test_the_oldest_that_is_not_finished_is_next(conn, now):
    """Batches are worked on in the order in which they came; those without phase are not."""
    assert progress.under_way(conn) is None
    batches.record(conn, [batch()], now)
    first, second, third = (accepted(conn, now) for _ in range(3))
    order = []

    for change in (
        {"state": "running"},
        {"state": "done", "phase": None},
        {"state": "failed", "phase": None},
    ):
        found = progress.under_way(conn)
        assert found is not None
        order.append(found.batch_id)
        progress.change(conn, found.batch_id, change)

    assert [first, first, second] == order
    progress.change(conn, third, {"phase": None, "state": "running"})
    assert progress.under_way(conn) is None


def test_totals_are_added_up(conn, now):
    """Each step adds to the totals and says how far the batch is."""
    batch_id = accepted(conn, now)

    progress.advance(conn, batch_id, 5, {"added": 3, "existing": 2})
    progress.advance(conn, batch_id, 9, {"added": 2, "invalid": 1, "duplicates": 1})
    progress.advance(conn, batch_id, 10, {})

    found = progress.get(conn, batch_id)
    assert found is not None
    assert (10, 5, 2, 1, 1) == (
        found.position, found.added, found.existing, found.invalid, found.duplicates
    )  # fmt: skip


def test_a_change_is_of_one_batch(conn, now):
    """Moments are read as they were written; other batches stay."""
    first, second = accepted(conn, now), accepted(conn, now)
    progress.change(conn, first, {"finished_at": now + timedelta(hours=1), "failure": "é", "forced": 1})

    found, other = progress.get(conn, first), progress.get(conn, second)
    assert found is not None
    assert other is not None
    assert (now + timedelta(hours=1), "é", True) == (found.finished_at, found.failure, found.forced)
    assert (None, None, False) == (other.finished_at, other.failure, other.forced)


def test_pages_are_newest_first(conn, now):
    """Each page goes on where the one before ended."""
    ids = [accepted(conn, now) for _ in range(5)]

    first = progress.page(conn, BatchFilter(), None, 2)
    second = progress.page(conn, BatchFilter(), first[-1].batch_id, 2)
    third = progress.page(conn, BatchFilter(), second[-1].batch_id, 2)
    assert [[*reversed(ids)][:2], [*reversed(ids)][2:4], ids[:1]] == [
        [found.batch_id for found in page] for page in (first, second, third)
    ]


@pytest.mark.parametrize(
    ("wanted", "places"),
    [
        (BatchFilter(), [3, 2, 1, 0]),
        (BatchFilter(user="ADMIN"), [2, 0]),
        (BatchFilter(state="done"), [1]),
        (BatchFilter(kind="add"), [2]),
        (BatchFilter(source="18001234568"), [3, 2]),
        (BatchFilter(source="18001234568", user="crm"), [3]),
        (BatchFilter(user="nobody"), []),
    ],
)
def test_batches_are_filtered(conn, now, wanted, places):
    """What is wanted is what has all that was asked for."""
    ids = [
        accepted(conn, now),
        accepted(conn, now, user="crm"),
        accepted(conn, now, source="18001234568", kind="add"),
        accepted(conn, now, source="18001234568", user="crm"),
    ]
    progress.change(conn, ids[1], {"state": "done"})

    assert [ids[place] for place in places] == [
        found.batch_id for found in progress.page(conn, wanted, None, 10)
    ]


def test_items_go_on_behind_a_position(conn, now):
    """A run is found as long as any of it comes behind; items of other batches are not."""
    batch_id, other = accepted(conn, now), accepted(conn, now)
    items = [
        placed(1, 3, did_id=10),
        placed(4, 1, "exists"),
        placed(5, 4, did_id=13),
        placed(9, 2, "invalid"),
    ]
    progress.add_items(conn, batch_id, [items[2], items[0], items[3], items[1]])
    progress.add_items(conn, other, [placed(1, 10)])

    for after, first in ((0, 0), (1, 0), (2, 0), (3, 1), (4, 2), (7, 2), (8, 3), (9, 3), (10, 4)):
        assert items[first:] == progress.items(conn, batch_id, after, 10)
    assert items[:2] == progress.items(conn, batch_id, 0, 2)
    assert [items[1], items[3]] == progress.items(conn, batch_id, 0, 10, ("exists", "invalid"))
    assert [3, 4, 8, 10] == [item.last for item in items]


def test_a_run_is_replaced_by_parts(conn, now):
    """What a run has become stands in its place; its neighbours stay."""
    batch_id = accepted(conn, now)
    items = [placed(1, 3, did_id=10), placed(4, 4, did_id=13), placed(8, 3, did_id=17)]
    progress.add_items(conn, batch_id, items)
    parts = [placed(4, 1, "removed", 13), placed(5, 1, "kept", 14), placed(6, 2, "added", 15)]

    progress.replace_items(conn, batch_id, 4, 4, parts, "added")

    assert [items[0], *parts, items[2]] == progress.items(conn, batch_id, 0, 10)


def test_what_was_not_made_stays_among_what_is_replaced(conn, now):
    """Only items of the outcome that is asked for give way."""
    batch_id = accepted(conn, now)
    items = [placed(1, 1, did_id=10), placed(2, 1, "exists"), placed(3, 1, did_id=11)]
    progress.add_items(conn, batch_id, items)

    progress.replace_items(
        conn, batch_id, 1, 3, [placed(1, 1, "removed", 10), placed(3, 1, "kept", 11)], "added"
    )

    assert ["removed", "exists", "kept"] == [
        found.item.outcome for found in progress.items(conn, batch_id, 0, 10)
    ]


def test_long_texts_of_items_are_cut(conn, now):
    """What cannot be a pattern is shown as far as there is room."""
    batch_id = accepted(conn, now)
    progress.add_items(conn, batch_id, [PlacedItem(1, BatchItem("x" * 300, "invalid", None, 1, "é" * 300))])

    [found] = progress.items(conn, batch_id, 0, 10)
    assert ("x" * 50, "é" * 255) == (found.item.target, found.item.reason)


def test_outcomes_are_renamed(conn, now):
    """Items of one outcome get another; the rest, and other batches, stay."""
    batch_id, other = accepted(conn, now), accepted(conn, now)
    for id_ in (batch_id, other):
        progress.add_items(conn, id_, [placed(1, 2, "kept", 10), placed(3, 1, "removed", 12)])

    progress.rename_outcome(conn, batch_id, "kept", "added")

    found = run(conn, "SELECT batch_id, outcome FROM didier_batch_items ORDER BY batch_id, position")
    assert [(batch_id, "added"), (batch_id, "removed"), (other, "kept"), (other, "removed")] == found
