"""The API log and the calls to numbers, on both databases."""

from dataclasses import replace
from datetime import datetime

import pytest

from didier.cli.local import CALLER
from didier.errors import NotPermitted
from didier.services.usage import call_statistics
from didier.storage.changes import vicidial_logs
from didier.storage.changes.vicidial_logs import ApiEntry
from didier.storage.statements import run
from didier.storage.usage.call_statistics import LogFilter
from support import outside
from support.usage import used

LIMITED = replace(CALLER, user=replace(CALLER.user, viewable_groups=" SALES SUPPORT "))
PREFIXED = replace(CALLER, pattern_prefix="+44")
BEGIN, END = datetime(2026, 3, 1), datetime(2026, 4, 1)


@pytest.fixture
def conn(engine, now):
    """A database with three lines in the API log, and calls to three DIDs of which one is gone."""
    with engine.begin() as conn:
        for user, function, result in (
            ("admin", "copy_did", "SUCCESS"),
            ("ghost", "copy_did", "ERROR"),
            ("admin", "add_user", "SUCCESS"),
        ):
            entry = ApiEntry(user, function, result, "why", "crm", "a|secret", 0, "s", "h", "u", "192.0.2.1")
            vicidial_logs.write_api(conn, [entry], "host", now)
        outside.add(conn, {"did_pattern": "+442079460000", "user_group": "SALES"}, now)
        for did_id, extension, day in (
            (2, "+442079460000", 4), (2, "+442079460000", 5), (1, "18001234567", 6), (77, "gone", 7),
            (1, "18001234567", 31),
        ):  # fmt: skip
            run(
                conn,
                "INSERT INTO vicidial_did_log (uniqueid, channel, server_ip, extension, call_date, did_id)"
                " VALUES ('u', 'c', '192.0.2.1', ?, ?, ?)",
                extension, f"2026-03-{day:02} 10:00:00", str(did_id),
            )  # fmt: skip
        yield conn


def lines(conn, caller=CALLER, limit=10, before=None, **wanted):
    return call_statistics.api_log(conn, caller, LogFilter(**wanted), limit, before)


def test_the_log_goes_backwards_in_pages(conn):
    """Each page goes on where the one before ended."""
    first = lines(conn, limit=2)
    second = lines(conn, limit=2, before=first.following)

    assert ["add_user", "copy_did"] == [line.function for line in first.lines]
    assert (["ghost"], None) == ([line.user for line in first.lines[1:]], second.following)
    assert ["admin"] == [line.user for line in second.lines]


@pytest.mark.parametrize(
    ("wanted", "count"),
    [
        ({"user": "admin"}, 2), ({"function": "copy_did"}, 2), ({"result": "ERROR"}, 1),
        ({"source": "crm"}, 3),
        ({"since": datetime(2026, 3, 4, 5, 6, 7)}, 3), ({"until": datetime(2026, 3, 4, 5, 6, 7)}, 0),
        ({"user": "admin", "function": "copy_did"}, 1),
    ],
)  # fmt: skip
def test_the_log_is_filtered(conn, wanted, count):
    """The end of a time is not in it."""
    assert count == len(lines(conn, **wanted).lines)


def test_secrets_of_user_functions_are_not_shown(conn):
    """VICIdial stores passwords in their data."""
    shown = {line.function: line.data for line in lines(conn).lines}

    assert {"add_user": "", "copy_did": "a|secret"} == shown


def test_the_log_shows_users_whom_the_caller_sees(conn):
    """And nothing to a token with a prefix."""
    assert [] == lines(conn, LIMITED).lines
    run(conn, "UPDATE vicidial_users SET user_group = 'SALES'")

    assert ["admin", "admin"] == [line.user for line in lines(conn, LIMITED).lines]
    assert isinstance(lines(conn, PREFIXED), NotPermitted)


def test_reports_ask_for_view_reports(conn):
    """Each of them."""
    caller = replace(CALLER, user=replace(CALLER.user, view_reports=False))

    assert isinstance(lines(conn, caller), NotPermitted)
    assert isinstance(used(conn, caller, BEGIN, END), NotPermitted)
    assert isinstance(call_statistics.calls(conn, caller, "18001234567", BEGIN.date(), 1), NotPermitted)
    assert isinstance(call_statistics.calls(conn, PREFIXED, "18001234567", BEGIN.date(), 1), NotPermitted)
