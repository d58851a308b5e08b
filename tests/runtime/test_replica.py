"""The replica of what calls find their way by: as the database is, however that has changed."""

import itertools
import math
from datetime import datetime

import pytest

from didier.cli.local import CALLER
from didier.domain import schedules
from didier.domain.calls.questions import (
    ActiveDids,
    AgentsOf,
    Container,
    DialplanNumber,
    Gone,
    Listed,
    LiveAgent,
    NotToBeCalled,
    PlaceOf,
    RecentCalls,
    ScheduleOf,
    Waiting,
)
from didier.runtime.outage import Outage
from didier.runtime.replica import Replica
from didier.services.batches import copies, edits
from didier.services.batches.copies import CopyOrder
from didier.services.batches.edits import DeleteOrder, UpdateOrder
from didier.storage.calls import facts
from didier.storage.changes import ranges
from didier.storage.database import reading
from didier.storage.dids import did_fields, dids
from didier.storage.dids import schedules as stored_schedules
from didier.storage.dids.schedules import StoredSchedule
from didier.storage.statements import insert, run
from didier.storage.tables import (
    CALL_MENU,
    CAMPAIGN_DNC,
    CONTAINERS,
    DIDS,
    DNC,
    FILTER_NUMBERS,
    IN_GROUPS,
    PHONES,
    ROUTING,
    SERVERS,
)
from support import outside
from support.engines import opened
from support.homes import emptied, ready
from support.inbound import IP, live, outbound, put
from support.inbound import emptied as without_calls
from support.passes import number_all
from support.process import until
from support.restricted import restricted_user

LIMIT = 1_000
SOURCE = "18001234567"


@pytest.fixture(scope="module", params=["innodb", "myisam"])
def kept(request, mariadb, tmp_path_factory):
    """A database of MariaDB that these tests share, and the row of the tutorial's DID."""
    with ready(mariadb.database(), datetime(2026, 3, 4, 5, 6, 7), myisam=request.param == "myisam") as engine:
        with engine.begin() as conn:
            source = dids.images(conn, [1])[1]
        yield engine, source


@pytest.fixture
def source(kept):
    """A database with the tutorial's user and DID."""
    emptied(*kept)
    with kept[0].begin() as conn:
        without_calls(conn)
    return kept[0]


@pytest.fixture
def file(tmp_path):
    """Where the replica is."""
    return tmp_path / "calls.db"


@pytest.fixture
def replica(source, file):
    """A replica that has everything."""
    made = Replica(source, file, Outage(), LIMIT)
    refresh(source, made)
    yield made
    made.stop()


def refresh(source, replica):
    """Have *replica* follow and compare everything, as its thread does now and then."""
    followed(source, replica)
    replica.compare()
    replica.go_on()


def followed(source, replica):
    """Have *replica* follow the change log alone, which is numbered first."""
    number_all(source)
    replica.follow()


def routing_rows(engine):
    """What routing reads of all DIDs, as it stands at *engine*."""
    listed = ", ".join(ROUTING[DIDS])
    with reading(engine) as conn:
        rows = run(conn, f"SELECT {listed} FROM {DIDS} ORDER BY did_id")
        known = did_fields.of(conn, [row[0] for row in rows])
    return [(*row, known[row[0]]["schedule"], known[row[0]]["fallbacks"]) for row in rows]


def assert_same(source, replica):
    """Fail unless the replica has the DIDs of the database."""
    assert routing_rows(source) == routing_rows(replica.engine)


def done(engine, service, order, now):
    with engine.begin() as conn:
        service(conn, [order], now)


DISTINCT = ("sales", " sales", "\uff11\uff18\uff10\uff10", "", "Ω", "a'b\\", "ß")
TEXTS = (*DISTINCT, "SALES", "sàles", "sales ", "1800", "ss")
"""Patterns, and others that are the same as some of them."""


