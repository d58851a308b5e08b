"""Ranks and grades in campaigns and in-groups: set by update_user, copied and deleted with users."""

import pytest

from didier.storage import migrations
from didier.storage.tables import DIDIER_RIGHTS, DIDIER_TABLES, OPTIONAL_RIGHTS, RIGHTS
from support.calls import Api
from support.engines import opened
from support.homes import vicidial
from support.restricted import restricted_user

NEW = {
    "agent_user": "2001", "agent_pass": "NewSecret77", "agent_user_level": "1",
    "agent_full_name": "New Agent", "agent_user_group": "ADMIN",
}  # fmt: skip
COPY = {
    "agent_user": "3001", "agent_pass": "NewSecret77", "agent_full_name": "Copy", "source_user": "2001",
}  # fmt: skip
CAMPAIGNS = "SELECT campaign_id, campaign_rank, campaign_weight, campaign_grade FROM vicidial_campaign_agents"
IN_GROUPS = "SELECT group_id, group_rank, group_weight, group_grade FROM vicidial_inbound_group_agents"
LONG = "x" * 101
NOTHING = "ERROR: update_user NO UPDATES DEFINED: |admin|\n"


def filled(api):
    """Put two campaigns, two in-groups and a user into the database, who has a rank in one of each."""
    for campaign in ("EAST", "WEST"):
        api.sql("INSERT INTO vicidial_campaigns (campaign_id) VALUES (?)", campaign)
    for group in ("SALES", "HELP"):
        api.sql("INSERT INTO vicidial_inbound_groups (group_id) VALUES (?)", group)
    api.call("add_user", **NEW)
    api.sql(
        "INSERT INTO vicidial_campaign_agents (user, campaign_id, campaign_rank, campaign_weight,"
        " campaign_grade, calls_today) VALUES ('2001', 'WEST', 7, 7, 2, 5)"
    )
    api.sql(
        "INSERT INTO vicidial_inbound_group_agents (user, group_id, group_rank, group_weight, group_grade,"
        " calls_today, daily_limit) VALUES ('2001', 'SALES', 5, 5, 3, 4, 20)"
    )
    return api


@pytest.fixture
def api(engine, now):
    return filled(Api(engine, now))


def update(api, **parameters):
    return api.call("update_user", **{"agent_user": "2001", **parameters})


def rows(api, sql, user="2001"):
    return [tuple(row) for row in api.sql(f"{sql} WHERE user = ? ORDER BY 1", user)]


def notes(api):
    sql = "SELECT event_type, event_code, event_notes FROM vicidial_admin_log WHERE record_id <> '2001x'"
    return [tuple(row) for row in api.sql(f"{sql} ORDER BY admin_log_id")][1:]


@pytest.mark.parametrize(
    ("given", "told", "campaigns", "counted"),
    [
        ({"campaign_rank": "5"}, "5|", [("EAST", 5, 5, 1), ("WEST", 5, 5, 2)], 3),
        ({"campaign_grade": "10"}, "|10", [("EAST", 0, 0, 10), ("WEST", 7, 7, 10)], 3),
        (
            {"campaign_rank": "-9", "campaign_grade": "1"},
            "-9|1", [("EAST", -9, -9, 1), ("WEST", -9, -9, 1)], 3,
        ),
        ({"campaign_rank": "7", "campaign_grade": "2"}, "7|2", [("EAST", 7, 7, 2), ("WEST", 7, 7, 2)], 1),
        ({"campaign_rank": "5", "camp_rg_only": "0"}, "5|", [("EAST", 5, 5, 1), ("WEST", 5, 5, 2)], 3),
        (
            {"campaign_rank": "5", "camp_rg_only": "1", "campaign_id": "WEST"},
            "5||WEST|1", [("WEST", 5, 5, 2)], 2,
        ),
        (
            {"campaign_rank": "5", "camp_rg_only": "1", "campaign_id": "EAST"},
            "5||EAST|1", [("EAST", 5, 5, 1), ("WEST", 7, 7, 2)], 1,
        ),
    ],
)  # fmt: skip
def test_ranks_in_campaigns(api, given, told, campaigns, counted):
    """They are set in all campaigns or in one; a new row counts once, a change twice."""
    answer = update(api, **given)

    notice = f"NOTICE: update_user USER CAMPAIGN RANKS/GRADES HAVE BEEN UPDATED - admin|2001|{told}\n"
    assert notice + NOTHING == answer
    assert campaigns == rows(api, CAMPAIGNS)
    numbers = f"rank: {given.get('campaign_rank', '')}|grade: {given.get('campaign_grade', '')}"
    only = f"|{given['campaign_id']}|1" if "campaign_id" in given else ""
    logged = f"user: 2001|{numbers}|rows: {counted}|0|{only}"
    assert [("MODIFY", "ADMIN API UPDATE USER RANK", logged)] == notes(api)


