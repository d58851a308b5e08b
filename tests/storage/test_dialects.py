"""What differs between the databases has a form for each."""

import pytest

from didier.storage import dialects
from didier.storage.database import open_engine
from didier.storage.dialects import SqlDialect
from didier.storage.statements import run, run_change, scalar


def test_every_difference_has_a_form(conn):
    """A difference that has a name is said for every database."""
    dialect = dialects.of(conn)

    assert [] == [difference for difference in SqlDialect.__annotations__ if not hasattr(dialect, difference)]


@pytest.mark.parametrize("name", ["v", "value"])
def test_items_of_a_list_are_rows(conn, name):
    """A list is read as a column of any name, its items as they stand in JSON."""
    source = dialects.of(conn).items(name, "INTEGER")

    assert [(1,), (3,)] == run(conn, f"SELECT r.{name} FROM {source} ORDER BY r.{name}", "[3, 1]")
    assert [] == run(conn, f"SELECT r.{name} FROM {source}", "[]")


@pytest.mark.parametrize(
    ("stored", "read"), [('{"a": "é"}', "é"), ('{"a": null}', None), ('{"b": "x"}', None)]
)
def test_a_member_is_its_text(conn, stored, read):
    """A member of an object is read as its text; NULL, and one that is not there, as NULL."""
    member = dialects.of(conn).member("r.v", "a")

    assert read == scalar(conn, f"SELECT {member} FROM (SELECT ? AS v) AS r", stored)


@pytest.mark.parametrize(
    ("text", "found"), [("admin ~", False), ("sysadmín", True), ("a\tb", True), ("", False)]
)
def test_what_is_not_ascii_is_found(conn, text, found):
    """Whatever is not printable ASCII is found."""
    condition = dialects.of(conn).is_not_ascii("r.v")

    assert found == bool(run(conn, f"SELECT 1 FROM (SELECT ? AS v) AS r WHERE {condition}", text))


@pytest.mark.parametrize("collation", ["utf8mb3_unicode_ci", "latin1_swedish_ci", "utf8mb4_unicode_520_ci"])
def test_bound_texts_have_the_collation_of_the_database(mariadb, collation):
    """Whatever the server's version gives them by itself, they can use the indexes of VICIdial's columns."""
    url = mariadb.database()
    with open_engine(url).begin() as conn:
        conn.exec_driver_sql(f"ALTER DATABASE COLLATE {collation}")
    with open_engine(url).begin() as conn:
        run_change(conn, "CREATE TABLE t (name VARCHAR(50), KEY (name))")
        dialect = dialects.of(conn)
        items = dialect.items("name", "VARCHAR(50)")
        named = {"r.name": items, "r.a": dialect.rows(["a"]), "r.target": dialect.targets([])}
        for name, source in named.items():
            assert collation == scalar(conn, f"SELECT collation({name}) FROM {source}", '["x"]'), name
        texts = dialect.texts.replace("SELECT v", "SELECT collation(v)")
        assert collation == scalar(conn, f"SELECT {texts}", '["x"]')

        plan = run(conn, f"EXPLAIN SELECT 1 FROM {items} STRAIGHT_JOIN t ON t.name = r.name", '["x"]')

    assert "ref" == plan[1][3]
