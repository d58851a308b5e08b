from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy.engine import Connection
from sqlalchemy.exc import IntegrityError

from didier.domain.targets import Range
from didier.storage.changes import change_log
from didier.storage.changes.change_log import Author, Change
from didier.storage.dids import bulk, dids, read_back
from didier.storage.dids.bulk import Block
from didier.storage.dids.read_back import ReadBack
from didier.storage.statements import as_text, run
from didier.storage.tables import DIDS
from support import outside
from support.engines import opened

TARGETS = ("5550100", "5550101", "5550102", "5550103")
SIMPLE = Range("", 7, 5_550_100, 5_550_103)


def values(conn: Connection, **changes: Any) -> dict[str, Any]:
    """Return the columns of the tutorial's DID, with *changes*."""
    image = dids.images(conn, [1])[1]
    return {name: value for name, value in image.items() if name not in bulk.NO_VALUES} | changes


def block(conn: Connection, now, targets=TARGETS, numbers: Range | None = None, **changes: Any) -> Block:
    return Block(values(conn, **changes), as_text(now), targets, numbers=numbers)


def varying(conn: Connection, now, *columns: str, own: list[list[Any]], targets=TARGETS) -> Block:
    alike = {name: value for name, value in values(conn).items() if name not in columns}
    return Block(alike, as_text(now), targets, columns, own)


def rows(conn: Connection) -> dict[str, Mapping[str, Any]]:
    """Return the rows that there are by pattern, but the tutorial's."""
    there = [row[0] for row in run(conn, f"SELECT did_id FROM {DIDS} WHERE did_id > 1 ORDER BY did_id")]
    return {str(image["did_pattern"]): image for image in dids.images(conn, there).values()}


def test_a_block_has_its_values(conn, now):
    """All rows have the columns of the block, their own pattern, and the time that was asked for."""
    wanted = block(conn, now, did_description="Sales", list_id=7)

    ids = bulk.create(conn, wanted)

    made = rows(conn)
    assert [*TARGETS] == [*made]
    assert [*ids] == [row["did_id"] for row in made.values()]
    for target, row in made.items():
        assert {
            **wanted.values,
            "did_id": row["did_id"],
            "did_pattern": target,
            "modify_stamp": as_text(now),
            "version": 1,
        } == row


def test_columns_may_vary(conn, now):
    """Columns that vary have the value of their own target, emptied ones too."""
    own = [["Line one", 7], ["Line two", 8], ["", 9], ['Été, "quoted"\n中', 0]]

    ids = bulk.create(conn, wanted := varying(conn, now, "did_description", "list_id", own=own))

    assert own == [[row["did_description"], row["list_id"]] for row in rows(conn).values()]
    assert ReadBack(4, 4) == read_back.compare(conn, wanted, ids)


def test_values_that_are_not_there(engine, database_url, now):
    """NULL is stored as such and read back as such; it is no empty text."""
    with engine.begin() as conn:
        conn.exec_driver_sql(f"ALTER TABLE {DIDS} ADD COLUMN later_one VARCHAR(20)")
        conn.exec_driver_sql(f"ALTER TABLE {DIDS} ADD COLUMN later_two VARCHAR(20) DEFAULT 'x'")
    with opened(database_url) as later, later.begin() as fresh:
        wanted = block(fresh, now, later_one=None, later_two=None)
        ids = bulk.create(fresh, wanted)

        assert [(None, None)] * 4 == [(r["later_one"], r["later_two"]) for r in rows(fresh).values()]
        assert ReadBack(4, 4) == read_back.compare(fresh, wanted, ids)
        run(fresh, f"UPDATE {DIDS} SET later_one = '' WHERE did_id = ?", ids[0])
        assert ReadBack(4, 3) == read_back.compare(fresh, wanted, ids)
        assert {ids[0]: TARGETS[0]} == read_back.changed(fresh, wanted.values, ids[0], ids[-1], None)


def test_columns_that_the_table_lacks_are_left_out(conn, now):
    """A snapshot of a table with more columns can be made and read back where they are gone."""
    wanted = block(conn, now, of_another_version="x")

    ids = bulk.create(conn, wanted)

    assert ReadBack(4, 4) == read_back.compare(conn, wanted, ids)
    assert {} == read_back.changed(conn, wanted.values, ids[0], ids[-1], None)


