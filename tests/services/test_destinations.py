"""In-groups, call menus, phones and servers: Didier's own in an embedded database, VICIdial's elsewhere."""

from dataclasses import replace

import pytest

from didier.cli.local import CALLER
from didier.domain.destinations import CALL_MENU, IN_GROUP, KINDS, PHONE, SERVER
from didier.domain.schedules import of
from didier.errors import (
    DestinationExists,
    DestinationNotFound,
    InvalidField,
    NothingToChange,
    NotPermitted,
    UnknownReference,
    VicidialOwned,
)
from didier.services.dids import destinations
from didier.services.dids.destination_orders import AddDestination, DeleteDestination, UpdateDestination
from didier.storage.database import open_engine
from didier.storage.dids import did_fields, schedules
from didier.storage.dids.schedules import StoredSchedule
from didier.storage.statements import run
from support.engines import opened
from support.fresh import FreshFile
from support.homes import ready

SERVICES = {
    AddDestination: destinations.add,
    UpdateDestination: destinations.update,
    DeleteDestination: destinations.delete,
}
SALES_ONLY = replace(CALLER, user=replace(CALLER.user, group="SALES", viewable_groups=" SALES "))
NEW = {
    IN_GROUP: {"group_id": "SALES", "group_name": "Sales line"},
    CALL_MENU: {"menu_id": "MAIN", "menu_name": "Main menu", "menu_timeout": "5"},
    SERVER: {"server_id": "one", "server_ip": "192.0.2.10", "ext_context": "trunkinbound"},
    PHONE: {"extension": "gs102", "server_ip": "192.0.2.10", "dialplan_number": "8602"},
}
KEYS = {IN_GROUP: ("SALES",), CALL_MENU: ("MAIN",), SERVER: ("one",), PHONE: ("gs102", "192.0.2.10")}
HOURS = {"time_zone": "UTC", "hours": {"monday": ["09:00-17:00"]}}
ID = {IN_GROUP: "in-groups", CALL_MENU: "menus", PHONE: "phones", SERVER: "servers"}
every_kind = pytest.mark.parametrize("kind", KINDS, ids=ID.get)


def carrier(engine, now):
    def carry_out(order):
        with engine.begin() as conn:
            [outcome] = SERVICES[type(order)](conn, [order], now)
        return outcome

    return carry_out


@pytest.fixture
def ours(fresh_file: FreshFile, tmp_path):
    """An embedded database."""
    engine = open_engine(fresh_file.url(tmp_path))
    yield engine
    engine.dispose()


@pytest.fixture
def order(ours, now):
    """Carries out one order there."""
    return carrier(ours, now)


@pytest.fixture
def filled(order):
    """The same with one thing of each kind."""
    for kind, values in NEW.items():
        order(AddDestination(CALLER, kind, values))
    return order


def sql(engine, statement, *values):
    with engine.begin() as conn:
        return run(conn, statement, *values)


def option(pressed, route, value="", context=""):
    return {
        "option_value": pressed, "option_description": "", "option_route": route,
        "option_route_value": value, "option_route_value_context": context,
    }  # fmt: skip


@every_kind
def test_what_is_added_is_found(ours, filled, kind):
    """The values that are given are shown, with VICIdial's defaults for the rest, and the log has it."""
    with ours.connect() as conn:
        found = destinations.one(conn, CALLER, kind, KEYS[kind])
        listed, following = destinations.page(conn, CALLER, kind, "", 10, None)

    assert NEW[kind] == {name: str(found.values[name]) for name in NEW[kind]}
    assert ([found], None, "---ALL---") == (listed, following, found.group)
    assert [(kind.section, "ADD", KEYS[kind][0], f"ADMIN API ADD {kind.code}")] == sql(
        ours,
        "SELECT event_section, event_type, record_id, event_code FROM vicidial_admin_log"
        " WHERE event_section = ?",
        kind.section,
    )


@every_kind
def test_a_name_is_given_once(filled, kind):
    """A second thing with the same key is refused, whatever its case."""
    again = {**NEW[kind], kind.key[0]: NEW[kind][kind.key[0]].swapcase()}

    assert isinstance(filled(AddDestination(CALLER, kind, again)), DestinationExists)


