"""What users choose for themselves: columns, filters, what becomes of a file, their profile; in Chromium."""

import pytest

from browser.panel import Panel
from browser.test_lists import add
from web.api.conftest import Api

FILE = "Rufnummer,City,Carrier\n{},Boston,ACME\n"


@pytest.fixture
def panel(home, open_page):
    """The panel in each home, with ten DIDs besides the tutorial's."""
    add(home, "18005550000-18005550009")
    return Panel(open_page(), home.url)


def test_columns_are_chosen(home, panel, open_page):
    """They are the user's own, stay, and can be the usual ones again."""
    panel.open("/dids?search=1800555")
    panel.page.click("#choose-columns")
    panel.page.uncheck("#columns [value=copied_from]")
    panel.page.check("#columns [value=did_carrier_description]")
    panel.page.check("#columns [value=tags]")
    panel.page.click("#columns [type=submit]")
    panel.page.wait_for_selector("th:has-text('DID Carrier Description')")
    chosen, row = panel.text("thead"), panel.text("tbody tr:first-child")
    panel.open("/dids")
    again = panel.text("thead")
    panel.page.click("#choose-columns")
    panel.page.click("#columns-usual")
    panel.page.click("#columns [type=submit]")
    panel.page.wait_for_selector("th:has-text('Copied from')")

    assert "CHOOSE NUMBER DESCRIPTION STATE CALLS GO TO GROUP DID CARRIER DESCRIPTION TAGS" in chosen.upper()
    assert "Carrier 1 old" in row
    assert again == chosen
    assert "TAGS" not in panel.text("thead").upper()
    assert [] == panel.page.complaints


def test_no_column_is_too_few(panel):
    """It is said in the dialog, and nothing is stored."""
    panel.open("/dids")
    panel.page.click("#choose-columns")
    for box in panel.page.query_selector_all("#columns [data-usual]"):
        box.uncheck()
    panel.page.click("#columns [type=submit]")

    assert "Choose one at least." == panel.text("#columns-problem")


def test_a_filter_is_saved_for_everybody_and_deleted(home, panel, open_page):
    """It leads to its list, also for another user, who cannot delete it."""
    Api(home).post("/users", {
        "user": "second", "password": "another-word", "user_group": "ADMIN", "user_level": 8,
        "vdc_agent_api_access": True, "view_reports": True, "api_allowed_functions": ["list_dids"],
    })  # fmt: skip
    panel.open("/dids?tag=old&sort=-did_pattern")
    panel.page.click("#save-filter")
    panel.page.click("#saving [type=submit]")
    unnamed = panel.text("#saving-problem")
    panel.page.fill("#saving-name", "Old ones")
    panel.page.check("#saving [name=shared]")
    panel.page.click("#saving [type=submit]")
    panel.wait_for("The filter “Old ones” is saved.")
    other = Panel(open_page(), home.url, "second", "another-word")
    other.open("/dids")
    other.page.click("text=Saved filters")
    told = other.text(".saved-menu")
    deletable = other.page.is_visible("[data-forget]")
    other.page.click(".saved-menu >> text=Old ones")
    other.page.wait_for_url("**/dids?tag=old&sort=-did_pattern")
    listed = other.text("tbody tr:first-child")
    panel.page.click("text=Saved filters")
    panel.page.click("[data-forget='Old ones']")
    panel.wait_for("The filter “Old ones” is deleted.")
    panel.page.click("text=Saved filters")

    assert "Enter a name." == unnamed
    assert ("Old ones by admin", False) == (told, deletable)
    assert "18005550009" in listed
    assert "None yet." in panel.text(".saved-menu")
    assert [] == panel.page.complaints


def choose(panel, number):
    """Choose a file with one number at the page that copies."""
    panel.open("/copy")
    panel.page.fill("#source", "18001234567")
    content = FILE.format(number).encode()
    panel.page.set_input_files("#file", {"name": "dids.csv", "mimeType": "text/csv", "buffer": content})
    panel.page.wait_for_selector("#table:not([hidden])")


def test_what_became_of_a_files_columns_is_remembered(home, panel):
    """After the first file was copied the second with its headers is read alike, and the page says so."""
    choose(panel, "18007770001")
    first = panel.text("#table-said")
    panel.page.select_option("#column-0", "number")
    panel.page.select_option("#column-2", "did_carrier_description")
    panel.page.click("#preview")
    panel.page.wait_for_selector("#make:not([hidden])")
    panel.make()
    choose(panel, "18007770002")
    said = panel.text("#table-said")
    becomes = [panel.page.input_value(f"#column-{place}") for place in range(3)]
    panel.page.click("#preview")
    panel.page.wait_for_selector("#make:not([hidden])")
    panel.make()

    assert "last file" not in first
    assert said.endswith("The columns become what they became for your last file with these headers.")
    assert ["number", "ignore", "did_carrier_description"] == becomes
    assert "ACME" == Api(home).get("/dids/18007770002").body["did_carrier_description"]
    assert [] == panel.page.complaints


def test_the_profile_says_who_one_is_and_makes_tokens(panel):
    """What one may do, to be read alone; a token of one's own is created and revoked."""
    panel.open("/profile")
    told = panel.text(".values")
    panel.page.click("#token-more summary")
    panel.page.fill("#token-name", "CRM")
    panel.page.click("#token-form [type=submit]")
    panel.page.wait_for_selector("#made[open]")
    token = panel.page.input_value("#made-token")
    panel.page.click("#made-close")
    panel.page.wait_for_selector("[data-revoke]")
    panel.page.click("[data-revoke]")
    panel.page.click("#revoking-yes")
    panel.wait_for("The token is revoked.")

    assert "User admin Full name Administrator User Group ADMIN User Level 9 API Access yes" in told
    assert token.startswith("didier_")
    assert [] == panel.page.complaints


def test_help_leads_to_the_guide_of_the_page(panel):
    """In a tab of its own, at its section."""
    panel.open("/dids")
    with panel.page.expect_popup() as opened:
        panel.page.click("[aria-label='Help for this page']")

    assert opened.value.url.endswith("/docs/guide/panel#find")
    assert "Find" in opened.value.inner_text("h2#find")


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("opener", ["#choose-columns", "#save-filter", "text=Saved filters"])
def test_nothing_keeps_people_from_it(server, open_page, scheme, opener):
    """axe-core finds nothing serious in the dialogs and the menu, in light and dark."""
    panel = Panel(open_page(color_scheme=scheme), server.url, drawn=False)
    Api(server).ask("PUT", "/me/preferences", {"kind": "filter", "name": "Mine", "value": {"active": "Y"}})
    panel.open("/dids?active=Y")
    panel.page.click(opener)

    assert [] == panel.barriers()
