"""VICIdial's recorded answers and rows, replayed against running servers in each home that Didier has."""

import json
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from conformance import replay
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
        subprocess.run(
            [sys.executable, "-m", "didier", "init", "--database", url], check=True, capture_output=True
        )
    else:
        url = _vicidial(request.getfixturevalue("mariadb"), request.param)
    server = Didier(directory, "--database", url).start()
    # InnoDB does not give an id again that a refused row has taken.
    yield Home(server, url, ("--loose-ids",) if request.param == "innodb" else ())
    server.stop()


def _vicidial(mariadb: MariaDB, engine: str) -> str:
    """Make VICIdial's tables, as the replay makes them, in a database of their own."""
    url = mariadb.database()
    replay.Database(url, create=True, engine=engine)
    return url


@pytest.mark.parametrize("recording", RECORDINGS)
def test_answers_and_rows_are_vicidials(home, recording):
    """Every recorded request is answered as VICIdial answers it and leaves the same rows."""
    done = subprocess.run(
        [
            sys.executable, replay.__file__, "--url", home.server.url, "--database", home.database,
            *home.options, *files(recording),
        ],
        capture_output=True,
        text=True,
        timeout=300,
    )  # fmt: skip

    print(done.stdout, done.stderr)  # pytest shows it when the test fails
    last = done.stdout.splitlines()[-1]
    assert ", 0 failed, " in last
    assert not last.startswith("0 passed")
    assert 0 == done.returncode


def test_every_deviation_has_a_reason_and_a_scenario():
    """The list names recorded scenarios alone, and says why Didier differs in them."""
    known = {scenario["name"] for recording in RECORDINGS for scenario in scenarios(recording)}
    deviations = json.loads(CONFORMANCE.joinpath("deviations.json").read_text())

    assert {} == {name: entry for name, entry in deviations.items() if name not in known or not entry["why"]}
