"""Where a call would go and why, without any call."""

from dataclasses import replace

import pytest

from didier.cli.local import CALLER
from didier.domain.calls.decision import Step
from didier.domain.calls.targets import Target
from didier.errors import NotFound, NotPermitted
from didier.services.calls import explain
from didier.services.calls.explain import SupposedCall
from didier.storage import row_sets
from didier.storage.database import reading
from didier.storage.statements import run
from support import outside

NUMBER = "18005550100"
GROUP_FILTER = {
    "filter_inbound_number": "GROUP", "filter_phone_group_id": "VIPS", "filter_action": "EXTEN",
    "filter_extension": "8400", "filter_exten_context": "default",
}  # fmt: skip
AWAY = {"did_route": "AGENT", "user": "ghost"}
LIMITED = replace(CALLER, user=replace(CALLER.user, group="SALES", viewable_groups=" SALES "))


@pytest.fixture
def add(engine, now):
    """Adds an active DID that leads to the extension 8300, in the user group SALES."""

    def add_did(pattern, **columns):
        usual = {"did_active": "Y", "did_route": "EXTEN", "extension": "8300", "exten_context": "default",
                 "user_group": "SALES"}  # fmt: skip
        with engine.begin() as conn:
            outside.add(conn, {"did_pattern": pattern, **usual, **columns}, now)

    return add_did


@pytest.fixture
def explained(engine, now):
    """Explains a call on a connection that can only read."""

    def explain_call(
        dialled=NUMBER, caller="7275551212", name="", ip=None, by=CALLER, ask_web=None, region=""
    ):
        with reading(engine) as conn:
            call = SupposedCall(dialled, caller, name, ip, region)
            return explain.explain(conn, by, call, now, ask_web)

    return explain_call


def insert(engine, table, *rows):
    with engine.begin() as conn:
        row_sets.insert_each(conn, table, rows)


def test_the_row_the_target_and_the_commands(engine, add, explained):
    """A call is decided on as the server decides on it, by the caller's number too."""
    add(NUMBER, record_call="Y", filter_clean_cid_number="R10", **GROUP_FILTER)
    insert(engine, "vicidial_filter_phone_numbers",
           {"phone_number": "7275551212", "filter_phone_group_id": "VIPS"})  # fmt: skip
    found = explained(caller="+1 727 555 1212", name="Jane")

    assert (NUMBER, "F_EXTEN") == (found.did, found.decision.route)
    assert (Target("default", "8400"), "extension 8400 in the context default") == (
        found.decision.target,
        found.leads_to,
    )
    assert [
        Step("did", f"the DID {NUMBER}"),
        Step("caller id", "17275551212 is 7275551212 by R10"),
        Step("filter", "GROUP: hit"),
        Step("route", "EXTEN: 8400 in default"),
    ] == found.steps
    assert [
        f'EXEC Monitor "wav,/var/spool/asterisk/monitor/MIX/20260304050607_{NUMBER}_17275551212"',
        'SET CALLERID "Jane <7275551212>"',
        "SET CONTEXT default",
        "SET EXTENSION 8400",
        "SET PRIORITY 1",
    ] == found.commands
    assert found.nowhere is None


@pytest.mark.parametrize(
    ("columns", "words"),
    [
        ({"did_route": "IN_GROUP", "group_id": "SALES"}, "in-group SALES"),
        ({"did_route": "CALLMENU", "menu_id": "MAIN"}, "call menu MAIN"),
        ({**AWAY, "user_unavailable_action": "VOICEMAIL", "voicemail_ext": "101"}, "voicemail box 101"),
        ({**AWAY, "user_unavailable_action": "EXTEN", "exten_context": "night"},
         "extension 8300 in the context default"),
    ],
)  # fmt: skip
def test_where_it_leads_in_words(add, explained, columns, words):
    """By what people know: the place in the dialplan is another name of it."""
    add(NUMBER, **columns)

    assert words == explained().leads_to


