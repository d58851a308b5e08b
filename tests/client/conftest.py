from datetime import datetime

import pytest

from support.clients import KINDS, Clients
from support.homes import ready
from support.server import Didier


@pytest.fixture(params=KINDS)
def clients(request):
    """`Didier` and `AsyncDidier`, each as if its methods were called."""
    made = Clients(request.param)
    yield made
    made.close()


@pytest.fixture(scope="module", params=["sqlite", "mariadb"])
def place(request, tmp_path_factory):
    """A server on an embedded database, and one on MariaDB, for all these tests."""
    directory = tmp_path_factory.mktemp(request.param)
    url = f"sqlite:///{directory}/didier.db"
    if request.param == "mariadb":
        url = request.getfixturevalue("mariadb").database()
    with ready(url, datetime(2026, 3, 4, 5, 6, 7)):
        server = Didier(
            directory, "--demo", "--database", url, environment={"DIDIER_RATE_LIMIT": "0"}
        ).start()
        server.database_url = url
        yield server
        server.stop()


@pytest.fixture
def client(clients, place):
    return clients.connect(place.url, "admin", "1234")


@pytest.fixture
def block(clients, request):
    """The first seven digits of numbers that no other of these tests uses, and no DID has that is there."""
    place = TESTS.setdefault(request.node.nodeid, len(TESTS))
    return f"1{801_000 + place}"


TESTS = {}
