"""`didier changes` and `didier follow`: what happens, in order and at least once, whatever is killed."""

import json
import os
import random
import signal
import sys
from itertools import groupby
from pathlib import Path

import pytest

from cli.conftest import SOURCE
from didier.cli.following import Cursor, DeadLetters, Stop
from didier.client.events import ChangeEvent
from support.forking import Forked
from support.measurements import note
from support.process import until
from support.server import Didier

KILLS = int(os.environ.get("FOLLOW_KILLS", "12"))
"""How often a follower is killed."""

TAKE = """\
import os, pathlib, sys, time
out, *wait = map(pathlib.Path, sys.argv[1:])
text = sys.stdin.read()
with out.open("a") as file:
    file.write(text)
while wait and not wait[0].exists():
    time.sleep(0.01)
"""
"""A command that appends what it is given to a file, and ends once another file is there."""


class Follower:
    """`didier follow` as a process of its own."""

    def __init__(self, place, directory, *arguments):
        self._said = directory / "follow.err"
        self._told = directory / "follow.out"
        with self._said.open("ab") as err, self._told.open("ab") as out, open(os.devnull) as nothing:
            files = [nothing.fileno(), out.fileno(), err.fileno()]
            self.process = Forked(["follow", *arguments, *place.options], directory, os.environ, files)

    @property
    def said(self):
        """What followers in this directory have said on standard error."""
        return self._said.read_text()

    @property
    def events(self):
        """What they have printed."""
        return lines(self._told)

    def kill(self):
        self.process.kill()
        self.process.wait()

    def stop(self):
        """End it as an operator would; return its status."""
        self.process.terminate()
        return self.process.wait(60)


@pytest.fixture
def desk(place, tmp_path):
    """A directory with the command, and what makes arguments of it."""
    tmp_path.joinpath("take.py").write_text(TAKE)
    return tmp_path


def taking(*files):
    """Return the option that has a command take events."""
    return "--exec", f"{sys.executable} -S -E take.py {' '.join(map(str, files))}"


def lines(file: Path):
    """Return the values of a file of JSON lines; none while it is not there."""
    return [json.loads(line) for line in lines_of(file)]


def lines_of(file: Path):
    """Return the whole lines of a file that is being written to; none while it is not there."""
    return file.read_text().split("\n")[:-1] if file.exists() else []


def patterns(events):
    """Return the DIDs that are told of, what is told again at once left out."""
    return [event["data"]["did_pattern"] for _, (event, *_) in groupby(events, key=lambda event: event["id"])]


def add(place, count=1):
    """Create DIDs one by one; return their patterns."""
    numbers = place.block(count)
    for number in numbers:
        assert 0 == place("copy", SOURCE, number).status
    return numbers


@pytest.fixture
def begun(place):
    """The number from which a test's own changes are followed, once all those before are numbered."""
    [number] = add(place)
    options = ("--json", "--types", "did.created")

    def found():
        # On MariaDB changes are numbered by a process that stays: here that is a follower's, or the server's.
        return [one for one in place("changes", *options).json if one["data"]["did_pattern"] == number]

    if place.is_server or "sqlite" in place.engine.url.drivername:
        until(found)
        return str(found()[0]["sequence"])
    return None


def test_changes_are_listed(place, begun):
    """As a table for people, and with everything for pipes."""
    if begun is None:
        [number] = add(place, 1)  # nothing numbers changes where no process stays
        shown = place("changes", "--json", "--types", "did.*").json
        assert number not in [one["data"]["did_pattern"] for one in shown]
        return
    first, second = add(place, 2)
    until(lambda: len(place("changes", "--json", "--after", begun, "--types", "did.*").json) == 2)
    table = place("changes", "--after", begun, "--types", "did.*")
    as_json = place("changes", "--after", begun, "--types", "did.*", "--json", "--limit", "1").json
    as_csv = place("changes", "--after", begun, "--types", "did.*", "--csv")

    assert [first, second] == [word for word in table.out.split() if word in {first, second}]
    assert [first] == [one["data"]["did_pattern"] for one in as_json]
    assert as_csv.lines[0].startswith("sequence,id,type,timestamp,")
    assert 3 == len(as_csv.lines)
    assert second in place("changes").out


