"""VICIdial's recorded answers and rows, replayed against running servers in each home that Didier has."""

import json
from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from conformance import replay
from support.commands import run
from support.mariadb import MariaDB
from support.recorded import CONFORMANCE, RECORDINGS, files, scenarios
from support.server import Didier


@dataclass(frozen=True)
class Home:
    """A running server, its database, and what the replay must know of it."""

    server: Didier
    database: str
    options: tuple[str, ...] = ()


@pytest.fixture(scope="session", params=["sqlite", "myisam", "innodb"])
def home(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Home]:
    """A server on an embedded database, and on VICIdial's tables as MyISAM and as InnoDB."""
    directory = tmp_path_factory.mktemp(request.param)
    if request.param == "sqlite":
        url = f"sqlite:///{directory}/didier.db"
        assert 0 == run("init", "--database", url).status
    else:
        url = _vicidial(request.getfixturevalue("mariadb"), request.param)
    server = Didier(directory, "--database", url).start()
    # InnoDB does not give an id again that a refused row has taken.
    yield Home(server, url, ("--loose-ids",) if request.param == "innodb" else ())
    server.stop()


def _vicidial(mariadb: MariaDB, engine: str) -> str:
    """Make VICIdial's tables, as the replay makes them, in a database of their own."""
    url = mariadb.database()
    replay.Database(url, create=True, engine=engine).engine.dispose()
    return url


@pytest.mark.parametrize("recording", RECORDINGS)
def test_answers_and_rows_are_vicidials(home, recording, capsys):
    """Every recorded request is answered as VICIdial answers it and leaves the same rows."""
    status = replay.main(
        ["--url", home.server.url, "--database", home.database, *home.options, *map(str, files(recording))]
    )

    said = capsys.readouterr().out
    print(said)  # pytest shows it when the test fails
    last = said.splitlines()[-1]
    assert ", 0 failed, " in last
    assert not last.startswith("0 passed")
    assert 0 == status


def test_every_deviation_has_a_reason_and_a_scenario():
    """The list names recorded scenarios alone, and says why Didier differs in them."""
    known = {scenario["name"] for recording in RECORDINGS for scenario in scenarios(recording)}
    deviations = json.loads(CONFORMANCE.joinpath("deviations.json").read_text())

    assert {} == {name: entry for name, entry in deviations.items() if name not in known or not entry["why"]}
