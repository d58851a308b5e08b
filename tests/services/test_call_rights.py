"""Calls on a VICIdial database whose user may not see, or not write, what routing reads and logs."""

import os
from collections import Counter
from contextlib import contextmanager
from datetime import UTC, datetime

import pytest
import sqlalchemy as sa

from didier.domain.calls.call import Call
from didier.domain.calls.deciding import decide
from didier.domain.calls.targets import Target
from didier.services.calls import records, routing
from didier.storage.statements import run
from didier.storage.tables import (
    ARCHIVES,
    CALL_RIGHTS,
    CLOSER_LOG,
    DID_LOG,
    DIDIER_RIGHTS,
    DIDIER_TABLES,
    LIVE_AGENTS,
    OPTIONAL_RIGHTS,
    PHONES,
    RECORDING_LOG,
    RIGHTS,
    SERVERS,
)
from support.engines import opened
from support.homes import ready
from support.restricted import restricted_user

NOW = datetime(2026, 3, 4, 5, 6, 7)
ROUTED = {
    table: rights
    for table, rights in {**RIGHTS, **OPTIONAL_RIGHTS, **dict.fromkeys(DIDIER_TABLES, DIDIER_RIGHTS)}.items()
    if table not in ARCHIVES
}
ALL = {
    table: (*ROUTED.get(table, ()), *(right for right in needed if right not in ROUTED.get(table, ())))
    for table, needed in {**ROUTED, **CALL_RIGHTS}.items()
}
"""All rights, those for routing calls too."""

LOOKS_EVERYWHERE = {
    "did_active": "Y", "did_route": "PHONE", "phone": "cc100", "server_ip": "10.0.0.1", "record_call": "Y",
    "pre_filter_phone_group_id": "BAD", "pre_filter_extension": "18005550111",
    "pre_filter_recent_call": "RECENT", "pre_filter_recent_extension": "18005550112",
    "filter_inbound_number": "DNC_CAMPAIGN", "filter_dnc_campaign": "TEST",
    "no_agent_ingroup_redirect": "DISABLED", "max_queue_ingroup_calls": 5, "max_queue_ingroup_id": "SALES",
}  # fmt: skip
"""A DID whose detours are all looked into."""


@pytest.fixture
def url(fresh_database):
    """A MariaDB database, which alone knows rights, with a DID that looks into as many tables as one can."""
    url = fresh_database.url()
    with opened(url) as engine:
        add_did(engine)
    return url


def add_did(engine):
    """Add the DID, and what it looks into."""
    with engine.begin() as conn:
        did = {"did_pattern": "18005550100", **LOOKS_EVERYWHERE}
        names, places = ", ".join(did), ", ".join("?" * len(did))
        run(conn, f"INSERT INTO vicidial_inbound_dids ({names}) VALUES ({places})", *did.values())
        run(conn, "INSERT INTO vicidial_campaign_dnc (phone_number, campaign_id) VALUES ('7', 'OTHER')")
        entry = "inbound_recent_call_check_type => x-y-days-range,log"
        run(
            conn,
            "INSERT INTO vicidial_settings_containers (container_id, container_entry) VALUES ('RECENT', ?)",
            f"{entry}\ninbound_recent_call_days => 0-7\ninbound_recent_call_groups => --ALL--\n"
            "inbound_recent_call_statuses => --ALL--\n",
        )


@contextmanager
def as_user(url, rights):
    with opened(restricted_user(url, rights)) as engine:
        yield engine


def route(engine):
    """Route a call; return its target and the tables that could not be written."""
    call = Call.of(
        {"agi_extension": "18005550100", "agi_callerid": "7275551212", "agi_uniqueid": "1.1"},
        "a1b2c3d4e5f6a1b2c3d4e5f6",
        f"{NOW:%Y%m%d%H%M%S}",
    )
    with engine.begin() as conn:
        [found] = routing.decide(conn, [decide(call, "10.0.0.1", at=datetime.now(UTC))], lambda _url: (0, ""))
        [unwritten] = routing.record(conn, [records.of(found, NOW)])
    return found.target, list(unwritten)


LOGS = ("vicidial_did_log", "call_log", "recording_log", "vicidial_did_gateway_log")


def counts(url, *tables):
    """Return how many rows each of *tables* has, all logs of the call by default."""
    engine = sa.create_engine(url)
    with engine.begin() as conn:
        found = {table: run(conn, f"SELECT count(*) FROM {table}")[0][0] for table in tables or LOGS}
    engine.dispose()
    return found


def test_all_rights_are_enough(url):
    """With the rights of the guide a call is routed and all its rows are written."""
    with as_user(url, ALL) as engine:
        assert (Target("default", "010*000*000*001*"), []) == route(engine)

    assert {1} == set(counts(url).values())


@pytest.mark.parametrize(
    "table", sorted({*CALL_RIGHTS, PHONES, LIVE_AGENTS, SERVERS, CLOSER_LOG, "system_settings"})
)
def test_a_table_that_may_not_be_seen_fails_no_call(url, table):
    """Without any right on a table, calls are routed as if it were empty; rows for it are lost."""
    lost = {table} & {name for name, count in counts(url).items() if not count}

    with as_user(url, {name: given for name, given in ALL.items() if name != table}) as engine:
        target, unwritten = route(engine)

    assert "default" == target.context
    assert lost == set(unwritten)
    assert Counter({name: name != table for name in counts(url)}) == counts(url)


@pytest.mark.parametrize("table", [DID_LOG, RECORDING_LOG])
def test_a_log_that_may_not_be_written_fails_no_call(url, table):
    """Where a log may be read alone, its rows are lost, and those of the others are there."""
    with as_user(url, {**ALL, table: ("SELECT",)}) as engine:
        target, unwritten = route(engine)

    assert ("default", [table]) == (target.context, unwritten)
    assert Counter({name: name != table for name in counts(url)}) == counts(url)


def test_a_right_that_is_taken_away_fails_no_call(url):
    """What was allowed a moment ago is refused now: rows are lost, the call is routed."""
    with as_user(url, ALL) as engine:
        before = route(engine)
        with as_user(url, {**ALL, DID_LOG: ("SELECT",)}):
            after = route(engine)

    assert before[0] == after[0]
    assert [DID_LOG] == after[1]


def test_a_damaged_log_fails_no_call(mariadb):
    """A MyISAM table that MariaDB has marked as crashed loses its own rows alone, after a new start too."""
    url = mariadb.database()
    with ready(url, NOW, myisam=True) as engine:
        add_did(engine)
        for _ in range(50):
            route(engine)
        data = mariadb.directory / "data" / engine.url.database / f"{DID_LOG}.MYD"
        with engine.begin() as conn:
            run(conn, "FLUSH TABLES")
        os.truncate(data, 200)
        with engine.begin() as conn:
            run(conn, f"CHECK TABLE {DID_LOG}")  # MariaDB finds it and marks it
        before = counts(url, RECORDING_LOG)
        found = [route(engine)]
    with opened(url) as new:
        found.append(route(new))

    assert [("default", [DID_LOG])] * 2 == [(target.context, unwritten) for target, unwritten in found]
    assert 2 == counts(url, RECORDING_LOG)[RECORDING_LOG] - before[RECORDING_LOG]
