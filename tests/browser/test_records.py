"""Users, logs, dashboard and console of the panel in Debian's Chromium."""

import json
import re
import shlex
import subprocess

import pytest

from browser.panel import Panel
from browser.test_panel import limited
from support.server import PATH
from support.usage import count_for

SOURCE = "18001234567"
PAGES = (
    "/dashboard", "/dashboard?days=30", "/users", "/users/new", "/user/admin", "/log", "/log?user=nobody",
    "/changes", "/console",
)  # fmt: skip


@pytest.fixture
def panel(server, open_page):
    """The panel, with the administrator signed in."""
    return Panel(open_page(), server.url, drawn=False)


def complaints(panel):
    """Return what the browser complains of; it has advice about password fields."""
    return [text for text in panel.page.complaints if not text.startswith("[DOM]")]


def make(panel, name, *functions, access="1", level="8"):
    """Make a user with the form as the tutorial describes it; the password is the name."""
    page = panel.page
    panel.open("/users")
    page.click("text=New user")
    page.fill("#user", name)
    page.fill("#password", name)
    page.select_option("#vdc_agent_api_access", access)
    page.select_option("#user_level", level)
    for function in functions:
        page.check(f"[name=function][value={function}]")
    page.click("text=Create the user")
    page.wait_for_url(f"**/admin/user/{name}")


def test_the_tutorials_user_is_set_up_and_copies(home, open_page):
    """API Access 1, User Level 8, copy_did allowed, Save Changes: then the tutorial's request succeeds."""
    panel = Panel(open_page(), home.url)
    page = panel.page
    make(panel, "crm-1", access="0")
    refused = home.tutorial(user="crm-1", **{"pass": "crm-1"})
    page.select_option("#vdc_agent_api_access", "1")
    page.select_option("#user_level", "8")
    page.check("[name=function][value=copy_did]")
    said = panel.text("#modify_inbound_dids-hint")
    page.click("text=Save Changes")
    panel.wait_for("The changes are saved.")

    assert "ERROR: USER DOES NOT HAVE PERMISSION TO USE THIS FUNCTION" == refused.strip()
    assert "Switched on, because copy_did needs it." == said
    assert "Modify DIDs was switched on, because copy_did needs it." in panel.text("#notes")
    assert "1" == page.input_value("#modify_inbound_dids")
    copied = home.tutorial(user="crm-1", **{"pass": "crm-1"})
    assert f"SUCCESS: {SOURCE} -> 18002223333 | DID Copied Successfully" == copied.strip()
    assert [] == complaints(panel)


def test_what_is_switched_off_stays_off(panel, server):
    """Who takes Modify DIDs away again is told what that means, and gets it."""
    page = panel.page
    make(panel, "crm-1", "ALL_FUNCTIONS")
    before = page.input_value("#modify_inbound_dids")
    page.uncheck("[name=function][value=ALL_FUNCTIONS]")
    page.check("[name=function][value=add_did]")
    page.select_option("#modify_inbound_dids", "0")
    said = panel.text("#modify_inbound_dids-hint")
    page.click("text=Save Changes")
    panel.wait_for("The changes are saved.")

    assert ("1", "0") == (before, page.input_value("#modify_inbound_dids"))
    assert "Without it the functions for DIDs are refused." == said
    assert "switched on" not in panel.text("#notes")
    assert [(" add_did ", "0")] == server.sql(
        "SELECT api_allowed_functions, modify_inbound_dids FROM vicidial_users WHERE user = 'crm-1'"
    )


def test_a_wrong_value_is_said_beside_its_field(panel, server):
    """In the services' words, and the field has the focus; nothing is made."""
    page = panel.page
    panel.open("/users/new")
    page.fill("#user", "crm one")
    page.fill("#password", "secret")
    page.click("text=Create the user")
    page.wait_for_selector("#user-problem:has-text('2 to 20 letters')")
    focused = page.evaluate("document.activeElement.id")
    page.fill("#user", "crm")
    page.fill("#user_group", "NOWHERE")
    page.click("text=Create the user")
    page.wait_for_selector(".is-invalid#user_group, #notes .alert-danger")

    assert "user" == focused
    assert "NOWHERE" in panel.text()
    assert [("admin",)] == server.sql("SELECT user FROM vicidial_users")


