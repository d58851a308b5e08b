"""What requests of the panel have to pass, and the headers of its answers."""

import pytest

CHANGE = '{"did_active": "N"}'


def test_pages_may_load_and_run_their_own_files_alone(admin):
    """The policy of a page allows no script in the page, no other server, and no frame around it."""
    headers = admin.get("/admin/dids").headers
    policy = headers["content-security-policy"]

    assert "default-src 'none'; script-src 'self'; style-src 'self' 'nonce-" in policy
    assert "form-action 'self'; base-uri 'none'; frame-ancestors 'none'" in policy
    assert "unsafe" not in policy
    assert ("nosniff", "DENY", "no-store") == tuple(
        headers[name] for name in ("x-content-type-options", "x-frame-options", "cache-control")
    )


@pytest.mark.parametrize("path", ["/admin/login", "/admin/dids", "/admin/no-such-page"])
def test_pages_have_no_script_and_style_in_them(admin, path):
    """What the policy would block is not there."""
    text = admin.get(path).text

    assert "<style" not in text
    assert "style=" not in text
    assert " onclick=" not in text
    assert "<script>" not in text
    assert "//" not in text.replace("http://www.w3.org", "")


def test_a_change_needs_the_token(admin, server):
    """Without the token of the page nothing is changed."""
    refused = [
        admin.send("PATCH", "/dids/18001234567", CHANGE, X_CSRF_Token=token).status
        for token in ("", "0" * 64)
    ]

    assert [403, 403] == refused
    assert "Y" == server.did("18001234567")["did_active"]


def test_a_change_with_the_token_is_made(admin, server):
    """With it the change is made, in the name of who is signed in, and logged as the panel's."""
    answer = admin.send("PATCH", "/dids/18001234567", CHANGE)

    assert 200 == answer.status, answer.text
    assert "N" == server.did("18001234567")["did_active"]
    assert [("admin", "admin-panel")] == server.sql("SELECT user, source FROM vicidial_api_log")


@pytest.mark.parametrize(
    "headers", [{"Sec_Fetch_Site": "cross-site"}, {"Origin": "http://elsewhere.example"}]
)
def test_other_sites_send_nothing(admin, server, headers):
    """What another site makes the browser send is refused, even with the token."""
    assert 403 == admin.send("PATCH", "/dids/18001234567", CHANGE, **headers).status
    assert 403 == admin.post("/admin/logout", {"csrf_token": admin.token}, **headers).status
    assert "Y" == server.did("18001234567")["did_active"]


def test_signing_in_and_out_need_the_token(browser, admin):
    """A form without the token neither signs in nor out."""
    fields = {"user": "admin", "password": "1234"}

    assert 403 == browser.post("/admin/login", fields).status
    assert 403 == admin.post("/admin/logout", {}).status
    assert 200 == admin.get("/admin/dids").status


def test_another_sign_in_beside_the_session_does_not_count(browser):
    """Name and password in a header open nothing here: the panel knows sessions alone."""
    basic = "Basic YWRtaW46MTIzNA=="

    assert 401 == browser.ask("GET", "/admin/api/v1/dids", Authorization=basic).status


def test_pages_are_only_shown(admin):
    """A page takes no other method than GET."""
    assert 405 == admin.post("/admin/dids", {"csrf_token": admin.token}).status


def test_what_is_not_there_is_said(admin):
    """An address without a page is answered with a page that leads back."""
    answer = admin.get("/admin/no-such-page")

    assert 404 == answer.status
    assert "Back to the first page" in answer.text
