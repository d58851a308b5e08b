import pytest

from didier.domain.batch_states import DONE
from didier.storage.batches import batches, own_batches, progress
from didier.storage.batches.batches import BatchItem, NewBatch
from didier.storage.batches.progress import BatchFilter, PlacedItem
from didier.storage.changes import change_log
from didier.storage.changes.change_log import LONGEST_RUN, Author, Change, Recorded
from didier.storage.statements import run

SOURCE = "18001234567"
WHO = Author("admin", 1, "192.0.2.1", "json-api")


@pytest.fixture
def conn(engine):
    """A connection."""
    with engine.begin() as conn:
        yield conn


def created(did_id: int, pattern: str, **more) -> Change:
    return Change(WHO, "created", "copy", did_id, pattern, source=SOURCE, **more)


def updated(did_id: int, **more) -> Change:
    return Change(WHO, "updated", "update", did_id, "5550001", **more)


def test_changes_come_back_as_they_were(conn, now):
    """Texts, numbers and missing values are the same again, whatever the letters."""
    row = {
        "did_id": 7,
        "did_pattern": "5550001",
        "did_description": "Größe \"1\" \\ 'x' …",
        "user_group": None,
    }
    change = Change(
        WHO, "updated", "update", 7, "5550001", 0, 3, 1, None, "SALES", None, None,
        {"values": {"did_description": None}}, row, {**row, "user_group": "SALES"},
    )  # fmt: skip
    [change_id] = change_log.record(conn, [change], now)

    assert {change_id: Recorded(change_id, now, change)} == change_log.some(conn, [change_id])


def test_ids_are_in_order(conn, now):
    """What is recorded together has ids in order; in an embedded database there is no gap."""
    ids = change_log.record(conn, [created(7, "5550001"), created(8, "5550002")], now)
    [following] = change_log.record(conn, [created(9, "5550003")], now)

    assert ids[0] < ids[1] < following
    assert conn.dialect.name != "sqlite" or [ids[0] + 1, ids[0] + 2] == [ids[1], following]


def test_a_run_is_not_longer_than_can_be_found(conn, now):
    """The search for a DID looks that many ids back."""
    with pytest.raises(ValueError, match="a run of 10001 DIDs"):
        change_log.record(conn, [created(7, "5550001", size=LONGEST_RUN + 1)], now)


@pytest.mark.parametrize(
    ("number", "place"),
    [("0550000", 0), ("0559999", 9_999), ("0549999", None), ("0560000", None), ("550001", None),
     ("+0550001", None), ("055000a", None)],
)  # fmt: skip
def test_a_run_is_found_by_each_of_its_numbers(conn, now, number, place):
    """And by no other, nor by one with another length or other characters."""
    [change_id] = change_log.record(conn, [created(100, "0550000", size=LONGEST_RUN)], now)
    places = change_log.places(conn, number)

    assert ([] if place is None else [(change_id, 100 + place)]) == [
        (one.change_id, one.did_id) for one in places
    ]


def test_numbers_with_a_plus_are_numbers(conn, now):
    """A run of them is found as well."""
    change_log.record(conn, [created(100, "+4920000", size=20)], now)

    assert [119] == [place.did_id for place in change_log.places(conn, "+4920019")]


def test_what_an_undo_did_is_not_the_batchs_own(conn, now):
    """What is undone is what the batch did, not what the undo did; nor what another batch did."""
    change_log.record(conn, [created(7, "5550001", batch_id=3), updated(7, batch_id=4)], now)
    change_log.record(conn, [Change(WHO, "deleted", "undo", 7, "5550001", 3)], now)

    assert [("created", 7)] == [
        (one.change.action, one.change.did_id) for one in change_log.of_batch(conn, 3)
    ]


def test_groups_are_those_of_the_rows(conn, now):
    """Before and after, by batch; copies, which have no rows, have none."""
    rows = [{"user_group": "SALES"}, {"user_group": None}]
    own = change_log.record(conn, [updated(7, before=rows[0], after=rows[1])], now)[0]
    change_log.record(
        conn, [updated(8, batch_id=90_000, after=rows[0]), created(9, "5550003", batch_id=90_001)], now
    )

    assert {own: {"SALES", None}, 90_000: {"SALES"}} == change_log.groups_of(conn, [own, 90_000, 90_001])


def test_changes_between_two_ids(conn, now):
    """Runs that reach in count as far as they do."""
    change_log.record(
        conn, [updated(98, size=4), updated(105), updated(109, size=9), created(103, "5550000")], now
    )
    deleted = Change(WHO, "deleted", "delete", 104, "5550004")
    change_log.record(conn, [deleted], now)

    assert {100, 101, 105, 109, 110} == change_log.changed_between(conn, 100, 110)
    assert {104} == change_log.changed_between(conn, 100, 110, ["deleted"])


