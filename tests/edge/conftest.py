"""Calls that go through a real Kamailio, which `didier kamailio` keeps as a server says."""

from collections.abc import Iterator
from datetime import datetime

import pytest

from support.edge import Edge, running
from support.homes import ready


@pytest.fixture(scope="module", params=["sqlite", "mariadb"])
def home(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a database with the tutorial's user and DID, in each home."""
    if request.param == "sqlite":
        url = f"sqlite:///{tmp_path_factory.mktemp('home')}/didier.db"
    else:
        url = request.getfixturevalue("mariadb").database()
    with ready(url, datetime(2026, 3, 4, 5, 6, 7)):
        yield url


@pytest.fixture(scope="module")
def edge(home: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Edge]:
    """All of it, started."""
    with running(tmp_path_factory.mktemp("edge"), home) as one:
        yield one
