"""In-groups, call menus, phones and servers in Debian's Chromium."""

import pytest

from browser.panel import Panel

SOURCE = "18001234567"


@pytest.fixture
def panel(server, open_page):
    """The panel, with the administrator signed in."""
    return Panel(open_page(), server.url, drawn=False)


def create(panel, path, **columns):
    """Create a thing by the form."""
    panel.open(f"/{path}/new")
    for column, value in columns.items():
        panel.page.fill(f"#{column}", value)
    panel.page.click("text=Create the")
    panel.wait_for("was created.")


def test_a_did_leads_to_a_new_in_group(server, panel):
    """Created, chosen in the form of a DID, deleted by force alone: nobody writes SQL."""
    page = panel.page
    panel.open("/in-groups")
    panel.follow("text=Create an in-group")
    page.fill("#group_id", "SALES")
    page.click("text=Create the in-group")
    missing = page.wait_for_selector("#group_name-problem:not(:empty)").inner_text()
    page.fill("#group_name", "Sales line")
    page.click("text=Create the in-group")
    panel.wait_for("The in-group SALES was created.")
    panel.open(f"/did/{SOURCE}/edit")
    page.select_option("#did_route", "IN_GROUP")
    page.fill("#group_id", "SALES")
    page.click("text=Save changes")
    panel.wait_for("The changes are saved.")
    leads = panel.text(".lead-in")
    panel.open("/in-group/SALES")
    page.click("#delete")
    page.click("#deletion-yes")
    page.wait_for_selector("#deletion-force:not([hidden])")
    refused = panel.text("#deletion-problem")
    page.check("#deletion-force input")
    page.click("#deletion-yes")
    panel.wait_for("The in-group SALES was deleted.")

    assert "group_name '' is not allowed: 2 to 30 characters." == missing
    assert "Calls go to in-group SALES." == leads
    assert f"In-group SALES is in use by DID {SOURCE}." == refused
    assert [] == server.sql("SELECT group_id FROM vicidial_inbound_groups")


def test_a_menu_gets_options(server, panel):
    """Added, refused at their place, removed and kept; the choices fit the route."""
    page = panel.page
    create(panel, "in-groups", group_id="SALES", group_name="Sales line")
    create(panel, "call-menus", menu_id="MAIN", menu_name="Main menu", menu_timeout="5", menu_repeat="1")
    page.click("text=Add an option")
    page.select_option("[data-column=option_value]", "1")
    page.fill("[data-column=option_route_value]", "GHOST")
    page.click("text=Save changes")
    refused = page.wait_for_selector("#options-problem:not(:empty)").inner_text()
    page.fill("[data-column=option_route_value]", "SAL")
    page.wait_for_selector("datalist option[value=SALES]", state="attached")
    page.fill("[data-column=option_route_value]", "SALES")
    page.click("text=Add an option")
    page.locator("[data-column=option_value]").nth(1).select_option("TIMEOUT")
    page.locator("[data-column=option_route]").nth(1).select_option("HANGUP")
    page.click("text=Save changes")
    panel.wait_for("The changes are saved.")
    both = server.sql("SELECT option_value, option_route, option_route_value FROM vicidial_call_menu_options")
    page.locator("[data-remove]").first.click()
    page.click("text=Save changes")
    panel.wait_for("TIMEOUT")
    page.wait_for_function("document.querySelectorAll('#options .option').length === 1")
    kept = server.sql("SELECT menu_timeout, menu_repeat FROM vicidial_call_menu")

    assert "there is no such in-group" in refused
    assert {("1", "INGROUP", "SALES"), ("TIMEOUT", "HANGUP", "")} == set(both)
    assert [(5, 1)] == kept


@pytest.mark.parametrize("width", [360, 1280])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_nothing_keeps_people_out(server, panel, width, scheme):
    """Lists and forms, filled and empty, have no barriers, and fit a telephone."""
    page = panel.page
    page.set_viewport_size({"width": width, "height": 800})
    page.emulate_media(color_scheme=scheme)
    empty = [panel.open("/call-menus"), *panel.barriers()]
    server.sql("INSERT INTO servers (server_id, server_ip) VALUES ('one', '192.0.2.10')")
    server.sql("INSERT INTO phones (extension, server_ip, fullname) VALUES ('gs102', '192.0.2.10', 'Desk')")
    server.sql("INSERT INTO vicidial_call_menu (menu_id, menu_name) VALUES ('MAIN', 'Main menu')")
    server.sql(
        "INSERT INTO vicidial_call_menu_options (menu_id, option_value, option_route, option_route_value)"
        " VALUES ('MAIN', '1', 'DID', '18001234567')"
    )
    found = {}
    for path in ("/call-menus", "/call-menu/MAIN", "/phones", "/phone/gs102/192.0.2.10", "/server/one"):
        panel.open(path)
        wide = page.evaluate("document.documentElement.scrollWidth > innerWidth")
        found[path] = [*panel.barriers(), *(["too wide"] if wide else [])]

    assert [] == empty[1:]
    assert {path: [] for path in found} == found
    assert [] == page.complaints
