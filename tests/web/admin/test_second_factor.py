"""Signing in to the panel with a second factor, and one's own profile, without a browser that draws them."""

import json

import pytest

from support.authenticator import CODE, set_up
from support.browsers import Browser

LOGIN = "/admin/login"
PAGE = f"{LOGIN}/code"


@pytest.fixture
def app(server):
    """The app of the administrator, who has set up a second factor."""
    return set_up(server)


def password(browser, next_="", **login):
    """Give the password; return the answer."""
    browser.get(LOGIN)
    fields = {"csrf_token": browser.token, "user": "admin", "password": "1234", "next": next_, **login}
    return browser.post(LOGIN, fields)


def code(browser, text, **fields):
    """Give the one-time code; return the answer."""
    return browser.post(PAGE, {"csrf_token": browser.token, "code": text, **fields})


def test_the_password_leads_to_the_code(app, browser):
    """There is no session yet."""
    answer = password(browser)

    assert (303, PAGE) == (answer.status, answer.headers["location"])
    assert "didier_session" not in browser.cookies
    assert 303 == browser.get("/admin/dids").status
    assert "One-time code" in browser.get(PAGE).text


def test_the_code_opens_the_panel(app, browser):
    """And leads to where one wanted to go; what stood between is taken away."""
    asked = password(browser, "/admin/dids?search=1")
    shown = browser.get(asked.headers["location"])
    answer = code(browser, app.shown(), next="/admin/dids?search=1")

    assert 'name="next" value="/admin/dids?search=1"' in shown.text
    assert (303, "/admin/dids?search=1") == (answer.status, answer.headers["location"])
    assert 200 == browser.get("/admin/dids").status
    assert "" == browser.cookies["didier_halfway"]


def test_a_recovery_code_opens_it_once(app, browser, server):
    """For who has lost the telephone."""
    password(browser)
    first = code(browser, app.recovery[0])
    other = Browser(server)
    password(other)

    assert (303, 401) == (first.status, code(other, app.recovery[0]).status)


def test_a_code_counts_once(app, browser, server):
    """Who looked over the shoulder is late."""
    text = app.shown()
    password(browser)
    code(browser, text)
    other = Browser(server)
    password(other)
    answer = code(other, text)

    assert 401 == answer.status
    assert "The code is wrong, or was used before." in answer.text
    assert "didier_session" not in other.cookies


def test_wrong_codes_lock_the_user_out(app, browser):
    """Ten of them; then the right one is too late."""
    password(browser)
    statuses = [code(browser, "000000").status for _ in range(10)]
    answer = code(browser, app.shown())

    assert [401] * 10 == statuses
    assert 429 == answer.status
    assert "15 minutes" in answer.text


def test_a_wrong_password_is_not_told_of_the_second_factor(app, browser):
    """It looks the same with and without one."""
    answer = password(browser, password="wrong")

    assert 401 == answer.status
    assert "Wrong user name or password." in answer.text


def test_the_page_for_the_code_comes_after_the_password(browser):
    """Whoever opens it first is led to the beginning."""
    answer = browser.get(PAGE)

    assert (303, LOGIN) == (answer.status, answer.headers["location"])


@pytest.mark.parametrize("kept", ["", "x", "0.AAAA", "\u00e9"])
def test_what_was_not_sealed_here_leads_back(app, browser, kept):
    """Nobody makes up that the password was right."""
    browser.get(LOGIN)
    browser.cookies["didier_halfway"] = kept
    answer = code(browser, app.shown())

    assert 303 == answer.status
    assert answer.headers["location"].startswith(f"{LOGIN}?late=1")
    assert "open too long" in browser.get(answer.headers["location"]).text


def test_it_holds_for_one_browser(app, browser, server):
    """What another browser was given is of no use."""
    password(browser)
    other = Browser(server)
    other.get(LOGIN)
    other.cookies["didier_halfway"] = browser.cookies["didier_halfway"]

    assert code(other, app.shown()).headers["location"].startswith(f"{LOGIN}?late=1")


