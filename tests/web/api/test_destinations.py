"""In-groups, call menus, phones and servers over the JSON API."""

import pytest

SERVER = {"server_id": "one", "server_ip": "192.0.2.10"}
GROUP = {"group_id": "SALES", "group_name": "Sales line"}
MENU = {"menu_id": "MAIN", "menu_name": "Main menu"}
PHONE = {"extension": "gs102", "server_ip": "192.0.2.10", "dialplan_number": "8602"}
RESOURCES = {
    "/servers": (SERVER, "one", {"ext_context": "trunkinbound"}),
    "/in-groups": (GROUP, "SALES", {"active": "N"}),
    "/call-menus": (MENU, "MAIN", {"menu_timeout": 5}),
    "/phones": (PHONE, "gs102/192.0.2.10", {"dialplan_number": "8603"}),
}
OPTION = {
    "option_value": "1", "option_description": "Sales", "option_route": "INGROUP",
    "option_route_value": "SALES", "option_route_value_context": "",
}  # fmt: skip


@pytest.fixture
def filled(api):
    """The API of a server with one thing of each kind."""
    for path, (body, _, _) in RESOURCES.items():
        made = api.post(path, body)
        assert 201 == made.status, made.text
    return api


@pytest.mark.parametrize("path", RESOURCES)
def test_a_whole_life(filled, path):
    """What is created is shown under its address, listed, changed column by column, deleted."""
    body, name, change = RESOURCES[path]
    filled.ask("DELETE", "/phones/gs102/192.0.2.10") if path == "/servers" else None
    shown = filled.get(f"{path}/{name}")
    listed = filled.get(path).body
    changed = filled.patch(f"{path}/{name}", change)
    deleted = filled.ask("DELETE", f"{path}/{name}")

    assert (200, body) == (shown.status, {column: shown.body[column] for column in body})
    assert {"items": [shown.body], "next": None} == listed
    assert {**shown.body, **change} == changed.body
    assert 204 == deleted.status
    assert (404, "destination-not-found") == filled.get(f"{path}/{name}").problem


def test_a_new_one_has_an_address(api):
    """The header leads to it; with the same key it is created once."""
    made = api.post("/in-groups", GROUP, key="1")
    again = api.post("/in-groups", GROUP, key="1")

    assert (201, "/api/v1/in-groups/SALES") == (made.status, made.headers["location"])
    assert (201, made.body) == (again.status, again.body)
    assert ("Sales line", "Y", "---ALL---") == tuple(
        made.body[column] for column in ("group_name", "active", "user_group")
    )


def test_a_did_leads_there_without_sql(filled):
    """The in-group can be chosen at once; while the DID leads there only force deletes it."""
    made = filled.add("5550001", did_route="IN_GROUP", group_id="SALES")
    refused = filled.ask("DELETE", "/in-groups/SALES")
    forced = filled.ask("DELETE", "/in-groups/SALES?force=true")

    assert 201 == made.status
    assert (409, "destination-in-use") == refused.problem
    assert ["DID 5550001"] == refused.body["places"]
    assert 204 == forced.status


def test_options_are_given_all_at_once(filled):
    """They stay as they are unless they are named; a bad one points at them."""
    changed = filled.patch("/call-menus/MAIN", {"options": [OPTION]})
    kept = filled.patch("/call-menus/MAIN", {"menu_name": "Night"})
    bad = filled.patch("/call-menus/MAIN", {"options": [{**OPTION, "option_route_value": "GHOST"}]})
    none = filled.patch("/call-menus/MAIN", {"options": []})

    assert [OPTION] == changed.body["options"] == kept.body["options"]
    assert ((422, "unknown-reference"), "/options") == (bad.problem, bad.body["pointer"])
    assert [] == none.body["options"]


@pytest.mark.parametrize(
    ("path", "body", "problem", "pointer"),
    [
        ("/in-groups", GROUP, (409, "destination-exists"), "/group_id"),
        ("/servers", {**SERVER, "server_id": "two"}, (409, "destination-exists"), "/server_ip"),
        ("/in-groups", {**GROUP, "group_id": "a b"}, (422, "invalid-field"), "/group_id"),
        ("/in-groups", {"group_id": "NEW"}, (422, "invalid-request"), "/group_name"),
        ("/in-groups", {**GROUP, "colour": "red"}, (422, "invalid-request"), "/colour"),
        ("/phones", {**PHONE, "server_ip": "192.0.2.99"}, (422, "unknown-reference"), "/server_ip"),
        ("/call-menus", {**MENU, "menu_id": "NEW", "menu_timeout": -1}, (422, "invalid-field"),
         "/menu_timeout"),
    ],
)  # fmt: skip
def test_bad_ones_are_not_made(filled, path, body, problem, pointer):
    """Each refusal has its type, and its place in the body."""
    refused = filled.post(path, body)

    assert (problem, pointer) == (refused.problem, refused.body["pointer"])


@pytest.mark.parametrize(
    ("path", "body"),
    [("/in-groups/SALES", {"group_id": "OTHER"}), ("/servers/one", {"server_ip": "1.2.3.4"})],
)
def test_what_they_are_named_by_stays(filled, path, body):
    """DIDs would lead nowhere."""
    assert (422, "invalid-request") == filled.patch(path, body).problem


def test_lists_are_searched_page_by_page(api):
    """By the key or the name; each page has the way to the next one."""
    for name in ("ONE", "TWO", "THREE"):
        api.post("/in-groups", {"group_id": name, "group_name": f"Team {name.lower()}"})
    first = api.get("/in-groups?search=team%20t&limit=1").body
    second = api.get(f"/in-groups?search=team%20t&limit=1&cursor={first['next']}").body

    assert ["THREE", "TWO"] == [page["items"][0]["group_id"] for page in (first, second)]
    assert second["next"] is None


def test_tokens_have_scopes(filled):
    """One for reading reads, one for writing writes, one for some numbers does neither."""
    reader, writer = filled.token("dids:read"), filled.token("dids:write")
    some = filled.token("dids:read", "dids:write", pattern_prefix="1800")

    assert [200, 403] == [
        reader.get("/in-groups").status,
        reader.patch("/in-groups/SALES", {"active": "N"}).status,
    ]
    assert [403, 200] == [
        writer.get("/in-groups").status,
        writer.patch("/in-groups/SALES", {"active": "N"}).status,
    ]
    assert [403, 403] == [
        some.get("/in-groups").status,
        some.patch("/in-groups/SALES", {"active": "N"}).status,
    ]