def test_a_user_is_locked_out_and_unlocked(panel, server):
    """Ten wrong passwords lock the user out; the panel shows it and ends it."""
    make(panel, "crm-1", "copy_did")
    for _ in range(10):
        server.tutorial(user="crm-1", **{"pass": "wrong"})
    refused = server.tutorial(user="crm-1", **{"pass": "crm-1"})
    panel.open("/users")
    in_list = panel.text("table")
    panel.page.click("text=crm-1")
    panel.page.wait_for_url("**/admin/user/crm-1")  # its scripts run
    panel.page.click("#unlock")
    panel.wait_for("crm-1 may sign in again.")

    assert "Too many login attempts" in refused
    assert "locked" in in_list
    assert "DID Copied Successfully" in server.tutorial(user="crm-1", **{"pass": "crm-1"})
    assert 0 == panel.page.locator("#unlock").count()


def test_a_password_is_set(panel, server):
    """The new one counts at once."""
    make(panel, "crm-1", "copy_did")
    panel.page.fill("#password-form [name=password]", "another")
    panel.page.click("text=Set password")
    panel.wait_for("The password is set.")

    assert "ERROR: INVALID USERNAME OR PASSWORD" == server.tutorial(user="crm-1", **{"pass": "crm-1"}).strip()
    assert "DID Copied Successfully" in server.tutorial(user="crm-1", **{"pass": "another"})


@pytest.mark.parametrize(("revoked", "status"), [(True, 401), (False, 200)])
def test_a_password_revokes_the_tokens_unless_it_is_told_not_to(panel, server, revoked, status):
    """The box is ticked; without it the token works on."""
    page = panel.page
    make(panel, "crm-1", "list_dids", "copy_did")
    page.click("#token-more summary")
    page.fill("#token-name", "Nightly")
    page.click("text=Create the token")
    page.wait_for_selector("#made[open]")
    headers = {"Authorization": f"Bearer {page.input_value('#made-token')}"}
    page.click("text=I have copied it")
    page.wait_for_selector("[name=revoke_tokens]:checked")
    page.wait_for_load_state()
    page.fill("#password-form [name=password]", "another")
    if not revoked:
        page.uncheck("[name=revoke_tokens]")
    page.click("text=Set password")
    panel.wait_for("The password is set.")

    assert revoked == ("The tokens are revoked." in panel.text("#notes"))
    assert (0 if revoked else 1) == page.locator("[name=revoke_tokens]").count()
    assert status == server.request("GET", "/api/v1/dids", headers=headers)[0]


def level_of_admin(server):
    return server.sql("SELECT user_level FROM vicidial_users WHERE user = 'admin'")[0][0]


def test_who_takes_something_from_themselves_is_asked(panel, server):
    """What is lost is named; Cancel and Escape change nothing and keep the form as it is."""
    page = panel.page
    panel.open("/user/admin")
    page.select_option("#user_level", "1")
    page.select_option("#view_reports", "0")
    page.uncheck("[name=function][value=ALL_FUNCTIONS]")
    page.check("[name=function][value=copy_did]")
    page.click("text=Save Changes")
    page.wait_for_selector("#losing[open]")
    named = page.locator("#losing-what li").all_inner_texts()
    focused = page.evaluate("document.activeElement.textContent")
    barriers = panel.barriers()
    page.click("#losing-no")
    panel.wait_for("Nothing was changed.")
    page.click("text=Save Changes")
    page.wait_for_selector("#losing[open]")
    page.keyboard.press("Escape")
    page.wait_for_selector("#losing", state="hidden")

    assert [
        "User Level 9 (it becomes 1)",
        "View Reports",
        "Allowed API Functions: ALL (only copy_did from now on)",
    ] == named
    assert ("Cancel", []) == (focused, barriers)
    assert ("1", 9) == (page.input_value("#user_level"), level_of_admin(server))
    assert [] == complaints(panel)


