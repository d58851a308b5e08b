from didier.storage.guards import Guard
from didier.storage.statements import run, scalar
from support.engines import opened


def test_one_holds_a_guard(engine, database_url):
    """While a node holds it another gets it only in an embedded database, which has one process."""
    with opened(database_url) as other, Guard(engine, "batches") as held:
        with Guard(other, "batches") as second, Guard(other, "something_else") as third:
            assert (True, engine.dialect.name == "sqlite", True) == (bool(held), bool(second), bool(third))
            assert (True, engine.dialect.name == "sqlite") == (held.alive(), second.alive())
        assert held.alive()


def test_a_guard_that_was_left_is_free(engine, database_url):
    """Who comes after the holder gets it; a guard that is not entered is not held."""
    with Guard(engine, "batches"):
        pass

    with opened(database_url) as other:
        waiting = Guard(other, "batches")
        assert not waiting
        with waiting as held:
            assert held.alive()


def test_databases_have_guards_of_their_own(mariadb, engine):
    """On one server, the batches of two databases do not wait for each other."""
    with (
        opened(mariadb.database()) as other,
        Guard(engine, "batches") as held,
        Guard(other, "batches") as second,
    ):
        assert held
        assert second


def test_a_connection_that_broke_holds_nothing(mariadb):
    """When its connection ends the holder knows, and another may have it."""
    url = mariadb.database()
    with opened(url) as engine, opened(url) as other, Guard(engine, "batches") as held:
        with other.connect() as conn:
            holder = scalar(conn, "SELECT IS_USED_LOCK(concat(database(), '.batches'))")
            run(conn, f"KILL {holder}")

        assert not held.alive()
        with Guard(other, "batches") as second:
            assert second.alive()
