import stat
from pathlib import Path

import pymysql
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy.exc import DBAPIError, IntegrityError, OperationalError, ProgrammingError

from didier.errors import NoDatabase, WrongSetting
from didier.storage import dialects
from didier.storage.database import open_engine, parse_url, reading
from didier.storage.failures import damaged_table, is_passing
from didier.storage.statements import (
    as_json,
    as_moment,
    as_text,
    columns_of,
    insert,
    insert_one,
    insert_returning,
    rows_of,
    run,
    scalar,
)
from didier.storage.tables import DIDS, vicidial_tables

SECRET = "hidden-7"
AWKWARD = [
    "plain", "", " two  spaces ", "it's", '"quoted"', "back\\slash", "\\", "\\'", "a?b%s%(x)s", ":name", "%",
    "line\nend\r\n", "tab\t", "é电", "; DROP TABLE vicidial_users; --", "{}[]", "null", "$[0]",
]  # fmt: skip


@pytest.fixture
def conn(engine):
    with engine.begin() as conn:
        yield conn


# Addresses of databases ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text",
    [
        "", "nonsense", "didier.db", "/var/didier.db", "postgresql://h/d", f"mysql://u:{SECRET}@h/d",
        f"mysql+mysqldb://u:{SECRET}@h/d", "sqlite", "sqlite://", "sqlite:///", "sqlite:///:memory:",
        "sqlite+aiosqlite:///x.db", f"mysql+pymysql://u:{SECRET}@h:port/d", f"mysql+pymysql://u:x@{SECRET}:y@h/d",
    ],
)  # fmt: skip
def test_addresses_that_are_refused(text):
    """Only a file and a MariaDB are understood; the refusal names the setting and no password."""
    with pytest.raises(WrongSetting, match=r"^database: ") as refused:
        parse_url(text)

    assert SECRET not in str(refused.value)


@pytest.mark.parametrize(
    "text",
    [
        "sqlite:///x.db",
        "sqlite:////var/lib/x.db",
        "mysql+pymysql://u:p@h/d",
        "mariadb+pymysql://u:p@h:3307/d",
    ],
)
def test_addresses_that_are_understood(text):
    """An embedded file and MariaDB are understood, and stay what they are."""
    assert text == parse_url(text).render_as_string(hide_password=False)


def test_a_password_with_special_characters():
    """A password that is percent-encoded in the address is the password."""
    assert "p@ss:w/rd" == parse_url("mysql+pymysql://u:p%40ss%3Aw%2Frd@h/d").password


# The embedded file ---------------------------------------------------------------------------------


def test_a_missing_file_is_not_made(tmp_path):
    """Without create a file that is not there is refused, and still not there."""
    file = tmp_path / "didier.db"

    with pytest.raises(NoDatabase, match="didier init"):
        open_engine(f"sqlite:///{file}")
    assert [] == list(tmp_path.iterdir())


def test_a_file_that_cannot_be_made_is_refused(tmp_path):
    """A directory that is not there is told in one sentence."""
    with pytest.raises(NoDatabase, match="cannot be created"):
        open_engine(f"sqlite:///{tmp_path}/missing/didier.db", create=True)


def test_a_new_file_is_private(tmp_path):
    """The file and those that SQLite puts beside it may be read by their owner alone."""
    engine = open_engine(f"sqlite:///{tmp_path}/didier.db", create=True)
    with engine.begin() as conn:
        run(conn, "CREATE TABLE t (a)")
        files = list(tmp_path.iterdir())
        modes = {file.name: stat.S_IMODE(file.stat().st_mode) for file in files}
    engine.dispose()

    assert {"didier.db": 0o600, "didier.db-wal": 0o600, "didier.db-shm": 0o600} == modes


def test_a_file_that_exists_is_opened(tmp_path):
    """Opening again, with or without create, keeps what is in the file."""
    url = f"sqlite:///{tmp_path}/didier.db"
    first = open_engine(url, create=True)
    with first.begin() as conn:
        run(conn, "CREATE TABLE t (a)")
        run(conn, "INSERT INTO t VALUES (7)")
    first.dispose()

    for create in (True, False):
        engine = open_engine(url, create=create)
        with engine.begin() as conn:
            assert 7 == scalar(conn, "SELECT a FROM t")
        engine.dispose()


def test_every_connection_is_durable(tmp_path):
    """Each connection of an embedded database works in WAL mode and waits for the disk."""
    engine = open_engine(f"sqlite:///{tmp_path}/didier.db", create=True)

    with engine.connect() as one, engine.connect() as other, one.begin():
        found = [
            [run(conn, f"PRAGMA {name}")[0][0] for name in ("journal_mode", "synchronous")]
            for conn in (one, other)
        ]
    engine.dispose()
    assert [["wal", 2], ["wal", 2]] == found


# Transactions --------------------------------------------------------------------------------------