def test_who_insists_changes_their_own_user(panel, server):
    """Level 1 is the end of the session; somebody else may still manage users."""
    limited(server)
    page = panel.page
    panel.open("/user/admin")
    page.select_option("#user_level", "1")
    page.click("text=Save Changes")
    page.click("#losing-yes")
    page.wait_for_url("**/admin/login**")

    assert 1 == level_of_admin(server)


def test_nobody_is_asked_about_what_is_no_loss(panel, server):
    """Neither of one's own name, nor of another user's rights."""
    page = panel.page
    panel.open("/user/admin")
    page.fill("#full_name", "Ann")
    page.click("text=Save Changes")
    panel.wait_for("The changes are saved.")
    make(panel, "crm-1", "copy_did")
    page.select_option("#user_level", "1")
    page.click("text=Save Changes")
    panel.wait_for("The changes are saved.")

    assert [("admin", "Ann", 9), ("crm-1", "crm-1", 1)] == server.sql(
        "SELECT user, full_name, user_level FROM vicidial_users ORDER BY user"
    )


def test_a_token_is_shown_once_and_revoked(panel, server):
    """It opens the JSON API until it is revoked; what it says is in no page afterwards."""
    page = panel.page
    panel.open("/user/admin")
    page.click("#token-more summary")
    page.click("text=Create the token")
    page.wait_for_selector("#token-name-problem:not(:empty)")
    page.fill("#token-name", "Script of the night")
    page.fill("#token-prefix", "1800")
    page.click("text=Create the token")
    page.wait_for_selector("#made[open]")
    token = page.input_value("#made-token")
    headers = {"Authorization": f"Bearer {token}"}
    works = server.request("GET", "/api/v1/dids", headers=headers)[0]
    page.click("text=I have copied it")
    page.wait_for_selector("[data-revoke]")
    page.wait_for_load_state()  # its scripts run
    kept = token in page.content()
    page.click("[data-revoke]")
    page.click("#revoking-yes")
    panel.wait_for("The token is revoked.")

    assert (200, False, 401) == (works, kept, server.request("GET", "/api/v1/dids", headers=headers)[0])
    assert "1800…" in panel.text("table")


def test_the_console_sends_what_it_shows(panel, server, tmp_path):
    """The tutorial's request is sent and answered; its curl line and Postman collection are the same."""
    page = panel.page
    panel.open("/console")
    page.fill("#c-pass", "1234")
    masked = panel.text("#curl"), panel.text("#url")
    page.click("#console [type=submit]")
    page.wait_for_selector("#answer:not([hidden])")
    answer = panel.text("#answer")
    page.fill("[name=new_did_pattern]:enabled", "18002224444")
    page.check("#reveal")
    curl = panel.text("#curl")
    with page.expect_download() as download:
        page.click("#postman")
    collection = json.loads(download.value.path().read_text())
    ran = subprocess.run(
        ["curl", "--silent", *shlex.split(curl)[1:]], capture_output=True, text=True, check=True
    ).stdout

    assert f"SUCCESS: {SOURCE} -> 18002223333 | DID Copied Successfully" == answer
    assert ["pass=***" in text for text in masked] == [True, True]
    assert "1234&" not in masked[0].replace("18001234567", "")
    assert f"SUCCESS: {SOURCE} -> 18002224444 | DID Copied Successfully" == ran.strip()
    assert "{{pass}}" in collection["item"][0]["request"]["url"]["raw"]
    assert "1234" not in json.dumps(collection).replace(SOURCE, "")
    sent = [url for url in panel.asked if PATH in url]
    assert [f"{server.url}{PATH}"] == sent  # the password is in no address
    assert [] == complaints(panel)


def test_the_console_has_every_function(panel):
    """Another function brings its own parameters; one that needs no user asks for none."""
    page = panel.page
    panel.open("/console")
    page.fill("#c-pass", "1234")
    page.select_option("#form", "user_details")
    page.fill("[name=agent_user]:enabled", "admin")
    page.click("#console [type=submit]")
    page.wait_for_selector("#answer:has-text('admin|')")
    details = panel.text("#answer")
    page.select_option("#form", "version")
    page.click("#console [type=submit]")
    page.wait_for_selector("#answer:has-text('VERSION')")

    assert details.startswith("admin|")
    assert not page.is_visible("#c-pass")
    assert f"{PATH}?function=version" in panel.text("#url")


