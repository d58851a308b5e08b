from collections.abc import Iterator
from datetime import datetime

import pytest
from sqlalchemy.engine import Connection, Engine

from support.homes import ready


@pytest.fixture(scope="session", params=["sqlite", "mariadb"])
def home(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    """A database that tests share: what they do to it they take back."""
    url = f"sqlite:///{tmp_path_factory.mktemp('home')}/didier.db"
    if request.param == "mariadb":
        url = request.getfixturevalue("mariadb").database()
    with ready(url, datetime(2026, 3, 4, 5, 6, 7)) as engine:
        yield engine


@pytest.fixture
def conn(home: Engine) -> Iterator[Connection]:
    """A connection to a database with the tutorial's DID, whose transaction is rolled back."""
    with home.connect() as conn:
        transaction = conn.begin()
        yield conn
        transaction.rollback()
