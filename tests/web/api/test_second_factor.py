"""Second factors and own passwords over HTTP, at the JSON API and the Non-Agent API."""

import json

import pytest

from support.authenticator import CODE, set_up
from web.api.conftest import SOURCE, Api

SECOND_FACTOR = "/me/second-factor"


@pytest.fixture
def app(server):
    """The app of the administrator, who has set up a second factor."""
    return set_up(server)


# Doors ---------------------------------------------------------------------------------------------


def test_the_password_alone_is_refused(app, api):
    """A problem of its own says what is missing; it is no failure."""
    reply = api.get("/dids")

    assert (401, "second-factor-required") == reply.problem
    assert "www-authenticate" in reply.headers
    assert [(0,)] == api.server.sql("SELECT failed_login_count FROM vicidial_users WHERE user = 'admin'")


def test_the_code_comes_in_a_header(app, api):
    """It is good for one request."""
    code = app.shown()

    assert 200 == api.get("/dids", **{CODE: code}).status
    assert (401, "wrong-code") == api.get("/dids", **{CODE: code}).problem


def test_a_recovery_code_comes_in_the_same_header(app, api):
    """For who has lost the telephone."""
    assert 200 == api.get("/dids", **{CODE: app.recovery[0]}).status
    assert (401, "wrong-code") == api.get("/dids", **{CODE: app.recovery[0]}).problem


def test_a_request_that_signs_in_twice_takes_one_code(app, api):
    """A password is hashed for who may set one, and then stored: both are one request."""
    body = {"user": "crm", "password": "correct-horse", "user_group": "ADMIN"}

    assert 201 == api.ask("POST", "/users", body, {CODE: app.shown()}).status


def test_a_wrong_password_is_not_told_of_the_second_factor(app, server):
    """With any code or without, it is a wrong password."""
    api = Api(server, password="wrong")
    replies = [
        api.get("/dids"),
        api.get("/dids", **{CODE: "000000"}),
        api.get("/dids", **{CODE: app.shown()}),
    ]

    assert [(401, "wrong-password")] * 3 == [reply.problem for reply in replies]


def test_wrong_codes_lock_the_user_out_everywhere(app, api, server):
    """Ten of them, as with passwords."""
    for _ in range(10):
        api.get("/dids", **{CODE: "000000"})

    assert (401, "locked-out") == api.get("/dids", **{CODE: app.shown()}).problem
    assert "15 minutes" in server.vicidial("version_of_nothing")


def test_tokens_go_on_as_before(server, api):
    """They were made by who had signed in."""
    token = api.token("dids:read")
    set_up(server)

    assert 200 == token.get("/dids").status


def test_a_token_is_made_with_a_code(app, api):
    """This is how programs go on."""
    body = {"name": "CRM", "scopes": ["dids:read"]}
    made = api.ask("POST", "/tokens", body, {CODE: app.shown()})

    assert 201 == made.status
    assert 200 == Api(api.server, token=made.body["token"]).get("/dids").status


def test_the_non_agent_api_is_closed(app, server):
    """It cannot ask for a code: VICIdial's line for a missing second factor, or the tutorial's own."""
    assert "ERROR: Login incorrect, please try again: |admin|***|2FA|\n" == server.vicidial("list_dids")
    assert "ERROR: INVALID USERNAME OR PASSWORD\n" == server.tutorial()
    assert [SOURCE] == server.patterns()


def test_what_is_kept_open_on_purpose(server, api):
    """The password alone opens both APIs."""
    set_up(server, keeps_password=True)

    assert 200 == api.get("/dids").status
    assert server.tutorial().startswith("SUCCESS")


def test_without_the_key_it_is_said(app, api, server):
    """Codes cannot be checked; the log says which key, and what to do."""
    key = server.database.with_suffix(".key")
    text = key.read_bytes()
    key.unlink()
    try:
        reply = api.get("/dids", **{CODE: app.shown()})
    finally:
        key.write_bytes(text)
        key.chmod(0o600)

    assert (403, "second-factor-unchecked") == reply.problem
    assert "--no-second-factor" in server.logged()


