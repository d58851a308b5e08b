"""Copies of the embedded database: made while it is served, and put back."""

import shutil
import sqlite3
import stat
import threading
from contextlib import closing
from datetime import datetime

import pytest

from cli.conftest import SOURCE
from didier.storage.changes import sequence
from didier.storage.migrations import VERSION_TABLE
from support.commands import run
from support.homes import ready
from support.server import Didier, didier


def dump(file):
    """Return all that is in a database, but for the mark that it was restored."""
    with closing(sqlite3.connect(file)) as conn:
        conn.execute("DELETE FROM didier_changes WHERE kind = 'restore'")
        conn.execute("DELETE FROM sqlite_sequence WHERE name = 'didier_changes'")
        return list(conn.iterdump())


def execute(file, statement, *values):
    with closing(sqlite3.connect(file)) as conn, conn:
        return conn.execute(statement, values).fetchall()


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A database with the tutorial's user and DID."""
    file = tmp_path_factory.mktemp("made") / "didier.db"
    with ready(f"sqlite:///{file}", datetime(2026, 3, 4, 5, 6, 7)):
        pass
    return file


@pytest.fixture
def home(made, tmp_path, monkeypatch):
    """A working directory with this database; the backup of it."""
    shutil.copy2(made, tmp_path / "didier.db")
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def server(home):
    """A server on it."""
    server = Didier(home, "--demo", "--database", "sqlite:///didier.db").start()
    yield server
    server.stop()


def back_up(*arguments):
    done = run("backup", "copy.db", *arguments)
    assert 0 == done.status, done.err
    return done


def test_a_backup_is_whole_and_private(home):
    """One file, with all that was there, that its owner alone may read."""
    before = dump("didier.db")

    done = back_up()

    assert ["copy.db is a verified copy with 1 DID."] == done.lines
    assert before == dump("copy.db")
    assert 0o600 == stat.S_IMODE((home / "copy.db").stat().st_mode)
    assert {"didier.db", "copy.db"} == {file.name for file in home.iterdir()}


def test_a_backup_while_copies_are_made_is_of_one_moment(server, home):
    """With each copy that was acknowledged before it began it has the batch, the log and the DID."""
    running = threading.Event()
    stopping = threading.Event()
    answers = []

    def copy():
        number = 5_550_000
        while not stopping.is_set():
            number += 1
            answers.append((number, server.tutorial(target=str(number))))
            if len(answers) >= 20:
                running.set()

    thread = threading.Thread(target=copy)
    thread.start()
    running.wait()
    acknowledged = [str(number) for number, answer in list(answers) if answer.startswith("SUCCESS")]
    done = didier(home, "backup", "copy.db", "--database", "sqlite:///didier.db")
    stopping.set()
    thread.join()
    made = [row[0] for row in execute("copy.db", "SELECT did_pattern FROM vicidial_inbound_dids")]
    batches = execute("copy.db", "SELECT count(*) FROM didier_changes WHERE batch_id IS NULL")
    server.stop()
    restored = run("restore", "copy.db", "--yes")

    assert 0 == done.returncode, done.stderr
    assert len(acknowledged) >= 20
    assert set() == set(acknowledged) - set(made)
    assert [(len(made) - 1,)] == batches
    assert 0 == restored.status, restored.err
    assert made == [row[0] for row in execute("didier.db", "SELECT did_pattern FROM vicidial_inbound_dids")]
    assert dump("copy.db") == dump("didier.db")


def test_a_restore_keeps_what_was_there(home):
    """In a file beside it, that is named."""
    back_up()
    run("add", "5551234")
    later = dump("didier.db")

    done = run("restore", "copy.db", "--yes")

    [kept] = home.glob("didier.db.before-restore-*")
    assert [
        "didier.db was restored from copy.db: 1 DID, verified.",
        f"The previous database is in {kept.name}.",
    ] == done.lines
    assert (dump("copy.db"), later) == (dump("didier.db"), dump(kept))
    assert 0o600 == stat.S_IMODE(kept.stat().st_mode)
    assert 1 == run("show", "5551234").status
    assert 0 == run("copy", SOURCE, "5551234").status


def test_a_restored_database_is_served(home):
    """It makes copies, in the mode in which a commit that returned is on the disk."""
    back_up()
    run("restore", "copy.db", "--yes")
    server = Didier(home, "--demo", "--database", "sqlite:///didier.db").start()
    try:
        answer = server.tutorial()
        mode = server.sql("PRAGMA journal_mode")
    finally:
        server.stop()

    assert ("SUCCESS", [("wal",)]) == (answer.partition(":")[0], mode)


def test_a_restore_makes_a_database_that_is_not_there(home):
    """As on a new machine; there is nothing to keep."""
    back_up()
    (home / "didier.db").unlink()

    done = run("restore", "copy.db")

    assert ["didier.db was restored from copy.db: 1 DID, verified."] == done.lines
    assert dump("copy.db") == dump("didier.db")
    assert 0o600 == stat.S_IMODE((home / "didier.db").stat().st_mode)


def marks(file="didier.db"):
    """Return the numbers of the marks in a database."""
    return [row[0] for row in execute(file, "SELECT change_id FROM didier_changes WHERE kind = 'restore'")]


def newest(file="didier.db"):
    """Return the number of the last change in a database."""
    return execute(file, "SELECT MAX(change_id) FROM didier_changes")[0][0]


def grown(*patterns):
    """Add DIDs; return the number of the last change."""
    for pattern in patterns:
        assert 0 == run("add", pattern).status
    return newest()


def test_a_restored_log_goes_on_behind_all_that_was_undone(home):
    """No number is given to another change, however often the same copy is restored."""
    grown("5550001")
    back_up()
    undone = grown("5550002", "5550003")

    run("restore", "copy.db", "--yes")
    assert [undone + 1] == marks()
    again = grown("5550004")
    run("restore", "copy.db", "--yes")

    assert [again + 1] == marks()
    assert again + 2 == grown("5550005")


