"""Embedded databases of earlier releases, as dumps in ``released/``: opened by this one, they lose nothing.

A dump has the number of its revision. It was made by the code of its time: an empty database brought to
that revision and filled for `didier serve --demo`, then two rows with a value in each column of each table;
a third was deleted, so that there are ids that must not be given out again.
"""

import itertools
import signal
import sqlite3
import subprocess
import sys
from contextlib import closing, contextmanager
from pathlib import Path

import pytest
import sqlalchemy as sa

from didier.storage.migrations import HEAD, revision, upgrade
from support.engines import opened

RELEASED = sorted(Path(__file__).parent.joinpath("released").glob("*.sql"))
CHANGED = {("didier_version", "version_num"), ("didier_idempotency", "user_name")}
"""What an upgrade writes anew: answers that are kept belong to ids of users since 0005."""


@pytest.fixture(params=RELEASED, ids=lambda file: file.stem)
def file(request, tmp_path):
    """An embedded database of an earlier release."""
    return loaded(request.param, tmp_path)


@pytest.fixture
def oldest(tmp_path):
    """An embedded database of the first release."""
    return loaded(RELEASED[0], tmp_path)


def loaded(dump, directory):
    file = directory / "didier.db"
    with closing(sqlite3.connect(file)) as conn:
        conn.executescript(dump.read_text())
    return file


def upgraded(file, *arguments):
    with opened(f"sqlite:///{file}") as engine:
        upgrade(engine, *arguments)
        with engine.begin() as conn:
            return revision(conn)


def dump(file):
    with closing(sqlite3.connect(file)) as conn:
        return list(conn.iterdump())


def content(file):
    """Return the rows of each table, by its name, as lists of their columns and values."""
    with closing(sqlite3.connect(file)) as conn:
        conn.row_factory = sqlite3.Row
        names = [row[0] for row in conn.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        return {name: [dict(row) for row in conn.execute(f"SELECT * FROM {name}")] for name in names}


def shape(file):
    """Return all columns, whatever their order, and all indexes."""
    with closing(sqlite3.connect(file)) as conn:
        columns = conn.execute(
            'SELECT m.name, c.name, c.type, c."notnull", c.dflt_value, c.pk'
            " FROM sqlite_master m, pragma_table_info(m.name) c WHERE m.type = 'table'"
        )
        indexes = conn.execute("SELECT name, tbl_name, sql FROM sqlite_master WHERE type = 'index'")
        return set(columns), set(indexes)


def test_there_is_one_of_each_revision():
    """No revision that was released is missing."""
    assert ["0001", "0002", "0003", "0004", "0005", "0006"] == [dump.stem for dump in RELEASED]


def test_every_row_and_value_is_kept(file):
    """All that was there is there afterwards, as it was."""
    before = content(file)
    upgraded(file)
    after = content(file)

    assert all(rows for name, rows in before.items())
    for name, rows in before.items():
        kept = [column for column in rows[0] if (name, column) not in CHANGED]
        expected = [[row[column] for column in kept] for row in rows]
        assert expected == [[row[column] for column in kept] for row in after[name][: len(rows)]]


def test_it_becomes_as_a_new_one(file, tmp_path):
    """Tables, columns and indexes are those of a database that this release makes."""
    new = tmp_path / "new.db"
    new.touch()
    upgraded(new)

    assert HEAD == upgraded(file)
    assert shape(new) == shape(file)


def test_ids_are_not_given_out_again(file):
    """What was deleted before the upgrade has no other row's id after it."""
    upgraded(file)
    with closing(sqlite3.connect(file)) as conn:
        added = conn.execute("INSERT INTO vicidial_inbound_dids (did_pattern) VALUES ('5550001')")

        assert 44 == added.lastrowid


class Interrupted(Exception):
    """A statement was not run."""


@contextmanager
def interruption(engine, number):
    """Break off at the statement *number* of those that write something."""
    writing = itertools.count()

    def stop(_, __, statement, *___):
        if not statement.lstrip().startswith(("SELECT", "PRAGMA", "BEGIN")) and next(writing) == number:
            raise Interrupted

    sa.event.listen(engine, "before_cursor_execute", stop)
    yield
    sa.event.remove(engine, "before_cursor_execute", stop)


def test_an_upgrade_that_was_broken_off_is_done_again(oldest):
    """At whatever statement: nothing was changed, and the next upgrade does it all."""
    before = dump(oldest)
    with opened(f"sqlite:///{oldest}") as engine:
        for number in itertools.count():
            try:
                with interruption(engine, number):
                    upgrade(engine)
                break
            except Interrupted:
                assert before == dump(oldest)
        with engine.begin() as conn:
            assert HEAD == revision(conn)
    assert number > 50


KILLED = """
import os, signal, sys
import sqlalchemy as sa
from didier.storage.database import open_engine
from didier.storage.migrations import upgrade

def kill(conn, cursor, statement, *rest):
    if "didier_recovery_codes" in statement:
        os.kill(os.getpid(), signal.SIGKILL)

engine = open_engine(sys.argv[1])
sa.event.listen(engine, "after_cursor_execute", kill)
upgrade(engine)
"""


def test_an_upgrade_that_was_killed_is_done_again(oldest):
    """A process that dies in the last migration leaves the database as it found it."""
    before = dump(oldest)
    killed = subprocess.run([sys.executable, "-c", KILLED, f"sqlite:///{oldest}"], check=False)

    assert -signal.SIGKILL == killed.returncode
    assert before == dump(oldest)
    assert HEAD == upgraded(oldest)
