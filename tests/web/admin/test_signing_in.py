"""Signing in to the panel, sessions, and what ends them."""

import pytest

LOGIN = "/admin/login"


def test_a_user_signs_in(browser):
    """Name and password open the pages; the cookie is out of reach of scripts and other sites."""
    browser.get(LOGIN)

    answer = browser.post(LOGIN, {"csrf_token": browser.token, "user": "admin", "password": "1234"})

    assert (303, "/admin/") == (answer.status, answer.headers["location"])
    assert 200 == browser.get("/admin/dids").status
    assert 32 < len(browser.cookies["didier_session"])


def test_the_cookie_is_out_of_reach(browser):
    """Scripts and other sites do not get it; what a client says about TLS is only text."""
    said = browser.ask("GET", LOGIN, X_Forwarded_Proto="https").headers["set-cookie"]

    assert said.endswith("; Path=/admin; Max-Age=43200; HttpOnly; SameSite=Lax")


@pytest.mark.parametrize("path", ["/admin", "/admin/", "/admin/dids", "/admin/dids?search=1&sort=did_id"])
def test_pages_ask_to_sign_in_first(browser, path):
    """Without a session a page leads to the sign-in page, and from there to where one wanted to go."""
    answer = browser.get(path)

    assert 303 == answer.status
    assert answer.headers["location"].startswith(f"{LOGIN}?next=/admin")


@pytest.mark.parametrize(
    "wanted", ["//elsewhere.example/", "https://elsewhere.example/", "/admin/\\x\r\nA: b"]
)
def test_signing_in_leads_nowhere_else(browser, wanted):
    """An address of another site is not gone to after signing in."""
    browser.get(LOGIN)

    answer = browser.post(
        LOGIN, {"csrf_token": browser.token, "user": "admin", "password": "1234", "next": wanted}
    )

    assert "/admin/" == answer.headers["location"]


def test_a_wrong_password_is_refused(browser):
    """The page says so, in the words of the services."""
    answer = browser.sign_in(password="wrong")

    assert 401 == answer.status
    assert "Wrong user name or password." in answer.text
    assert "didier_session" not in browser.cookies


def test_the_lock_is_shared_with_the_apis(browser, server):
    """Wrong passwords at the panel lock the user for the APIs too, and those of the APIs for the panel."""
    for _ in range(5):
        browser.sign_in(password="wrong")
        server.tutorial(**{"pass": "wrong"})

    assert "15 minutes" in server.tutorial()
    assert "15 minutes" in browser.sign_in().text


def test_a_low_level_is_not_enough(browser, server):
    """Users below level 8 do not sign in."""
    server.sql("UPDATE vicidial_users SET user_level = 7 WHERE user = 'admin'")

    assert 401 == browser.sign_in().status


def test_signing_out_ends_the_session(admin):
    """After signing out the cookie opens nothing, whoever kept it."""
    kept = dict(admin.cookies)

    answer = admin.post("/admin/logout", {"csrf_token": admin.token})

    assert (303, LOGIN) == (answer.status, answer.headers["location"])
    admin.cookies.update(kept)
    assert 303 == admin.get("/admin/dids").status


def test_what_is_stored_is_no_key(admin, server):
    """The database has neither the secret of the cookie nor the password."""
    stored = str(server.sql("SELECT * FROM didier_sessions"))

    assert admin.cookies["didier_session"] not in stored
    assert "1234'" not in stored


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE vicidial_users SET pass = '', pass_hash = '$argon2id$other' WHERE user = 'admin'",
        "UPDATE vicidial_users SET active = 'N' WHERE user = 'admin'",
        "UPDATE vicidial_users SET user_level = 7 WHERE user = 'admin'",
        "UPDATE didier_sessions SET used_at = '2020-01-01 00:00:00'",
        "UPDATE didier_sessions SET created_at = '2020-01-01 00:00:00'",
        "DELETE FROM didier_sessions",
    ],
    ids=["password", "inactive", "level", "idle", "absolute", "gone"],
)
def test_sessions_end(admin, server, change):
    """Another password, a user who may not sign in any more, or time ends sessions at once, everywhere."""
    server.sql(change)

    page, script = admin.get("/admin/dids"), admin.send("GET", "/dids", "")

    assert (303, 401) == (page.status, script.status)
    assert "www-authenticate" not in script.headers


def test_a_right_that_is_taken_away_counts_at_once(admin, server):
    """The user's row is read with every request."""
    server.sql("UPDATE vicidial_users SET modify_inbound_dids = '0', view_reports = '0' WHERE user = 'admin'")

    page, script = admin.get("/admin/dids"), admin.send("PATCH", "/dids/18001234567", '{"did_active": "N"}')

    assert (403, 403) == (page.status, script.status)
    assert "Modify DIDs must be 1" in page.text
    assert 'href="/admin/dids"' not in page.text
    assert "18001234567" not in page.text
