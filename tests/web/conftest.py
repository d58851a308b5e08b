from collections.abc import Iterator

import pytest
import sqlalchemy as sa

from didier.storage.tables import vicidial_tables
from support.server import STILL, Didier


@pytest.fixture(scope="module", params=["sqlite", "mariadb"])
def home(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Didier, sa.Engine]]:
    """A server for all tests on each database, and a way to look into that."""
    directory = tmp_path_factory.mktemp("home")
    url = f"sqlite:///{directory}/didier.db"
    if request.param == "mariadb":
        url = request.getfixturevalue("mariadb").database()
    engine = sa.create_engine(url, poolclass=sa.NullPool)
    if request.param == "mariadb":
        with engine.begin() as conn:
            vicidial_tables().create_all(conn)
    # Between tests the database is put back beside the server.
    settings = {"DIDIER_RATE_LIMIT": "0", **STILL}
    server = Didier(directory, "--demo", "--database", url, environment=settings).start()
    yield server, engine
    server.stop()
