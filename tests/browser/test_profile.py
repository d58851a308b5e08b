"""One's own password and second factor, in Debian's Chromium."""

import re

import pytest

from browser.panel import Panel, barriers_on
from support.authenticator import App, set_up


@pytest.fixture
def panel(server, open_page):
    """The panel, with the administrator signed in."""
    return Panel(open_page(), server.url, drawn=False)


def complaints(page):
    """Return what the browser complains of; it has advice about password fields, and names refusals."""
    return [text for text in page.complaints if not text.startswith(("[DOM]", "Failed to load resource"))]


def begin(panel):
    """Begin to set up a second factor; return the app."""
    panel.open("/profile")
    panel.page.fill("#begin-password", "1234")
    panel.page.click("text=Set up a second factor")
    panel.page.wait_for_selector("#confirm-form:not([hidden])")
    return panel.page.input_value("#secret")


def password(page, url, next_=""):
    """Give the password on the sign-in page, and wait for the page that asks for the code."""
    page.goto(f"{url}/admin/{next_}" if next_ else f"{url}/admin/login")
    page.fill("#user", "admin")
    page.fill("#password", "1234")
    page.press("#password", "Enter")
    page.wait_for_selector("#code")


def code(page, text):
    """Give a code and wait for what comes."""
    page.fill("#code", text)
    with page.expect_navigation():
        page.press("#code", "Enter")


def test_a_second_factor_is_set_up_and_asked_for(server, panel, open_page):
    """Picture, code, recovery codes; then the code opens the panel, where one wanted to go."""
    app = App(server, begin(panel))
    picture = panel.page.evaluate("document.getElementById('picture').naturalWidth")
    panel.page.fill("#code", app.shown(-1))
    panel.page.click("text=Turn on the second factor")
    panel.page.wait_for_selector("#codes[open]")
    codes = panel.page.locator("#codes-list li").all_inner_texts()
    panel.page.click("#codes-close")
    panel.wait_for("The second factor is on.")
    page = open_page()
    password(page, server.url, "dids?search=1800")
    code(page, app.shown())

    assert picture > 100
    assert (10, 10) == (len(set(codes)), sum(bool(re.fullmatch(r"(\w{4}-){5}\w{4}", one)) for one in codes))
    assert page.url.endswith("/admin/dids?search=1800")
    assert "10 of 10 recovery codes are left." in panel.text()
    assert [] == complaints(panel.page) + complaints(page)


def test_recovery_codes_are_kept(server, panel):
    """As a file with one code a line; they are gone from the page afterwards."""
    app = App(server, begin(panel))
    page = panel.page
    page.fill("#code", app.shown())
    page.click("text=Turn on the second factor")
    page.wait_for_selector("#codes[open]")
    codes = page.locator("#codes-list li").all_inner_texts()
    with page.expect_download() as downloading:
        page.click("#codes-download")
    written = downloading.value.path().read_text()
    page.click("#codes-close")
    panel.wait_for("The second factor is on.")

    assert "".join(f"{one}\n" for one in codes) == written
    assert "didier-recovery-codes-admin.txt" == downloading.value.suggested_filename
    assert codes[0] not in page.content()


def test_a_wrong_code_confirms_nothing(panel):
    """It is said beside the field."""
    begin(panel)
    panel.page.fill("#code", "000000")
    panel.page.click("text=Turn on the second factor")
    panel.page.wait_for_selector("#code-problem:not(:empty)")

    assert "This is not the code that the app shows." == panel.text("#code-problem")


def test_a_recovery_code_signs_in(server, open_page):
    """For who has lost the telephone."""
    app = set_up(server)
    page = open_page()
    password(page, server.url)
    code(page, app.recovery[0])

    page.wait_for_selector("#content")


def test_wrong_codes_lock_out(server, open_page):
    """Each is said; after ten of them the right one is too late."""
    app = set_up(server)
    page = open_page()
    password(page, server.url)
    said = []
    for _ in range(10):
        code(page, "000000")
        said.append(page.inner_text("[role=alert]"))
    code(page, app.fresh())

    assert {"The code is wrong, or was used before."} == set(said)
    assert "Too many wrong passwords, try again in 15 minutes." == page.inner_text("[role=alert]")


@pytest.fixture
def secured(server, open_page):
    """The panel and the app of an administrator who has signed in with a code."""
    app = set_up(server)
    page = open_page()
    password(page, server.url)
    code(page, app.shown())
    panel = Panel.__new__(Panel)
    panel.page, panel.url = page, server.url
    panel.open("/profile")
    return panel, app


