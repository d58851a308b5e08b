"""Many rows found, changed and removed at once: on both databases, for few rows and for many."""

import pytest

from didier.storage import row_sets
from didier.storage.dialects import FEW
from didier.storage.statements import insert, run
from support.statements import sent, traced

CODES = "didier_recovery_codes"
LOCKS = "didier_lockouts"
NAMES = "didier_unknown_names"

counts = pytest.mark.parametrize("count", [1, 2, FEW, FEW + 1, 500])


@pytest.fixture
def codes(conn):
    """600 recovery codes of two users."""
    rows = [(user_id, f"d{number}") for number in range(300) for user_id in (1, 2)]
    insert(conn, CODES, ("user_id", "digest"), rows)
    return conn


def used(conn):
    return run(conn, f"SELECT count(*) FROM {CODES} WHERE used_at IS NOT NULL")[0][0]


@counts
def test_rows_are_found_by_all_columns_of_their_key(codes, count):
    """One statement finds those that are there."""
    wanted = [(number % 2 + 1, f"d{number}") for number in range(count)]
    found = []

    statements = sent(
        codes,
        lambda: found.extend(
            row_sets.find(codes, CODES, ("user_id", "digest"), wanted, ("digest", "user_id"))
        ),
    )

    assert 1 == statements
    assert sorted((digest, user_id) for user_id, digest in wanted if int(digest[1:]) < 300) == sorted(found)


@counts
def test_each_row_gets_its_own_values(conn, count):
    """One statement changes them all, whatever their number, and no other row."""
    insert(conn, LOCKS, ("user_name", "user_id", "locked_at"), [(f"u{i}", i, 0.0) for i in range(501)])

    changed = row_sets.update(
        conn, LOCKS, ("user_id",), ("locked_at", "user_name"), [(i, i + 0.5, f"new{i}") for i in range(count)]
    )

    assert count == changed
    rows = run(conn, f"SELECT user_id, user_name, locked_at FROM {LOCKS} ORDER BY user_id")
    assert [(i, f"new{i}", i + 0.5) if i < count else (i, f"u{i}", 0.0) for i in range(501)] == rows


def test_only_rows_that_meet_the_condition_are_changed_and_counted(codes):
    """So that who was faster is noticed."""
    key, rows = ("user_id", "digest"), [(1, f"d{i}", "2026-03-04 05:06:07") for i in range(3)]
    row_sets.update(codes, CODES, key, ("used_at",), rows[:1], "used_at IS NULL")

    assert 2 == row_sets.update(codes, CODES, key, ("used_at",), rows, "used_at IS NULL")
    assert 3 == used(codes)


def test_rows_that_had_the_values_already_are_counted(codes):
    """Those that were found count, not those that became another."""
    key, rows = ("user_id", "digest"), [(1, "d1", "2026-03-04 05:06:07")]

    assert [1, 1] == [row_sets.update(codes, CODES, key, ("used_at",), rows) for _ in range(2)]


@counts
def test_rows_are_removed_by_their_keys(conn, count):
    """And the others stay."""
    insert(conn, NAMES, ("digest", "failures", "failed_at"), [(f"d{i}", 1, 1.0) for i in range(600)])

    row_sets.delete(conn, NAMES, ("digest",), [(f"d{i}",) for i in range(count)])

    left = {row[0] for row in run(conn, f"SELECT digest FROM {NAMES}")}
    assert {f"d{i}" for i in range(count, 600)} == left


def test_without_rows_nothing_is_done(codes):
    """Not a statement is sent."""

    def nothing():
        row_sets.find(codes, CODES, ("user_id",), [], ("digest",))
        row_sets.update(codes, CODES, ("user_id",), ("used_at",), [])
        row_sets.delete(codes, CODES, ("user_id",), [])

    assert 0 == sent(codes, nothing)


@counts
def test_no_statement_reads_the_whole_table(conn, count):
    """It would lock every row on MariaDB, and others would wait."""
    insert(conn, NAMES, ("digest", "failures", "failed_at"), [(f"d{i}", 1, 1.0) for i in range(5_000)])
    digests = [f"d{i}" for i in range(count)]

    def all_of_them():
        row_sets.find(conn, NAMES, ("digest",), [(digest,) for digest in digests], ("failures",))
        row_sets.update(conn, NAMES, ("digest",), ("failures",), [(digest, 2) for digest in digests])
        row_sets.delete(conn, NAMES, ("digest",), [(digest,) for digest in digests])

    assert not _reads_all(conn, all_of_them, 5_000)


def _reads_all(conn, work, rows):
    """Say whether *work* reads a table through that has so many *rows*."""
    if conn.dialect.name != "sqlite":
        before = _rows_read(conn)
        work()
        return _rows_read(conn) - before >= rows
    steps = [row[3] for sql in traced(conn, work) for row in run(conn, f"EXPLAIN QUERY PLAN {sql}")]
    assert steps
    return any(step.startswith(("SCAN t", f"SCAN {NAMES}")) for step in steps)


def _rows_read(conn):
    return sum(int(row[1]) for row in run(conn, "SHOW SESSION STATUS LIKE ?", "Handler_read%next"))
