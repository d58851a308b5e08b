"""The change log, and what lines of the API log are about, on both databases."""

from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from didier.cli.local import CALLER
from didier.errors import NotPermitted
from didier.services.batches import copies, edits
from didier.services.batches.copies import CopyOrder
from didier.services.batches.edits import DeleteOrder, UpdateOrder
from didier.services.changes import admin_log
from didier.services.usage import call_statistics
from didier.services.users import accounts
from didier.services.users.accounts import AddUserOrder
from didier.storage.changes import vicidial_logs
from didier.storage.changes.admin_log import ChangeFilter
from didier.storage.changes.vicidial_logs import ApiEntry
from didier.storage.statements import run
from didier.storage.usage.call_statistics import LogFilter
from didier.storage.users.users import StoredPassword

ADMIN = replace(CALLER, name="admin")
LIMITED = replace(CALLER, user=replace(CALLER.user, viewable_groups=" SALES SUPPORT "))
SOURCE = "18001234567"


@pytest.fixture
def conn(engine, now):
    """A copy, an update an hour later, and a new user and a deletion another hour later."""
    with engine.begin() as conn:
        copies.copy(conn, [CopyOrder(ADMIN, SOURCE, ("18002220000", "18002220001"))], now)
        order = UpdateOrder(ADMIN, SOURCE, {"did_description": "Sales line"})
        edits.update(conn, [order], now + timedelta(hours=1))
        later = now + timedelta(hours=2)
        values = {"user_level": "1", "user_group": "ADMIN", "full_name": "Ann"}
        accounts.add(conn, [AddUserOrder(ADMIN, "ann", StoredPassword("$argon2id$x", ""), values)], later)
        edits.delete(conn, [DeleteOrder(ADMIN, "18002220001")], later)
        yield conn


def page(conn, caller=CALLER, limit=10, before=None, most_read=100, **wanted):
    return admin_log.page(conn, caller, ChangeFilter(**wanted), limit, before, most_read)


def types(found):
    return [line.type for line in found.lines]


def test_the_log_goes_backwards_in_pages(conn):
    """Each page goes on where the one before ended; behind the last is nothing."""
    first = page(conn, limit=3)
    second = page(conn, limit=3, before=first.following)

    assert (["DELETE", "ADD", "MODIFY"], ["COPY"]) == (types(first), types(second))
    assert second.following is None


def test_a_page_looks_through_a_part_of_the_log(conn):
    """Where that has too few lines, the next page looks on."""
    first = page(conn, type="COPY", most_read=2)
    second = page(conn, type="COPY", most_read=2, before=first.following)

    assert ([], ["COPY"], None) == (types(first), types(second), second.following)


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        ({"user": "admin"}, ["DELETE", "ADD", "MODIFY", "COPY"]),
        ({"user": "ghost"}, []),
        ({"section": "USERS"}, ["ADD"]),
        ({"type": "COPY"}, ["COPY"]),
        ({"record_id": "1"}, ["MODIFY"]),
        ({"since": datetime(2026, 3, 4, 6)}, ["DELETE", "ADD", "MODIFY"]),
        ({"since": datetime(2026, 3, 4, 6), "until": datetime(2026, 3, 4, 7, 6, 7)}, ["MODIFY"]),
        ({"until": datetime(2026, 3, 4)}, []),
        ({"since": datetime(2027, 1, 1)}, []),
    ],
)
def test_the_log_is_filtered(conn, wanted, expected):
    """The end of a time is not in it."""
    assert expected == types(page(conn, **wanted))


def test_lines_lead_to_batches_and_dids(conn):
    """Those of DIDs name a batch; DIDs that are gone, or that the caller does not see, are not named.

    The third number of the change log is that of the user who was added.
    """
    found = page(conn)

    assert [4, None, 2, 1] == [line.batch_id for line in found.lines]
    assert {1: SOURCE} == found.dids
    run(conn, "UPDATE vicidial_users SET user_group = 'SALES'")
    run(conn, "UPDATE vicidial_inbound_dids SET user_group = 'ADMIN'")
    assert {} == page(conn, LIMITED).dids


