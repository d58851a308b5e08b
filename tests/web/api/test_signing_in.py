"""Who may speak to the JSON API: passwords, tokens, locks."""

import pytest

from web.api.conftest import SOURCE, Api, did


@pytest.mark.parametrize(
    "header", ["", "Basic", "Basic !!", "Basic bm9jb2xvbg==", "Basic /w==", "Bearer", "Digest x"]
)
def test_nobody_is_asked_to_sign_in(api, header):
    """A missing or unreadable sign-in is told how it is done."""
    refused = api.get("/dids", Authorization=header)

    assert (401, "not-signed-in") == refused.problem
    assert "Basic" in refused.headers["www-authenticate"]
    assert "Bearer" in refused.headers["www-authenticate"]


def test_wrong_passwords_lock_both_apis(api):
    """Ten wrong passwords, five through each door, lock the user out of both."""
    wrong = Api(api.server, password="wrong")
    statuses = [wrong.get("/dids").problem for _ in range(5)]
    for _ in range(5):
        api.server.tutorial(**{"pass": "wrong"})
    locked = api.get("/dids")

    assert [(401, "wrong-password")] * 5 == statuses
    assert (401, "locked-out") == locked.problem
    assert locked.headers["retry-after"]
    assert "try again in 15 minutes" in api.server.vicidial("list_dids")


def test_a_user_without_api_access_is_told_so(api):
    """The setting is named, like every other."""
    rights = {"api_allowed_functions": ["ALL"]}
    api.post("/users", {"user": "crm", "password": "secret", "user_group": "ADMIN", **rights})
    crm = Api(api.server, "crm", "secret")

    assert ["API Access must be 1"] == crm.get("/tokens").body["missing"]
    assert "API Access must be 1" in crm.get("/dids").body["missing"]


def test_a_token_opens_its_scopes(api):
    """It reads where it may read, and is told the scope that it lacks."""
    token = api.token("dids:read")

    assert 200 == token.get(did(SOURCE)).status
    refused = token.add("18005550100")
    assert (403, "not-permitted") == refused.problem
    assert ["Scopes of the token must contain dids:write"] == refused.body["missing"]
    assert (403, "not-permitted") == token.get("/users").problem
    assert (403, "not-permitted") == token.get("/log").problem


def test_a_token_is_no_way_to_more_tokens(api):
    """No scope opens the tokens."""
    token = api.token("dids:read", "dids:write", "users", "reports")

    assert (403, "not-permitted") == token.get("/tokens").problem
    assert (403, "not-permitted") == token.post("/tokens", {"name": "x", "scopes": ["users"]}).problem
    assert (403, "not-permitted") == token.ask("DELETE", "/tokens/1").problem


def test_a_token_never_gives_more_than_its_user_has(api):
    """Rights that the user loses are lost to the token at once."""
    rights = {"api_allowed_functions": ["ALL"], "vdc_agent_api_access": True}
    api.post("/users", {"user": "crm", "password": "secret", "user_group": "ADMIN", **rights})
    token = Api(api.server, "crm", "secret").token("dids:write")
    before = token.add("18005550100").status
    api.patch("/users/crm", {"modify_inbound_dids": False})
    limited = token.add("18005550101")
    api.patch("/users/crm", {"active": "N"})

    assert 201 == before
    assert ["Modify DIDs must be 1"] == limited.body["missing"]
    assert (401, "token-refused") == token.add("18005550102").problem


def test_a_prefix_limits_every_request(api):
    """Nothing beyond the prefix is listed, shown, made, changed, locked, exported or told of."""
    api.add("+442079460000")
    token = api.token("dids:read", "dids:write", "reports", pattern_prefix="+4420")
    hidden = [
        token.get(did(SOURCE)),
        token.get(f"{did(SOURCE)}/history"),
        token.patch(did(SOURCE), {"did_active": "N"}),
        token.ask("DELETE", did(SOURCE)),
        token.ask("PUT", f"{did(SOURCE)}/lock"),
        token.ask("DELETE", f"{did(SOURCE)}/lock"),
    ]
    refused = [
        token.add("18005550100"),
        token.get(f"/calls?number={SOURCE}&date=2026-03-04"),
        token.get("/log"),
    ]

    assert [(404, "did-not-found")] * len(hidden) == [reply.problem for reply in hidden]
    assert [(403, "not-permitted")] * len(refused) == [reply.problem for reply in refused]
    assert ["+442079460000"] == token.patterns()
    assert SOURCE not in token.get("/exports/dids.ndjson").text
    assert 201 == token.add("+442079460001").status
    assert 200 == token.patch(did("+442079460001"), {"did_active": "N"}).status
    assert 204 == token.ask("DELETE", did("+442079460001")).status


