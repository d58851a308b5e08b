import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.engine import Engine

from support.commands import Done, run
from support.homes import ready
from support.server import Didier

SOURCE = "18001234567"
LOGIN = {"DIDIER_USER": "admin", "DIDIER_PASSWORD": "1234"}

_NUMBERS = itertools.count(5_550_000_000)


@dataclass
class Place:
    """Where commands work: *options* say it; *engine* is the database behind it."""

    options: tuple[str, ...]
    engine: Engine
    is_server: bool

    def __call__(self, *arguments: str, typed: str = "") -> Done:
        """Run a command here."""
        return run(*arguments, *self.options, typed=typed)

    def number(self) -> str:
        """Return a number that no test has used."""
        return str(next(_NUMBERS))

    def block(self, size: int) -> list[str]:
        """Return consecutive numbers that no test has used."""
        return [self.number() for _ in range(size)]

    def row(self, pattern: str) -> dict[str, Any] | None:
        """Return the row of a DID, None when there is none."""
        with self.engine.connect() as conn:
            query = sa.text("SELECT * FROM vicidial_inbound_dids WHERE did_pattern = :pattern")
            row = conn.execute(query, {"pattern": pattern}).mappings().one_or_none()
            return dict(row) if row else None

    def there(self, patterns: list[str]) -> list[bool]:
        """Say of each pattern whether it is a DID."""
        return [self.row(pattern) is not None for pattern in patterns]


@pytest.fixture(scope="module", params=["sqlite", "mariadb"])
def home(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """The address of a database with the tutorial's user and DID, and its engine, in each home."""
    if request.param == "sqlite":
        url = f"sqlite:///{tmp_path_factory.mktemp('home')}/didier.db"
    else:
        url = request.getfixturevalue("mariadb").database()
    with ready(url, datetime(2026, 3, 4, 5, 6, 7)) as engine:
        yield url, engine


@pytest.fixture(scope="module", params=["local", "server"])
def where(request: pytest.FixtureRequest, home: Any, tmp_path_factory: Any) -> Iterator[Place]:
    """Commands on a database, and on a server process that has it."""
    url, engine = home
    if request.param == "local":
        yield Place(("--database", url), engine, is_server=False)
        return
    server = Didier(tmp_path_factory.mktemp("server"), "--demo", "--database", url).start()
    yield Place(("--server", server.url), engine, is_server=True)
    server.stop()


@pytest.fixture
def place(where: Place, monkeypatch: pytest.MonkeyPatch) -> Place:
    """`where`, signed in."""
    for name, value in LOGIN.items() if where.is_server else ():
        monkeypatch.setenv(name, value)
    return where


@pytest.fixture(autouse=True)
def nothing_stored(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Nobody has signed in before; the settings are none but a test's own. Return where a login is stored."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.setenv("COLUMNS", "200")
    return tmp_path / "config" / "didier" / "login.json"
