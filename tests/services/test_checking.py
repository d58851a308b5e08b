from dataclasses import replace

import pytest

from didier.cli.local import CALLER
from didier.domain.inputs import Row
from didier.errors import InvalidField, UnknownReference
from didier.services.batches.copies import CopyOrder, copy
from didier.services.dids.validation import own_group_problem, problems
from didier.storage import dialects
from didier.storage.statements import run
from support.engines import opened

SOURCE = "18001234567"
SALES = replace(CALLER.user, group="SALES", viewable_groups=" SALES SUPPORT ")

ROWS = {
    "vicidial_inbound_groups": ("group_id", "SALESLINE"),
    "vicidial_call_menu": ("menu_id", "MAIN"),
    "servers": ("server_id, server_ip", "s1", "192.0.2.1"),
    "phones": ("extension", "1001"),
    "vicidial_users": ("user, pass", "agent1", "x"),
    "vicidial_user_groups": ("user_group, group_name", "SALES", "Sales"),
    "vicidial_campaigns": ("campaign_id", "SUMMER"),
}

REFERENCES = [
    ("group_id", "SALESLINE", "in-group"),
    ("no_agent_ingroup_id", "SALESLINE", "in-group"),
    ("max_queue_ingroup_id", "SALESLINE", "in-group"),
    ("user_route_settings_ingroup", "SALESLINE", "in-group"),
    ("filter_group_id", "SALESLINE", "in-group"),
    ("filter_user_route_settings_ingroup", "SALESLINE", "in-group"),
    ("menu_id", "MAIN", "call menu"),
    ("filter_menu_id", "MAIN", "call menu"),
    ("server_ip", "192.0.2.1", "server"),
    ("filter_server_ip", "192.0.2.1", "server"),
    ("phone", "1001", "phone"),
    ("filter_phone", "1001", "phone"),
    ("user", "agent1", "user"),
    ("filter_user", "agent1", "user"),
    ("user_group", "SALES", "user group"),
    ("campaign_id", "SUMMER", "campaign"),
    ("filter_campaign_id", "SUMMER", "campaign"),
    ("filter_dnc_campaign", "SUMMER", "campaign"),
]


@pytest.fixture
def conn(engine):
    """A connection to a database in which there is one of each thing that fields refer to."""
    with engine.begin() as conn:
        for table, (columns, *values) in ROWS.items():
            places = ", ".join("?" for _ in values)
            run(conn, f"INSERT INTO {table} ({columns}) VALUES ({places})", *values)
        yield conn


@pytest.mark.parametrize(("column", "value", "kind"), REFERENCES)
def test_what_a_field_refers_to_must_be_there(conn, column, value, kind):
    """A value that is there is allowed, in any case of letters; another is named with what it would be."""
    found = problems(conn, [{column: value}, {column: value.lower()}, {column: "none2"}])

    assert [None, None] == found[:2]
    assert isinstance(found[2], UnknownReference)
    assert (column, "none2", kind) == (found[2].field, found[2].value, found[2].kind)


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("user_group", "---ALL---"),
        ("user_route_settings_ingroup", "AGENTDIRECT"),
        ("filter_user_route_settings_ingroup", "AGENTDIRECT"),
        ("filter_group_id", "---NONE---"),
        ("no_agent_ingroup_id", "---NONE---"),
        ("max_queue_ingroup_id", "---NONE---"),
        ("filter_menu_id", "---NONE---"),
        ("phone", ""),
        ("phone", None),
    ],
)
def test_special_values_are_not_looked_up(conn, column, value):
    """Words with a meaning of their own, and no value, need not be there."""
    assert [None] == problems(conn, [{column: value}])


@pytest.mark.parametrize("value", ["AGENTDIRECT", "---NONE---"])
def test_the_in_group_of_a_route_must_be_one(conn, value):
    """Where VICIdial's own API takes in-groups alone, words with another meaning are refused."""
    assert isinstance(problems(conn, [{"group_id": value}])[0], UnknownReference)


def test_each_row_is_judged_on_its_own(conn):
    """The answers are in the order of the rows, whatever is wrong with others."""
    found = problems(
        conn, [{"group_id": "NOSUCH"}, {}, {"group_id": "SALESLINE"}, {"list_id": "x"}, {"menu_id": "NOSUCH"}]
    )

    assert ["group_id", None, None, "list_id", "menu_id"] == [bad and bad.field for bad in found]


def test_the_first_bad_value_in_the_rows_order_is_named(conn):
    """Of several bad values the one that was given first is named, be it a rule or a reference."""
    one, other = {"group_id": "NOSUCH", "list_id": "x"}, {"list_id": "x", "group_id": "NOSUCH"}

    assert ["group_id", "list_id"] == [bad.field for bad in problems(conn, [one, other]) if bad]


def test_a_table_that_is_not_there_is_not_looked_at(engine):
    """What refers to a table that this database lacks is taken as it comes."""
    with engine.begin() as conn:
        run(conn, "DROP TABLE phones")

        assert [None] == problems(conn, [{"phone": "1001"}])


def test_what_nothing_fills_is_looked_up_once_it_is_filled(engine):
    """An embedded database takes campaigns as they come until it has some of its own."""
    column, table = "campaign_id", "vicidial_campaigns"
    with engine.begin() as conn:
        is_embedded = dialects.of(conn).is_embedded
        [before] = problems(conn, [{column: "1001"}])
        names, *values = ROWS[table]
        run(conn, f"INSERT INTO {table} ({names}) VALUES (?)", *("other" for _ in values))
        [after] = problems(conn, [{column: "1001"}])

    assert is_embedded is (before is None)
    assert isinstance(after, UnknownReference)