def unrelated(home):
    """Put a database in the place that did not become of the copy."""
    (home / "didier.db").unlink()
    assert 0 == run("init").status


def later(home):
    """Put back a database that has the copy's last number, given to another change."""
    run("restore", "copy.db", "--yes")
    grown("5550009")
    shutil.copy2(next(home.glob("*.before-restore-*")), home / "copy.db")


@pytest.mark.parametrize(
    "damage",
    [
        lambda home: (home / "didier.db").unlink(),
        lambda home: (home / "didier.db").write_text("these are my notes"),
        unrelated,
        later,
    ],
    ids=["missing", "damaged", "unrelated", "later"],
)
def test_where_nobody_knows_what_is_undone_many_numbers_are_passed_over(home, damage):
    """What followers know of the database that is lost may be more than what is there says."""
    grown("5550001")
    back_up()
    grown("5550002")
    damage(home)
    known = newest("copy.db")

    assert 0 == run("restore", "copy.db", "--yes").status
    assert marks()[-1] >= known + sequence.GAP


def test_a_copy_of_an_early_release_is_restored(home):
    """It has no change log, and so none to mark."""
    back_up()
    execute("copy.db", "DROP TABLE didier_changes")

    assert 0 == run("restore", "copy.db", "--yes").status


def test_what_other_tools_have_restored_is_marked(home):
    """As a file that was copied back; a restore takes either a file or that."""
    last = grown("5550001")

    done = run("restore", "--by-other-tools")

    assert ["Followers of changes that were undone will be told to take an export."] == done.lines
    assert [last + sequence.GAP] == marks()
    assert {2} == {run("restore", *rest).refusal[0] for rest in ([], ["copy.db", "--by-other-tools"])}


def test_a_restore_is_refused_while_a_server_runs(server):
    """Copies that it acknowledges meanwhile would be lost."""
    back_up()
    server.tutorial()
    before = server.patterns()

    status, line = run("restore", "copy.db", "--yes").refusal

    assert (2, True) == (status, "in use by a server" in line)
    assert before == server.patterns()
    assert [] == list(server.directory.glob("*.before-restore-*"))


@pytest.mark.parametrize(
    "damage",
    [
        lambda file: file.write_text("these are my notes"),
        lambda file: file.write_bytes(file.read_bytes()[: file.stat().st_size // 2]),
        lambda file: file.write_bytes(b""),
        lambda file: file.unlink(),
        lambda file: execute(file, f"DROP TABLE {VERSION_TABLE}"),
        lambda file: execute(file, f"UPDATE {VERSION_TABLE} SET version_num = '9999'"),
    ],
    ids=["notes", "half", "empty", "missing", "foreign", "newer"],
)
def test_a_copy_that_is_not_sound_is_not_restored(home, damage):
    """It is named, and what is there stays."""
    back_up()
    before = dump("didier.db")
    damage(home / "copy.db")

    status, line = run("restore", "copy.db", "--yes").refusal

    assert (2, True) == (status, "copy.db" in line)
    assert before == dump("didier.db")
    assert [] == list(home.glob("*.before-restore-*"))


@pytest.mark.parametrize("damage", ["notes", "half"])
def test_a_damaged_database_is_replaced_and_kept(home, damage):
    """This is what backups are for; the damaged file is kept as it was."""
    back_up()
    sound = (home / "didier.db").read_bytes()
    broken = b"these are my notes, not a database\n" * 100 if damage == "notes" else sound[: len(sound) // 2]
    (home / "didier.db").write_bytes(broken)

    done = run("restore", "copy.db", "--yes")

    assert 0 == done.status, done.err
    assert dump("copy.db") == dump("didier.db")
    [kept] = home.glob("*.before-restore-*")
    if damage == "notes":
        assert broken == kept.read_bytes()


def test_a_backup_asks_before_it_replaces_a_file(home):
    """Where nobody can be asked, --yes has to be given; the file stays."""
    (home / "copy.db").write_text("older")

    status, line = run("backup", "copy.db").refusal

    assert (2, True, "older") == (
        status,
        "copy.db" in line and "--yes" in line,
        (home / "copy.db").read_text(),
    )
    assert 0 == run("backup", "copy.db", "--yes").status


def test_a_restore_asks_first(home):
    """Where nobody can be asked, --yes has to be given."""
    back_up()

    assert (2, True) == (
        run("restore", "copy.db").refusal[0],
        "--yes" in run("restore", "copy.db").refusal[1],
    )


def test_a_backup_that_cannot_be_written_names_the_file(home):
    """And leaves nothing behind."""
    status, line = run("backup", "nowhere/copy.db").refusal

    assert (2, True) == (status, "nowhere/copy.db" in line)


def test_a_damaged_database_is_not_backed_up_as_if_it_were_sound(home):
    """An older backup stays."""
    back_up()
    sound = (home / "copy.db").read_bytes()
    (home / "didier.db").write_bytes((home / "didier.db").read_bytes()[:20_000])

    assert 2 == run("backup", "copy.db", "--yes").refusal[0]
    assert sound == (home / "copy.db").read_bytes()
    assert [] == list(home.glob("*.part"))


@pytest.mark.parametrize("command", [["backup", "copy.db"], ["restore", "copy.db", "--yes"]], ids=" ".join)
def test_a_mariadb_database_has_tools_of_its_own(tmp_path, command):
    """They are named."""
    status, line = run(*command, "--database", "mysql+pymysql://u:Marigold77@localhost/asterisk").refusal

    assert (2, True, False) == (status, "mariadb-dump" in line, "Marigold77" in line)