def test_notes_of_vicidials_own_pages_are_not_shown(conn, now):
    """They may hold passwords, and so may the statements, which are not even read."""
    secret = "UPDATE vicidial_users SET pass='Hidden-1'"
    run(
        conn,
        "INSERT INTO vicidial_admin_log (event_date, user, ip_address, event_section, event_type, record_id,"
        " event_code, event_sql, event_notes) VALUES (?, 'admin', '', 'USERS', 'MODIFY', 'ann', 'ADMIN MODIFY"
        " USER', ?, ?)",
        "2026-03-05 00:00:00", secret, secret,
    )  # fmt: skip

    assert "Hidden-1" not in str(page(conn).lines)
    assert ["", "user: ann"] == [line.notes for line in page(conn, section="USERS").lines]


def test_the_log_shows_users_whom_the_caller_sees(conn):
    """And it asks for View Reports."""
    without = replace(CALLER, user=replace(CALLER.user, view_reports=False))

    assert [] == types(page(conn, LIMITED))
    assert isinstance(page(conn, without), NotPermitted)


def test_a_did_is_found_by_its_record(conn):
    """Under its number; not where the caller does not see it."""
    run(conn, "UPDATE vicidial_inbound_dids SET user_group = 'ADMIN'")

    assert ("1", None, None) == (
        admin_log.record_of(conn, CALLER, SOURCE),
        admin_log.record_of(conn, LIMITED, SOURCE),
        admin_log.record_of(conn, CALLER, "18009999999"),
    )


def test_lines_of_the_api_log_lead_to_their_batches(conn, now):
    """By moment, user, and source or target; where two fit, to none; what changed nothing has none."""
    for function, result, data, moment in (
        ("copy_did", "SUCCESS", f"{SOURCE}|18002220000|2", now),
        ("update_did", "SUCCESS", SOURCE, now + timedelta(hours=1)),
        ("update_did", "ERROR", SOURCE, now + timedelta(hours=1)),
        ("did_info", "SUCCESS", SOURCE, now + timedelta(hours=1)),
        ("update_did", "SUCCESS", "18002220001", now + timedelta(hours=2)),
        ("update_did", "SUCCESS", SOURCE, now + timedelta(hours=3)),
    ):
        entry = ApiEntry("ADMIN", function, result, "", "crm", data, 0, "s", "h", "u", "192.0.2.1")
        vicidial_logs.write_api(conn, [entry], "host", moment)
    for _ in range(2):
        order = UpdateOrder(ADMIN, SOURCE, {"did_description": "Other line"})
        edits.update(conn, [order], now + timedelta(hours=3))
    lines = call_statistics.api_log(conn, CALLER, LogFilter(), 10).lines

    found = admin_log.traces(conn, CALLER, lines)

    assert [None, 4, None, None, 2, 1] == [found.batches.get(line.api_id) for line in lines]
    assert {SOURCE, "18002220000"} == found.dids


def test_a_page_of_the_api_log_may_look_through_a_part(conn, now):
    """Where that has too few lines, the next page looks on."""
    for user in ("first", "second", "third"):
        entry = ApiEntry(user, "copy_did", "ERROR", "", "crm", "", 0, "s", "h", "u", "192.0.2.1")
        vicidial_logs.write_api(conn, [entry], "host", now)
    first = call_statistics.api_log(conn, CALLER, LogFilter(user="first"), 10, most_read=2)
    second = call_statistics.api_log(conn, CALLER, LogFilter(user="first"), 10, first.following, most_read=2)

    assert (0, ["first"], None) == (len(first.lines), [one.user for one in second.lines], second.following)


# Callers who see some groups alone ----------------------------------------------------------------


SALES = replace(CALLER, name="admin", user=replace(CALLER.user, viewable_groups=" SALES "))


@pytest.fixture
def moved(engine, now):
    """A DID of SALES that others had before, one that they have now, and who changed them in SALES."""
    with engine.begin() as conn:
        rows = "('SALES', 'Sales'), ('OTHER', 'Others')"
        run(conn, f"INSERT INTO vicidial_user_groups (user_group, group_name) VALUES {rows}")
        run(conn, "UPDATE vicidial_users SET user_group = 'SALES'")
        for pattern, groups in (("5550001", ("OTHER", "SALES")), ("5550002", ("SALES", "OTHER"))):
            edits.add(conn, [edits.AddOrder(ADMIN, pattern, {"user_group": groups[0]})], now)
            edits.update(conn, [UpdateOrder(ADMIN, pattern, {"user_group": groups[1]})], now)
            edits.update(conn, [UpdateOrder(ADMIN, pattern, {"did_description": "A line"})], now)
        yield conn