def test_an_address_belongs_to_one_server(filled):
    """DIDs name servers by their address."""
    refused = filled(AddDestination(CALLER, SERVER, {**NEW[SERVER], "server_id": "two"}))

    assert DestinationExists("server", "192.0.2.10", "server_ip") == refused


@every_kind
def test_columns_are_changed_one_by_one(ours, filled, kind):
    """What is not named stays as it is; the log says what was given."""
    with ours.connect() as conn:
        before = destinations.one(conn, CALLER, kind, KEYS[kind])
    after = filled(UpdateDestination(CALLER, kind, KEYS[kind], {kind.called: "Renamed"}))

    assert {**before.values, kind.called: "Renamed"} == after.values
    assert [(f"ADMIN API UPDATE {kind.code}", f"{kind.called}: Renamed")] == [
        (code, notes[-len(f"{kind.called}: Renamed") :])
        for code, notes in sql(
            ours, "SELECT event_code, event_notes FROM vicidial_admin_log WHERE event_type = 'MODIFY'"
        )
    ]


@every_kind
def test_what_nobody_leads_to_is_deleted(ours, filled, kind):
    """It is gone."""
    if kind is SERVER:
        filled(DeleteDestination(CALLER, PHONE, KEYS[PHONE]))
    gone = filled(DeleteDestination(CALLER, kind, KEYS[kind]))
    with ours.connect() as conn:
        found = destinations.one(conn, CALLER, kind, KEYS[kind])

    assert KEYS[kind] == gone.key
    assert isinstance(found, DestinationNotFound)


LEADING = [
    (IN_GROUP, "did_route = 'IN_GROUP', group_id = 'sales'"),
    (IN_GROUP, "did_route = 'AGENT', user_unavailable_action = 'IN_GROUP', group_id = 'SALES'"),
    (IN_GROUP, "did_route = 'AGENT', user_route_settings_ingroup = 'SALES'"),
    (IN_GROUP, "filter_inbound_number = 'URL', filter_action = 'IN_GROUP', filter_group_id = 'SALES'"),
    (IN_GROUP, "no_agent_ingroup_redirect = 'Y', no_agent_ingroup_id = 'SALES'"),
    (IN_GROUP, "max_queue_ingroup_calls = 3, max_queue_ingroup_id = 'SALES'"),
    (CALL_MENU, "did_route = 'CALLMENU', menu_id = 'MAIN'"),
    (SERVER, "did_route = 'VOICEMAIL', server_ip = '192.0.2.10'"),
]


@pytest.mark.parametrize(("kind", "columns"), LEADING)
def test_what_a_did_leads_to_is_deleted_by_force_alone(ours, filled, kind, columns):
    """The refusal names the DID."""
    sql(ours, "DELETE FROM phones")
    sql(ours, f"UPDATE vicidial_inbound_dids SET {columns}")
    refused = filled(DeleteDestination(CALLER, kind, KEYS[kind]))
    forced = filled(DeleteDestination(CALLER, kind, KEYS[kind], force=True))

    assert ("DID 18001234567",) == refused.places
    assert KEYS[kind] == forced.key


def test_a_phone_is_named_with_its_server(ours, filled):
    """A DID that names a phone of that name on another server does not lead there."""
    sql(
        ours,
        "UPDATE vicidial_inbound_dids SET did_route = 'PHONE', phone = 'gs102', server_ip = ?",
        "192.0.2.10",
    )
    refused = filled(DeleteDestination(CALLER, PHONE, KEYS[PHONE]))
    sql(ours, "UPDATE vicidial_inbound_dids SET server_ip = '192.0.2.99'")

    assert ("DID 18001234567",) == refused.places
    assert KEYS[PHONE] == filled(DeleteDestination(CALLER, PHONE, KEYS[PHONE])).key


@pytest.mark.parametrize(
    ("kind", "columns"),
    [
        (IN_GROUP, "did_route = 'EXTEN', group_id = 'SALES', filter_group_id = 'SALES'"),
        (CALL_MENU, "did_route = 'EXTEN', menu_id = 'MAIN'"),
    ],
)
def test_what_does_not_count_does_not_lead(ours, filled, kind, columns):
    """Values that are left over from another route keep nothing from being deleted."""
    sql(ours, f"UPDATE vicidial_inbound_dids SET {columns}")

    assert KEYS[kind] == filled(DeleteDestination(CALLER, kind, KEYS[kind])).key


