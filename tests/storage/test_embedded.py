"""What a release adds to VICIdial's tables comes into embedded databases, and into those alone."""

import pytest
import sqlalchemy as sa

from didier.storage.database import open_engine
from didier.storage.migrations import upgrade
from didier.storage.statements import run
from didier.storage.tables import DIDS, LIVE_INBOUND_AGENTS, vicidial_tables

LOG = "vicidial_did_log"  # it has no primary key
NOCASE = sa.String(40, collation="NOCASE")
NOW = sa.text("CURRENT_TIMESTAMP")


def later(*columns, indexes=()):
    """Return VICIdial's tables with *columns* and *indexes* more: the schema of a release to come."""
    schema = sa.MetaData()
    for table in vicidial_tables().tables.values():
        table.to_metadata(schema)
    for table, column in columns:
        schema.tables[table].append_column(column)
    for table, column in indexes:
        sa.Index(f"{table}_{column}", schema.tables[table].c[column])
    return schema


@pytest.fixture
def embedded(tmp_path):
    """An embedded database of this release, with rows."""
    engine = open_engine(f"sqlite:///{tmp_path}/didier.db", create=True)
    upgrade(engine)
    with engine.begin() as conn:
        for number in (1, 2, 3):
            run(conn, f"INSERT INTO {DIDS} (did_id, did_pattern) VALUES (?, ?)", number, f"555000{number}")
            run(
                conn,
                f"INSERT INTO {LOG} (uniqueid, channel, server_ip) VALUES (?, 'x', 'y')",
                str(9 - number),
            )
        run(conn, f"DELETE FROM {DIDS} WHERE did_id = 3")
    yield engine
    engine.dispose()


def rows(engine, sql):
    with engine.begin() as conn:
        return run(conn, sql)


def test_a_new_column_comes_with_its_default(embedded):
    """Rows that are there have the default, or nothing where there is none, and new ones too."""
    schema = later(
        (DIDS, sa.Column("carrier", NOCASE, server_default=sa.text("'O''Brien: 5%'"))),
        (DIDS, sa.Column("weight", sa.Integer, nullable=False, server_default=sa.text("'7'"))),
        (DIDS, sa.Column("note", sa.Text)),
    )  # fmt: skip
    upgrade(embedded, schema)
    with embedded.begin() as conn:
        run(conn, f"INSERT INTO {DIDS} (did_pattern) VALUES ('5550004')")

    assert [(1, "O'Brien: 5%", 7, None), (2, "O'Brien: 5%", 7, None), (4, "O'Brien: 5%", 7, None)] == rows(
        embedded, f"SELECT did_id, carrier, weight, note FROM {DIDS} WHERE carrier = 'o''BRIEN: 5%'"
    )


@pytest.mark.parametrize("table", [DIDS, LOG])
def test_a_new_column_with_the_time_of_its_row(embedded, table):
    """SQLite adds none to a table with rows; they get the time of the upgrade, and are the same else."""
    before = rows(embedded, f"SELECT * FROM {table}")
    upgrade(embedded, later((table, sa.Column("seen_at", sa.DateTime, server_default=NOW))))
    after = rows(embedded, f"SELECT * FROM {table}")

    assert before == [row[:-1] for row in after]
    assert all(row[-1] for row in after)


def test_ids_are_not_given_out_again_when_rows_were_put_aside(embedded):
    """The id of a DID that was deleted before is no other's afterwards."""
    upgrade(embedded, later((DIDS, sa.Column("seen_at", sa.DateTime, server_default=NOW))))
    with embedded.begin() as conn:
        run(conn, f"INSERT INTO {DIDS} (did_pattern) VALUES ('5550004')")

    assert [(1,), (2,), (4,)] == rows(embedded, f"SELECT did_id FROM {DIDS} ORDER BY did_id")


def test_new_tables_and_indexes_come(embedded):
    """Also indexes of new columns."""
    schema = later((DIDS, sa.Column("carrier", sa.String(40))), indexes=[(DIDS, "carrier"), (DIDS, "user")])
    sa.Table("vicidial_statuses", schema, sa.Column("status", sa.Integer, primary_key=True))
    upgrade(embedded, schema)
    there = rows(embedded, "SELECT name FROM sqlite_master")

    assert {(f"{DIDS}_carrier",), (f"{DIDS}_user",), ("vicidial_statuses",)} <= set(there)


def test_tables_that_nothing_would_fill_do_not_come(embedded):
    """A table that embedded databases do not get is not made for a new column of it either."""
    upgrade(embedded, later((LIVE_INBOUND_AGENTS, sa.Column("carrier", sa.String(40)))))

    assert [] == rows(embedded, f"SELECT name FROM sqlite_master WHERE name = '{LIVE_INBOUND_AGENTS}'")


def test_a_database_that_has_more_keeps_it(embedded):
    """A column of a newer release stays, with its values, when an older one opens the database."""
    upgrade(embedded, later((DIDS, sa.Column("carrier", sa.String(40), server_default=sa.text("'A'")))))
    upgrade(embedded)

    assert [("A",), ("A",)] == rows(embedded, f"SELECT carrier FROM {DIDS}")


def test_what_fails_leaves_nothing_behind(embedded):
    """A required column without a default cannot come to rows: no other column has come then."""
    schema = later(
        (DIDS, sa.Column("carrier", sa.String(40))),
        (LOG, sa.Column("seen_at", sa.DateTime, server_default=NOW)),
        (LOG, sa.Column("reason", sa.String(40), nullable=False)),
    )
    before = rows(embedded, "SELECT name, sql FROM sqlite_master"), rows(embedded, f"SELECT * FROM {LOG}")
    with pytest.raises(sa.exc.DBAPIError, match="NOT NULL"):
        upgrade(embedded, schema)

    assert before == (
        rows(embedded, "SELECT name, sql FROM sqlite_master"),
        rows(embedded, f"SELECT * FROM {LOG}"),
    )
    upgrade(embedded)


def test_vicidials_own_tables_are_left_alone(mariadb):
    """On MariaDB no table, column or index is made of what a release would have more, or a VICIdial lacks."""
    engine = open_engine(mariadb.database())
    with engine.begin() as conn:
        vicidial_tables().create_all(conn)
        run(conn, f"INSERT INTO {DIDS} (did_pattern) VALUES ('5550001')")
        run(conn, f"ALTER TABLE {DIDS} DROP COLUMN inbound_route_answer")  # an older VICIdial
        run(conn, f"ALTER TABLE {LOG} DROP INDEX {LOG}_extension")
        run(conn, "DROP TABLE vicidial_ip_lists")

    def vicidials():
        names = [row[0] for row in rows(engine, "SHOW TABLES") if not row[0].startswith("didier_")]
        return [
            (rows(engine, f"SHOW CREATE TABLE {name}"), rows(engine, f"SELECT * FROM {name}"))
            for name in names
        ]

    schema = later((DIDS, sa.Column("carrier", sa.String(40))), indexes=[(DIDS, "carrier"), (DIDS, "user")])
    sa.Table("vicidial_statuses", schema, sa.Column("status", sa.Integer, primary_key=True))
    before = vicidials()
    for _ in range(2):  # one that is new to Didier, and one that is not
        upgrade(engine, schema)

        assert before == vicidials()
    engine.dispose()