# One's own -----------------------------------------------------------------------------------------


def test_who_i_am(api):
    """Everybody who signs in is shown, also without API access."""
    api.server.sql("UPDATE vicidial_users SET vdc_agent_api_access = '0' WHERE user = 'admin'")

    assert {"user": "admin", "user_level": 9, "user_group": "ADMIN", "second_factor": None} == api.get(
        "/me"
    ).body


def test_setting_up(api):
    """A secret, an address for apps and a picture of it; then the recovery codes, once."""
    app = set_up(api.server)
    me = api.get("/me", **{CODE: app.shown()}).body["second_factor"]

    assert (False, 10, 10) == (me["keeps_password"], me["recovery_codes_left"], len(set(app.recovery)))


def test_the_picture_is_an_image_that_pages_may_show(api):
    """An SVG in a data address, black on white whatever the page's colours are."""
    picture = api.post(SECOND_FACTOR, {"password": "1234"}).body["picture"]

    assert picture.startswith("data:image/svg+xml")
    assert "%23fff" in picture


def test_secrets_are_in_no_answer_that_is_repeated(api):
    """An idempotency key repeats that it was done, and stores no secret."""
    first = api.post(SECOND_FACTOR, {"password": "1234"}, key="k").body
    again = api.post(SECOND_FACTOR, {"password": "1234"}, key="k")

    assert {"secret": None, "uri": None, "picture": None} == again.body
    assert first["secret"] not in str(api.server.sql("SELECT * FROM didier_idempotency"))


def test_recovery_codes_are_repeated_in_no_answer(app, api):
    """They are shown once."""
    first = api.ask("POST", "/me/recovery-codes", None, {CODE: app.shown(), "Idempotency-Key": "k"})
    again = api.ask("POST", "/me/recovery-codes", None, {CODE: app.recovery[0], "Idempotency-Key": "k"})
    new = first.body["recovery_codes"]

    assert 10 == len(new)
    assert (401, "wrong-code") == again.problem  # that of the old list counts no more
    third = api.ask("POST", "/me/recovery-codes", None, {CODE: new[0], "Idempotency-Key": "k"})
    assert (200, None) == (third.status, third.body["recovery_codes"])


def test_a_wrong_password_sets_nothing_up(api):
    """The place is named."""
    reply = api.post(SECOND_FACTOR, {"password": "wrong"})

    assert ((403, "not-confirmed"), "/password") == (reply.problem, reply.body["pointer"])


def test_a_wrong_first_code_confirms_nothing(api):
    """The place is named."""
    api.post(SECOND_FACTOR, {"password": "1234"})
    reply = api.ask("PUT", SECOND_FACTOR, {}, {CODE: "000000"})

    assert ((403, "not-confirmed"), CODE) == (reply.problem, reply.body["pointer"])
    assert 200 == api.get("/dids").status


def test_ending_it(app, api):
    """The code that signs the request in is enough."""
    assert 204 == api.ask("DELETE", SECOND_FACTOR, None, {CODE: app.shown()}).status
    assert 200 == api.get("/dids").status
    assert (404, "no-second-factor") == api.ask("DELETE", SECOND_FACTOR).problem


def test_the_password_alone_ends_nothing(server, api):
    """Also where it is kept open for other things."""
    set_up(server, keeps_password=True)
    replies = [
        api.ask("DELETE", SECOND_FACTOR),
        api.ask("PUT", SECOND_FACTOR, {"keeps_password": True}),
        api.post("/me/recovery-codes"),
    ]

    assert [(403, "not-confirmed")] * 3 == [reply.problem for reply in replies]


def test_keeping_the_password_open_later(app, api):
    """With a code it is changed."""
    reply = api.ask("PUT", SECOND_FACTOR, {"keeps_password": True}, {CODE: app.shown()})

    assert (True, None) == (reply.body["keeps_password"], reply.body["recovery_codes"])
    assert 200 == api.get("/dids").status