def test_menus_and_phones_lead_too(ours, filled):
    """An option of another menu leads to an in-group, a phone to its server; a menu's own options do not."""
    options = [option("1", "INGROUP", "SALES"), option("2", "CALLMENU", "MAIN")]
    filled(UpdateDestination(CALLER, CALL_MENU, ("MAIN",), {}, options))

    assert ("call menu MAIN, option 1",) == filled(DeleteDestination(CALLER, IN_GROUP, ("SALES",))).places
    assert ("phone gs102",) == filled(DeleteDestination(CALLER, SERVER, ("one",))).places
    assert ("MAIN",) == filled(DeleteDestination(CALLER, CALL_MENU, ("MAIN",))).key
    assert [] == sql(ours, "SELECT * FROM vicidial_call_menu_options")


def test_the_first_dids_are_named(ours, filled):
    """Of many DIDs ten are named, and that there are more; what is hidden is only said to be there."""
    for number in range(12):
        sql(
            ours,
            "INSERT INTO vicidial_inbound_dids (did_pattern, did_route, group_id) VALUES (?, 'IN_GROUP', ?)",
            f"55500{number:02}", "SALES",
        )  # fmt: skip
    many = filled(DeleteDestination(CALLER, IN_GROUP, ("SALES",))).places
    sql(ours, "UPDATE vicidial_inbound_dids SET user_group = 'OTHER' WHERE did_pattern <> '5550003'")
    limited = filled(DeleteDestination(SALES_ONLY, IN_GROUP, ("SALES",))).places

    assert (11, "DID 5550000", "more DIDs") == (len(many), many[0], many[-1])
    assert ("DID 5550003", "something of another user group") == limited


def test_options_replace_options(filled):
    """They are shown by what is pressed; a change that does not name them leaves them."""
    wanted = [option("2", "HANGUP"), option("1", "DID", "18001234567"), option("TIMEOUT", "PHONE", "gs102")]
    made = filled(UpdateDestination(CALLER, CALL_MENU, ("MAIN",), {}, wanted))
    kept = filled(UpdateDestination(CALLER, CALL_MENU, ("MAIN",), {"menu_repeat": "2"}))
    none = filled(UpdateDestination(CALLER, CALL_MENU, ("MAIN",), {}, []))

    assert (wanted[1], wanted[0], wanted[2]) == made.options == kept.options
    assert ((), 2) == (none.options, none.values["menu_repeat"])


@pytest.mark.parametrize(
    ("bad", "column"),
    [
        (option("E", "HANGUP"), "option_value"),
        (option("1", "NOWHERE"), "option_route"),
        (option("1", "EXTENSION"), "option_route_value"),
        (option("1", "INGROUP", "GHOST"), "option_route_value"),
        (option("1", "DID", "5559999"), "option_route_value"),
        (option("1", "CALLMENU", "GHOST"), "option_route_value"),
    ],
)
def test_bad_options_are_refused(filled, bad, column):
    """The refusal names the column, and nothing is changed."""
    refused = filled(UpdateDestination(CALLER, CALL_MENU, ("MAIN",), {}, [option("0", "HANGUP"), bad]))

    assert (True, column) == (isinstance(refused, InvalidField), refused.field)


def test_an_option_stands_once(filled):
    """Callers press one key for one thing."""
    twice = [option("1", "HANGUP"), option("1", "EXTENSION", "8300")]

    assert "option_value" == filled(UpdateDestination(CALLER, CALL_MENU, ("MAIN",), {}, twice)).field


@pytest.mark.parametrize(
    ("kind", "values", "column"),
    [
        (IN_GROUP, {"group_id": "a b"}, "group_id"),
        (IN_GROUP, {"group_name": None}, "group_name"),
        (IN_GROUP, {"active": "X"}, "active"),
        (IN_GROUP, {"group_name": "Sales\n"}, "group_name"),
        (CALL_MENU, {"menu_timeout": "70000"}, "menu_timeout"),
        (PHONE, {"server_ip": "here"}, "server_ip"),
        (PHONE, {"dialplan_number": ""}, "dialplan_number"),
        (SERVER, {"local_gmt": "east"}, "local_gmt"),
        (SERVER, {"server_ip": None}, "server_ip"),
    ],
)
def test_bad_values_are_refused(filled, kind, values, column):
    """The refusal names the column."""
    refused = filled(AddDestination(CALLER, kind, {**NEW[kind], **values}))

    assert (True, column) == (isinstance(refused, InvalidField), refused.field)


