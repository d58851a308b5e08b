import pytest

from didier.storage.changes import change_log, sequence
from didier.storage.changes.change_log import Author, Change
from didier.storage.statements import run
from support.engines import opened

WHO = Author("admin", 1, "")


@pytest.fixture
def conn(engine):
    """A connection."""
    with engine.begin() as conn:
        yield conn


def created(*did_ids: int) -> list[Change]:
    return [Change(WHO, "created", "copy", did_id, str(5_550_000 + did_id)) for did_id in did_ids]


def numbered(conn, seen=0, limit=100) -> list[tuple[int, int]]:
    """Return number and DID of the changes behind *seen*."""
    return [(one.number, one.recorded.change.did_id) for one in sequence.after(conn, seen, limit)]


def number_all(conn) -> None:
    while not sequence.is_complete(conn):
        sequence.number(conn, 2)


def test_changes_have_numbers_without_gaps(conn, now):
    """In the order in which they were recorded; of an embedded database they are the ids."""
    change_log.record(conn, created(7, 8, 9), now)
    change_log.record(conn, created(3), now)
    number_all(conn)
    newest = sequence.newest(conn)

    assert [(newest - 3, 7), (newest - 2, 8), (newest - 1, 9), (newest, 3)] == numbered(conn, newest - 4)


def test_a_follower_goes_on_behind_what_it_has_seen(conn, now):
    """Page by page, to the end and no further."""
    change_log.record(conn, created(7, 8, 9), now)
    number_all(conn)
    newest = sequence.newest(conn)

    assert [(newest - 2, 7), (newest - 1, 8)] == numbered(conn, newest - 3, 2)
    assert [(newest, 9)] == numbered(conn, newest - 1, 2)
    assert [] == numbered(conn, newest)


def test_without_changes_there_is_no_number(conn):
    """An empty log is complete."""
    run(conn, "DELETE FROM didier_changes")

    assert (0, True, []) == (sequence.newest(conn), sequence.is_complete(conn), numbered(conn))


@pytest.fixture
def two(fresh_database):
    """Two connections to one MariaDB database."""
    with opened(fresh_database.url()) as engine, engine.connect() as first, engine.connect() as second:
        yield first, second


def test_what_is_committed_later_has_a_higher_number(two, now):
    """Whichever id it has: nobody who has seen a number misses what comes."""
    slow, fast = two
    with slow.begin():
        change_log.record(slow, created(1), now)
        with fast.begin():
            change_log.record(fast, created(2), now)
        with fast.begin():
            assert 1 == sequence.number(fast, 100)
            seen = sequence.newest(fast)
            assert [(seen, 2)] == numbered(fast, seen - 1)
    with fast.begin():
        assert not sequence.is_complete(fast)
        number_all(fast)
        assert [(seen + 1, 1)] == numbered(fast, seen)


def test_only_what_is_committed_is_numbered(two, now):
    """What is rolled back leaves no gap."""
    slow, fast = two
    with slow.begin() as transaction:
        change_log.record(slow, created(1), now)
        transaction.rollback()
    with fast.begin():
        change_log.record(fast, created(2, 3), now)
        number_all(fast)
        newest = sequence.newest(fast)
        assert [(newest - 1, 2), (newest, 3)] == numbered(fast, newest - 2)