def test_it_answers_as_the_database_does(source, replica, now):
    """Whatever equals whatever else there: case, accents, width, blanks; all tables, NULL and odd values."""
    with source.begin() as conn:
        for n, pattern in enumerate(DISTINCT):
            values = {"extension": TEXTS[-n], "phone": TEXTS[n + 2]}
            active = {"did_pattern": pattern, "did_active": "Y" if n % 3 else "N", "did_route": "EXTEN"}
            outside.add(conn, {**active, **values, "filter_phone_group_id": None if n % 2 else "G"}, now)
        put(conn, SERVERS, server_id="s", server_ip=IP, asterisk_version="18", ext_context="Agents")
        put(conn, PHONES, extension="Ännä", server_ip=IP, dialplan_number="8600")
        put(
            conn,
            CONTAINERS,
            container_id="Recent",
            container_entry="a => b\n😀"[:7],
            container_notes="",
            container_type="OTHER",
        )
        put(conn, FILTER_NUMBERS, phone_number="7275551212", filter_phone_group_id="Gröup")
        put(conn, DNC, phone_number="727XXXXXXX")
        put(conn, IN_GROUPS, group_id="sales", group_name="x", active="Y")
        put(conn, IN_GROUPS, group_id="OFF", group_name="x", active="N")
        put(conn, CALL_MENU, menu_id="Day", menu_name="x")
        office = schedules.of("office", {"time_zone": "Europe/Berlin", "outside": "EXTEN:9"})
        stored_schedules.put(conn, StoredSchedule(office, "---ALL---"), now)
        put(conn, CAMPAIGN_DNC, phone_number="1", campaign_id="Camp")
    refresh(source, replica)
    questions = [
        PlaceOf(IP), PlaceOf("192.0.2.9"), ActiveDids(TEXTS), ActiveDids((SOURCE,)),
        ScheduleOf("Office"), ScheduleOf("none"),
        Gone(frozenset({
            (f"{IN_GROUPS}.group_id", "SALES", ""), (f"{IN_GROUPS}.group_id", "OFF", ""),
            (f"{IN_GROUPS}.group_id", "none", ""), (f"{CALL_MENU}.menu_id", "day", ""),
            ("vicidial_users.user", "6666", ""), (f"{PHONES}.extension", "Ännä", IP),
            (f"{SERVERS}.server_ip", IP, ""),
        })),
        *(Container(name) for name in ("RECENT", "recent ", "none")),
        *(DialplanNumber(IP, name) for name in ("anna", "ANNA ", "ÄNNÄ", "other")),
        *(Listed((group,), (number,)) for group in ("group", "GROUP ", "x") for number in ("7275551212", "")),
        *(NotToBeCalled((n,), c) for n in ("727xxxxxxx", "1", "2") for c in (None, "CAMP", "x")),
    ]  # fmt: skip
    with reading(source) as conn, reading(replica.engine) as own:
        expected, got = facts.answers(conn, questions), facts.answers(own, questions)

    read = ROUTING[DIDS]
    for question in questions:
        if isinstance(question, ActiveDids):
            kept = [row and {name: row[name] for name in read} for row in expected[question]]
            assert kept == [row and {name: row[name] for name in read} for row in got[question]], question
        else:
            assert expected[question] == got[question], question
    assert any(expected[ActiveDids(TEXTS)])
    assert expected[ScheduleOf("Office")]


def test_what_it_cannot_know_counts_as_nobody(source, replica):
    """Agents, calls that wait and calls that were made are in the database alone."""
    with source.begin() as conn:
        live(conn)
        outbound(conn)
    refresh(source, replica)
    questions = [
        AgentsOf("SALES", "any"), LiveAgent("6666"), Waiting("SALES"),
        RecentCalls("outbound", "log", "1", 0, 0, None, None),
        RecentCalls("inbound", "lead", "1", 0, 0, ("C",), None),
    ]  # fmt: skip
    with reading(source) as conn, reading(replica.engine) as own:
        there, got = facts.answers(conn, questions), facts.answers(own, questions)

    assert [True, True, 0, True] == [there[question] for question in questions[:4]]
    assert [False, False, 0, False, False] == [got[question] for question in questions]


def test_it_follows_changes(source, replica, now):
    """Created, as a run and alone, updated, renamed to each other's numbers, and deleted."""
    done(source, copies.copy, CopyOrder(CALLER, SOURCE, tuple(str(5550000 + n) for n in range(40))), now)
    followed(source, replica)
    assert_same(source, replica)

    done(source, edits.update, UpdateOrder(CALLER, "5550003", {"extension": "é8301"}), now)
    done(source, edits.delete, DeleteOrder(CALLER, "5550007"), now)
    followed(source, replica)
    assert_same(source, replica)
    assert 40 == len(routing_rows(replica.engine))


def test_changes_that_have_no_number_yet_are_there(source, replica, now):
    """Nobody may be numbering them; once that is done nothing changes any more."""
    done(source, copies.copy, CopyOrder(CALLER, SOURCE, ("5550001",)), now)
    replica.follow()
    assert_same(source, replica)

    followed(source, replica)
    assert_same(source, replica)


def test_a_number_that_goes_from_one_to_another(source, replica, now):
    """A deleted DID's number is another one's at once, in whatever order that is seen."""
    with source.begin() as conn:
        last = outside.add(conn, {"did_pattern": "1", "did_active": "Y"}, now)
        run(conn, f"UPDATE {DIDS} SET did_id = ? WHERE did_id = ?", last + 3 * ranges.SIZE, last)
    refresh(source, replica)
    with source.begin() as conn:
        outside.delete(conn, last + 3 * ranges.SIZE)
        run(conn, f"UPDATE {DIDS} SET did_pattern = '1' WHERE did_pattern = ?", SOURCE)
    refresh(source, replica)

    assert_same(source, replica)


