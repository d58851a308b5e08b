"""`didier report-calls`: each call in a file once, whatever becomes of file, command and server."""

import json
import os
import shutil
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from zoneinfo import ZoneInfo

import pytest

from cli.conftest import Place
from didier.cli.call_files import AsteriskCdr, BadLine, merged, of_json, to_json
from didier.cli.tailing import BEGIN, MARK_BYTES, PositionFile, Tail
from didier.domain.calls.reported import ReportedCall
from didier.storage.statements import run
from support.forking import Forked
from support.process import until
from support.server import Didier

LINE = (
    '"","3125550001","18001234567","from-trunk","""Ann"" <3125550001>","SIP/trunk-01","SIP/100-02","Dial",'
    '"SIP/100,20","2026-03-04 05:06:07","2026-03-04 05:06:12","2026-03-04 05:07:12",65,60,"ANSWERED",'
    '"DOCUMENTATION","1772600767.1",""'
)
"""As Asterisk 20 writes it, with loguniqueid and loguserfield."""

BEGAN = datetime(2026, 3, 4, 5, 6, 7, tzinfo=UTC)
CALL = ReportedCall(
    "1772600767.1", "18001234567", "3125550001", BEGAN, BEGAN + timedelta(seconds=5),
    BEGAN + timedelta(seconds=65), "answered",
)  # fmt: skip

read = AsteriskCdr(UTC)


def line(number, call_id="1772600767.1"):
    return LINE.replace("18001234567", number).replace("1772600767.1", call_id)


def test_a_record_of_asterisk():
    """By its columns."""
    assert CALL == read(LINE)


@pytest.mark.parametrize(
    ("disposition", "result"),
    [
        ("NO ANSWER", "no-answer"),
        ("BUSY", "busy"),
        ("FAILED", "failed"),
        ("CONGESTION", "failed"),
        ("", "failed"),
    ],
)
def test_calls_that_nobody_answered(disposition, result):
    """Also where Asterisk has answered for an announcement."""
    call = read(LINE.replace("ANSWERED", disposition))

    assert (result, None) == (call.result, call.answered_at)


def test_times_are_those_of_a_zone():
    """The machine's unless one is named; lengths count where clocks are set back meanwhile."""
    here = AsteriskCdr()(LINE).started_at
    autumn = LINE.replace("2026-03-04 05:06:07", "2026-11-01 01:59:50")
    call = AsteriskCdr(ZoneInfo("America/New_York"))(autumn)

    assert datetime(2026, 3, 4, 5, 6, 7).astimezone() == here
    assert timedelta(seconds=65) == call.ended_at.astimezone(UTC) - call.started_at.astimezone(UTC)


def test_other_columns():
    """The number may stand elsewhere; without an id the channel and the time are one."""
    call = AsteriskCdr(UTC, number="userfield")(LINE.replace('"1772600767.1",""', '"1.1","1800"'))
    without = read(LINE.replace(',"1772600767.1",""', ""))

    assert "1800" == call.number
    assert "SIP/trunk-01 2026-03-04 05:06:07" == without.call_id


def test_calls_of_other_contexts_are_left_out():
    """Outgoing ones, for example."""
    assert read(LINE) == AsteriskCdr(UTC, ["other", "from-trunk"])(LINE)
    assert AsteriskCdr(UTC, ["other"])(LINE) is None


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('"a","b"', "it has 2 columns"),
        (LINE[:40], "it is no CSV"),
        (LINE.replace("2026-03-04 05:06:07", "soon"), "start: 'soon' is no time"),
        (LINE.replace(",65,", ",x,"), "'x' is no number of seconds"),
        (LINE.replace(",65,", ",5,"), "answered_at has to be"),
        (line(""), "number has to be 1 to 64"),
        (line("1" * 65), "number has to be 1 to 64"),
    ],
)
def test_lines_of_asterisk_without_a_call(text, said):
    """The reason is told."""
    with pytest.raises(BadLine, match=said):
        read(text)


def test_a_call_in_json():
    """As it is sent, and with the least."""
    assert CALL == of_json(json.dumps(to_json(CALL)))
    least = {"call_id": "a", "number": "1", "started_at": "2026-03-04T05:06:07Z",
             "ended_at": "2026-03-04T05:06:07Z", "result": "busy"}  # fmt: skip
    assert ReportedCall("a", "1", "", BEGAN, None, BEGAN, "busy") == of_json(json.dumps(least))


