"""What an agent refuses to begin with, and what it does when its surroundings are not what they should be."""

import os
import sqlite3
from contextlib import closing
from threading import Lock

import pytest

from didier.edge import tables
from didier.edge.control import KamailioAway
from didier.edge.numbers import Numbers
from didier.edge.pusher import Pusher
from didier.edge.pushes import Pushes
from didier.edge.status import Status
from didier.errors import WrongSetting
from support.commands import run

SECRET = '#!define CONTROL_SECRET "00ff"\n'


@pytest.fixture
def desk(tmp_path, monkeypatch):
    """A directory with all that an agent needs, but no server."""
    monkeypatch.chdir(tmp_path)
    tmp_path.joinpath("control.cfg").write_text(SECRET)
    tmp_path.joinpath("token").write_text("didier_x\n")
    tmp_path.joinpath("binary").write_bytes(b"\xff\xfe\0")
    tmp_path.joinpath("rubbish.db").write_bytes(b"no database" * 1000)
    return tmp_path


@pytest.mark.parametrize(("options", "said"), [
    (("--server", "nowhere"), "is not an address"),
    (("--token-file", "none"), "--token-file: none: No such file or directory"),
    (("--token-file", "binary"), "--token-file: what is there is no token"),
    (("--secret-file", "none"), "none: No such file or directory"),
    (("--secret-file", "."), "Is a directory"),
    (("--secret-file", "binary"), "no secret of `didier kamailio init` is there"),
    (("--rpc", "rubbish"), "--rpc: 'rubbish' is not an address"),
    (("--name", "my edge"), "--name: 'my edge' is not 1 to 50 letters"),
    (("--database", "none/edge.db"), "--database: none/edge.db: "),
    (("--database", "rubbish.db"), "--database: rubbish.db: file is not a database"),
    (("--database", "."), "--database: "),
])  # fmt: skip
def test_wrong_orders_are_refused_in_a_sentence(desk, options, said):
    """Before anything is begun."""
    usual = ("--server", "http://127.0.0.1:9", "--token-file", "token")
    done = run("kamailio", *usual, *options)

    assert 2 == done.status, done.err
    assert said in done.err
    assert "Traceback" not in done.err


def test_a_server_has_to_be_named(desk, monkeypatch):
    """By the option or the environment, and a token with it."""
    monkeypatch.delenv("DIDIER_TOKEN", raising=False)
    monkeypatch.delenv("DIDIER_SERVER", raising=False)

    assert "--server: give the server" in run("kamailio").err
    assert "give the edge's token" in run("kamailio", "--server", "http://127.0.0.1:9").err


def test_one_agent_has_a_file(tmp_path):
    """Another one is refused, not kept waiting."""
    file = tmp_path / "edge.db"
    with tables.alone(file), pytest.raises(WrongSetting, match="another agent"), tables.alone(file):
        pass


def test_what_is_not_stored_is_not_half_stored(tmp_path):
    """A full disk leaves what was there, and the file can be written again when there is room."""
    file = tmp_path / "edge.db"
    did = {"did_id": 1, "did_pattern": "5550001", "did_active": "N"}
    with Numbers(file) as numbers, closing(tables.connect(file)) as other:
        numbers.replace([did], [], 1)
        [pages] = other.execute("PRAGMA page_count").fetchone()
        limit(numbers, pages)
        many = [{**did, "did_id": place, "did_pattern": str(10**40 + place)} for place in range(2, 5_000)]
        with pytest.raises(sqlite3.OperationalError, match="full"):
            numbers.replace([did, *many], [], 2)
        there = numbers.sequence
        limit(numbers, pages + 1_000)
        numbers.replace([did, *many], [], 3)

    assert (1, 3) == (there, numbers_of(file)[0])
    assert 4_999 == numbers_of(file)[1]


def limit(numbers, pages):
    """Let the file have so many pages, as a disk has so much room."""
    numbers._connection.execute(f"PRAGMA max_page_count = {pages}")


def numbers_of(file):
    with Pushes(file) as pushes:
        known = pushes.known()
    return known.sequence, known.numbers


@pytest.mark.parametrize("row", [{"did_id": 1}, {"did_pattern": "5550001", "did_active": "Y"}])
def test_a_row_that_lacks_what_counts_is_no_did(tmp_path, row):
    """What was known stays."""
    did = {"did_id": 7, "did_pattern": "5550001", "did_active": "N"}
    with Numbers(tmp_path / "edge.db") as numbers:
        numbers.replace([did], [], 1)
        with pytest.raises(KeyError):
            numbers.replace([row], [], 2)

        assert (1, True) == (numbers.sequence, numbers.are_there)


class Elsewhere:
    """A Kamailio that loads another file."""

    def __init__(self):
        self.loads = 0

    def cursor(self):
        return 3

    def reload_gateways(self):
        pass

    def reload_numbers(self):
        self.loads += 1


def test_a_kamailio_with_another_file_is_said_to_be_so(tmp_path):
    """It is not told again and again to load its file."""
    file, clock, said = tmp_path / "edge.db", iter([0.0, 1.0, 2.0, 31.0]), []
    with Numbers(file) as numbers:
        numbers.replace([], [], 1)
    with Pushes(file) as pushes:
        kamailio = Elsewhere()
        pusher = Pusher(pushes, kamailio, Status(), Lock(), said.append, lambda: next(clock))
        pusher.push()
        for _ in range(2):
            with pytest.raises(KamailioAway, match="another file"):
                pusher.push()
        pusher.push()

    assert (2, 2) == (kamailio.loads, len(said))


def test_how_far_a_kamailio_with_another_file_is_behind_is_not_known(tmp_path):
    """Its pushes are no numbers of this file's; nothing is said to wait."""
    file, status = tmp_path / "edge.db", Status()
    with Numbers(file) as numbers, Pushes(file) as pushes:
        numbers.replace([], [], 1)
        pusher = Pusher(pushes, Elsewhere(), status, Lock(), print, lambda: 0.0)
        for _ in range(2):
            pusher.attempt()

    assert (0, 0) == (status.figures.kamailio_up, status.figures.pushes_waiting)


class Away:
    """A Kamailio that does not answer."""

    def cursor(self):
        raise KamailioAway("Kamailio does not answer")


@pytest.mark.parametrize(("kamailio", "figure"), [(Away(), 0), (Elsewhere(), 1)])
def test_kamailio_is_up_when_it_has_answered(tmp_path, kamailio, figure):
    """Also before the first export, when there is nothing to tell it."""
    file, status, said = tmp_path / "edge.db", Status(), []
    with Numbers(file), Pushes(file) as pushes:
        Pusher(pushes, kamailio, status, Lock(), said.append).attempt()

    assert figure == status.figures.kamailio_up
    assert ["Kamailio does not answer; trying again"][figure:] == said


def test_files_are_for_their_user_and_group(tmp_path):
    """Not for everybody on the machine."""
    file = tmp_path / "edge.db"
    mask = os.umask(0)
    try:
        tables.connect(file).close()
    finally:
        os.umask(mask)

    assert 0o640 == file.stat().st_mode & 0o777