def test_nobody_calls(add, explained):
    """Without a caller the number is a blank one, as it is for calls."""
    add(NUMBER)

    assert Target("default", "8300") == explained(caller="").decision.target


def test_any_dialled_text_is_decided_on_by_the_default(add, explained):
    """It need not be a DID."""
    add("default", extension="8500")

    assert ("default", Target("default", "8500")) == (
        (found := explained("x" * 90)).did,
        found.decision.target,
    )


def test_other_spellings_are_looked_for_where_calls_are_routed_by_them(add, explained):
    """The number with a plus sign is the DID without one then, and no DID else."""
    add(NUMBER)

    assert NUMBER == explained(f"+{NUMBER}", region="US").did
    assert explained(f"+{NUMBER}").did is None


def test_without_a_did_calls_lead_nowhere(explained):
    """No command is sent, and the reason is told."""
    found = explained("5550199")

    assert (None, None, []) == (found.did, found.leads_to, found.commands)
    assert "5550199 is no active DID, and there is no default" == found.nowhere


@pytest.mark.parametrize(
    ("columns", "why"),
    [
        ({"did_route": "IN_GROUP", "group_id": "GHOST"}, "the in-group GHOST does not exist"),
        ({"extension": ""}, "no extension is set"),
        ({"no_agent_ingroup_redirect": "Y", "no_agent_ingroup_id": "GHOST", "no_agent_ingroup_extension": ""},
         "no extension is set for calls that are sent elsewhere"),
        ({"pre_filter_phone_group_id": "VIPS", "pre_filter_extension": "5550199"},
         "calls are sent on to 5550199, which is no active DID, and there is no default"),
        ({"pre_filter_phone_group_id": "VIPS", "pre_filter_extension": NUMBER},
         f"calls are sent back to {NUMBER}, again and again"),
        ({"pre_filter_phone_group_id": "VIPS", "pre_filter_extension": "18001234567"}, None),
    ],
)  # fmt: skip
def test_what_dangles_is_told(engine, add, explained, columns, why):
    """Whatever the call's own way leads to, be it of the DID, a filter or a detour."""
    add(NUMBER, **columns)
    insert(engine, "vicidial_filter_phone_numbers",
           {"phone_number": "7275551212", "filter_phone_group_id": "VIPS"})  # fmt: skip

    assert why == explained().nowhere


def test_a_filter_may_lead_nowhere_where_the_did_does_not(engine, add, explained):
    """The columns of the filter count for calls that it chooses, and for no others."""
    add(NUMBER, **{**GROUP_FILTER, "filter_action": "CALLMENU", "filter_menu_id": "LOST"})
    insert(engine, "vicidial_filter_phone_numbers",
           {"phone_number": "7275551212", "filter_phone_group_id": "VIPS"})  # fmt: skip

    assert "the call menu LOST does not exist" == explained().nowhere
    assert explained(caller="7275550000").nowhere is None


@pytest.mark.parametrize(("redirect", "target"), [("N", "8400"), ("Y", "18001230003")])
def test_a_web_address_is_asked_only_if_wished(add, explained, redirect, target):
    """A server elsewhere would take it for a call; the step says that it was not asked."""
    add(NUMBER, **{
        **GROUP_FILTER, "filter_inbound_number": "URL", "filter_url_did_redirect": redirect,
        "filter_url": "http://127.0.0.1:9/?number=--A--phone_number--B--",
    })  # fmt: skip
    asked = []

    def ask(url):
        asked.append(url)
        return 200, "18001230003"

    found = explained()

    assert Step("web address", "not asked here, which counts as no hit") in found.steps
    assert ("8300", []) == (found.decision.target.extension, asked)
    assert target == explained(ask_web=ask).decision.target.extension
    assert ["http://127.0.0.1:9/?number=7275551212"] == asked