def test_ranks_in_in_groups_beside_a_field(api):
    """With a field of the user the answer ends with success; both stand in the log."""
    answer = update(
        api, ingroup_rank="9", ingroup_grade="4", ingrp_rg_only="1", group_id="HELP", custom_one="x"
    )

    assert (
        "NOTICE: update_user USER IN-GROUP RANKS/GRADES HAVE BEEN UPDATED - admin|2001|9|4|HELP|1\n"
        "SUCCESS: update_user USER HAS BEEN UPDATED - admin|2001|\n" == answer
    )
    assert [("HELP", 9, 9, 4), ("SALES", 5, 5, 3)] == rows(api, IN_GROUPS)
    codes = ["ADMIN API UPDATE USER RANK", "ADMIN API UPDATE USER"]
    assert codes == [code for _, code, _ in notes(api)]


def test_both_kinds_of_ranks(api):
    """Campaigns are told first."""
    answer = update(api, ingroup_rank="1", campaign_rank="2")

    assert ["CAMPAIGN", "IN-GROUP"] == [line.split()[3] for line in answer.splitlines()[:2]]
    assert [("HELP", 1), ("SALES", 1)] == [row[:2] for row in rows(api, IN_GROUPS)]
    assert [("EAST", 2), ("WEST", 2)] == [row[:2] for row in rows(api, CAMPAIGNS)]


def test_a_lock_is_not_ended_by_ranks(api):
    """Ranks are not in the user's row, which stays as it is."""
    api.sql("UPDATE vicidial_users SET failed_login_count = 4 WHERE user = '2001'")

    update(api, campaign_rank="2")

    assert [(4,)] == api.sql("SELECT failed_login_count FROM vicidial_users WHERE user = '2001'")


@pytest.mark.parametrize(
    ("given", "text"),
    [
        ({"campaign_rank": "10"}, "YOU MUST USE A VALID CAMPAIGN RANK, {}: |admin|10"),
        ({"campaign_rank": "-10"}, "YOU MUST USE A VALID CAMPAIGN RANK, {}: |admin|-10"),
        ({"campaign_grade": "0"}, "YOU MUST USE A VALID CAMPAIGN GRADE, {}: |admin|0"),
        ({"campaign_grade": "11", "active": "N"}, "YOU MUST USE A VALID CAMPAIGN GRADE, {}: |admin|11"),
        ({"ingroup_rank": "5-"}, "YOU MUST USE A VALID IN-GROUP RANK, {}: |admin|5-"),
        ({"ingroup_grade": "-1"}, "YOU MUST USE A VALID IN-GROUP GRADE, {}: |admin|-1"),
        ({"campaign_rank": "1", "ingroup_grade": "99"}, "YOU MUST USE A VALID IN-GROUP GRADE, {}: |admin|99"),
        ({"campaign_rank": "1", "camp_rg_only": "1"}, "YOU MUST USE A VALID CAMPAIGN ID, {}: |admin|"),
        (
            {"campaign_rank": "1", "camp_rg_only": "1", "campaign_id": "NORTH"},
            "YOU MUST USE A VALID CAMPAIGN ID, {}: |admin|NORTH",
        ),
        (
            {"ingroup_rank": "1", "ingrp_rg_only": "1", "group_id": "NORTH"},
            "YOU MUST USE A VALID IN-GROUP ID, {}: |admin|NORTH",
        ),
        ({"camp_rg_only": "2"}, "camp_rg_only MUST BE A VALID DIGIT BETWEEN 0 AND 1, {}: |admin|2"),
        ({"campaign_rank": "1", "custom_one": LONG}, f"YOU MUST USE A VALID CUSTOM ONE, {{}}: |admin|{LONG}"),
        ({"campaign_id": "EAST", "camp_rg_only": "1"}, "NO UPDATES DEFINED: |admin|"),
    ],
)  # fmt: skip
def test_ranks_that_are_refused(api, given, text):
    """Everything is checked before anything is changed."""
    before = rows(api, CAMPAIGNS), rows(api, IN_GROUPS)

    assert f"ERROR: update_user {text.format('THIS IS AN OPTIONAL FIELD')}\n" == update(api, **given)
    assert before == (rows(api, CAMPAIGNS), rows(api, IN_GROUPS))
    assert [] == notes(api)


