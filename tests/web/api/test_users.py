"""Users over the JSON API."""

import pytest

from web.api.conftest import Api

NEW = {"user": "crm", "password": "secret", "user_group": "ADMIN"}


@pytest.fixture
def boss(api):
    """A user of level 8 who may change users, and has no other right."""
    rights = {"api_allowed_functions": ["add_user", "update_user", "user_details"], "view_reports": True}
    made = api.post(
        "/users", {**NEW, "user": "boss", "vdc_agent_api_access": True, "modify_users": True, **rights}
    )
    assert 201 == made.status, made.text
    return Api(api.server, "boss", "secret")


def test_a_user_is_made_who_may_copy(api):
    """A function for DIDs switches Modify DIDs on; the password works and is not shown."""
    made = api.post("/users", {**NEW, "api_allowed_functions": ["copy_did"], "vdc_agent_api_access": True})

    assert 201 == made.status
    assert ("crm", 8, True) == tuple(made.body[k] for k in ("user", "user_level", "modify_inbound_dids"))
    assert made.body == api.get(made.headers["location"].removeprefix("/api/v1")).body
    assert "secret" not in made.text
    assert "DID Copied" in api.server.tutorial(user="crm", **{"pass": "secret"})


def test_a_function_does_not_switch_on_what_is_switched_off(api):
    """What is said counts."""
    made = api.post("/users", {**NEW, "api_allowed_functions": ["ALL"], "modify_inbound_dids": False})

    assert (["ALL_FUNCTIONS"], False) == (
        made.body["api_allowed_functions"], made.body["modify_inbound_dids"],
    )  # fmt: skip


def test_settings_are_changed_one_by_one(api):
    """What is not named stays as it is."""
    before = api.post("/users", {**NEW, "email": "crm@example.org"}).body
    after = api.patch("/users/crm", {"user_level": 9, "active": "N"}).body

    assert {**before, "user_level": 9, "active": "N"} == after


def test_a_new_password_counts_at_once(api):
    """The old one is wrong from then on."""
    rights = {"api_allowed_functions": ["ALL"], "vdc_agent_api_access": True}
    api.post("/users", {**NEW, **rights})
    before = Api(api.server, "crm", "secret").get("/dids").status
    api.patch("/users/crm", {"password": "other"})

    assert 200 == before
    assert (401, "wrong-password") == Api(api.server, "crm", "secret").get("/dids").problem
    assert 200 == Api(api.server, "crm", "other").get("/dids").status


def test_a_new_password_revokes_the_tokens_when_asked(api):
    """Of this user alone; without being asked for they stay."""
    rights = {"api_allowed_functions": ["ALL"], "vdc_agent_api_access": True}
    api.post("/users", {**NEW, **rights})
    tokens = [api.token("dids:read", user="crm"), api.token("dids:write", "dids:read", user="crm")]
    own = api.token("dids:read")
    api.patch("/users/crm", {"password": "other"})
    kept = [token.get("/dids").status for token in tokens]
    changed = api.patch("/users/crm", {"password": "third", "revoke_tokens": True})

    assert ([200, 200], 200) == (kept, changed.status)
    assert [(401, "token-refused")] * 2 == [token.get("/dids").problem for token in tokens]
    assert 200 == own.get("/dids").status
    assert [("user: crm   tokens revoked: 2",)] == api.server.sql(
        "SELECT event_notes FROM vicidial_admin_log ORDER BY admin_log_id DESC LIMIT 1"
    )


@pytest.mark.parametrize("change", [{}, {"active": "N"}, {"password": None}])
def test_tokens_are_revoked_beside_a_password_alone(api, change):
    """The problem points at the field, and nothing is changed."""
    api.post("/users", NEW)
    token = api.token("users")
    refused = api.patch("/users/crm", {**change, "revoke_tokens": True})

    assert (422, "invalid-field", "/revoke_tokens") == (*refused.problem, refused.body["pointer"])
    assert "Y" == api.get("/users/crm").body["active"]
    assert 200 == token.get("/users").status


def test_a_new_user_has_no_tokens_to_be_revoked(api):
    """The field is one of changes."""
    assert (422, "invalid-request") == api.post("/users", {**NEW, "revoke_tokens": True}).problem


def test_nobody_gives_what_they_do_not_have(api, boss):
    """Neither rights, nor functions, nor a level."""
    rights = boss.post("/users", {**NEW, "user_level": 7, "delete_inbound_dids": True})
    functions = boss.post("/users", {**NEW, "user_level": 7, "api_allowed_functions": ["ALL"]})
    level = boss.post("/users", {**NEW, "user_level": 8})
    fine = boss.post("/users", {**NEW, "user_level": 7, "api_allowed_functions": ["user_details"]})
    raised = boss.patch("/users/crm", {"user_level": 9})

    assert [(422, "/delete_inbound_dids"), (422, "/api_allowed_functions")] == [
        (reply.status, reply.body["pointer"]) for reply in (rights, functions)
    ]
    assert (403, "level-not-allowed") == level.problem
    assert 201 == fine.status
    assert (422, "invalid-field") == raised.problem
    assert (403, "level-not-allowed") == boss.patch("/users/admin", {"password": "mine"}).problem
    assert (403, "level-not-allowed") == boss.post(
        "/tokens", {"name": "x", "scopes": ["users"], "user": "admin"}
    ).problem


def test_users_are_listed_page_by_page(api):
    """By name; each page has the way to the next one."""
    for name in ("ann", "bob", "cid"):
        api.post("/users", {**NEW, "user": name})
    first = api.get("/users?limit=3").body
    second = api.get(f"/users?limit=3&cursor={first['next']}").body

    assert ["admin", "ann", "bob"] == [user["user"] for user in first["items"]]
    assert (["cid"], None) == ([user["user"] for user in second["items"]], second["next"])


@pytest.mark.parametrize(
    ("change", "status", "kind"),
    [
        ({"user": "admin"}, 409, "user-exists"),
        ({"user": "a b"}, 422, "invalid-field"),
        ({"user_group": "GHOST"}, 422, "group-not-found"),
        ({"user_level": 10}, 422, "invalid-request"),
        ({"colour": "red"}, 422, "invalid-request"),
    ],
)
def test_bad_users_are_not_made(api, change, status, kind):
    """Each refusal has its type."""
    assert (status, kind) == api.post("/users", {**NEW, **change}).problem


def test_a_user_who_is_not_there_is_not_found(api):
    """For all that may be done with one."""
    assert (404, "user-not-found") == api.get("/users/ghost").problem
    assert (404, "user-not-found") == api.patch("/users/ghost", {"active": "N"}).problem