def test_a_phone_needs_its_server(order):
    """A phone on a server that is not there could not be called."""
    assert isinstance(order(AddDestination(CALLER, PHONE, NEW[PHONE])), UnknownReference)


def test_nothing_to_change(filled):
    """A change without columns is refused."""
    assert NothingToChange("SALES") == filled(UpdateDestination(CALLER, IN_GROUP, ("SALES",), {}))


def test_groups_limit_what_is_seen(ours, filled):
    """Who sees some user groups alone gets what belongs to these; other things are not there."""
    sql(ours, "INSERT INTO vicidial_user_groups (user_group, group_name) VALUES ('SALES', 'Sales')")
    own = filled(AddDestination(SALES_ONLY, IN_GROUP, {"group_id": "OWN", "group_name": "Own"}))
    given = {"group_id": "TAKEN", "group_name": "Taken", "user_group": "ADMIN"}
    stolen = filled(AddDestination(SALES_ONLY, IN_GROUP, given))
    sql(ours, "UPDATE vicidial_inbound_groups SET user_group = 'ADMIN' WHERE group_id = 'SALES'")
    with ours.connect() as conn:
        [seen], _ = destinations.page(conn, SALES_ONLY, IN_GROUP, "", 10, None)

    hidden = DestinationNotFound("in-group", "SALES")
    assert ("SALES", "OWN") == (own.group, seen.key[0])
    assert isinstance(stolen, UnknownReference)
    assert hidden == filled(UpdateDestination(SALES_ONLY, IN_GROUP, ("SALES",), {"active": "N"}))
    assert hidden == filled(DeleteDestination(SALES_ONLY, IN_GROUP, ("SALES",), force=True))


def test_a_token_for_some_numbers_changes_none(order):
    """DIDs of any number may lead there."""
    token = replace(CALLER, pattern_prefix="1800")

    assert isinstance(order(AddDestination(token, IN_GROUP, NEW[IN_GROUP])), NotPermitted)


def test_lists_are_searched_and_divided(ours, order):
    """By the key, in pages; the text may be a part of the key or of the name."""
    for name in ("ONE", "TWO", "THREE"):
        order(AddDestination(CALLER, IN_GROUP, {"group_id": name, "group_name": f"Team {name.lower()}"}))
    with ours.connect() as conn:
        first, after = destinations.page(conn, CALLER, IN_GROUP, "", 2, None)
        rest, end = destinations.page(conn, CALLER, IN_GROUP, "", 2, after)
        named, _ = destinations.page(conn, CALLER, IN_GROUP, "team t", 2, None)

    assert (["ONE", "THREE"], ["THREE"]) == ([one.key[0] for one in first], after)
    assert (["TWO"], None) == ([one.key[0] for one in rest], end)
    assert ["THREE", "TWO"] == [one.key[0] for one in named]


THEIRS = {
    IN_GROUP: "INSERT INTO vicidial_inbound_groups (group_id, group_name) VALUES ('SALES', 'Sales line')",
    CALL_MENU: "INSERT INTO vicidial_call_menu (menu_id, menu_name) VALUES ('MAIN', 'Main menu')",
    SERVER: "INSERT INTO servers (server_id, server_ip) VALUES ('one', '192.0.2.10')",
    PHONE: "INSERT INTO phones (extension, server_ip) VALUES ('gs102', '192.0.2.10')",
}


@every_kind
def test_each_home_shows_what_is_there(engine, kind):
    """Also what VICIdial has made: searched, and page by page."""
    sql(engine, THEIRS[kind])
    if kind is CALL_MENU:
        sql(
            engine,
            "INSERT INTO vicidial_call_menu_options (menu_id, option_value, option_route) VALUES"
            " ('main', '2', 'HANGUP'), ('MAIN', '1', 'HANGUP')",
        )
    with engine.connect() as conn:
        [found], following = destinations.page(conn, CALLER, kind, KEYS[kind][0][:2], 1, None)
        behind, _ = destinations.page(conn, SALES_ONLY, kind, "", 1, KEYS[kind])
        same = destinations.one(conn, CALLER, kind, KEYS[kind])
        none = destinations.one(conn, CALLER, kind, ("GHOST",) * len(kind.key))

    assert (KEYS[kind], None, found) == (found.key, following, same)
    assert ([], True) == (behind, isinstance(none, DestinationNotFound))
    assert (["1", "2"] if kind is CALL_MENU else []) == [one["option_value"] for one in found.options]


