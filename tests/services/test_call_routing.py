"""Facts of calls and the rows that they leave, in each home that Didier has."""

from datetime import UTC, datetime
from functools import partial

import pytest

from didier.domain.calls.deciding import decide
from didier.services.calls import records, routing
from didier.storage.statements import as_text, run
from didier.storage.tables import (
    CALL_LOG,
    CONTAINERS,
    DID_AGENT_LOG,
    DID_LOG,
    RECORDING_LOG,
    SYSTEM_SETTINGS,
    URL_LOG,
)
from support.engines import opened
from support.homes import ready
from support.inbound import FACTS, IP, LOGS, add_did, call, emptied, live, put
from support.statements import sent

AT = datetime(2026, 3, 4, 12, tzinfo=UTC)
GATEWAY = "gateway0123456789012345"


@pytest.fixture
def home(clean):
    """A database without calls, and without what they look for."""
    with clean.begin() as conn:
        emptied(conn)
    return clean


def no_web(url):
    return 0, ""


def decided(conn, *calls, ask_web=no_web):
    return routing.decide(conn, [decide(each, IP, at=AT) for each in calls], ask_web)


def recorded(conn, now, *calls, ask_web=no_web):
    """Decide on *calls*, and keep their rows as those of one group; return where they go."""
    found = decided(conn, *calls, ask_web=ask_web)
    routing.record(conn, [records.of(each, now) for each in found])
    return [each.target and each.target.extension for each in found]


def column(conn, table, name):
    return [row[0] for row in run(conn, f"SELECT {name} FROM {table} ORDER BY uniqueid")]


CONTAINER = "".join(
    f"{side}_recent_call_{key} => {value}\n"
    for side, groups in (("outbound", "campaigns"), ("inbound", "groups"))
    for key, value in (
        ("check_type", "x-y-days-range log"), ("days", "0-7"), (groups, "|C|"), ("statuses", "|SALE|"),
    )
)  # fmt: skip
DETOURS = {
    "pre_filter_phone_group_id": "VIP", "pre_filter_extension": "9", "pre_filter_recent_call": "BOX",
    "pre_filter_recent_extension": "9", "filter_phone_group_id": "BAD",
    "no_agent_ingroup_redirect": "Y", "no_agent_ingroup_id": "SALES", "no_agent_ingroup_extension": "9",
    "max_queue_ingroup_calls": 5, "max_queue_ingroup_id": "SALES", "max_queue_ingroup_extension": "9",
    "record_call": "Y",
}  # fmt: skip
FILTERS = (
    {"filter_inbound_number": "GROUP_AREACODE"},
    {"filter_inbound_number": "DNC_INTERNAL"},
    {"filter_inbound_number": "DNC_CAMPAIGN", "filter_dnc_campaign": "C"},
    {"filter_inbound_number": "URL", "filter_url": "http://h/--A--phone_number--B--"},
)
ROUTES = (
    {"did_route": "AGENT", "user": "6666", "user_unavailable_action": "EXTEN"},
    {"did_route": "PHONE", "phone": "cc1", "server_ip": IP},
    {"did_route": "EXTEN"},
)
SIZES = (1, 16, 64)