def test_a_target_that_exists_fails_the_block(conn, now):
    """If one target is there nothing is made."""
    bulk.create(conn, block(conn, now, ("5550102",)))

    with pytest.raises(IntegrityError):
        bulk.create(conn, block(conn, now))

    assert ["5550102"] == [*rows(conn)]


def test_where_free_leaves_out_what_exists(conn, now):
    """Each target that exists is told by having no id; the others are made."""
    bulk.create(conn, block(conn, now, ("5550102", "Lobby")))

    ids = bulk.create_where_free(conn, block(conn, now, ("5550100", "5550102", "LOBBY", "5550103")))

    made = rows(conn)
    assert [made["5550100"]["did_id"], None, None, made["5550103"]["did_id"]] == ids


def test_where_free_with_varying_columns(conn, now):
    """What is made has the values of its own target."""
    bulk.create(conn, block(conn, now, ("5550100",)))
    own = [["Line one"], ["Line two"], ["Line three"], ["Line four"]]

    bulk.create_where_free(conn, varying(conn, now, "did_description", own=own))

    assert ["Line two", "Line three", "Line four"] == [r["did_description"] for r in rows(conn).values()][1:]


@pytest.mark.parametrize("numbers", [None, SIMPLE])
@pytest.mark.parametrize("consecutive", [True, False])
def test_what_was_made_is_read_back(conn, now, numbers, consecutive):
    """Every row is found and equal, however the ids are given."""
    wanted = block(conn, now, numbers=numbers)
    ids = bulk.create(conn, wanted)

    assert ReadBack(4, 4) == read_back.compare(conn, wanted, ids if consecutive else list(ids))


@pytest.mark.parametrize(
    "numbers", [Range("+", 12, 5, 8), Range("", 18, 10**18 - 4, 10**18 - 1), Range("", 25, 5, 8)]
)
def test_numbers_of_every_width_are_read_back(conn, now, numbers):
    """A plus sign, leading zeros, and numbers wider than an integer are what was ordered."""
    wanted = block(conn, now, list(numbers), numbers)
    ids = bulk.create(conn, wanted)

    assert ReadBack(4, 4) == read_back.compare(conn, wanted, ids)
    run(conn, f"UPDATE {DIDS} SET did_pattern = '7' WHERE did_id = ?", ids[3])
    assert ReadBack(4, 3) == read_back.compare(conn, wanted, ids)


@pytest.mark.parametrize(
    ("change", "found"),
    [
        ("UPDATE dids SET did_description = 'Other' WHERE did_pattern = '5550101'", ReadBack(4, 3)),
        ("UPDATE dids SET did_description = 'SALES' WHERE did_pattern = '5550101'", ReadBack(4, 3)),
        ("UPDATE dids SET did_description = 'Sálés' WHERE did_pattern = '5550101'", ReadBack(4, 3)),
        ("UPDATE dids SET list_id = 8 WHERE did_pattern >= '5550102'", ReadBack(4, 2)),
        ("UPDATE dids SET extension = '8301' WHERE did_id > 1", ReadBack(4, 0)),
        ("UPDATE dids SET did_pattern = '5550999' WHERE did_pattern = '5550100'", ReadBack(4, 3)),
        ("DELETE FROM dids WHERE did_pattern = '5550103'", ReadBack(3, 3)),
        ("DELETE FROM dids WHERE did_id > 1", ReadBack(0, 0)),
    ],
)  # fmt: skip
@pytest.mark.parametrize("numbers", [None, SIMPLE])
@pytest.mark.parametrize("consecutive", [True, False])
def test_what_is_otherwise_is_found(conn, now, change, found, numbers, consecutive):
    """A row that lacks, or differs in any column, be it in the case of a letter alone, is told."""
    wanted = block(conn, now, numbers=numbers, did_description="Sales")
    ids = bulk.create(conn, wanted)
    run(conn, change.replace("dids", DIDS))

    assert found == read_back.compare(conn, wanted, ids if consecutive else list(ids))


