import pytest

from didier.domain.visibility import EVERYTHING, Visibility
from didier.storage.dids import references
from didier.storage.dids.references import Use
from didier.storage.statements import run
from didier.storage.tables import DIDS
from support import outside
from support.engines import opened
from support.homes import ready
from support.statements import traced

NUMBER = "5550001"


@pytest.fixture
def conn(engine, now):
    """A connection to a database with the DID whose uses are looked for."""
    with engine.begin() as conn:
        outside.add(conn, {"did_pattern": NUMBER, "extension": NUMBER}, now)
        yield conn


def test_a_number_that_nothing_uses(conn):
    """A DID's own row, and numbers that are like it, are no uses."""
    assert [] == references.of(conn, [NUMBER, "555"])
    assert [] == references.of(conn, [])


def test_an_option_of_a_call_menu(conn):
    """Options with the route DID use the number, others with the same value do not."""
    sql = "INSERT INTO vicidial_call_menu_options (menu_id, option_value, option_route, option_route_value)"
    run(conn, f"{sql} VALUES ('MAIN', '1', 'DID', ?), ('MAIN', '2', 'EXTENSION', ?)", NUMBER, NUMBER)

    assert [Use(NUMBER, "call menu", "MAIN", "1")] == references.of(conn, [NUMBER])


@pytest.mark.parametrize("column", ["campaign_cid", "xferconf_a_number", "xferconf_e_number"])
def test_a_campaign(conn, column):
    """A campaign uses the number as caller ID and as transfer preset."""
    run(conn, f"INSERT INTO vicidial_campaigns (campaign_id, {column}) VALUES ('SUMMER', ?)", NUMBER)

    assert [Use(NUMBER, "campaign", "SUMMER", column)] == references.of(conn, [NUMBER])


@pytest.mark.parametrize(
    ("column", "on", "off"),
    [
        ("extension", {"did_route": "EXTEN"}, {"did_route": "IN_GROUP"}),
        (
            "extension", {"did_route": "AGENT", "user_unavailable_action": "EXTEN"},
            {"did_route": "AGENT", "user_unavailable_action": "VOICEMAIL"},
        ),
        (
            "filter_extension", {"filter_inbound_number": "GROUP", "filter_action": "EXTEN"},
            {"filter_inbound_number": "DISABLED", "filter_action": "EXTEN"},
        ),
        ("no_agent_ingroup_extension", {"no_agent_ingroup_redirect": "Y"}, {}),
        ("max_queue_ingroup_extension", {"max_queue_ingroup_calls": "5"}, {}),
        ("pre_filter_extension", {"pre_filter_phone_group_id": "VIPS"}, {"pre_filter_phone_group_id": ""}),
        (
            "pre_filter_recent_extension", {"pre_filter_recent_call": "3600"},
            {"pre_filter_recent_call": "DISABLED"},
        ),
    ],
)  # fmt: skip
def test_another_did(conn, now, column, on, off):
    """A DID that sends calls to the number uses it, while what sends them is on."""
    outside.add(conn, {"did_pattern": "5550002", column: NUMBER, **off}, now)
    assert [] == references.of(conn, [NUMBER])

    outside.add(conn, {"did_pattern": "5550003", column: NUMBER, **on}, now)
    assert [Use(NUMBER, "DID", "5550003", column)] == references.of(conn, [NUMBER])


def test_many_dids_with_one_destination_come_as_one(conn, now):
    """Thousands of numbers may go to one; the first is named and the rest are counted."""
    for i in range(2, 6):
        outside.add(conn, {"did_pattern": f"555000{i}", "extension": NUMBER}, now)

    assert [Use(NUMBER, "DID", "5550002", "extension", 3)] == references.of(conn, [NUMBER])


def test_dids_with_one_destination_come_as_one_whatever_else_they_use(conn, now):
    """The first DID is named for each of its fields, although another goes elsewhere besides."""
    both = {"no_agent_ingroup_redirect": "Y", "no_agent_ingroup_extension": NUMBER}
    outside.add(conn, {"did_pattern": "5550002", "extension": NUMBER}, now)
    outside.add(conn, {"did_pattern": "5550003", "extension": NUMBER, **both}, now)

    assert {
        Use(NUMBER, "DID", "5550002", "extension", 1),
        Use(NUMBER, "DID", "5550003", "no_agent_ingroup_extension"),
    } == set(references.of(conn, [NUMBER]))