def test_a_group_of_calls_takes_as_many_statements_as_one(home, now):
    """However many come together, with all that DIDs may ask for, and all rows that calls may leave."""
    counts = []
    with home.begin() as conn:
        put(conn, SYSTEM_SETTINGS, did_system_filter="1", did_agent_log="Y")
        put(conn, CONTAINERS, container_id="BOX", container_entry=CONTAINER, modify_stamp=as_text(now))
        live(conn)
        places = [(n, m) for n in range(len(FILTERS)) for m in range(len(ROUTES))]
        for n, m in places:
            add_did(conn, f"1800{n}{m}", **DETOURS, **FILTERS[n], **ROUTES[m])
    first = 0
    for size in (1, *SIZES):  # the first time, tables are looked at too
        calls = [
            # Each group has one of every kind: a kind that nobody asks for takes no statement.
            call(
                f"1800{n}{m}",
                uniqueid=f"{first + k}.{n}{m}",
                callerid=f"72755{first + k:05}",
                gateway=GATEWAY,
            )
            for k in range(size)
            for n, m in places
        ]
        first += size
        with home.begin() as conn:
            counts.append(sent(conn, partial(recorded, conn, now, *calls)))
    with home.begin() as conn:
        rows = [len(column(conn, table, "uniqueid")) for table in LOGS if table != RECORDING_LOG]

    assert len(set(counts[1:])) == 1
    whole = first * len(places)
    assert [whole, whole, whole, whole, whole // len(FILTERS)] == rows


def test_nothing_is_needed_but_dids(empty_url, now):
    """An old VICIdial lacks tables and columns, all of them even: its calls are routed, without rows."""
    with ready(empty_url, now) as engine, engine.begin() as conn:
        add_did(conn, "1800", **DETOURS, **FILTERS[0])
        for n, m in ((n, m) for n in range(len(FILTERS)) for m in range(len(ROUTES))):
            add_did(conn, f"1800{n}{m}", **DETOURS, **FILTERS[n], **ROUTES[m])
    calls = [call(f"1800{n}{m}", gateway=GATEWAY) for n in range(len(FILTERS)) for m in range(len(ROUTES))]
    with opened(empty_url) as engine, engine.begin() as conn:
        whole = recorded(conn, now, *calls)
    with opened(empty_url) as engine:
        with engine.begin() as conn:
            for table in (*LOGS, *FACTS):
                run(conn, f"DROP TABLE {table}")
        with engine.begin() as conn:
            bare = recorded(conn, now, *calls)

    assert ["9"] * len(calls) == whole  # no agents
    assert whole == bare


@pytest.mark.parametrize(
    ("table", "name"),
    [
        (DID_LOG, "did_route"),
        (CALL_LOG, "number_dialed"),
        (DID_AGENT_LOG, "did_description"),
        (SYSTEM_SETTINGS, "inbound_answer_config"),
        (SYSTEM_SETTINGS, "did_system_filter"),
        ("vicidial_inbound_dids", "record_call"),
        ("vicidial_inbound_dids", "filter_clean_cid_number"),
    ],
)
def test_a_column_that_is_missing_is_left_out(empty_url, now, table, name):
    """The call is routed, and has its other columns in the logs."""
    with ready(empty_url, now) as engine, engine.begin() as conn:
        put(conn, SYSTEM_SETTINGS, did_system_filter="0", did_agent_log="Y")
        add_did(conn, "1800")
        run(conn, f"ALTER TABLE {table} DROP COLUMN {name}")
    with opened(empty_url) as engine, engine.begin() as conn:
        targets = recorded(conn, now, call("1800"))

        assert ["8301"] == targets
        for log in (DID_LOG, CALL_LOG, DID_AGENT_LOG):
            assert ["1764375000.7"] == column(conn, log, "uniqueid")


ODD = {
    "too long": "x" * 300,
    "of rare letters": "\U0001f600\U00020000" * 10,
    "with NUL": "a\0b",
    "with quotes": "a'b\"c\\",
    "of other letters": "\u0416\u4e2d\xe9",
    "of nothing": "",
    "with bytes that are none": "\ufffd\ud7ff",
}
FIELDS = ("uniqueid", "channel", "extension", "callerid", "calleridname", "type", "gateway")


@pytest.mark.parametrize("odd", ODD.values(), ids=ODD)
def test_one_row_never_loses_the_others(home, now, odd):
    """Whatever a call says of itself, its rows and those of the calls beside it are stored."""
    with home.begin() as conn:
        put(conn, SYSTEM_SETTINGS, did_system_filter="0", did_agent_log="Y")
        url = {"filter_inbound_number": "URL", "filter_url": "http://h/--A--channel--B--"}
        add_did(conn, "default", record_call="Y", did_description="d", **url)
    odd_calls = [
        call(**{"number": "1", "gateway": GATEWAY, "uniqueid": f"2.{n}"} | {name: odd})
        if name != "extension"
        else call(odd, gateway=GATEWAY, uniqueid=f"2.{n}")
        for n, name in enumerate(FIELDS)
    ]
    calls = [call("1", gateway=GATEWAY, uniqueid="1"), *odd_calls, call("1", gateway=GATEWAY, uniqueid="3")]
    with home.begin() as conn:
        targets = recorded(conn, now, *calls, ask_web=lambda url: (200, f"0{odd}"))
    with home.begin() as conn:
        rows = {table: column(conn, table, "uniqueid") for table in LOGS if table != RECORDING_LOG}
        recordings = run(conn, f"SELECT vicidial_id FROM {RECORDING_LOG} ORDER BY vicidial_id")

    assert ["8301"] * len(calls) == targets
    assert len(calls) == len(recordings)
    for table in (DID_LOG, CALL_LOG, DID_AGENT_LOG, URL_LOG):
        assert len(calls) == len(rows[table]), table
    assert {"1", "3"} < set(rows["vicidial_did_gateway_log"])


def test_a_log_that_takes_nothing_is_no_reason_to_refuse_calls(home, now):
    """Its rows are lost; the others are there."""
    with home.begin() as conn:
        add_did(conn, "default")
        run(conn, REFUSING[conn.dialect.name])
    with home.begin() as conn:
        targets = recorded(conn, now, call("1"), call("2", uniqueid="2"))
    with home.begin() as conn:
        rows = [column(conn, table, "extension") for table in (DID_LOG, CALL_LOG)]
        run(conn, "DROP TRIGGER refusing")

    assert ["8301", "8301"] == targets
    assert [[], ["1", "2"]] == rows


REFUSING = {
    "sqlite": f"CREATE TRIGGER refusing BEFORE INSERT ON {DID_LOG} BEGIN SELECT RAISE(ABORT, 'no'); END",
    "mysql": f"CREATE TRIGGER refusing BEFORE INSERT ON {DID_LOG} FOR EACH ROW"
    " SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'no'",
}


def test_values_are_cut_at_their_columns(home, now):
    """As VICIdial cuts them, so that reports find what they look for."""
    with home.begin() as conn:
        add_did(conn, "default")
        recorded(conn, now, call("1" * 200, uniqueid="2" * 40, callerid="3" * 40, calleridname="n" * 40))

        assert [("2" * 20, "3" * 18, "n" * 20, "1" * 100)] == run(
            conn, f"SELECT uniqueid, caller_id_number, caller_id_name, extension FROM {DID_LOG}"
        )
        assert [("2" * 20, "1" * 15, "3" * 20)] == run(
            conn, f"SELECT uniqueid, number_dialed, caller_code FROM {CALL_LOG}"
        )


def test_a_call_that_comes_again_has_one_row_in_the_log_of_calls(home, now):
    """And one of each time in that of DIDs; also of two with one id in a group."""
    with home.begin() as conn:
        add_did(conn, "default")
        recorded(conn, now, call("1"), call("2"))
        recorded(conn, now, call("3"))

        assert ["1"] == column(conn, CALL_LOG, "extension")
        assert ["1", "2", "3"] == sorted(column(conn, DID_LOG, "extension"))