def test_what_is_rolled_back_is_gone(engine):
    """A transaction that fails leaves nothing, also of statements that worked."""
    with pytest.raises(ZeroDivisionError), engine.begin() as conn:  # noqa: PT012
        run(conn, "INSERT INTO didier_settings (name, value) VALUES ('a', 'b')")
        raise ZeroDivisionError

    with engine.begin() as conn:
        assert [] == run(conn, "SELECT * FROM didier_settings WHERE name = 'a'")


def test_a_reader_waits_for_no_writer(engine):
    """While a transaction writes, readers see what was committed before, and one state throughout."""
    count = "SELECT count(*) FROM didier_settings WHERE name = 'a'"
    with reading(engine) as reader:
        before = scalar(reader, count)
        with engine.begin() as writer:
            run(writer, "INSERT INTO didier_settings (name, value) VALUES ('a', 'b')")
            with reading(engine) as other:
                during = scalar(other, count)
        after = scalar(reader, count)
    with reading(engine) as reader:
        later = scalar(reader, count)

    assert (0, 0, 0, 1) == (before, during, after, later)


# Statements ----------------------------------------------------------------------------------------


def test_run_returns_rows(conn):
    """The rows of a query are tuples; a statement without rows gives none."""
    assert [("a", 1)] == run(conn, "SELECT ?, 1", "a")
    assert [] == run(conn, "UPDATE vicidial_users SET full_name = 'x' WHERE user = ?", "nobody")


def test_scalar(conn):
    """The first value of the first row, None without rows."""
    assert 2 == scalar(conn, "SELECT 2, 3")
    assert None is scalar(conn, "SELECT 2 FROM vicidial_users WHERE user = ?", "nobody")


def test_values_are_never_read_as_sql(conn):
    """A parameter comes back as it was, whatever characters it has."""
    assert [(value,) for value in AWKWARD] == [run(conn, "SELECT ?", value)[0] for value in AWKWARD]


def test_errors_are_sqlalchemys(engine):
    """What the driver raises arrives as SQLAlchemy's error of its kind, without the values."""
    twice = "INSERT INTO didier_settings (name, value) VALUES ('a', ?)"
    with engine.begin() as conn:
        run(conn, twice, SECRET)
    with pytest.raises(IntegrityError) as duplicate, engine.begin() as conn:
        run(conn, twice, SECRET)
    with pytest.raises((OperationalError, ProgrammingError)) as unknown, engine.begin() as conn:
        run(conn, "SELECT ? FROM no_such_table", SECRET)

    assert (True, False) == (is_passing(duplicate.value), is_passing(unknown.value))
    assert SECRET not in f"{duplicate.value} {unknown.value}"


def test_a_connection_works_after_an_error(engine):
    """After a rolled-back error the connection is used again."""
    with engine.connect() as conn:
        with pytest.raises(DBAPIError), conn.begin():
            run(conn, "SELECT * FROM no_such_table")

        with conn.begin():
            assert 1 == scalar(conn, "SELECT 1")


# Rows as one parameter -----------------------------------------------------------------------------


def test_rows_come_back_in_order(conn):
    """A list of rows is read as a table: every value, in order, missing ones as NULL."""
    rows = [[value, str(i), None] for i, value in enumerate(AWKWARD)]

    found = run(
        conn, f"SELECT a, b, c FROM {rows_of(dialects.of(conn), ('a', 'b', 'c'))} ORDER BY n", as_json(rows)
    )

    assert [tuple(row) for row in rows] == found


def test_many_columns_come_back_in_place(conn):
    """Each column has its own place, also beyond ten."""
    columns = tuple(f"c{i}" for i in range(25))
    row = [f"v{i}" for i in range(25)]

    found = run(
        conn, f"SELECT {', '.join(columns)} FROM {rows_of(dialects.of(conn), columns)}", as_json([row])
    )

    assert [tuple(row)] == found


def test_rows_are_counted_in_order(conn):
    """Column n grows with the rows, beyond ten too."""
    rows = [[str(i)] for i in range(300)]

    found = run(conn, f"SELECT a, n FROM {rows_of(dialects.of(conn), ('a',))} ORDER BY n", as_json(rows))

    assert [row[0] for row in rows] == [row[0] for row in found]
    assert sorted({row[1] for row in found}) == [row[1] for row in found]


def test_no_rows_are_no_rows(conn):
    """An empty list is an empty table."""
    assert [] == run(conn, f"SELECT a FROM {rows_of(dialects.of(conn), ('a',))}", as_json([]))


def test_long_texts_are_not_cut(conn):
    """A value longer than any column comes back whole."""
    long = "é" * 100_000

    assert [(long,)] == run(conn, f"SELECT a FROM {rows_of(dialects.of(conn), ('a',))}", as_json([[long]]))