@pytest.mark.parametrize(
    "values",
    [
        {"started_at": "2026-03-04T05:06:07"}, {"started_at": None}, {"started_at": 5}, {"did_id": 1},
        {"number": 5}, {"result": "done"}, {"result": "busy"}, {"answered_at": None},
        {"sip_status": 99}, {"call_id": "a\nb"},
    ],
)  # fmt: skip
def test_json_without_a_call(values):
    """Nothing that the server would refuse is sent."""
    with pytest.raises(BadLine):
        of_json(json.dumps(to_json(CALL) | values))


@pytest.mark.parametrize("text", ["{", "[]", "5", "null", '"x"'])
def test_lines_that_are_no_call(text):
    """Other JSON, or none."""
    with pytest.raises(BadLine):
        of_json(text)


def test_records_of_one_call_are_one():
    """Of each telephone that Asterisk has rung for it; who answers counts."""
    unanswered = CALL.__class__("a", "1", "", BEGAN, None, BEGAN + timedelta(seconds=20), "no-answer")
    zone = timezone(timedelta(hours=1))
    answered = ReportedCall(
        "a", "1", "", BEGAN.astimezone(zone), BEGAN, BEGAN + timedelta(seconds=90), "answered"
    )
    [one] = merged([unanswered, answered, unanswered])

    assert ("answered", BEGAN, BEGAN + timedelta(seconds=90)) == (one.result, one.answered_at, one.ended_at)


def test_records_of_two_numbers_are_two():
    """Also with one id, as of a call that was sent on to another number."""
    other = replace(CALL, number="1800")

    assert [CALL, other] == merged([CALL, other, CALL])


class Log:
    """A file that grows, and is rotated as logrotate does it."""

    def __init__(self, directory):
        self.path = directory / "Master.csv"
        self.tail = Tail(self.path)
        self.position = BEGIN
        self.count = 0

    def write(self, text):
        with self.path.open("a") as file:
            file.write(text)

    def rename(self, *, create=True):
        self.count += 1
        self.path.rename(self.path.with_name(f"Master.csv-{self.count}"))
        if create:
            self.path.touch()

    def copy_and_truncate(self):
        self.count += 1
        shutil.copy(self.path, self.path.with_name(f"Master.csv.{self.count}"))
        os.truncate(self.path, 0)

    def read(self, most=10):
        """Return the lines up to the end."""
        found = []
        while True:
            lines, self.position = self.tail.read(self.position, most)
            if not lines:
                return [one.decode() for one in found]
            found += lines


@pytest.fixture
def log(tmp_path):
    return Log(tmp_path)


def test_a_file_is_read_as_it_grows(log):
    """Before it is there too; a line that is half written is left until it is whole."""
    before = log.read()
    log.write("a\nb\nhal")
    first = log.read(1)
    log.write("f\n")

    assert [[], ["a\n", "b\n"], ["half\n"]] == [before, first, log.read()]
    assert [b"a\n", b"b\n"] == Tail(log.path).read(BEGIN, 2)[0]


def test_what_is_there_of_a_last_line(log):
    """It stands behind the others, also in a file that was rotated; without a file there is none."""
    nothing = log.tail.rest(BEGIN)
    log.write("a\nhal")
    log.read()
    first = log.tail.rest(log.position)
    log.write("f\n")
    log.read()
    log.rename()
    log.write("b")

    assert (b"", b"hal", b"b") == (nothing, first, log.tail.rest(log.position))


@pytest.mark.parametrize("rotate", ["rename", "copy_and_truncate"])
@pytest.mark.parametrize("times", [1, 3])
def test_nothing_is_lost_when_it_is_rotated(log, rotate, times):
    """Also what was written between the last look and the rotation, however often that happened."""
    log.write("a\n")
    read = log.read()
    for number in range(times):
        log.write(f"before {number}\n")
        getattr(log, rotate)()
        os.utime(log.path.parent / sorted(os.listdir(log.path.parent))[-1], (number, number))
        log.write(f"behind {number}\n")
    expected = ["a\n", *(f"{when} {n}\n" for n in range(times) for when in ("before", "behind"))]

    assert expected == read + log.read()
    log.write("last\n")
    assert ["last\n"] == log.read()


