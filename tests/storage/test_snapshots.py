from didier.storage.dids import dids, snapshots
from didier.storage.statements import run, scalar


def count(conn) -> int:
    return int(scalar(conn, "SELECT count(*) FROM didier_snapshots"))


def test_a_row_is_kept_as_it_was(conn):
    """What is read is every column of the row, whatever its type."""
    image = dids.images(conn, [1])[1]

    [kept] = snapshots.keep(conn, [image])

    assert image == snapshots.read(conn, kept)


def test_equal_rows_are_kept_once(conn):
    """The same row, its columns in any order, has the same id, at once and later."""
    image = dids.images(conn, [1])[1]
    before = count(conn)

    together = snapshots.keep(conn, [image, dict(reversed(image.items())), image])
    later = snapshots.keep(conn, [image])

    assert 1 == len({*together, *later})
    assert before + 1 == count(conn)


def test_rows_that_differ_are_kept_apart(conn):
    """A column more, another type, the case of a letter: each is another row."""
    images = [
        {"a": "1"},
        {"a": 1},
        {"a": None},
        {"a": "x"},
        {"a": "X"},
        {"a": "é"},
        {"a": "1", "b": None},
        {},
    ]

    kept = snapshots.keep(conn, images)

    assert len(images) == len(set(kept))
    assert images == [snapshots.read(conn, one) for one in kept]


def test_no_rows_are_no_snapshots(conn):
    """Nothing to keep writes nothing."""
    before = count(conn)

    assert [] == snapshots.keep(conn, [])
    assert before == count(conn)


def test_a_snapshot_does_not_follow_its_row(conn):
    """What the row becomes later is another snapshot."""
    image = dids.images(conn, [1])[1]
    [kept] = snapshots.keep(conn, [image])
    run(conn, "UPDATE vicidial_inbound_dids SET did_description = 'Another line' WHERE did_id = 1")

    assert [kept] != snapshots.keep(conn, [dids.images(conn, [1])[1]])
    assert image == snapshots.read(conn, kept)