def test_a_column_that_is_not_there_is_refused(database_url, engine):
    """An older VICIdial cannot hold what a newer one can; it is refused and not silently dropped."""
    with engine.begin() as conn:
        run(conn, "ALTER TABLE vicidial_inbound_dids DROP COLUMN inbound_route_answer")

    with opened(database_url) as older, older.begin() as conn:
        [bad] = problems(conn, [{"inbound_route_answer": "N"}])

        assert bad
        assert "inbound_route_answer" == bad.field
        assert [None] == problems(conn, [{"inbound_route_answer": "N"}], lenient=True)


def test_vicidials_own_api_looks_up_less(conn):
    """Leniently, phones and campaigns are taken as they come; in-groups must be there all the same."""
    rows = [{"phone": "9999"}, {"campaign_id": "NOSUCH"}, {"group_id": "NOSUCH"}]

    assert [None, None, "group_id"] == [bad and bad.field for bad in problems(conn, rows, lenient=True)]


def test_no_value_where_there_must_be_one_is_refused(conn):
    """None and the empty text are refused alike."""
    bad = InvalidField("did_active", "", "one of Y, N")

    assert [bad, bad] == problems(conn, [{"did_active": None}, {"did_active": ""}])


LIMITED = replace(CALLER, user=SALES).visibility


@pytest.mark.parametrize("group", ["---ALL---", "OTHER"])
def test_a_limited_user_gives_own_groups_alone(conn, group):
    """Who sees some groups cannot give a DID to another, or to all, unless it has that group already."""
    run(conn, "INSERT INTO vicidial_user_groups (user_group, group_name) VALUES ('OTHER', 'Others')")
    rows = [{"user_group": group}, {"user_group": "sales"}]
    refused, own = problems(conn, rows, [LIMITED, LIMITED])

    assert (UnknownReference, None) == (type(refused), own)
    assert (group, "user group") == (refused.value, refused.kind)
    assert [None, None] == problems(conn, rows, [LIMITED, LIMITED], [{"user_group": group}, {}])
    assert [None, None] == problems(conn, rows)


@pytest.mark.parametrize(("column", "value", "kind"), REFERENCES)
def test_what_another_group_has_is_not_there(conn, column, value, kind):
    """A limited user is told the same of it as of what does not exist, wherever else the order is wrong."""
    hidden = "OTHER" if column == "user_group" else value
    for table in ROWS:
        run(conn, f"UPDATE {table} SET user_group = 'OTHER'")
    rows = [{column: hidden, "list_id": "x"}, {column: "none2", "list_id": "x"}]
    known, unknown = problems(conn, rows, [LIMITED, LIMITED])

    assert (UnknownReference, UnknownReference) == (type(known), type(unknown))
    assert (column, kind) == (known.field, known.kind)
    assert str(unknown) == str(known).replace(hidden, "none2")


@pytest.mark.parametrize(("column", "value", "kind"), REFERENCES)
def test_what_the_own_group_has_is_there(conn, column, value, kind):
    """And what every group has."""
    for group in ("SALES", "---ALL---"):
        for table in ROWS.keys() - {"vicidial_user_groups"}:
            run(conn, f"UPDATE {table} SET user_group = ?", group)

        assert [None] == problems(conn, [{column: value}], [LIMITED])


def test_what_a_did_has_may_be_said_again(conn):
    """An update that names an in-group of another group is allowed where the DID has it already."""
    run(conn, "UPDATE vicidial_inbound_groups SET user_group = 'OTHER'")
    rows = [{"group_id": "salesline"}, {"group_id": "SALESLINE"}]
    same, new = problems(conn, rows, [LIMITED, LIMITED], [{"group_id": "SALESLINE"}, {"group_id": ""}])

    assert (None, UnknownReference) == (same, type(new))


def test_agents_are_seen_as_users_are(conn):
    """VICIdial's rule for users differs: a list of three characters or fewer is no limit."""
    run(conn, "UPDATE vicidial_users SET user_group = 'OTHER'")
    run(conn, "UPDATE vicidial_inbound_groups SET user_group = 'OTHER'")
    short = replace(CALLER, user=replace(SALES, viewable_groups=" S ")).visibility
    rows = [{"user": "agent1"}, {"group_id": "SALESLINE"}]

    assert [None, "group_id"] == [bad and bad.field for bad in problems(conn, rows, [short, short])]


def test_orders_of_several_callers_are_looked_up_apart(conn):
    """What one of them does not see is there to the other."""
    run(conn, "UPDATE vicidial_inbound_groups SET user_group = 'OTHER'")
    found = problems(conn, [{"group_id": "SALESLINE"}] * 2, [LIMITED, CALLER.visibility])

    assert [UnknownReference, type(None)] == [type(bad) for bad in found]


def test_a_limited_user_names_no_group_for_single_targets():
    """Values of single targets are not looked at one by one: a limited user gives the group to the order."""
    refused = own_group_problem(SALES, {"user_group", "extension"})

    assert refused
    assert "user_group" == refused.field
    assert None is own_group_problem(SALES, {"extension"})
    assert None is own_group_problem(CALLER.user, {"user_group"})


def test_a_limited_user_cannot_copy_numbers_away(engine, now):
    """The copy of a DID is refused with another group, for the order and for one of its targets."""
    limited = replace(CALLER, user=SALES)
    orders = [
        CopyOrder(limited, SOURCE, ("5550001",), {"user_group": "OTHER"}),
        CopyOrder(limited, SOURCE, ("5550001",), rows=(Row("5550001", {"user_group": "OTHER"}),)),
    ]
    with engine.begin() as conn:
        refused = copy(conn, orders, now)

    assert ["user_group", "user_group"] == [bad.field for bad in refused]
