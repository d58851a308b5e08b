from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Any

import pytest
from sqlalchemy.engine import Engine

from didier.cli.local import CALLER
from didier.domain import inputs
from didier.services.batches import bulk_edits
from didier.services.batches.bulk_edits import EditOrder
from didier.services.batches.edit_spec import EditSpec
from didier.storage.dids import dids
from support.batches import text
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


@pytest.fixture
def add(now: datetime) -> Callable[[Engine, str], None]:
    """Adds DIDs by number and range: "New line", which goes to an extension."""

    def add_dids(engine: Engine, targets: str) -> None:
        rows = tuple(inputs.rows(text(targets).entries()))
        spec = EditSpec("add", {"did_description": "New line", "did_route": "EXTEN", "extension": "8301"})
        with engine.begin() as conn:
            [done] = bulk_edits.edit(conn, [EditOrder(CALLER, spec, rows)], now)
        assert isinstance(done, bulk_edits.Edited), done

    return add_dids