def test_what_is_done_beside_didier_is_seen_by_comparing(source, replica, now):
    """SQL changes, adds and removes, in several ranges; one that is as it was is not copied again."""
    with source.begin() as conn:
        for n, place in itertools.product(range(3), range(2)):
            did_id = outside.add(conn, {"did_pattern": f"{n}{place}", "did_active": "Y"}, now)
            run(conn, f"UPDATE {DIDS} SET did_id = ? WHERE did_id = ?", (n + 2) * ranges.SIZE + place, did_id)
    refresh(source, replica)
    assert_same(source, replica)

    with source.begin() as conn:
        run(conn, f"UPDATE {DIDS} SET extension = '9' WHERE did_pattern = '10'")
        run(conn, f"DELETE FROM {DIDS} WHERE did_pattern BETWEEN '20' AND '21'")
    refresh(source, replica)
    assert_same(source, replica)
    assert 5 == replica.size


def test_own_fields_are_there(source, replica, now):
    """Schedules and fallbacks of DIDs, by the log and by comparing."""
    done(source, copies.copy, CopyOrder(CALLER, SOURCE, ("5550001", "5550002")), now)
    with source.begin() as conn:
        ids = {did.pattern: did.did_id for did in dids.between(conn, "5550001", "5550002")}
        did_fields.put(conn, {ids["5550001"]: {"schedule": "office"}})
    followed(source, replica)
    assert_same(source, replica)
    assert "office" in {row[-2] for row in routing_rows(replica.engine)}


def test_a_list_that_is_too_long_is_left_out(source, replica):
    """Until it is short enough again; others are there meanwhile."""
    question = NotToBeCalled(("7",), None)

    def is_there():
        refresh(source, replica)
        with reading(replica.engine) as own:
            return facts.answers(own, [question])[question]

    with source.begin() as conn:
        insert(conn, DNC, ("phone_number",), [(str(n),) for n in range(LIMIT)])
    assert is_there()

    with source.begin() as conn:
        put(conn, DNC, phone_number="x")
    assert not is_there()

    with source.begin() as conn:
        run(conn, f"DELETE FROM {DNC} WHERE phone_number = 'x'")
    assert is_there()


def test_it_goes_on_from_its_file(source, file, replica):
    """The next process has it at once, and it is as old as it was."""
    replica.stop()
    again = Replica(source, file, Outage(), LIMIT)

    assert again.is_usable
    assert replica.size == again.size
    assert 0 <= again.age_seconds
    again.stop()


def test_it_is_not_usable_before_it_has_everything(source, file):
    """What is there of it may lead anywhere."""
    made = Replica(source, file, Outage(), LIMIT)
    made.follow()
    made.compare()

    assert not made.is_usable
    assert math.isnan(made.age_seconds)
    made.stop()


def test_of_another_database_nothing_is_kept(source, file, replica, mariadb, now):
    """A file that was used with one is emptied for the next."""
    replica.stop()
    with ready(mariadb.database(), now) as other:
        made = Replica(other, file, Outage(), LIMIT)

        assert not made.is_usable
        assert [] == routing_rows(made.engine)
        made.stop()


def test_a_file_that_cannot_be_read_is_made_anew(source, file):
    """It is only a replica."""
    before = Replica(source, file, Outage(), LIMIT)
    refresh(source, before)
    before.stop()
    for left in file.parent.glob(f"{file.name}-*"):
        left.unlink()
    file.write_bytes(b"no database" * 1_000)
    made = Replica(source, file, Outage(), LIMIT)
    refresh(source, made)

    assert_same(source, made)
    made.stop()


def test_a_database_that_was_put_back_is_copied_anew(source, replica, now):
    """Numbers of changes that come again are of others then."""
    done(source, copies.copy, CopyOrder(CALLER, SOURCE, ("5550001", "5550002")), now)
    refresh(source, replica)
    with source.begin() as conn:
        run(conn, "DELETE FROM didier_changes")
        run(conn, f"DELETE FROM {DIDS} WHERE did_pattern = '5550002'")
    refresh(source, replica)

    assert_same(source, replica)


def test_tables_that_may_not_be_read_are_empty(source, tmp_path):
    """Rights that calls can do without are no reason to have no replica."""
    tables = dict.fromkeys(
        (DIDS, SERVERS, "system_settings", "didier_did_fields", "didier_changes"), ("SELECT",)
    )
    with source.begin() as conn:
        put(conn, DNC, phone_number="7")
    with opened(restricted_user(source.url.render_as_string(hide_password=False), tables)) as engine:
        made = Replica(engine, tmp_path / "calls.db", Outage(), LIMIT)
        made.follow()
        made.compare()
        made.go_on()
        with reading(made.engine) as own:
            [answer] = facts.answers(own, [NotToBeCalled(("7",), None)]).values()

        assert not answer
        assert made.is_usable
        made.stop()


def test_an_answer_ends_the_outage(source, file):
    """The thread is what notices that the database is back."""
    outage = Outage()
    outage.begin("it was away")
    made = Replica(source, file, outage, LIMIT)
    made.start()
    until(lambda: not outage.is_on and made.is_usable)
    made.stop()

    assert_same(source, made)
