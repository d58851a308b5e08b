from dataclasses import replace
from datetime import date

import pytest

from didier.cli.local import CALLER
from didier.errors import NotFound, NotPermitted
from didier.services.dids.lookup import Wanted, info, table
from didier.services.usage.reports import calls
from didier.storage.database import open_engine, reading
from didier.storage.statements import run
from didier.storage.usage.reports import InboundCall

SOURCE = "18001234567"
DAY = date(2026, 3, 4)
ADMIN = CALLER.user
SALES = replace(ADMIN, viewable_groups=" SALES ")


def log(engine, number, came, did_id="", unique="1.1", who="3125550001"):
    with engine.begin() as conn:
        run(
            conn,
            "INSERT INTO vicidial_did_log (uniqueid, channel, server_ip, caller_id_number, extension,"
            " call_date, did_id) VALUES (?, 'SIP/1', '10.0.0.5', ?, ?, ?, ?)",
            unique, who, number, came, did_id,
        )  # fmt: skip


def queue(engine, came, seconds, unique="1.1"):
    with engine.begin() as conn:
        run(
            conn,
            "INSERT INTO vicidial_closer_log (lead_id, call_date, length_in_sec, uniqueid)"
            " VALUES (1, ?, ?, ?)",
            came, seconds, unique,
        )  # fmt: skip


def did(engine, pattern, group="---ALL---", **values):
    columns = {"did_pattern": pattern, "user_group": group, "modify_stamp": "2026-01-01 00:00:00", **values}
    with engine.begin() as conn:
        names, marks = ", ".join(columns), ", ".join("?" * len(columns))
        run(conn, f"INSERT INTO vicidial_inbound_dids ({names}) VALUES ({marks})", *columns.values())
        [(did_id,)] = run(conn, "SELECT did_id FROM vicidial_inbound_dids WHERE did_pattern = ?", pattern)
    return str(did_id)


def exported(engine, number=SOURCE, user=ADMIN, **limits):
    with reading(engine) as conn:
        return calls(conn, user, number, DAY, **limits)


def patterns(engine, user=ADMIN, limit=100, offset=0, **wanted):
    with reading(engine) as conn:
        found = table(conn, replace(CALLER, user=user), Wanted(**wanted), limit, offset)
    place = found.columns.index("did_pattern")
    return [row[place] for row in found.rows]


def test_calls_of_a_day_by_time(engine):
    """The first and the last second of the day count; calls of other days and numbers do not."""
    for came in ("2026-03-04 23:59:59", "2026-03-04 00:00:00", "2026-03-03 23:59:59", "2026-03-05 00:00:00"):
        log(engine, SOURCE, came)
    log(engine, "18009999999", "2026-03-04 12:00:00")

    assert ["2026-03-04 00:00:00", "2026-03-04 23:59:59"] == [call.came_at for call in exported(engine)]


def test_a_call_lasts_until_the_end_of_its_last_queue_row(engine):
    """Of several rows in the queue log the one with the highest id counts; without one it is 0."""
    log(engine, SOURCE, "2026-03-04 09:00:00", unique="7.1")
    log(engine, SOURCE, "2026-03-04 10:00:00", unique="7.2")
    queue(engine, "2026-03-04 09:00:10", 30, "7.1")
    queue(engine, "2026-03-04 09:02:00", 45, "7.1")

    assert [
        InboundCall("3125550001", "2026-03-04 09:00:00", 165),
        InboundCall("3125550001", "2026-03-04 10:00:00", 0),
    ] == exported(engine)


def test_a_queue_row_without_a_length(engine):
    """A call that is still in the queue lasts until it came there."""
    log(engine, SOURCE, "2026-03-04 09:00:00")
    queue(engine, "2026-03-04 09:00:10", None)

    assert [10] == [call.seconds for call in exported(engine)]


def test_a_caller_without_a_number(engine):
    """A missing caller id is an empty text."""
    log(engine, SOURCE, "2026-03-04 09:00:00", who=None)

    assert [""] == [call.caller_id for call in exported(engine)]


@pytest.mark.parametrize("number", ["+18005550100", "lobby", "LOBBY"])
def test_numbers_with_plus_and_letters(engine, number):
    """Any pattern can be asked for; letters without case."""
    log(engine, number, "2026-03-04 09:00:00")

    assert 1 == len(exported(engine, number.lower()))


def test_the_number_of_calls_is_limited(engine):
    """The first calls of the day are given."""
    for minute in range(5):
        log(engine, SOURCE, f"2026-03-04 09:0{minute}:00")

    assert ["2026-03-04 09:00:00", "2026-03-04 09:01:00"] == [c.came_at for c in exported(engine, limit=2)]


@pytest.mark.parametrize(
    ("group", "count"), [("SALES", 1), ("sales", 1), ("---ALL---", 1), ("OTHER", 0), (None, 0)]
)
def test_calls_of_an_invisible_did_are_not_there(engine, group, count):
    """A user with a limit sees calls of the DIDs of their groups alone; one without sees all."""
    did_id = did(engine, "5550001", group)
    log(engine, "5550001", "2026-03-04 09:00:00", did_id)

    assert count == len(exported(engine, "5550001", SALES))
    assert 1 == len(exported(engine, "5550001"))


