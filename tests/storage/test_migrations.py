from importlib.resources import files

import pytest
import sqlalchemy as sa
from alembic import command
from alembic.config import Config

from didier.errors import NoDatabase
from didier.storage.database import open_engine
from didier.storage.migrations import HEAD, VERSION_TABLE, revision, upgrade
from didier.storage.statements import run
from didier.storage.tables import DIDS, NOT_EMBEDDED, USERS, vicidial_tables


@pytest.fixture
def bare(empty_url):
    """A database with VICIdial's tables alone."""
    engine = open_engine(empty_url, create=True)
    with engine.begin() as conn:
        vicidial_tables().create_all(conn)
    yield engine
    engine.dispose()


@pytest.fixture
def foreign(mariadb):
    """A MariaDB database without VICIdial's tables."""
    engine = open_engine(mariadb.database())
    yield engine
    engine.dispose()


def tables(engine):
    return set(sa.inspect(engine).get_table_names())


def test_head_is_reached(bare):
    """After an upgrade the database is at this release's revision."""
    with bare.begin() as conn:
        assert None is revision(conn)

    upgrade(bare)

    with bare.begin() as conn:
        assert HEAD == revision(conn)


def test_twice_is_harmless(engine):
    """Upgrading a database that is up to date changes nothing in it."""

    def content():
        names = tables(engine)
        with engine.begin() as conn:
            return {name: run(conn, f"SELECT * FROM {name}") for name in names}

    before = content()
    upgrade(engine)

    assert before == content()


def test_a_newer_database_is_refused(engine):
    """A database that a newer Didier has worked with is left as it is."""
    with engine.begin() as conn:
        run(conn, f"UPDATE {VERSION_TABLE} SET version_num = '9999'")

    with pytest.raises(NoDatabase, match=r"newer Didier.*9999"):
        upgrade(engine)
    with engine.begin() as conn:
        assert "9999" == revision(conn)


def test_only_didiers_tables_are_made(bare):
    """Beside VICIdial's tables the migrations make didier_* tables and nothing else."""
    before = tables(bare)

    upgrade(bare)

    made = tables(bare) - before
    assert {"didier_batches", "didier_batch_items", "didier_lockouts", VERSION_TABLE} <= made
    assert all(name.startswith("didier_") for name in made)


def test_vicidials_tables_are_not_altered(bare):
    """Columns and indexes of VICIdial's tables are the same before and after."""

    def shape():
        inspector = sa.inspect(bare)
        names = vicidial_tables().tables
        columns = {(n, c["name"], str(c["type"])) for n in names for c in inspector.get_columns(n)}
        return columns, {
            (n, i["name"], tuple(i["column_names"])) for n in names for i in inspector.get_indexes(n)
        }

    before = shape()
    upgrade(bare)

    assert before == shape()


def test_rows_of_vicidial_are_not_touched(bare):
    """Users and DIDs that are there stay as they are."""
    with bare.begin() as conn:
        run(conn, f"INSERT INTO {USERS} (user, pass) VALUES ('boss', 'x')")
        run(conn, f"INSERT INTO {DIDS} (did_pattern) VALUES ('5550001')")
        before = run(conn, f"SELECT * FROM {USERS}"), run(conn, f"SELECT * FROM {DIDS}")

    upgrade(bare)

    with bare.begin() as conn:
        assert before == (run(conn, f"SELECT * FROM {USERS}"), run(conn, f"SELECT * FROM {DIDS}"))


def test_a_database_of_something_else_is_refused(foreign):
    """A database server's database without VICIdial's tables is refused by name, and stays empty."""
    with pytest.raises(NoDatabase, match=f"no table {DIDS}, {USERS}"):
        upgrade(foreign)

    assert set() == tables(foreign)


def test_half_a_vicidial_is_refused(foreign):
    """The tables that are missing are named, and only those."""
    with foreign.begin() as conn:
        vicidial_tables().tables[DIDS].create(conn)

    with pytest.raises(NoDatabase, match=f"no table {USERS}$"):
        upgrade(foreign)
    assert {DIDS} == tables(foreign)


def test_journals_survive_a_crash_on_every_server(foreign):
    """Didier's tables are InnoDB with every character, whatever the database's own defaults are."""
    with foreign.begin() as conn:
        run(conn, "SET default_storage_engine = MyISAM")
        vicidial_tables().create_all(conn)

    upgrade(foreign)

    with foreign.begin() as conn:
        found = run(
            conn,
            "SELECT table_name, engine, table_collation FROM information_schema.tables"
            " WHERE table_schema = database() AND table_name LIKE 'didier%%' AND table_name <> ?",
            VERSION_TABLE,
        )
    assert len(found) >= 4
    assert {("InnoDB", "utf8mb4")} == {(engine, collation.split("_")[0]) for _, engine, collation in found}


def test_an_embedded_database_gets_vicidials_tables(tmp_path):
    """An empty file becomes a database with VICIdial's tables and Didier's."""
    engine = open_engine(f"sqlite:///{tmp_path}/didier.db", create=True)

    upgrade(engine)

    assert set(vicidial_tables().tables) - NOT_EMBEDDED < tables(engine)
    with engine.begin() as conn:
        assert HEAD == revision(conn)
    engine.dispose()