def test_wrong_orders_are_refused(place, tmp_path):
    """With the option that is wrong, and before anything is run."""
    file = tmp_path / "last.txt"
    file.write_text("yesterday")

    for arguments, status, said in (
        (("--exec", "'"), 2, "--exec: no closing quotation"),
        (("--exec", " "), 2, "--exec: names no command"),
        (("--dead-letters", "x"), 2, "--dead-letters: goes with --exec"),
        (("--cursor", str(file)), 2, "has no number in it"),
        (("--cursor", str(tmp_path / "none" / "last.txt")), 2, "No such file or directory"),
        (("--types", "did.renamed"), 1, "types 'did.renamed' is not allowed"),
    ):
        done = place("follow", *arguments)
        assert (status, True) == (done.status, said in done.err), done.err


def test_events_are_printed_as_they_come(place, desk):
    """As JSON lines, and the next start goes on behind the last."""
    cursor = desk / "last.txt"
    follower = Follower(place, desk, "--cursor", str(cursor), "--types", "did.*")
    until(cursor.exists)
    first = add(place, 2)
    until(lambda: len(follower.events) >= 2)
    stopped = follower.stop()
    second = add(place, 1)
    again = Follower(place, desk, "--cursor", str(cursor), "--types", "did.*")
    until(lambda: len(again.events) >= 3)

    assert (0, 0) == (stopped, again.stop())
    assert [*first, *second] == [event["data"]["did_pattern"] for event in again.events]
    assert int(cursor.read_text()) >= again.events[-1]["sequence"]


def test_a_command_is_told_what_it_is_about(place, desk):
    """In its environment, which `didier` itself puts up with."""
    cursor, out = desk / "last.txt", desk / "out.txt"
    script = desk / "env.sh"
    script.write_text('echo "$DIDIER_EVENT_TYPE $DIDIER_EVENT_ID" >> "$1"\n')
    follower = Follower(
        place, desk, "--cursor", str(cursor), "--types", "did.*", "--exec", f"sh {script} {out}"
    )
    until(cursor.exists)
    add(place)
    until(lambda: out.exists() and out.read_text().endswith("\n"))
    assert 0 == follower.stop()
    type, number = out.read_text().split()
    os.environ.update(DIDIER_EVENT_TYPE=type, DIDIER_EVENT_ID=number)
    try:
        status = place("list", "--limit", "1").status
    finally:
        del os.environ["DIDIER_EVENT_TYPE"], os.environ["DIDIER_EVENT_ID"]

    assert ("did.created", int(cursor.read_text()), 0) == (type, int(number), status)


def test_nothing_is_lost_however_often_a_follower_is_killed(place, desk):
    """Each event is taken at least once, and in order, whatever a follower was about."""
    cursor, out = desk / "last.txt", desk / "out.jsonl"
    arguments = ("--cursor", str(cursor), "--types", "did.*", *taking(out))
    follower = Follower(place, desk, *arguments)
    until(cursor.exists)
    made = []
    chance = random.Random(7)
    for _ in range(KILLS):
        made += add(place, 2)
        moment = chance.choice(["at once", "as it is given", "as it is stored"])
        there, number = len(lines_of(out)), cursor.read_text()
        if moment == "as it is given":
            until(lambda there=there: len(lines_of(out)) > there)
        elif moment == "as it is stored":
            until(lambda number=number: cursor.read_text() != number)
        follower.kill()
        follower = Follower(place, desk, *arguments)
    until(lambda: made[-1:] == patterns(lines(out))[-1:])

    stopped, taken = follower.stop(), patterns(lines(out))
    note("SIGKILL of `didier follow --exec` at any moment", KILLS, len(made), len({*made} - {*taken}))
    assert 0 == stopped
    assert made == taken


def test_the_server_may_be_killed_meanwhile(home, tmp_path, monkeypatch):
    """The follower waits until it is back, and says so."""
    for name, value in (("DIDIER_USER", "admin"), ("DIDIER_PASSWORD", "1234")):
        monkeypatch.setenv(name, value)
    from cli.conftest import Place

    url, engine = home
    server = Didier(tmp_path, "--demo", "--database", url).start()
    place = Place(("--server", server.url), engine, is_server=True)
    tmp_path.joinpath("take.py").write_text(TAKE)
    cursor, out = tmp_path / "last.txt", tmp_path / "out.jsonl"
    arguments = ("--cursor", str(cursor), "--types", "did.*", *taking(out))
    follower = Follower(place, tmp_path, *arguments)
    until(cursor.exists)
    made = []
    for kind in ("kill", "stop", "kill"):
        made += add(place, 2)
        there = len(lines_of(out))
        until(lambda there=there: len(lines_of(out)) > there)
        getattr(server, kind)()
        server.start()
    until(lambda: server.get("/readyz")[0] == 200)
    made += add(place, 2)
    until(lambda: patterns(lines(out))[-1:] == made[-1:])
    server.kill()
    until(lambda: "trying again" in follower.said)
    server.start()
    made += add(place)
    until(lambda: patterns(lines(out))[-1:] == made[-1:])

    assert 0 == follower.stop()
    assert made == patterns(lines(out))
    server.stop()