def test_a_revoked_token_is_refused(api):
    """At once, and the list says when that was."""
    token = api.token("dids:read")
    number = api.get("/tokens").body["items"][0]["token_id"]
    before = token.get("/dids").status
    revoked = api.ask("DELETE", f"/tokens/{number}").status

    assert (200, 204) == (before, revoked)
    assert (401, "token-refused") == token.get("/dids").problem
    assert api.get("/tokens").body["items"][0]["revoked_at"]
    assert (404, "token-not-found") == api.ask("DELETE", "/tokens/999").problem


def test_a_token_is_accepted_from_its_networks_alone(api):
    """The address counts."""
    near = api.token("dids:read", networks=["127.0.0.0/8"])
    far = api.token("dids:read", networks=["192.0.2.1"])

    assert 200 == near.get("/dids").status
    assert (403, "address-refused") == far.get("/dids").problem


@pytest.mark.parametrize(
    ("settings", "pointer"),
    [
        ({"scopes": ["everything"]}, "/scopes"),
        ({"networks": ["nowhere"]}, "/networks"),
        ({"networks": ["192.0.2.1/24"]}, "/networks"),
        ({"pattern_prefix": "a b"}, "/pattern_prefix"),
        ({"pattern_prefix": "1", "scopes": ["users"]}, "/pattern_prefix"),
        ({"expires_at": "2020-01-01T00:00:00Z"}, "/expires_at"),
        ({"name": "\t"}, "/name"),
    ],
)
def test_a_bad_token_is_not_made(api, settings, pointer):
    """The problem points at what is not allowed."""
    refused = api.post("/tokens", {"name": "x", "scopes": ["dids:read"], **settings})

    assert (422, "invalid-field") == refused.problem
    assert pointer == refused.body["pointer"]


def test_a_token_is_shown_once(api):
    """Neither the list, nor a repeated answer, nor the database has what it says."""
    body = {"name": "x", "scopes": ["dids:read"]}
    first = api.post("/tokens", body, key="k").body
    again = api.post("/tokens", body, key="k").body
    stored = str(api.server.sql("SELECT * FROM didier_tokens"))
    stored += str(api.server.sql("SELECT * FROM didier_idempotency"))

    assert {**first, "token": None} == again
    assert first["token"] not in stored
    assert first["token"] not in api.get("/tokens").text
    assert first["token"].startswith(first["hint"])


def test_tokens_of_others_ask_for_the_right_to_change_them(api):
    """An administrator makes and lists tokens of users; a user does not of the administrator."""
    rights = {"api_allowed_functions": ["ALL"], "vdc_agent_api_access": True}
    api.post("/users", {"user": "crm", "password": "secret", "user_group": "ADMIN", **rights})
    crm = Api(api.server, "crm", "secret")
    body = {"name": "x", "scopes": ["dids:read"]}
    made = api.post("/tokens", {**body, "user": "crm"})
    own = api.post("/tokens", body)

    assert ("crm", "admin") == (made.body["user"], made.body["created_by"])
    assert [made.body["token_id"]] == [one["token_id"] for one in crm.get("/tokens").body["items"]]
    assert 2 == len(api.get("/tokens?user=*").body["items"])
    assert (403, "not-permitted") == crm.post("/tokens", {**body, "user": "admin"}).problem
    assert (403, "not-permitted") == crm.get("/tokens?user=admin").problem
    assert (404, "token-not-found") == crm.ask("DELETE", f"/tokens/{own.body['token_id']}").problem
