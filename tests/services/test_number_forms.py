"""Calls to numbers that are stored in another spelling."""

from datetime import UTC, datetime

import pytest

from didier.domain import numbers
from didier.domain.calls.call import Call
from didier.domain.calls.deciding import decide
from didier.services.calls import records, routing
from didier.storage.statements import run

NOW = datetime(2026, 3, 4, 5, 6, 7)


@pytest.fixture
def conn(engine):
    with engine.begin() as conn:
        yield conn


def add(conn, pattern, active="Y"):
    """Add a DID that sends calls to its own id."""
    run(
        conn,
        "INSERT INTO vicidial_inbound_dids (did_pattern, did_active, did_route, exten_context, extension)"
        " VALUES (?, ?, 'EXTEN', 'default', ?)",
        pattern, active, f"to {pattern}",
    )  # fmt: skip


def route(conn, dialled, region="US"):
    """Return where a call goes, and what the log has of it."""
    call = Call.of({"agi_extension": dialled, "agi_callerid": "7275551212"}, "", f"{NOW:%Y%m%d%H%M%S}")
    deciding = decide(call, "10.0.0.1", numbers.forms(call.dialled, region), at=datetime.now(UTC))
    [found] = routing.decide(conn, [deciding], lambda _url: (0, ""))
    routing.record(conn, [records.of(found, NOW)])
    [logged] = run(conn, "SELECT extension, did_route FROM vicidial_did_log")
    return found.target and found.target.extension, *logged


@pytest.mark.parametrize(
    ("dialled", "stored"),
    [
        ("+18005550100", "18005550100"),
        ("18005550100", "+18005550100"),
        ("8005550100", "18005550100"),
        ("18005550100", "8005550100"),
        ("0018005550100", "18005550100"),
        ("01118005550100", "8005550100"),
        ("+442079460000", "011442079460000"),
    ],
)
def test_another_spelling_is_found_and_what_was_dialled_is_logged(conn, dialled, stored):
    """Before `default`, whichever way both are written."""
    add(conn, stored)
    add(conn, "default")

    assert (f"to {stored}", dialled, "EXTEN") == route(conn, dialled)


def test_the_row_that_was_dialled_wins(conn):
    """Other spellings are looked at only if there is none."""
    add(conn, "+18005550100")
    add(conn, "8005550100")

    assert "to 8005550100" == route(conn, "8005550100")[0]


def test_a_row_that_is_not_active_is_none(conn):
    """The same number in another spelling takes its calls."""
    add(conn, "18005550100", active="N")
    add(conn, "+18005550100")

    assert "to +18005550100" == route(conn, "18005550100")[0]


def test_another_number_goes_to_the_default(conn):
    """No other number is near enough."""
    add(conn, "18005550100")
    add(conn, "default")

    assert "to default" == route(conn, "+18005550101")[0]


def test_the_region_says_what_is_national(conn):
    """A number with the zero of another country is none here."""
    add(conn, "+49301234567")

    assert None is route(conn, "0301234567", "US")[0]
    run(conn, "DELETE FROM vicidial_did_log")
    assert "to +49301234567" == route(conn, "0301234567", "DE")[0]