def test_calls_that_an_invisible_did_took_are_not_there(engine):
    """The DID that took the call counts too: the number may have been another group's then."""
    before = did(engine, "default", "OTHER")
    now = did(engine, "5550001", "SALES")
    log(engine, "5550001", "2026-03-04 09:00:00", before)
    log(engine, "5550001", "2026-03-04 10:00:00", now)

    assert ["2026-03-04 10:00:00"] == [call.came_at for call in exported(engine, "5550001", SALES)]


def test_calls_that_a_did_took_which_is_gone_are_not_there(engine):
    """Its group is not known: it may have been that of others who had the number before."""
    did(engine, "5550001", "SALES")
    log(engine, "5550001", "2026-03-04 09:00:00", "999")

    assert [] == exported(engine, "5550001", SALES)
    assert 1 == len(exported(engine, "5550001"))


def test_calls_without_a_did_of_their_own(engine):
    """A number without a DID is seen through the one that took the call, e.g. default."""
    visible = did(engine, "default", "SALES")
    log(engine, "5550001", "2026-03-04 09:00:00", visible)
    log(engine, "5550001", "2026-03-04 10:00:00", "999")
    log(engine, "5550001", "2026-03-04 11:00:00", "")

    assert ["2026-03-04 09:00:00"] == [call.came_at for call in exported(engine, "5550001", SALES)]
    assert 3 == len(exported(engine, "5550001"))


@pytest.mark.parametrize(
    "report",
    [
        lambda conn, caller: calls(conn, caller.user, SOURCE, DAY),
        lambda conn, caller: table(conn, caller, Wanted()),
        lambda conn, caller: info(conn, caller, SOURCE),
    ],
    ids=["calls", "table", "info"],
)
def test_reports_ask_for_rights(engine, report):
    """The services themselves refuse a user without the right."""
    weak = replace(ADMIN, view_reports=False, modify_dids=False)
    with reading(engine) as conn:
        assert isinstance(report(conn, replace(CALLER, user=weak)), NotPermitted)


def test_all_dids_are_listed_by_pattern(engine):
    """Without a search every DID is there."""
    did(engine, "5550001")
    did(engine, "+441632960000")

    assert sorted([SOURCE, "5550001", "+441632960000"]) == patterns(engine)


@pytest.mark.parametrize(
    ("search", "found"),
    [
        ("1632", ["+44.1632_free"]),
        ("44 1632", ["+44.1632_free"]),
        ("+1 (800) 123-4567", [SOURCE]),
        ("1-800-123-4567", [SOURCE]),
        ("800123", [SOURCE]),
        ("TUTORIAL", [SOURCE]),
        ("sales line", [SOURCE]),
        ("Lobby", ["lobby_5"]),
        ("y_5", ["lobby_5"]),
        ("y%5", []),
        ("y!5", []),
        ("5", ["lobby_5", SOURCE]),
        ("nothing 5", []),
        ("' OR 1=1", []),
    ],
)
def test_search(engine, search, found):
    """A text is looked for in patterns and descriptions without case, a number in any spelling."""
    did(engine, "lobby_5", did_description="Front desk")
    did(engine, "+44.1632_free", did_description="Abroad")

    assert sorted(found) == sorted(patterns(engine, search=search))


def test_filters(engine):
    """Route, state and group narrow the list, together."""
    did(engine, "5550001", "SALES", did_route="AGENT", did_active="N")
    did(engine, "5550002", "SALES", did_route="AGENT")

    assert ["5550001", "5550002"] == patterns(engine, route="AGENT")
    assert ["5550001"] == patterns(engine, active="N")
    assert ["5550001", "5550002"] == patterns(engine, user_group="SALES")
    assert ["5550002"] == patterns(engine, user_group="sales", active="Y", route="AGENT")
    assert [] == patterns(engine, user_group="SALES", route="PHONE")


def test_pages(engine):
    """Limit and offset cut the list."""
    for number in range(5):
        did(engine, f"000{number}")

    assert ["0001", "0002"] == patterns(engine, limit=2, offset=1)
    assert [] == patterns(engine, offset=99)


def test_invisible_dids_are_not_listed(engine):
    """A user with a limit sees their groups' DIDs and those of every group."""
    for pattern, group in (("5550001", "SALES"), ("5550002", "OTHER"), ("5550003", None), ("5550004", "")):
        did(engine, pattern, group)

    assert [SOURCE, "5550001", "5550004"] == patterns(engine, user=SALES)
    assert [] == patterns(engine, user=SALES, user_group="OTHER")


def test_info_has_every_column(engine):
    """All columns of the table are there, a later version's too, and times as text."""
    with engine.begin() as conn:
        run(conn, "ALTER TABLE vicidial_inbound_dids ADD COLUMN from_2030 VARCHAR(20) DEFAULT 'new'")
    later = open_engine(engine.url.render_as_string(hide_password=False))  # columns are looked up once
    with reading(later) as conn:
        found = info(conn, CALLER, SOURCE)
    later.dispose()

    [values] = found.rows
    row = dict(zip(found.columns, values, strict=True))
    assert (1, SOURCE, "new", None) == (row["did_id"], row["did_pattern"], row["from_2030"], row["phone"])
    assert "2026-03-04 05:06:07" == row["modify_stamp"]


@pytest.mark.parametrize("pattern", ["5550001", "999"])
def test_info_of_an_invisible_did(engine, pattern):
    """A DID that the user may not see does not exist."""
    did(engine, "5550001", "OTHER")
    with reading(engine) as conn:
        assert NotFound(pattern) == info(conn, replace(CALLER, user=SALES), pattern)