OWN = [
    ("GET", "/me", None),
    ("PUT", "/me/password", {"password": "1234", "new_password": "another-one"}),
    ("POST", SECOND_FACTOR, {"password": "1234"}),
    ("PUT", SECOND_FACTOR, {}),
    ("DELETE", SECOND_FACTOR, None),
    ("POST", "/me/recovery-codes", None),
]


@pytest.mark.parametrize(("method", "path", "body"), OWN)
def test_no_token_opens_these(api, method, path, body):
    """Also one with all scopes; whose password it is must have been given."""
    token = api.token("dids:read", "dids:write", "reports", "users")

    assert (403, "not-permitted") == token.ask(method, path, body).problem


def test_own_password(api, server):
    """It takes the present one and no right."""
    server.sql("UPDATE vicidial_users SET modify_users = '0', user_level = 1 WHERE user = 'admin'")
    reply = api.ask("PUT", "/me/password", {"password": "1234", "new_password": "another-one"})

    assert (200, {"tokens_revoked": 0}) == (reply.status, reply.body)
    assert (401, "wrong-password") == api.get("/me").problem
    assert 200 == Api(server, password="another-one").get("/me").status
    assert [("admin", "ADMIN API CHANGE OWN PASSWORD")] == server.sql(
        "SELECT record_id, event_code FROM vicidial_admin_log"
    )


def test_own_password_takes_the_present_one(api):
    """Once more, in the body; the place is named."""
    reply = api.ask("PUT", "/me/password", {"password": "wrong", "new_password": "another-one"})

    assert ((403, "not-confirmed"), "/password") == (reply.problem, reply.body["pointer"])
    assert 200 == api.get("/me").status


def test_own_password_revokes_tokens_if_wanted(api, server):
    """Whoever may have read the password may have made them."""
    token = api.token("dids:read")
    body = {"password": "1234", "new_password": "another-one", "revoke_tokens": True}

    assert {"tokens_revoked": 1} == api.ask("PUT", "/me/password", body).body
    assert (401, "token-refused") == token.get("/dids").problem


def test_an_administrator_resets_a_second_factor(app, server, api):
    """Who may set the user's password may do it; then the password alone signs in."""
    boss = {"user": "boss", "password": "correct-horse", "user_group": "ADMIN"}
    api.ask("POST", "/users", boss, {CODE: app.shown()})
    server.sql(
        "UPDATE vicidial_users SET user_level = 9, view_reports = '1', modify_users = '1',"
        " delete_users = '1', modify_inbound_dids = '1', delete_inbound_dids = '1', ast_admin_access = '1',"
        " vdc_agent_api_access = '1', modify_same_user_level = '1', api_allowed_functions = ' ALL_FUNCTIONS '"
    )
    admin = Api(server, "boss", "correct-horse")

    assert 204 == admin.ask("DELETE", "/users/admin/second-factor").status
    assert 200 == api.get("/dids").status
    assert (404, "no-second-factor") == admin.ask("DELETE", "/users/admin/second-factor").problem


def test_nothing_secret_is_logged(server, api):
    """Neither codes, nor passwords, nor secrets, in the log or in the database."""
    app = set_up(server)
    codes = [app.shown(), app.shown(1)]
    api.get("/dids", **{CODE: codes[0]})
    body = json.dumps({"password": "1234", "new_password": "correct-horse-7"})
    changed = api.ask("PUT", "/me/password", body, {CODE: codes[1]})
    files = b"".join(file.read_bytes() for file in server.directory.glob("didier.db*"))
    written = server.logged().encode() + files

    assert 200 == changed.status
    assert [] == [
        text for text in (app.secret, app.recovery[0], "correct-horse-7") if text.encode() in written
    ]
    # Six digits may stand there by chance, in the fraction of a second: once, but not both times.
    assert not all(code.encode() in written for code in codes)
