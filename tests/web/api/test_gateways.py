"""Gateway sets over the JSON API: stored, shown, had by DIDs, explained."""

import pytest

from web.api.conftest import SOURCE, did

LONDON = {
    "gateways": [
        {"address": "10.0.0.5", "priority": 1, "description": "London 1"},
        {"address": "PBX.example.com:5070;transport=TCP"},
    ],
    "rules": [{"prefix": "1800", "route": "EXTEN"}, {"default": True}],
}

PBX = "sip:pbx.example.com:5070;transport=tcp"


def put(api, name="london", **values):
    return api.ask("PUT", f"/gateways/{name}", LONDON | values)


def test_a_whole_life(api):
    """What is stored is shown in its one form; another in its place keeps its number; it is deleted."""
    stored = put(api)
    shown = api.get("/gateways/LONDON")
    listed = api.get("/gateways?search=ond")
    changed = put(api, "London", rules=[], probing=False)
    second = put(api, "paris", number=7)
    deleted = [api.ask("DELETE", f"/gateways/{name}").status for name in ("london", "paris")]

    anything = {"prefix": "", "route": "", "server_ip": "", "user_group": "", "default": False}
    assert 200 == stored.status, stored.text
    assert {
        "name": "london", "number": 1, "user_group": "---ALL---", "probing": True,
        "gateways": [
            {"address": "sip:10.0.0.5:5060", "priority": 1, "weight": 1, "description": "London 1"},
            {"address": PBX, "priority": 0, "weight": 1, "description": ""},
        ],
        "rules": [{**anything, "prefix": "1800", "route": "EXTEN"}, {**anything, "default": True}],
    } == shown.body == stored.body  # fmt: skip
    assert ["london"] == [one["name"] for one in listed.body["items"]]
    assert ("london", 1, False, []) == tuple(
        changed.body[name] for name in ("name", "number", "probing", "rules")
    )
    assert 7 == second.body["number"]
    assert [204, 204] == deleted
    assert (404, "destination-not-found") == api.get("/gateways/london").problem


@pytest.mark.parametrize(
    ("values", "problem", "pointer"),
    [
        ({"gateways": []}, "invalid-field", "/gateways"),
        ({"gateways": [{"address": "sip:pbx;lr"}]}, "invalid-field", "/gateways/0/address"),
        ({"gateways": [{"address": "pbx\r\nmodparam(x)"}]}, "invalid-field", "/gateways/0/address"),
        ({"gateways": [{"address": "pbx", "weight": 0}]}, "invalid-field", "/gateways/0/weight"),
        ({"gateways": [{"address": "pbx", "weight": "1"}]}, "invalid-request", "/gateways/0/weight"),
        ({"gateways": [{"address": "x" * 301}]}, "invalid-request", "/gateways/0/address"),
        ({"gateways": [{"address": "pbx", "uri": "x"}]}, "invalid-request", "/gateways/0/uri"),
        ({"rules": [{}]}, "invalid-field", "/rules/0"),
        ({"rules": [{"prefix": "a b"}]}, "invalid-field", "/rules/0/prefix"),
        ({"rules": [{"default": True}, {"user_group": "GHOST"}]}, "unknown-reference", "/rules/1/user_group"),
        ({"number": 0}, "invalid-field", "/number"),
        ({"number": True}, "invalid-request", "/number"),
        ({"user_group": "GHOST"}, "unknown-reference", "/user_group"),
        ({"open": True}, "invalid-request", "/open"),
    ],
)
def test_what_is_wrong_is_pointed_at(api, values, problem, pointer):
    """By its place in the body; nothing is stored."""
    refused = put(api, **values)

    assert ((422, problem), pointer) == (refused.problem, refused.body["pointer"])
    assert 404 == api.get("/gateways/london").status


def test_names_have_letters_and_digits(api):
    """They stand in addresses, and in lists of DIDs."""
    refused = put(api, "a%20b")

    assert ((422, "invalid-field"), "name") == (refused.problem, refused.body["pointer"])


def test_a_number_is_that_of_one_set(api):
    """Another is refused, and told one that is free."""
    put(api)
    refused = put(api, "paris", number=1)

    assert ((422, "invalid-field"), "/number") == (refused.problem, refused.body["pointer"])
    assert "such as 2" in refused.body["detail"]


def test_dids_name_sets_that_are_there(api):
    """One that is in use is not deleted, and who uses it is named; copies have it."""
    ghost = api.patch(did(SOURCE), {"gateway_set": "london"})
    put(api)
    changed = api.patch(did(SOURCE), {"gateway_set": "london"})
    api.post("/copies", {"source": SOURCE, "targets": ["18005550100"]})
    used = api.ask("DELETE", "/gateways/london")

    assert ((422, "unknown-reference"), "/gateway_set") == (ghost.problem, ghost.body["pointer"])
    assert (200, "london") == (changed.status, changed.body["gateway_set"])
    assert "london" == api.get(did("18005550100")).body["gateway_set"]
    assert (409, "destination-in-use") == used.problem
    assert [f"DID {SOURCE}", "DID 18005550100"] == used.body["places"]


def test_tables_set_them(api):
    """In a column of an import; an empty cell names none."""
    put(api)
    rows = "did_pattern,extension,gateway_set\n18005550100,8300,london\n18005550101,8300,\n"
    made = api.ask("POST", "/imports", rows, {"Content-Type": "text/csv"})
    names = [api.get(did(number)).body["gateway_set"] for number in ("18005550100", "18005550101")]

    assert made.status < 300, made.text
    assert ["london", ""] == names


def test_an_explanation_has_the_set(api):
    """By rule, by the DID's own field, or none."""
    none = api.get(f"{did(SOURCE)}/route").body["gateways"]
    put(api)
    by_rule = api.get(f"{did(SOURCE)}/route").body["gateways"]
    put(api, "paris", rules=[])
    api.patch(did(SOURCE), {"gateway_set": "paris"})
    own = api.get(f"{did(SOURCE)}/route").body["gateways"]

    assert none is None
    assert {
        "number": 1, "name": "london", "reason": "by the rule: number begins with 1800 and route EXTEN",
        "addresses": ["sip:10.0.0.5:5060", PBX],
    } == by_rule  # fmt: skip
    assert (2, "the DID names it") == (own["number"], own["reason"])


def test_followers_are_told_what_is_listed(api):
    """The whole set, as it is from then on; of one that is deleted what it was called."""
    begin = api.get("/changes").body["next"]
    stored = put(api)
    api.ask("DELETE", "/gateways/london")
    found = api.get(f"/changes?after={begin}&types=gateway_set.*").body["items"]

    assert [
        ("gateway_set.stored", stored.body),
        ("gateway_set.deleted", {"name": "london", "number": 1}),
    ] == [(event["type"], event["data"]) for event in found]
    assert {("admin", "json-api")} == {(event["user"], event["origin"]) for event in found}