def test_what_a_command_never_takes_is_kept_apart(place, desk):
    """With the reason; the others go on in order."""
    cursor, out, letters = desk / "last.txt", desk / "out.jsonl", desk / "failed.jsonl"
    script = desk / "some.py"
    script.write_text(TAKE + "sys.exit(3 * ('9999' in text))\n")
    run = f"{sys.executable} -S -E {script} {out}"
    follower = Follower(place, desk, "--cursor", str(cursor), "--types", "did.*", "--exec", run,
                        "--retries", "1", "--dead-letters", str(letters))  # fmt: skip
    until(cursor.exists)
    [before] = add(place)
    bad = f"9999{place.number()[4:]}"
    place("copy", SOURCE, bad)
    [behind] = add(place)
    until(lambda: patterns(lines(out))[-1:] == [behind])
    until(lambda: int(cursor.read_text()) >= lines(out)[-1]["sequence"])
    place("delete", bad, "--yes", "--force")

    assert 0 == follower.stop()
    assert [before, bad, bad, behind] == [event["data"]["did_pattern"] for event in lines(out)][:4]
    letter = lines(letters)[0]
    assert (bad, "exit status 3") == (letter["event"]["data"]["did_pattern"], letter["failure"])
    assert f"kept in {letters}" in follower.said


@pytest.mark.parametrize(("script", "failure"), [
    ("exit 4", "exit status 4"), ("kill -9 $$", "ended by signal 9"),
    ("sleep 1000", "not done within 0.2 seconds"),
])  # fmt: skip
def test_without_a_place_for_it_that_is_the_end(place, desk, script, failure):
    """The number stays where it was, and the event comes again."""
    cursor = desk / "last.txt"
    desk.joinpath("fail.sh").write_text(script)
    follower = Follower(place, desk, "--cursor", str(cursor), "--types", "did.*", "--exec", "sh fail.sh",
                        "--retries", "0", "--timeout", "0.2")  # fmt: skip
    until(cursor.exists)
    number = cursor.read_text()
    add(place)

    assert 1 == follower.process.wait(60)
    assert f": --exec: {failure}; it is given to the command again" in follower.said
    assert number == cursor.read_text()


def test_a_command_that_is_not_there_is_no_fault_of_the_event(place, desk):
    """The follower ends at once, and says what it cannot run."""
    cursor = desk / "last.txt"
    follower = Follower(place, desk, "--cursor", str(cursor), "--exec", "./misspelt",
                        "--dead-letters", "failed.jsonl")  # fmt: skip
    until(cursor.exists)
    add(place)

    assert 2 == follower.process.wait(60)
    assert "didier: --exec: ./misspelt: No such file or directory\n" in follower.said
    assert not desk.joinpath("failed.jsonl").exists()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_the_event_at_hand_is_finished(place, desk, number):
    """Whoever asks it to end waits for that; the event does not come again."""
    cursor, out, go = desk / "last.txt", desk / "out.jsonl", desk / "go"
    follower = Follower(place, desk, "--cursor", str(cursor), "--types", "did.*", *taking(out, go))
    until(cursor.exists)
    add(place, 2)
    until(lambda: lines_of(out))
    follower.process.send_signal(number)
    begun = cursor.read_text()
    go.touch()

    assert 0 == follower.process.wait(60)
    assert begun != cursor.read_text()
    assert [int(cursor.read_text())] == [event["sequence"] for event in lines(out)]


def test_who_asks_twice_does_not_wait(place, desk):
    """The command is ended too, and its event comes again."""
    cursor, out = desk / "last.txt", desk / "out.jsonl"
    arguments = ("--cursor", str(cursor), "--types", "did.*")
    follower = Follower(place, desk, *arguments, *taking(out, "never"))
    until(cursor.exists)
    begun = cursor.read_text()
    add(place)
    until(lambda: lines_of(out))
    while follower.process.poll() is None:
        follower.process.terminate()
    stored = cursor.read_text()
    again = Follower(place, desk, *arguments, *taking(out))
    until(lambda: len(lines_of(out)) == 2)

    assert begun == stored
    assert 0 == again.stop()