@pytest.mark.parametrize(
    ("ips", "given", "expected"),
    [
        (["192.0.2.10"], None, ("192.0.2.10", "inbound")),
        (["192.0.2.10", "192.0.2.20"], None, ("", "default")),
        (["192.0.2.10", "192.0.2.20"], "192.0.2.20", ("192.0.2.20", "inbound")),
        (["192.0.2.10"], "192.0.2.99", ("192.0.2.99", "default")),
        ([], None, ("", "default")),
    ],
)
def test_the_server_on_which_calls_arrive(engine, add, explained, ips, given, expected):
    """It is the one that is named, or the only one that there is."""
    add(NUMBER, did_route="IN_GROUP", group_id="SALES")
    with engine.begin() as conn:
        run(conn, "DELETE FROM servers")
    insert(engine, "servers", *(
        {"server_id": ip[-8:], "server_ip": ip, "ext_context": "inbound", "active": "Y"} for ip in ips
    ))  # fmt: skip
    found = explained(ip=given).decision

    assert expected == (found.place.ip, found.target.context)


def test_who_may_not_look_at_dids_is_told_why(add, explained):
    """It takes the right that looking at a DID takes."""
    add(NUMBER)
    refused = explained(by=replace(CALLER, user=replace(CALLER.user, view_reports=False, modify_dids=False)))

    assert isinstance(refused, NotPermitted)


def test_who_sees_some_dids_alone_is_told_of_what_these_decide(add, explained):
    """Whether there is another DID, or none, cannot be told apart."""
    add(NUMBER)
    add("18005550101", user_group="OTHERS")
    add("18005550102", did_active="N")
    hidden = {
        dialled: explained(dialled, by=LIMITED) for dialled in ("18005550101", "18005550102", "5550199")
    }
    add("default", user_group="OTHERS")
    by_default = explained("5550199", by=LIMITED)

    assert NUMBER == explained(by=LIMITED).did
    assert {dialled: NotFound(dialled).args for dialled in hidden} == {
        dialled: found.args for dialled, found in hidden.items()
    }
    assert isinstance(by_default, NotFound)
    assert "default" == explained("5550199").did


def test_a_token_reaches_no_further_than_its_prefix(add, explained):
    """As for the DIDs themselves."""
    add(NUMBER)
    token = replace(CALLER, pattern_prefix="1800555")

    assert NUMBER == explained(by=token).did
    assert isinstance(explained(by=replace(token, pattern_prefix="1900")), NotFound)


def test_a_filter_for_all_dids_is_told_to_those_who_see_it(engine, add, explained):
    """Others learn nothing of it, as long as it does not decide."""
    add(NUMBER)
    add("did_system_filter", user_group="OTHERS", **GROUP_FILTER)
    with engine.begin() as conn:
        run(conn, "DELETE FROM system_settings")
    insert(engine, "system_settings", {"did_system_filter": "1"})
    whole, part = explained(), explained(by=LIMITED)
    insert(engine, "vicidial_filter_phone_numbers",
           {"phone_number": "7275551212", "filter_phone_group_id": "VIPS"})  # fmt: skip

    assert ["filter", "system filter", "did", "route"] == [step.rule for step in whole.steps]
    assert ["did", "route"] == [step.rule for step in part.steps]
    assert "did_system_filter" == explained().did
    assert isinstance(explained(by=LIMITED), NotFound)


def test_who_sees_some_dids_alone_is_not_told_which_others_there_are(engine, add, explained):
    """Where a call is sent on is part of their DID; what becomes of it there is not."""
    add(NUMBER, pre_filter_phone_group_id="VIPS", pre_filter_extension="5550199")
    insert(engine, "vicidial_filter_phone_numbers",
           {"phone_number": "7275551212", "filter_phone_group_id": "VIPS"})  # fmt: skip
    found = explained(by=LIMITED)

    assert ("extension 5550199 in the context trunkinbound", None) == (found.leads_to, found.nowhere)
