"""What Kamailio does with the configuration that Didier writes."""

import pytest

from didier.domain.gateways import Gateway as Member
from didier.domain.gateways import GatewaySet
from didier.domain.sip_addresses import Address
from didier.edge.digest import digest
from support.kamailio import Kamailio
from support.sip import Caller, Gateway


def member(gateway, priority=0, weight=1):
    """A gateway of a set."""
    return Member(Address.of(gateway.uri), priority, weight)


@pytest.fixture(scope="module")
def gateway():
    """A gateway that takes calls."""
    with Gateway() as one:
        yield one


@pytest.fixture(scope="module")
def edge(gateway, tmp_path_factory):
    """A Kamailio with numbers of all kinds."""
    one = Kamailio(tmp_path_factory.mktemp("edge"))
    one.store(
        {"+442079460000": 1, "00442079460000": 1, "18001234567": 1, "inactive": 0, "sales": 1, "!cursor": 7},
        [GatewaySet("london", 1, (member(gateway),))],
    )
    yield one.start()
    one.stop()


@pytest.fixture
def caller(edge):
    """Somebody who may call."""
    with Caller(edge.port) as one:
        yield one


@pytest.mark.parametrize(
    ("dialled", "status"),
    [
        ("+442079460000", 200),
        ("%2B442079460000", 200),
        ("442079460000", 404),
        ("00442079460000", 200),
        ("0442079460000", 404),
        ("+4420794600001", 404),
        ("+44207946000", 404),
        ("inactive", 480),
        ("Sales", 200),
        ("!cursor", 404),
        ("%21cursor", 404),
    ],
)
def test_numbers_are_exact(caller, dialled, status):
    """Each sign of a number counts, but for how it is written and the case of letters."""
    assert status == caller.status(dialled)


def test_digest(edge):
    print(edge.http.get("/digest").text, digest([("+442079460000",1), ("00442079460000", 1), ("18001234567", 1), ("inactive", 0), ("sales", 1)]))
    assert edge.states() == {}