def test_a_file_that_has_grown_as_large_since_it_was_cut(log):
    """Is known to be another by what stands before the place."""
    log.write("a\n" * MARK_BYTES)
    assert MARK_BYTES == len(log.read(MARK_BYTES))
    log.copy_and_truncate()
    log.write("b\n" * (MARK_BYTES + 1))

    assert ["b\n"] * (MARK_BYTES + 1) == log.read()


def test_a_file_that_is_gone_for_a_moment(log):
    """Between the two steps of a rotation nothing is read twice."""
    log.write("a\n")
    log.read()
    log.rename(create=False)
    between = log.read()
    log.write("b\n")

    assert [[], ["b\n"]] == [between, log.read()]


def test_a_file_that_is_not_found_again_is_read_from_the_beginning(log):
    """What is known changes nothing."""
    log.write("a\n")
    log.read()
    log.path.write_text("c\n")

    assert ["c\n"] == log.read()


def test_positions_are_stored(tmp_path):
    """As a text of one line."""
    log = Log(tmp_path)
    log.write("a\n")
    log.read()
    with (first := PositionFile(tmp_path / "pos")).locked():
        first.store(log.position)
    with (second := PositionFile(tmp_path / "pos")).locked():
        assert (BEGIN, log.position) == (PositionFile(None).position, second.position)


# The command


def stored(place, number):
    with place.engine.connect() as conn:
        sql = "SELECT call_id FROM didier_reported_calls WHERE number = ? ORDER BY reported_id"
        return [row[0] for row in run(conn, sql, number)]


def test_a_file_is_reported(place, tmp_path):
    """Once, however often; lines without a call are told of, and the others are reported."""
    number, file = place.number(), tmp_path / "Master.csv"
    ids = {f"{number}-a", f"{number}-b"}
    file.write_text("".join(f"{line(number, call_id)}\n" for call_id in ids) + "nonsense\n\n")
    first = place("report-calls", str(file), "--source", "pbx", "--time-zone", "UTC")
    again = place("report-calls", str(file), "--source", "pbx", "--context", "from-trunk")
    other = place("report-calls", str(file), "--source", "pbx2", "--context", "elsewhere")

    assert (3, "2 calls were stored, 0 were known.\n") == (first.status, first.out), first.err
    assert "left out: it has 1 columns; cdr_csv writes 16 at least: nonsense" in first.err
    assert "0 calls were stored, 2 were known.\n" == again.out
    assert "0 calls were stored, 0 were known.\n" == other.out
    assert ids == set(stored(place, number))


def test_a_cursor_is_where_the_next_goes_on(place, tmp_path):
    """Also without --follow, as from cron."""
    number, file = place.number(), tmp_path / "calls.jsonl"
    arguments = ("--source", "x", "--format", "ndjson", "--cursor", str(tmp_path / "pos"))
    for call_id in ("a", "b"):
        with file.open("a") as written:
            call = to_json(CALL) | {"number": number, "call_id": f"{number}-{call_id}"}
            written.write(json.dumps(call) + "\n")
        done = place("report-calls", str(file), *arguments)
        assert (0, "1 calls were stored, 0 were known.\n") == (done.status, done.out), done.err

    assert [f"{number}-a", f"{number}-b"] == stored(place, number)


@pytest.mark.parametrize("cut", [40, -1])
def test_a_last_line_that_is_half_written_is_left(place, tmp_path, cut):
    """The next start finds all of it."""
    number, file = place.number(), tmp_path / "Master.csv"
    whole = line(number, f"{number}-b")
    arguments = (str(file), "--source", "x", "--time-zone", "UTC", "--cursor", str(tmp_path / "pos"))
    file.write_text(f"{line(number, f'{number}-a')}\n{whole[:cut]}")
    first = place("report-calls", *arguments)
    file.write_text(f"{line(number, f'{number}-a')}\n{whole}\n")
    second = place("report-calls", *arguments)

    assert (0, "1 calls were stored, 0 were known.\n") == (first.status, first.out), first.err
    assert "left for later" in first.err
    assert (0, "1 calls were stored, 0 were known.\n", "") == (second.status, second.out, second.err)
    assert [f"{number}-a", f"{number}-b"] == stored(place, number)