def test_an_embedded_database_looks_into_indexes(tmp_path, now):
    """No statement reads through the DIDs, of which there may be millions, while others wait to write."""
    with ready(f"sqlite:///{tmp_path}/didier.db", now) as engine, engine.begin() as conn:
        statements = traced(conn, lambda: references.of(conn, [NUMBER]))
        plans = [row[3] for sql in statements for row in run(conn, f"EXPLAIN QUERY PLAN {sql}")]

    assert [] == [step for step in plans if step.startswith(f"SCAN {DIDS}")]
    assert 6 == sum(step.startswith(f"SEARCH {DIDS} USING INDEX didier_redirects_") for step in plans)


def test_one_did_may_use_two_numbers(conn, now):
    """Each number that a DID uses is told."""
    values = {"extension": NUMBER, "no_agent_ingroup_redirect": "Y", "no_agent_ingroup_extension": "5550009"}
    outside.add(conn, {"did_pattern": "5550002", **values}, now)

    assert {(NUMBER, "extension"), ("5550009", "no_agent_ingroup_extension")} == {
        (use.pattern, use.detail) for use in references.of(conn, [NUMBER, "5550009"])
    }


def test_letters_are_compared_without_case(conn, now):
    """The use of a pattern with letters is found in any case, under the name that was asked for."""
    outside.add(conn, {"did_pattern": "5550002", "extension": "SALES"}, now)

    assert ["Sales"] == [use.pattern for use in references.of(conn, ["Sales"])]


def test_tables_and_columns_that_are_not_there(database_url, engine, now):
    """Older versions lack tables and columns; the others are looked at."""
    with engine.begin() as conn:
        run(conn, "DROP TABLE vicidial_call_menu_options")
        run(conn, "DROP TABLE vicidial_campaigns")
        # Renamed, as an embedded database has an index that stands in the way of dropping it.
        run(conn, "ALTER TABLE vicidial_inbound_dids RENAME COLUMN pre_filter_recent_call TO something")

    with opened(database_url) as older, older.begin() as conn:
        outside.add(conn, {"did_pattern": "5550002", "extension": NUMBER}, now)

        assert ["5550002"] == [use.name for use in references.of(conn, [NUMBER])]


SALES = Visibility(groups=frozenset({"sales"}))


@pytest.mark.parametrize(("group", "name"), [("SALES", True), ("---ALL---", True), ("OTHER", False)])
def test_places_of_other_groups_have_no_name(conn, now, group, name):
    """Of a menu, a campaign or a DID that is not seen only is told that it is there."""
    sql = "INSERT INTO vicidial_call_menu_options (menu_id, option_value, option_route, option_route_value)"
    run(conn, f"{sql} VALUES ('MAIN', '1', 'DID', ?)", NUMBER)
    run(conn, "INSERT INTO vicidial_call_menu (menu_id, user_group) VALUES ('MAIN', ?)", group)
    sql = "INSERT INTO vicidial_campaigns (campaign_id, campaign_cid, user_group) VALUES ('SUMMER', ?, ?)"
    run(conn, sql, NUMBER, group)
    for pattern in ("5550002", "5550003"):
        outside.add(conn, {"did_pattern": pattern, "extension": NUMBER, "user_group": group}, now)
    named = [
        Use(NUMBER, "call menu", "MAIN", "1"),
        Use(NUMBER, "campaign", "SUMMER", "campaign_cid"),
        Use(NUMBER, "DID", "5550002", "extension", 1),
    ]

    assert named == references.of(conn, [NUMBER])
    assert (named if name else [Use(NUMBER, use.kind, None) for use in named]) == references.of(
        conn, [NUMBER], SALES
    )


def test_dids_that_are_not_seen_are_not_counted(conn, now):
    """Of several with one destination those are counted that are seen, by group and by prefix."""
    for pattern, group in (
        ("5550002", "OTHER"), ("5550003", "SALES"), ("5550004", "SALES"), ("6660005", "SALES"),
    ):  # fmt: skip
        outside.add(conn, {"did_pattern": pattern, "extension": NUMBER, "user_group": group}, now)
    sight = Visibility(groups=frozenset({"sales"}), prefix="555")

    assert {Use(NUMBER, "DID", "5550003", "extension", 1), Use(NUMBER, "DID", None)} == set(
        references.of(conn, [NUMBER], sight)
    )


def test_a_menu_that_is_gone_is_seen_by_who_sees_all(conn):
    """An option may be left of a menu whose group is not known."""
    sql = "INSERT INTO vicidial_call_menu_options (menu_id, option_value, option_route, option_route_value)"
    run(conn, f"{sql} VALUES ('MAIN', '1', 'DID', ?)", NUMBER)

    assert ["MAIN", None] == [references.of(conn, [NUMBER], sight)[0].name for sight in (EVERYTHING, SALES)]
