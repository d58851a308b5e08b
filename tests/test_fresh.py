"""The database that tests get is as new, whatever the test before has done to it."""

import pytest
from sqlalchemy.engine import Engine

from didier.storage.migrations import VERSION_TABLE
from didier.storage.statements import run
from didier.storage.tables import DIDS, USERS
from support.engines import opened


def image(url: str) -> dict[str, object]:
    """Return how each table is made, and its rows."""
    with opened(url) as engine, engine.connect() as conn:
        names = [row[0] for row in run(conn, "SHOW TABLES")]
        return {
            name: (run(conn, f"SHOW CREATE TABLE {name}")[0][1], [*run(conn, f"SELECT * FROM {name}")])
            for name in names
        }


def do(engine: Engine, *statements: str) -> None:
    with engine.begin() as conn:
        for statement in statements:
            run(conn, statement)


@pytest.mark.parametrize(
    "statements",
    [
        [f"UPDATE {DIDS} SET did_description = 'changed'"],
        [f"DELETE FROM {USERS}"],
        [f"INSERT INTO {DIDS} (did_pattern) VALUES ('1')", f"DELETE FROM {DIDS} WHERE did_pattern = '1'"],
        ["INSERT INTO vicidial_user_groups (user_group, group_name) VALUES ('NEW', 'new')"],
        [f"ALTER TABLE {DIDS} ADD COLUMN later INT"],
        [f"ALTER TABLE {DIDS} ENGINE=MyISAM"],
        [f"CREATE INDEX another ON {DIDS} (did_route)"],
        [f"DROP TABLE {VERSION_TABLE}"],
        ["CREATE TABLE another (a INT)"],
        [f"CREATE TRIGGER t BEFORE DELETE ON {DIDS} FOR EACH ROW SET @x = 1"],
    ],
    ids=lambda statements: statements[0][:24],
)
def test_it_is_put_back(fresh_database, statements):
    """Rows, the next number, columns, indexes, engines, tables and triggers are what they were."""
    url = fresh_database.url()
    before = image(url)
    with opened(url) as engine:
        do(engine, *statements)
    again = fresh_database.url()

    assert before == image(again)
    with opened(again) as engine, engine.connect() as conn:
        assert [] == [*run(conn, "SHOW TRIGGERS")]


def test_a_transaction_that_was_left_ends(fresh_database):
    """A connection that somebody has left in a transaction holds up nobody, and stores nothing."""
    with opened(fresh_database.url()) as engine, engine.connect() as left:
        run(left, f"UPDATE {DIDS} SET did_description = 'changed'")
        with opened(fresh_database.url()) as again, again.connect() as conn:
            found = run(conn, f"SELECT did_description FROM {DIDS}")
        left.invalidate()

    assert "changed" not in found[0]