def test_a_last_line_that_is_whole_is_reported(place, tmp_path):
    """Without its end too; once, also when that is written."""
    number, file = place.number(), tmp_path / "Master.csv"
    arguments = (str(file), "--source", "x", "--time-zone", "UTC", "--cursor", str(tmp_path / "pos"))
    said = []
    for text in (line(number), "\n"):
        with file.open("a") as written:
            written.write(text)
        said.append(place("report-calls", *arguments).out)

    assert ["1 calls were stored, 0 were known.\n", "0 calls were stored, 1 were known.\n"] == said


def test_wrong_orders_are_refused(place, tmp_path):
    """With the option that is wrong."""
    file = tmp_path / "x"
    file.write_text(f"{line(place.number())}\n")
    (tmp_path / "bad").write_text("yesterday")
    for arguments, status, said in (
        ((str(tmp_path / "none"), "--source", "a"), 2, "there is no such file"),
        ((str(file),), 2, "--source"),
        ((str(file), "--source", "a", "--time-zone", "Mars"), 2, "--time-zone: Mars is no time zone"),
        ((str(file), "--source", "a", "--time-zone", "/etc"), 2, "--time-zone: /etc is no time zone"),
        ((str(file), "--source", "a", "--format", "ndjson", "--context", "b"), 2, "go with --format"),
        ((str(file), "--source", "a", "--cursor", str(tmp_path / "bad")), 2, "has no position in it"),
        ((str(file), "--source", "a b"), 1, "source"),
    ):
        done = place("report-calls", *arguments)
        assert (status, True) == (done.status, said in done.err), (arguments, done.err)


class Reporter:
    """`didier report-calls --follow` as a process of its own."""

    def __init__(self, place, directory):
        self._said = directory / "report.err"
        arguments = (
            "report-calls", str(directory / "Master.csv"), "--source", "pbx", "--time-zone", "UTC",
            "--follow", "--cursor", str(directory / "pos"),
        )  # fmt: skip
        with self._said.open("ab") as err, open(os.devnull, "rb+") as nothing:
            files = [nothing.fileno(), nothing.fileno(), err.fileno()]
            self.process = Forked([*arguments, *place.options], directory, os.environ, files)

    @property
    def said(self):
        return self._said.read_text()

    def kill(self):
        self.process.kill()
        self.process.wait()

    def stop(self):
        self.process.terminate()
        return self.process.wait(60)


def test_nothing_is_lost_when_the_command_and_the_file_go(place, tmp_path):
    """Killed, rotated and started again, each call is reported once."""
    number, log = place.number(), Log(tmp_path)
    ids = [f"{number}.{n}" for n in range(6)]
    reporter = Reporter(place, tmp_path)
    for n, act in enumerate((None, log.rename, None, log.copy_and_truncate, None, None)):
        log.write(f"{line(number, ids[n])}\n")
        if act:
            until(lambda n=n: ids[n] in stored(place, number))
            reporter.kill()
            act()
            reporter = Reporter(place, tmp_path)
    until(lambda: set(ids) == set(stored(place, number)))
    size, position = log.path.stat().st_size, tmp_path / "pos"
    until(lambda: position.exists() and position.read_text().startswith(f"{size} "))

    assert 0 == reporter.stop()
    assert sorted(ids) == sorted(stored(place, number))


def test_the_server_may_be_away(home, tmp_path, monkeypatch):
    """The command says so, and goes on when it is back."""
    for name, value in (("DIDIER_USER", "admin"), ("DIDIER_PASSWORD", "1234")):
        monkeypatch.setenv(name, value)
    url, engine = home
    server = Didier(tmp_path, "--demo", "--database", url).start()
    place = Place(("--server", server.url), engine, is_server=True)
    number, log = place.number(), Log(tmp_path)
    reporter = Reporter(place, tmp_path)
    log.write(f"{line(number, f'{number}.1')}\n")
    until(lambda: stored(place, number))
    server.kill()
    log.write(f"{line(number, f'{number}.2')}\n")
    until(lambda: "trying again" in reporter.said)
    server.start()
    until(lambda: 2 == len(stored(place, number)))

    assert 0 == reporter.stop()
    server.stop()