# Batches that are one change --------------------------------------------------------------------------


def one(pattern="5550001", did_id=7, **settings) -> Change:
    known = batches.described(
        settings.get("mode", "best_effort"), settings.get("pattern_prefix"), None, 1, settings.get("template")
    )
    return created(did_id, pattern, snapshot_id=3, details={"values": {"did_active": "N"}, **known})


def of_two(**settings) -> NewBatch:
    return NewBatch(
        WHO, [BatchItem("5550002", "added", 8), BatchItem("5559", "added", 9)],
        [created(8, "5550002"), created(9, "5559", position=2)],
        source_id=1, source_pattern=SOURCE, **settings,
    )  # fmt: skip


def test_a_change_is_the_batch(conn, now):
    """Nothing else is stored of it, and all is there: the batch and its item."""
    [batch_id] = batches.record(conn, [one(mode="atomic", template="Sales", pattern_prefix="555")], now)
    found = progress.get(conn, batch_id)

    assert [(0,)] == run(conn, "SELECT count(*) FROM didier_batches")
    assert (WHO, "atomic", DONE, 1, 1, {"did_active": "N"}, "Sales", "555", 3, 1, SOURCE, now) == (
        found.author, found.mode, found.stage, found.requested, found.added, found.overrides, found.template,
        found.pattern_prefix, found.snapshot_id, found.source_id, found.source_pattern, found.created_at,
    )  # fmt: skip
    assert [PlacedItem(1, BatchItem("5550001", "added", 7))] == progress.items(conn, batch_id, 0, 10)
    assert [] == progress.items(conn, batch_id, 1, 10)
    assert [] == progress.items(conn, batch_id, 0, 10, ["exists"])


def test_batches_of_both_kinds_are_one_list(conn, now):
    """The newest first, page by page, whichever table they are in."""
    ids = batches.record(conn, [one("5550001"), of_two(), one("5550003"), of_two()], now)

    newest = sorted(ids, reverse=True)
    assert newest[:3] == [batch.batch_id for batch in progress.page(conn, BatchFilter(), None, 3)]
    assert newest[3:] == [batch.batch_id for batch in progress.page(conn, BatchFilter(), newest[2], 3)]


@pytest.mark.parametrize(
    ("wanted", "count"),
    [
        (BatchFilter(user="ADMIN"), 1), (BatchFilter(user="crm"), 0), (BatchFilter(state="done"), 1),
        (BatchFilter(state="undone"), 0), (BatchFilter(kind="copy"), 1), (BatchFilter(kind="add"), 0),
        (BatchFilter(source=SOURCE), 1), (BatchFilter(source="5"), 0),
    ],
)  # fmt: skip
def test_batches_of_one_change_are_filtered(conn, now, wanted, count):
    """As others are."""
    batches.record(conn, [one()], now)

    assert count == len(progress.page(conn, wanted, None, 10))


def test_a_batch_of_one_change_gets_a_row_of_its_own(conn, now):
    """Once: nothing of it changes by that, and it is there once."""
    [batch_id] = batches.record(conn, [one(mode="atomic", template="Sales", pattern_prefix="555")], now)
    before = progress.get(conn, batch_id), progress.items(conn, batch_id, 0, 10)
    own_batches.keep(conn, batch_id)
    own_batches.keep(conn, batch_id)

    assert before == (progress.get(conn, batch_id), progress.items(conn, batch_id, 0, 10))
    assert [batch_id] == [batch.batch_id for batch in progress.page(conn, BatchFilter(), None, 10)]
    assert [(batch_id,)] == run(conn, "SELECT batch_id FROM didier_batches")


def test_other_batches_have_their_ids_from_the_log(conn, now):
    """No id is given out twice: that they were ordered is a change too."""
    ids = batches.record(conn, [of_two(), one(), of_two()], now)
    kinds = dict(run(conn, "SELECT change_id, kind FROM didier_changes"))

    assert ["batch", "did", "batch"] == [kinds[batch_id] for batch_id in ids]
    assert 3 == len({*ids})
    assert [8, 9] == [one.change.did_id for one in change_log.of_batch(conn, ids[0])]


def test_what_was_refused_makes_a_batch_of_its_own_rows(conn, now):
    """A batch without a change, or with one and a refusal, is not its change."""
    refused = NewBatch(WHO, [BatchItem("5550009", "exists")], ())
    half = NewBatch(WHO, [BatchItem("5550001", "added", 7), BatchItem("5550009", "exists")], [one()])
    ids = batches.record(conn, [refused, half], now)

    assert [(id_,) for id_ in ids] == run(conn, "SELECT batch_id FROM didier_batches ORDER BY batch_id")
    assert [(1, 0, 1), (2, 1, 1)] == [
        (batch.requested, batch.added, batch.existing) for batch in (progress.get(conn, id_) for id_ in ids)
    ]