def test_another_password_leads_back(app, browser, server):
    """What was right when it was given is not any more."""
    password(browser)
    server.sql("UPDATE vicidial_users SET pass = '', pass_hash = '$argon2id$other' WHERE user = 'admin'")

    assert code(browser, app.shown()).headers["location"].startswith(f"{LOGIN}?late=1")


def test_other_sites_cannot_send_the_code(app, browser):
    """The same guard as for the password."""
    password(browser)
    foreign = browser.post(
        PAGE, {"csrf_token": browser.token, "code": app.shown()}, Sec_Fetch_Site="cross-site"
    )
    forged = browser.post(PAGE, {"csrf_token": "x", "code": app.shown()})

    assert (403, 403) == (foreign.status, forged.status)
    assert 303 == code(browser, app.shown()).status


def test_the_password_is_asked_for_a_code_also_where_it_is_kept_open(server, browser):
    """What is kept open are the APIs."""
    set_up(server, keeps_password=True)

    assert PAGE == password(browser).headers["location"]


def test_sessions_go_on(admin, server):
    """Who sets it up stays signed in."""
    set_up(server)

    assert 200 == admin.get("/admin/dids").status


def test_without_the_key_it_is_said(app, browser, server):
    """Nobody is let in with the password alone, and nobody has to guess why."""
    key = server.database.with_suffix(".key")
    text = key.read_bytes()
    key.unlink()
    try:
        answer = password(browser)
    finally:
        key.write_bytes(text)
        key.chmod(0o600)

    assert 401 == answer.status
    assert "cannot be checked" in answer.text


# The profile ---------------------------------------------------------------------------------------


def test_everybody_has_a_profile(admin, server):
    """Also who has no right that opens another page."""
    server.sql(
        "UPDATE vicidial_users SET vdc_agent_api_access = '0', modify_users = '0', view_reports = '0',"
        " modify_inbound_dids = '0', api_allowed_functions = '' WHERE user = 'admin'"
    )

    assert 200 == admin.get("/admin/profile").status
    assert "/admin/profile" in admin.get("/admin/").text


def test_own_password_keeps_this_session_alone(admin, server):
    """All others of the user end."""
    other = Browser(server)
    other.sign_in()
    body = json.dumps({"password": "1234", "new_password": "another-one"})

    assert 200 == admin.send("PUT", "/me/password", body).status
    assert (200, 303) == (admin.get("/admin/dids").status, other.get("/admin/dids").status)
    assert 303 == Browser(server).sign_in(password="another-one").status


def test_guessing_the_password_with_a_session_locks_the_user_out(admin, server):
    """A session that was left open is no place to guess."""
    body = json.dumps({"password": "wrong", "new_password": "another-one"})
    statuses = {admin.send("PUT", "/me/password", body).status for _ in range(10)}
    right = admin.send("PUT", "/me/password", json.dumps({"password": "1234", "new_password": "another-one"}))

    assert ({403}, 403) == (statuses, right.status)
    assert "15 minutes" in server.tutorial()


def test_changes_with_a_session_take_a_code(app, admin_with_code):
    """A session that was left open ends nothing."""
    missing = admin_with_code.send("DELETE", "/me/second-factor", "")
    wrong = admin_with_code.send("DELETE", "/me/second-factor", "", **{CODE.replace("-", "_"): "000000"})
    right = admin_with_code.send("DELETE", "/me/second-factor", "", **{CODE.replace("-", "_"): app.fresh()})

    assert (403, 403, 204) == (missing.status, wrong.status, right.status)


@pytest.fixture
def admin_with_code(app, browser):
    """A browser in which the administrator has signed in with a code."""
    password(browser)
    assert 303 == code(browser, app.shown()).status
    browser.get("/admin/profile")
    return browser


def test_the_profile_says_how_many_recovery_codes_are_left(app, admin_with_code, server):
    """And advises to make new ones while there are some."""
    many = admin_with_code.get("/admin/profile").text
    server.sql("DELETE FROM didier_recovery_codes WHERE digest > '2'")
    server.sql("UPDATE didier_recovery_codes SET used_at = '2026-01-01 00:00:00'")
    none = admin_with_code.get("/admin/profile").text

    assert "10 of 10 recovery codes are left." in many
    assert "You have 0 of 10 recovery codes left." in none
