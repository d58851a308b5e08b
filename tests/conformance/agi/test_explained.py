"""Recorded calls, explained instead of routed: what Asterisk would be told is what it is told."""

import asyncio
import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import pytest
from sqlalchemy.engine import Engine

from conformance import replay
from conformance.agi import replay_agi
from didier.agi.protocol import Reading
from didier.cli.local import CALLER
from didier.runtime.web_answers import WebAnswers
from didier.services.calls import explain
from didier.services.calls.explain import SupposedCall
from didier.storage import migrations
from didier.storage.database import open_engine, reading

HERE = Path(__file__).parent
RECORDINGS = sorted(HERE.joinpath("recordings").glob("*.json"))
DEVIATIONS = json.loads(HERE.joinpath("deviations.json").read_text())
IP = "127.0.0.1"
GATEWAY = "GET VARIABLE VICIrecGatewayID"
"""What the server asks the channel; an explanation has no channel."""


@dataclass(frozen=True)
class Home:
    """A database: as explanations read it, and as the recordings fill it."""

    engine: Engine
    filled: replay_agi.Database


@pytest.fixture(scope="session", params=["sqlite", "myisam", "innodb"])
def home(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Home]:
    """An embedded database, and VICIdial's tables as MyISAM and as InnoDB."""
    if request.param == "sqlite":
        url = f"sqlite:///{tmp_path_factory.mktemp('explained')}/didier.db"
        schemas = []
    else:
        url = request.getfixturevalue("mariadb").database()
        replay.Database(url, create=True, engine=request.param).engine.dispose()
        schemas = [HERE.parent / "schema.json", HERE / "schema.json"]
        replay_agi.Database(url, schemas, request.param).engine.dispose()
    engine = open_engine(url, create=True)
    migrations.upgrade(engine)
    filled = replay_agi.Database(url)
    yield Home(engine, filled)
    filled.engine.dispose()
    engine.dispose()


@pytest.fixture(scope="module")
def web() -> replay_agi.Web:
    """What stands in for the web addresses of filters."""
    return replay_agi.Web()


SCENARIOS = [
    pytest.param(scenario, id=f"{recording.stem}: {scenario['name']}")
    for recording in RECORDINGS
    for scenario in json.loads(recording.read_text())["scenarios"]
]


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_an_explanation_says_what_the_server_says(home, web, scenario):
    """The same commands, deviations from VICIdial included, and nothing is written."""
    moment = replay_agi.Moment(1, IP, web)
    channel = Reading()
    channel.feed(replay_agi.environment(scenario.get("call", {}), moment).encode())
    home.filled.load(scenario["fixture"], moment)
    before = _rows(home, scenario)
    web.expect(scenario.get("http") or [])
    found = _explained(home.engine, channel.environment.values)

    expected = DEVIATIONS.get(scenario["name"], {}).get("commands", scenario["commands"])
    assert [] == replay_agi.compare_commands(expected, [GATEWAY, *found.commands], moment)
    assert before == _rows(home, scenario)


def _explained(engine, call):
    supposed = SupposedCall(call["agi_extension"], call["agi_callerid"], call["agi_calleridname"], IP)
    with reading(engine) as conn:
        return explain.explain(conn, CALLER, supposed, datetime.now(), _ask)


def _ask(url):
    return asyncio.run(WebAnswers(3.0, ()).ask(url))


def _rows(home, scenario):
    return {table: home.filled.rows(table) for table in scenario["rows"]}