def test_the_logs_tell_what_was_done(panel, server):
    """From the line of a copy to its batch; filters are in the address of the page."""
    server.tutorial()
    server.tutorial(did="18009999999")
    panel.open("/log")
    panel.page.select_option("#filter-result", "SUCCESS")
    panel.page.wait_for_url("**/admin/log?result=SUCCESS")
    found = panel.text("table")
    panel.page.click("[aria-label='Batch 1']")
    panel.page.wait_for_url("**/admin/batches/1")
    panel.open("/changes?type=COPY")

    assert ("DID Copied Successfully" in found, "DID PATTERN NOT FOUND" in found) == (True, False)
    assert "ADMIN API COPY DIDS" in panel.text("table")


def test_a_user_without_view_reports_sees_no_logs(server, open_page):
    """Neither menu, nor page, nor figures."""
    server.tutorial()
    limited(server, view_reports="'0'", ast_admin_access="'0'")

    panel = Panel(open_page(), server.url, "limited")
    menu = panel.text("nav")
    statuses = [panel.open(path).status for path in ("/log", "/changes", "/users", "/dashboard/called")]
    panel.open("/dashboard")
    panel.page.wait_for_selector(".dashboard[data-done]")

    destinations = "DESTINATIONS In-groups Call menus Phones Servers Schedules Gateways"
    assert f"Dashboard Live calls DIDs Check Copy Batches {destinations} API console JSON API" == menu
    assert [403] * 4 == statuses
    assert ["active", "routes", "nowhere", "copies"] == panel.page.eval_on_selector_all(
        "[data-part]", "parts => parts.map(part => part.id.replace('part-', ''))"
    )


def test_the_dashboard_draws_what_it_counts(own_server, open_page):
    """A chart of each table, in the colours of the theme; a number without a DID leads to its copy."""
    panel = Panel(open_page(), own_server.url)
    page = panel.page
    own_server.tutorial()
    own_server.tutorial()
    own_server.sql(
        "INSERT INTO vicidial_did_log (uniqueid, channel, server_ip, extension, call_date, did_id)"
        " VALUES ('u', 'c', '1', '18009990000', datetime('now', 'localtime', '-2 days'), ''),"
        " ('v', 'c', '1', '18001234567', datetime('now', 'localtime', '-2 days'), '1')"
    )
    count_for(own_server)
    panel.open("/dashboard?days=30")  # the seven days were counted after signing in
    page.wait_for_selector(".dashboard[data-done]")
    page.wait_for_selector("#part-strangers svg")
    drawn = page.eval_on_selector_all(
        "[data-part]:has(.chart svg)", "found => found.map(one => one.id.replace('part-', ''))"
    )
    page.click("#theme")
    page.wait_for_selector("#part-routes svg")
    page.click("text=Provision like…")
    page.wait_for_url("**/admin/copy?targets=18009990000")

    assert ["active", "unknown", "routes", "copies", "refusals", "calls", "called", "strangers"] == drawn
    assert "18009990000" == page.input_value("#targets")
    assert [] == complaints(panel)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_nothing_keeps_people_out(own_server, open_page, scheme):
    """On no page axe-core finds a serious violation; nothing comes from elsewhere or is too wide."""
    own_server.tutorial()
    own_server.tutorial()
    page = open_page(color_scheme=scheme, reduced_motion="reduce")
    panel = Panel(page, own_server.url)
    found = {}
    for path in PAGES:
        panel.open(path)
        if path.startswith("/dashboard"):
            page.wait_for_selector(".dashboard[data-done]")
        if path == "/user/admin":
            page.click("#token-more summary")
        if barriers := panel.barriers():
            found[path] = barriers
        page.set_viewport_size({"width": 360, "height": 740})
        if page.evaluate("document.documentElement.scrollWidth > innerWidth"):
            found[f"{path} at 360 px"] = ["is wider than the window"]
        page.set_viewport_size({"width": 1280, "height": 900})

    assert {} == found
    assert {own_server.url} == {
        re.match(r"\w+://[^/]+", url)[0] for url in panel.asked if not url.startswith("data:")
    }
    assert [] == complaints(panel)