def test_values_for_in(conn):
    """A list of texts is the set of its values, whatever the case; a set may be empty."""
    sql = f"SELECT user FROM vicidial_users WHERE user IN {dialects.of(conn).texts}"

    assert [("admin",)] == run(conn, sql, as_json(["x'", "ADMIN", "x" * 1000]))
    assert [] == run(conn, sql, as_json(set()))


def test_insert_keeps_order_and_values(conn):
    """Many rows are added by one statement, each value as it was."""
    rows = [(f"n{i}", value) for i, value in enumerate(AWKWARD)]

    insert(conn, "didier_settings", ("name", "value"), rows)

    found = dict(run(conn, "SELECT name, value FROM didier_settings"))
    assert {**dict(rows), "demo": "Y"} == found


def test_inserting_nothing_does_nothing(conn):
    """Without rows nothing is added."""
    insert(conn, "didier_settings", ("name", "value"), [])

    assert [] == insert_returning(conn, DIDS, ("did_pattern",), [], "did_id")
    assert 1 == scalar(conn, "SELECT count(*) FROM didier_settings")


def test_ids_are_those_of_the_rows(conn):
    """The ids that come back are those of the rows, in their order, after rows were deleted too."""
    first = [(f"5{i:06}",) for i in range(200)]
    ids = insert_returning(conn, DIDS, ("did_pattern",), first, "did_id")
    run(conn, f"DELETE FROM {DIDS} WHERE did_id = ?", ids[-1])
    second = [("zz",), ("aa",), ("mm",)]
    more = insert_returning(conn, DIDS, ("did_pattern",), second, "did_id")

    stored = dict(run(conn, f"SELECT did_id, did_pattern FROM {DIDS}"))
    assert [pattern for (pattern,) in first[:-1]] == [stored[i] for i in ids[:-1]]
    assert ["zz", "aa", "mm"] == [stored[i] for i in more]
    assert not set(ids) & set(more)


def test_insert_one_returns_its_id(conn):
    """One row is added with the values given, defaults elsewhere."""
    found = insert_one(conn, DIDS, {"did_pattern": "5550001", "did_description": None}, "did_id")

    assert [(found, None, "Y", 999)] == run(
        conn, f"SELECT did_id, did_description, did_active, list_id FROM {DIDS} WHERE did_pattern = '5550001'"
    )


# Columns -------------------------------------------------------------------------------------------


def test_columns_of_a_table_in_order(conn):
    """The columns are those that the table really has, in order."""
    expected = tuple(column.name for column in vicidial_tables().tables[DIDS].columns)

    assert expected == columns_of(conn, DIDS)


def test_columns_are_looked_up_for_each_database(engine, tmp_path):
    """Another engine's table of the same name has its own columns."""
    other = open_engine(f"sqlite:///{tmp_path}/other.db", create=True)
    with engine.begin() as conn, other.begin() as second:
        columns_of(conn, DIDS)
        run(second, f"CREATE TABLE {DIDS} (only_one)")

        assert ("only_one",) == columns_of(second, DIDS)
    other.dispose()


def test_a_table_that_is_not_there_has_no_columns(conn):
    """A table that an older VICIdial lacks has no columns; none are made up, and the transaction goes on."""
    assert () == columns_of(conn, "no_such_table")
    assert 1 == scalar(conn, "SELECT 1")


@given(st.datetimes())
def test_moments_are_stored_in_whole_seconds(moment):
    """A moment comes back as it was, but for what is less than a second."""
    whole = moment.replace(microsecond=0)

    assert whole == as_moment(as_text(moment))
    assert whole == as_moment(whole)
    assert None is as_moment(None)


@given(st.lists(st.lists(st.none() | st.integers(-(2**53), 2**53) | st.text())))
def test_everything_can_be_sent(rows):
    """Any texts, numbers and NULLs are written as JSON."""
    assert isinstance(as_json(rows), str)


def test_paths_are_relative_to_the_directory(tmp_path, monkeypatch):
    """Three slashes name a file in the working directory."""
    monkeypatch.chdir(tmp_path)
    open_engine("sqlite:///here.db", create=True).dispose()

    assert Path(tmp_path, "here.db").is_file()


@pytest.mark.parametrize(
    ("code", "text", "table"),
    [
        (145, "Table './rt/vicidial_inbound_dids' is marked as crashed", "vicidial_inbound_dids"),
        (1194, "Table 'vicidial_users' is marked as crashed and should be repaired", "vicidial_users"),
        (126, "Index for table 'vicidial_users' is corrupt; try to repair it", "vicidial_users"),
        (1062, "Duplicate entry '1' for key 'did_pattern'", None),
    ],
)
def test_a_damaged_table_is_named(code, text, table):
    """MariaDB's errors about crashed tables are told from others, with the table's name."""
    error = OperationalError("SELECT 1", None, pymysql.err.OperationalError(code, text))

    assert table == damaged_table(error)