def test_changes_are_seen_with_the_group_that_the_did_had(moved):
    """What was done in another group, or by moving it there, is not in the log."""
    assert [("3", "ADD"), ("2", "MODIFY")] == [
        (line.record_id, line.type) for line in page(moved, SALES).lines
    ]
    assert 6 == len(page(moved).lines)


def test_copies_are_seen_without_a_source_that_is_not(moved, now):
    """Their notes name it."""
    run(moved, "UPDATE vicidial_inbound_dids SET user_group = 'OTHER' WHERE did_pattern = ?", SOURCE)
    for target, overrides in (("5550003", {"user_group": "SALES"}), ("5550004", {})):
        copies.copy(moved, [CopyOrder(ADMIN, SOURCE, (target,), overrides)], now)
    [line] = page(moved, SALES, type="COPY").lines

    assert ("", "", "ADMIN API COPY DIDS") == (line.record_id, line.notes, line.code)


def test_lines_of_users_are_seen_as_users_are(moved, now):
    """And those of what has no group that is known to callers without limit."""
    values = {"user_level": "1", "full_name": "Ann"}
    for name, group in (("ann", "SALES"), ("bob", "OTHER")):
        order = AddUserOrder(ADMIN, name, StoredPassword("$argon2id$x", ""), {**values, "user_group": group})
        accounts.add(moved, [order], now)
    entry = vicidial_logs.AdminEntry(
        "admin", "", "MODIFY", "SUMMER", "ADMIN MODIFY CAMPAIGN", "", section="CAMPAIGNS"
    )
    vicidial_logs.write_admin(moved, [entry], now)
    short = replace(SALES, user=replace(SALES.user, viewable_groups=" S "))

    def records(caller):
        return [line.record_id for line in page(moved, caller).lines if line.section != admin_log.DIDS]

    assert [["SUMMER", "bob", "ann"], ["ann"]] == [records(CALLER), records(SALES)]
    assert ["bob", "ann"] == records(short)


def told(conn, now, *lines):
    """Write lines of the API log, by users whom SALES see."""
    for function, result, data in lines:
        entry = ApiEntry("admin", function, result, "", "crm", data, 0, "s", "h", "u", "192.0.2.1", "bob")
        vicidial_logs.write_api(conn, [entry], "host", now)


def test_the_api_log_tells_of_dids_that_are_seen(moved, now):
    """Data that names another DID, or one of which nothing is known, is not shown; nor are other users."""
    told(
        moved, now, ("did_info", "SUCCESS", "5550001"), ("did_info", "ERROR", "5550002"),
        ("copy_did", "ERROR", "5550001|5550002,5550003"), ("did_info", "ERROR", "5559999"),
    )  # fmt: skip
    seen, everything = (call_statistics.api_log(moved, who, LogFilter(), 10).lines for who in (SALES, CALLER))

    assert ["", "", "", "5550001"] == [line.data for line in seen]
    assert [""] * 4 == [line.agent_user for line in seen]
    assert ["5559999", "5550001|5550002,5550003", "5550002", "5550001"] == [line.data for line in everything]


def test_the_api_log_tells_of_changes_whose_batch_is_seen(moved, now):
    """A change counts with the groups that its DIDs had then, as in the change log."""
    later = now + timedelta(hours=1)
    edits.update(moved, [UpdateOrder(ADMIN, "5550001", {"did_description": "Sales line"})], later)
    told(moved, now, ("add_did", "SUCCESS", "5550001"), ("add_did", "SUCCESS", "5550002"))
    told(moved, later, ("update_did", "SUCCESS", "5550001"), ("update_did", "SUCCESS", "5550002"))
    lines = call_statistics.api_log(moved, SALES, LogFilter(), 10).lines

    assert ["", "5550001", "5550002", ""] == [line.data for line in lines]
    assert [None, 7, 4, None] == [
        admin_log.traces(moved, SALES, lines).batches.get(line.api_id) for line in lines
    ]
