from collections.abc import Iterator
from datetime import datetime
from typing import Any

import pytest
from sqlalchemy.engine import Engine

from didier.storage.dids import dids
from support.homes import emptied, ready


@pytest.fixture(scope="session", params=["sqlite", "mariadb", "myisam"])
def kept_home(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Engine, dict[str, Any]]]:
    """A database that tests share, and the row of the tutorial's DID."""
    url = f"sqlite:///{tmp_path_factory.mktemp('home')}/didier.db"
    if request.param != "sqlite":
        url = request.getfixturevalue("mariadb").database()
    with ready(url, datetime(2026, 3, 4, 5, 6, 7), myisam=request.param == "myisam") as engine:
        with engine.begin() as conn:
            source = dids.images(conn, [1])[1]
        yield engine, source


@pytest.fixture
def clean(kept_home: tuple[Engine, dict[str, Any]]) -> Engine:
    """A database with the tutorial's user and DID: in each home, and where tables have no transactions."""
    emptied(*kept_home)
    return kept_home[0]