@pytest.mark.parametrize("at", ["0001", HEAD])
def test_missing_tables_of_vicidial_are_made(tmp_path, at):
    """An embedded database of an older release gets the tables of VICIdial's that it lacks."""
    engine = open_engine(f"sqlite:///{tmp_path}/old.db", create=True)
    upgrade(engine)
    with engine.begin() as conn:
        run(conn, "INSERT INTO vicidial_inbound_dids (did_pattern) VALUES ('5550001')")
        for name in ("vicidial_did_log", "vicidial_closer_log", "didier_idempotency"):
            if at != HEAD or name.startswith("vicidial"):
                run(conn, f"DROP TABLE {name}")
        run(conn, f"UPDATE {VERSION_TABLE} SET version_num = ?", at)

    upgrade(engine)

    assert {"vicidial_did_log", "vicidial_closer_log", "didier_idempotency"} <= tables(engine)
    with engine.begin() as conn:
        assert HEAD == revision(conn)
        assert [("5550001",)] == run(conn, "SELECT did_pattern FROM vicidial_inbound_dids")
    engine.dispose()


def test_an_embedded_database_of_an_earlier_release_gets_new_indexes(tmp_path):
    """Indexes of some DIDs alone that are not there yet are made, and the DIDs stay as they are."""

    def indexes(conn):
        return {row[0] for row in run(conn, "SELECT name FROM sqlite_master WHERE type = 'index'")}

    engine = open_engine(f"sqlite:///{tmp_path}/didier.db", create=True)
    upgrade(engine)
    with engine.begin() as conn:
        complete = indexes(conn)
        ours = {name for name in complete if name.startswith("didier_redirects_")}
        run(conn, f"INSERT INTO {DIDS} (did_pattern, extension) VALUES ('5550001', '8300')")
        for name in ours:
            run(conn, f"DROP INDEX {name}")

    upgrade(engine)

    with engine.begin() as conn:
        assert 6 == len(ours)
        assert complete == indexes(conn)
        assert [("8300",)] == run(conn, f"SELECT extension FROM {DIDS}")
    engine.dispose()


def at_revision(engine, number):
    """Bring Didier's tables to the revision of an earlier release."""
    config = Config()
    config.set_main_option("script_location", str(files("didier.storage") / "migrations"))
    with engine.begin() as conn:
        config.attributes["connection"] = conn
        command.upgrade(config, number)


# A row of each table that says who did something, as the release before wrote them: a number and the name.
OF_0004 = (
    "INSERT INTO didier_batches (created_at, address, source_pattern, requested, added, state, undone_by,"
    " source_id, user_name) VALUES ('2026-03-04', '', '1', 1, 1, 'undone', 'crm', ?, ?)",
    "INSERT INTO didier_history (did_pattern, batch_id, action, changed_at, address, did_id, user_name)"
    " VALUES ('1', 1, 'update', '2026-03-04', '', ?, ?)",
    "INSERT INTO didier_locked_dids (locked_at, did_id, user_name) VALUES ('2026-03-04', ?, ?)",
    "INSERT INTO didier_tokens (user_id, user_name, name, hint, scopes, created_at, digest, created_by)"
    " VALUES (1, 'x', 'x', 'x', 'users', '2026-03-04', ?, ?)",
)
NAMED = (
    ("didier_batches", "user_id", "user_name"),
    ("didier_batches", "undone_by_id", "undone_by"),
    ("didier_history", "user_id", "user_name"),
    ("didier_locked_dids", "user_id", "user_name"),
    ("didier_tokens", "created_by_id", "created_by"),
    ("didier_lockouts", "user_id", "user_name"),
)


def test_ids_come_beside_the_names_that_are_there(bare):
    """Rows of an earlier release get the ids of their users, in any case; who is gone gets none."""
    at_revision(bare, "0004")
    with bare.begin() as conn:
        run(conn, f"INSERT INTO {USERS} (user_id, user, pass) VALUES (7, 'Boss', 'x'), (8, 'crm', 'x')")
        for number, who in enumerate(("boss", "Boss", "crm", "gone")):
            for statement in OF_0004:
                run(conn, statement, number, who)
        for who in ("boss", "gone"):
            run(conn, "INSERT INTO didier_lockouts VALUES (?, 5.0)", who)

    upgrade(bare)

    with bare.begin() as conn:
        found = {
            (table, column): set(run(conn, f"SELECT {name}, {column} FROM {table}"))
            for table, column, name in NAMED
        }
    everyone = {("boss", 7), ("Boss", 7), ("crm", 8), ("gone", None)}
    assert {
        ("didier_batches", "user_id"): everyone,
        ("didier_batches", "undone_by_id"): {("crm", 8)},
        ("didier_history", "user_id"): everyone,
        ("didier_locked_dids", "user_id"): everyone,
        ("didier_tokens", "created_by_id"): everyone,
        ("didier_lockouts", "user_id"): {("boss", 7), ("gone", None)},
    } == found


def test_answers_that_were_kept_go_to_the_ids_of_their_users(bare):
    """What was answered before the upgrade is repeated after it, to the same user."""
    at_revision(bare, "0004")
    with bare.begin() as conn:
        run(conn, f"INSERT INTO {USERS} (user_id, user, pass) VALUES (7, 'Boss', 'x')")
        for name in ("boss", "gone"):
            run(
                conn, "INSERT INTO didier_idempotency VALUES (?, 'key', 'mark', 'answer', '2026-03-04')", name
            )

    upgrade(bare)

    with bare.begin() as conn:
        owners = run(conn, "SELECT user_name FROM didier_idempotency ORDER BY user_name")
    assert [("#7",), ("gone",)] == owners


def test_a_migration_that_was_interrupted_is_finished(bare):
    """MariaDB keeps what was made before the interruption: what is there is not made again."""
    upgrade(bare)
    with bare.begin() as conn:
        run(conn, f"UPDATE {VERSION_TABLE} SET version_num = '0004'")

    upgrade(bare)

    with bare.begin() as conn:
        assert HEAD == revision(conn)