def test_who_asks_often_does_not_interrupt_what_ends_the_command():
    """The first waits, the second does not, and the others change nothing."""
    stop, done = Stop(), []
    with stop.heard():
        try:
            with stop.finishing():
                signal.raise_signal(signal.SIGTERM)
                done.append("finished")
                signal.raise_signal(signal.SIGTERM)
                done.append("never")
        finally:
            signal.raise_signal(signal.SIGINT)
            done.append("cleaned up")
        done.append("never")

    assert ["finished", "cleaned up"] == done


def test_what_a_killed_follower_has_run_is_waited_for(place, desk):
    """A command that is still at an event does not meet the one of the next start."""
    cursor, out, go = desk / "last.txt", desk / "out.jsonl", desk / "go"
    arguments = ("--cursor", str(cursor), "--types", "did.*", *taking(out, go))
    follower = Follower(place, desk, *arguments)
    until(cursor.exists)
    made = add(place, 2)
    until(lambda: lines_of(out))
    follower.kill()
    again = Follower(place, desk, *arguments)
    until(lambda: "is still there; waiting" in again.said)
    there = len(lines(out))
    go.touch()
    until(lambda: patterns(lines(out))[-1:] == made[-1:])

    assert 1 == there
    assert [made[0], made[0], made[1]] == [event["data"]["did_pattern"] for event in lines(out)]
    assert 0 == again.stop()


def test_numbers_that_are_gone_are_an_error(place, desk):
    """It says what to do; nothing is stored."""
    done = place("follow", "--after", "999999999")

    assert (1, True) == (done.status, "take an export" in done.err)
    assert "--snapshot-exec does that" in done.err


def test_a_snapshot_is_where_following_begins(place, desk):
    """A whole export is given to a command, where there is no number yet and where it is gone."""
    cursor, out, dids = desk / "last.txt", desk / "out.jsonl", desk / "dids.jsonl"
    _, snapshot = taking(dids)
    arguments = ("--cursor", str(cursor), "--types", "did.*", *taking(out), "--snapshot-exec", snapshot)
    [before] = add(place)
    for number in (None, "999999999"):
        if number:
            cursor.write_text(number)
        dids.unlink(missing_ok=True)
        follower = Follower(place, desk, *arguments)
        until(lambda number=number: cursor.exists() and cursor.read_text() not in {number, f"{number}\n"})
        [behind] = add(place)
        until(lambda behind=behind: patterns(lines(out))[-1:] == [behind])
        there = [row["did_pattern"] for row in lines(dids)]

        assert 0 == follower.stop()
        assert (1, 0) == (there.count(before), there.count(behind))
        before = behind


def test_a_snapshot_that_is_not_taken_is_the_end(place, desk):
    """Nothing is followed from a state that nobody has."""
    cursor = desk / "last.txt"
    done = place("follow", "--cursor", str(cursor), "--snapshot-exec", "false", "--retries", "0")

    assert (1, False) == (done.status, cursor.exists())
    assert "--snapshot-exec: exit status 1" in done.err


def letter(number):
    return ChangeEvent.read(
        {"sequence": number, "id": str(number), "type": "user.created", "data": {"user": "alice"},
         "timestamp": "2026-03-04T05:06:07+01:00"},
        resume_after=number,
    )  # fmt: skip


def test_a_line_that_was_torn_spoils_no_other(tmp_path):
    """Who was killed while they wrote leaves half a line; the next one is whole."""
    file = tmp_path / "failed.jsonl"
    letters = DeadLetters(file)
    letters.add(letter(1), "exit status 1")
    with file.open("a") as torn:
        torn.write('{"failed_at": "2026')
    letters.add(letter(2), "exit status 1")
    first, half, second = file.read_text().splitlines()

    assert [1, 2] == [json.loads(line)["event"]["sequence"] for line in (first, second)]
    assert '{"failed_at": "2026' == half


def test_a_number_is_stored_whole(tmp_path):
    """Nothing is left beside the file but its lock."""
    file = tmp_path / "last.txt"
    with Cursor(file).locked() as _:
        pass
    cursor = Cursor(file)
    with cursor.locked():
        cursor.store(4711)
    again = Cursor(file)
    with again.locked():
        assert 4711 == again.number

    assert ["last.txt", "last.txt.lock"] == sorted(one.name for one in tmp_path.iterdir())