def test_a_second_factor_is_turned_off(secured, server):
    """With a code; then the password alone signs in."""
    panel, app = secured
    panel.page.fill("#code", app.fresh())
    panel.page.click("text=Turn off the second factor")
    panel.wait_for("The second factor is off.")

    assert server.tutorial().startswith("SUCCESS")


def test_a_second_factor_is_not_turned_off_with_a_wrong_code(secured):
    """It is said beside the field, and everything stays as it is."""
    panel, _ = secured
    panel.page.fill("#code", "000000")
    panel.page.click("text=Turn off the second factor")
    panel.page.wait_for_selector("#code-problem:not(:empty)")

    assert "The code is wrong, or was used before." == panel.text("#code-problem")


def test_new_recovery_codes(secured, server):
    """The old ones count no more."""
    panel, app = secured
    panel.page.fill("#code", app.recovery[0])
    panel.page.click("text=New recovery codes")
    panel.page.wait_for_selector("#codes[open]")
    panel.page.click("#codes-close")
    panel.wait_for("Your old recovery codes are no longer valid.")

    assert "10 of 10 recovery codes are left." in panel.text()


def test_the_password_is_kept_open(secured, server):
    """For scripts of VICIdial, on purpose."""
    panel, app = secured
    refused = server.tutorial()
    panel.page.check("[name=keeps_password]")
    panel.page.fill("#code", app.fresh())
    panel.page.click("text=Save")
    panel.wait_for("The change is saved.")

    assert not refused.startswith("SUCCESS")
    assert server.tutorial().startswith("SUCCESS")
    assert panel.page.is_checked("[name=keeps_password]")


def test_own_password(panel, server):
    """A user without any right changes it; the session stays, and tokens are revoked if wanted."""
    server.sql("UPDATE vicidial_users SET modify_users = '0' WHERE user = 'admin'")
    page = panel.page
    panel.open("/dids")
    page.click(".topbar-user")
    page.click("text=My profile")
    page.fill("#password", "wrong")
    page.fill("#new_password", "correct-horse")
    page.click("text=Change password")
    page.wait_for_selector("#password-problem:not(:empty)")
    said = panel.text("#password-problem")
    page.fill("#password", "1234")
    page.check("[name=revoke_tokens]")
    page.click("text=Change password")
    panel.wait_for("Your password is changed. 0 tokens were revoked.")

    assert "This is not your current password." == said
    assert server.tutorial(**{"pass": "correct-horse"}).startswith("SUCCESS")
    assert 200 == panel.open("/profile").status


def test_an_administrator_resets_a_second_factor(panel, server):
    """On the user's page, after being asked."""
    server.vicidial(
        "copy_user", agent_user="crm", agent_pass="1234", agent_full_name="CRM", source_user="admin"
    )
    [(user_id,)] = server.sql("SELECT user_id FROM vicidial_users WHERE user = 'crm'")
    server.sql(
        "INSERT INTO didier_second_factors VALUES (?, 'crm', 'x', '2026-01-01 00:00:00', 0, 0,"
        " '2026-01-01 00:00:00')",
        user_id,
    )
    server.sql("UPDATE vicidial_users SET modify_same_user_level = '1'")
    panel.open("/user/crm")
    panel.page.click("#reset")
    barriers = panel.barriers()
    panel.page.click("#resetting-yes")
    panel.wait_for("crm signs in with the password alone now.")

    assert [] == barriers
    assert [] == server.sql("SELECT * FROM didier_second_factors")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_nothing_keeps_people_from_it(server, open_page, scheme):
    """axe-core finds nothing grave on the pages, in either colours, on a telephone and on a desk."""
    found = []
    for width in (360, 1280):
        page = open_page(
            color_scheme=scheme, viewport={"width": width, "height": 740}, reduced_motion="reduce"
        )
        panel = Panel(page, server.url)
        panel.open("/profile")
        found += panel.barriers()
        begin(panel)
        found += panel.barriers()
        assert width >= page.evaluate("document.documentElement.scrollWidth")
    app = set_up(server)
    for width in (360, 1280):
        page = open_page(
            color_scheme=scheme, viewport={"width": width, "height": 740}, reduced_motion="reduce"
        )
        password(page, server.url)
        found += barriers_on(page)
        code(page, app.fresh())
        page.goto(f"{server.url}/admin/profile")
        found += barriers_on(page)
        page.fill("#code", app.fresh())
        page.click("text=New recovery codes")
        page.wait_for_selector("#codes[open]")
        found += barriers_on(page)
        assert width >= page.evaluate("document.documentElement.scrollWidth")

    assert [] == found
