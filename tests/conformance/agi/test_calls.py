"""Recorded calls, played to running servers in each home: commands, log rows and web requests."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from conformance import replay
from conformance.agi import replay_agi
from support.commands import run
from support.mariadb import free_port
from support.server import Didier

HERE = Path(__file__).parent
RECORDINGS = sorted(HERE.joinpath("recordings").glob("*.json"))


@dataclass(frozen=True)
class Home:
    """A server that answers Asterisk, and the database that it uses."""

    agi: str
    database: str


@pytest.fixture(scope="session", params=["sqlite", "myisam", "innodb"])
def home(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Home]:
    """A server on an embedded database, and on VICIdial's tables as MyISAM and as InnoDB."""
    directory = tmp_path_factory.mktemp(f"calls-{request.param}")
    if request.param == "sqlite":
        url = f"sqlite:///{directory}/didier.db"
        assert 0 == run("init", "--database", url).status
    else:
        url = request.getfixturevalue("mariadb").database()
        replay.Database(url, create=True, engine=request.param).engine.dispose()
        schemas = [HERE.parent / "schema.json", HERE / "schema.json"]
        replay_agi.Database(url, schemas, request.param).engine.dispose()
    port = free_port()
    server = Didier(directory, "--database", url, environment={"DIDIER_AGI_PORT": str(port)}).start()
    yield Home(f"agi://127.0.0.1:{port}/did-route", url)
    server.stop()


@pytest.mark.parametrize("recording", RECORDINGS, ids=lambda path: path.stem)
def test_calls_go_where_vicidial_sends_them(home, recording, capsys):
    """Every recorded call gets the same commands and leaves the same rows."""
    status = replay_agi.main(["--agi", home.agi, "--database", home.database, str(recording)])

    said = capsys.readouterr().out
    print(said)  # pytest shows it when the test fails
    last = said.splitlines()[-1]
    assert ", 0 failed, " in last
    assert not last.startswith("0 passed")
    assert 0 == status


def test_every_deviation_has_a_reason_and_a_scenario():
    """The list names recorded calls alone, and says why Didier differs in them."""
    known = {
        scenario["name"]
        for recording in RECORDINGS
        for scenario in json.loads(recording.read_text())["scenarios"]
    }
    deviations = json.loads(HERE.joinpath("deviations.json").read_text())

    assert {} == {name: entry for name, entry in deviations.items() if name not in known or not entry["why"]}