BESIDE = {
    IN_GROUP: "IN_GROUP:sales",
    CALL_MENU: "CALLMENU:Main",
    SERVER: "PHONE:gs101@192.0.2.10",
    PHONE: "PHONE:gs102@192.0.2.10",
}
"""Destinations that lead to those."""

ELSEWHERE = {
    IN_GROUP: "CALLMENU:SALES IN_GROUP:SALES2",
    CALL_MENU: "IN_GROUP:MAIN CALLMENU:MAIN2",
    SERVER: "PHONE:gs101@192.0.2.100",
    PHONE: "PHONE:gs102@192.0.2.99 PHONE:gs1020@192.0.2.10 PHONE:gs102",
}
"""Some that do not, though they are written alike."""


@every_kind
def test_fallbacks_and_schedules_lead_too(engine, kind, now):
    """What stands in texts of Didier's own is found as well, and told as far as it is seen."""
    sql(engine, THEIRS[kind])
    with engine.begin() as conn:
        [found], _ = destinations.page(conn, CALLER, kind, "", 10, None)
        did_fields.put(conn, {1: {"fallbacks": ELSEWHERE[kind]}})
        unused = destinations.places(conn, CALLER, found)
        did_fields.put(conn, {1: {"fallbacks": f"EXTEN:8600@default {BESIDE[kind]}"}})
        schedules.put(conn, StoredSchedule(of("night", {**HOURS, "outside": BESIDE[kind]}), "ADMIN"), now)
        schedules.put(
            conn, StoredSchedule(of("day", {**HOURS, "outside": "EXTEN:8600@default"}), "ADMIN"), now
        )
        used = destinations.places(conn, CALLER, found)
        limited = destinations.places(conn, SALES_ONLY, found)

    assert ((), ("DID 18001234567", "schedule night")) == (unused, used)
    assert "schedule night" not in limited
    assert "something of another user group" == limited[-1]


@every_kind
def test_vicidials_are_only_read(fresh_database, kind, now):
    """In a database of VICIdial's every change is refused, and says where it is made."""
    engine = open_engine(fresh_database.url())
    sql(engine, THEIRS[kind])
    carry_out = carrier(engine, now)
    refusals = [
        carry_out(AddDestination(CALLER, kind, NEW[kind])),
        carry_out(UpdateDestination(CALLER, kind, KEYS[kind], {kind.called: "Mine"})),
        carry_out(DeleteDestination(CALLER, kind, KEYS[kind], force=True)),
    ]
    rows = sql(engine, f"SELECT count(*) FROM {kind.table}")
    engine.dispose()

    assert [VicidialOwned(kind.name)] * 3 == refusals
    assert [(1,)] == rows


OLD = (
    "ALTER TABLE vicidial_inbound_dids DROP COLUMN max_queue_ingroup_calls",
    "ALTER TABLE vicidial_inbound_dids DROP COLUMN max_queue_ingroup_id",
    "ALTER TABLE vicidial_inbound_groups DROP COLUMN user_group",
    "DROP TABLE vicidial_call_menu_options",
)


def test_an_old_vicidial_lacks_some(mariadb, now):
    """What is not there is not looked at: neither when a thing is shown nor for what leads to it."""
    url = mariadb.database()
    with ready(url, now) as engine:
        for statement in (*OLD, THEIRS[IN_GROUP]):
            sql(engine, statement)
        sql(engine, "UPDATE vicidial_inbound_dids SET did_route = 'IN_GROUP', group_id = 'SALES'")
    with opened(url) as old, old.connect() as conn:
        [found], _ = destinations.page(conn, CALLER, IN_GROUP, "", 10, None)
        leading = destinations.places(conn, CALLER, found)

    assert ("Sales line", None, "---ALL---") == (
        found.values["group_name"], found.values["user_group"], found.group,
    )  # fmt: skip
    assert ("DID 18001234567",) == leading
