"""VICIdial's recorded answers and rows, replayed against running servers in each home that Didier has."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from support.mariadb import MariaDB
from support.missing import SHARED, shared
from support.server import Didier

RECORDINGS = sorted(path.stem for path in SHARED.joinpath("recordings").glob("*.json")) or ["copy_did"]
OWN_DEVIATIONS = Path(__file__).with_name("deviations.json")


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
    sys.path.insert(0, str(shared("replay.py").parent))
    import replay

    replay.Database(url, create=True, engine=engine)
    return url


@pytest.fixture(scope="session")
def deviations(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The scenarios in which Didier differs on purpose, each with its reason."""
    merged = json.loads(shared("deviations.json").read_text()) | json.loads(OWN_DEVIATIONS.read_text())
    path = tmp_path_factory.mktemp("deviations") / "deviations.json"
    path.write_text(json.dumps(merged))
    return path


@pytest.mark.parametrize("recording", RECORDINGS)
def test_answers_and_rows_are_vicidials(home, deviations, recording):
    """Every recorded request is answered as VICIdial answers it and leaves the same rows."""
    done = subprocess.run(
        [
            sys.executable, shared("replay.py"), "--url", home.server.url, "--database", home.database,
            "--deviations", deviations, *home.options, shared(f"recordings/{recording}.json"),
        ],
        capture_output=True,
        text=True,
        timeout=300,
        env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1"},
    )  # fmt: skip

    print(done.stdout, done.stderr)  # pytest shows it when the test fails
    last = done.stdout.splitlines()[-1]
    assert ", 0 failed, " in last
    assert not last.startswith("0 passed")
    assert 0 == done.returncode


def test_every_deviation_has_a_reason_and_a_scenario():
    """Our own list names recorded scenarios alone, and says why they differ."""
    known = {
        scenario["name"]
        for path in shared("recordings").glob("*.json")
        for scenario in json.loads(path.read_text())["scenarios"]
    }

    own = json.loads(OWN_DEVIATIONS.read_text())
    assert {} == {name: entry for name, entry in own.items() if name not in known or not entry["why"]}