@pytest.mark.parametrize("consecutive", [True, False])
def test_varying_columns_are_compared(conn, now, consecutive):
    """A value that belongs to another target of the block is a difference, its case too."""
    own = [["Line one"], ["Line two"], ["Line three"], ["Line four"]]
    ids = bulk.create(conn, varying(conn, now, "did_description", own=own))
    given = ids if consecutive else list(ids)

    for other in ([own[1], own[0], *own[2:]], [["LINE ONE"], ["Line Two"], *own[2:]]):
        assert ReadBack(4, 2) == read_back.compare(
            conn, varying(conn, now, "did_description", own=other), given
        )


def test_letters_are_compared_to_the_case(conn, now):
    """A pattern in other letters is another pattern than was ordered."""
    wanted = block(conn, now, ("lobby", "Reception"))
    ids = bulk.create(conn, wanted)
    run(conn, f"UPDATE {DIDS} SET did_pattern = 'Lobby' WHERE did_pattern = 'lobby'")

    assert ReadBack(2, 1) == read_back.compare(conn, wanted, ids)


def test_changed_rows_are_named(conn, now):
    """Rows whose columns are others by now are found, between the ids that are asked for."""
    wanted = block(conn, now, did_description="Sales")
    ids = bulk.create(conn, wanted)
    later = now + timedelta(minutes=1)
    outside.update(conn, ids[0], {"did_description": "SALES"}, later)
    outside.update(conn, ids[1], {"list_id": 8}, later)
    outside.update(conn, ids[3], {"did_active": "N"}, later)

    assert {ids[0]: "5550100", ids[1]: "5550101"} == read_back.changed(
        conn, wanted.values, ids[0], ids[2], None
    )


def test_a_change_that_left_no_difference_is_told_by_its_time(conn, now):
    """With the time of the block, a row that was stored since counts as changed."""
    wanted = block(conn, now)
    ids = bulk.create(conn, wanted)
    outside.update(
        conn, ids[2], {"did_description": wanted.values["did_description"]}, now + timedelta(seconds=1)
    )

    assert {} == read_back.changed(conn, wanted.values, ids[0], ids[3], None)
    assert {ids[2]: "5550102"} == read_back.changed(conn, wanted.values, ids[0], ids[3], as_text(now))
    assert {ids[2]: "5550102"} == read_back.changed(conn, {}, ids[0], ids[3], as_text(now))


def test_others_are_left_alone(conn, now):
    """The rows with the ids are deleted, as far as they are there."""
    ids = bulk.create(conn, block(conn, now, ("5550099", *TARGETS, "5550104")))

    bulk.delete(conn, [ids[1], ids[3], ids[4], 10_000])

    assert ["5550099", "5550101", "5550104"] == [*rows(conn)]
    assert {ids[0], ids[2]} == read_back.there(conn, 2, ids[4]).keys()


def test_touched_rows_are_counted_once(conn, now):
    """Rows that were changed or deleted, by Didier or by others, count once each."""
    ids = bulk.create(conn, block(conn, now))
    stamp = as_text(now)
    assert 0 == read_back.touched(conn, ids[0], ids[3], stamp)

    outside.update(conn, ids[0], {"did_active": "N"}, now + timedelta(seconds=1))
    outside.delete(conn, ids[1])
    changes = [
        ("updated", ids[0]),
        ("updated", ids[0]),
        ("deleted", ids[1]),
        ("created", ids[2]),
        ("deleted", ids[3] + 1),
    ]
    who = Author("admin", 1, "")
    logged = [Change(who, action, "update", did_id, "5550100") for action, did_id in changes]
    change_log.record(conn, logged, now)

    assert 2 == read_back.touched(conn, ids[0], ids[3], stamp)
    assert 1 == read_back.touched(conn, ids[1], ids[3], stamp)


def test_no_rows_are_no_error(conn, now):
    """Nothing to look at is nothing found."""
    empty = block(conn, now, ())

    assert ReadBack(0, 0) == read_back.compare(conn, empty, [])
    assert [] == bulk.create_where_free(conn, empty)