def test_a_dry_run_changes_no_ranks(api):
    """It says what would be done."""
    answer = update(api, campaign_rank="2", dry_run="Y")

    assert "NOTICE: update_user USER CAMPAIGN RANKS/GRADES WOULD BE UPDATED - admin|2001|2|\n" in answer
    assert [("WEST", 7, 7, 2)] == rows(api, CAMPAIGNS)


def test_a_copy_has_the_ranks_of_its_source(api):
    """Ranks, grades and limits are copied; what was counted of the source's calls is not the copy's."""
    api.call("copy_user", **COPY)

    assert rows(api, CAMPAIGNS) == rows(api, CAMPAIGNS, "3001")
    assert rows(api, IN_GROUPS) == rows(api, IN_GROUPS, "3001")
    counted = "SELECT calls_today, daily_limit FROM vicidial_inbound_group_agents WHERE user = '3001'"
    assert [(0, 20)] == api.sql(counted)
    assert ("COPY", "ADMIN API COPY USER", "user: 3001   source_user: 2001   rows: 1,1,1") == notes(api)[-1]


def test_ranks_go_with_their_user(api):
    """A user who is deleted leaves none to the next of that name."""
    update(api, delete_user="Y")

    assert [] == [*rows(api, CAMPAIGNS), *rows(api, IN_GROUPS)]


def test_agents_at_work_have_new_ranks_at_once(mariadb, now):
    """What the dialer reads of an agent who is signed in is changed too, and counted."""
    url = vicidial(mariadb, "InnoDB")
    with opened(url) as engine:
        migrations.upgrade(engine)
        api = filled(admin_in(Api(engine, now)))
        api.sql(
            "INSERT INTO vicidial_live_agents (user, campaign_id, server_ip, lead_id)"
            " VALUES ('2001', 'EAST', '192.0.2.1', 0)"
        )
        api.sql("INSERT INTO vicidial_live_inbound_agents (user, group_id) VALUES ('2001', 'HELP')")

        update(api, campaign_rank="3", ingroup_grade="8")

        live = api.sql("SELECT campaign_weight, campaign_grade FROM vicidial_live_agents")
        assert [(3, 1)] == [tuple(row) for row in live]
        live = api.sql("SELECT group_weight, group_grade FROM vicidial_live_inbound_agents")
        assert [(0, 8)] == [tuple(row) for row in live]
        assert ["|rows: 3|1|", "|rows: 3|1|"] == [text[text.index("|rows") :] for _, _, text in notes(api)]


def admin_in(api):
    """Put the user into an empty database who calls."""
    api.sql(
        "INSERT INTO vicidial_users (user, pass, user_level, user_group, active, vdc_agent_api_access,"
        " modify_users, delete_users) VALUES ('admin', '1234', 9, 'ADMIN', 'Y', '1', '1', '1')"
    )
    api.sql(
        "INSERT INTO vicidial_user_groups (user_group, group_name, admin_viewable_groups)"
        " VALUES ('ADMIN', 'Administrators', ' ---ALL--- ')"
    )
    return api


@pytest.mark.parametrize("given", [None, ("SELECT",), ("SELECT", "INSERT")])
def test_without_the_rights_ranks_are_off(mariadb, now, given):
    """Where Didier may not change ranks it says so; all else of users works."""
    url = vicidial(mariadb, "InnoDB")
    with opened(url) as engine:
        migrations.upgrade(engine)
        filled(admin_in(Api(engine, now)))
    rights = {**RIGHTS, **OPTIONAL_RIGHTS, **dict.fromkeys(DIDIER_TABLES, DIDIER_RIGHTS)}
    del rights["vicidial_campaign_agents"]
    if given:
        rights["vicidial_campaign_agents"] = given
    with opened(restricted_user(url, rights)) as engine:
        api = Api(engine, now)

        off = "ERROR: update_user CAMPAIGN RANKS CANNOT BE CHANGED HERE, SEE didier doctor"
        assert f"{off}, THIS IS AN OPTIONAL FIELD: |admin|\n" == update(api, campaign_rank="3", active="N")
        assert update(api, ingroup_rank="3", active="N").endswith(" - admin|2001|\n")
        assert api.call("copy_user", **COPY).startswith("SUCCESS: ")
        assert "rows: 1,0,2" in notes(api)[-1][2]
        assert update(api, delete_user="Y").startswith("SUCCESS: ")
