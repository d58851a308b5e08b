"""Gateway sets in Debian's Chromium."""

import pytest

from browser.panel import Panel

SOURCE = "18001234567"
PHONE, DESK = {"width": 360, "height": 740}, {"width": 1280, "height": 900}


@pytest.fixture(params=[PHONE, DESK], ids=["phone", "desk"])
def panel(request, home, open_page):
    """The panel of a server in each home, with the administrator signed in."""
    return Panel(open_page(viewport=request.param), home.url, drawn=False)


def cell(panel, part, row, column):
    return panel.page.locator(f"#{part} tr").nth(row).locator(f"[data-column={column}]")


def press(panel, *keys):
    for key in keys:
        panel.page.keyboard.press(key)


def test_from_a_new_set_to_where_calls_go(panel):
    """Two gateways and a rule by the keyboard, corrected, named by a DID, and kept while it names them."""
    page = panel.page
    panel.open("/gateways")
    page.focus("text=Create a gateway set")
    with page.expect_navigation(wait_until="load"):
        press(panel, "Enter")
    page.focus("#name")
    page.keyboard.type("london")
    cell(panel, "gateways", 0, "address").focus()
    page.keyboard.type("10.0.0.5")
    page.focus("[data-add=gateways]")
    press(panel, "Enter")
    page.keyboard.type("pbx;lr")
    press(panel, "Tab")
    page.keyboard.type("5")
    page.focus("[data-add=rules]")
    press(panel, "Enter")
    page.keyboard.type("1900")
    page.focus("text=Create the gateway set")
    press(panel, "Enter")
    wrong = page.wait_for_selector("#gateways-problem:not(:empty)").inner_text()
    focused = page.evaluate("document.activeElement.value")
    press(panel, "Control+a")
    page.keyboard.type("pbx.example.com")
    press(panel, "Enter")
    panel.wait_for("The gateway set london was created.")
    addresses = [cell(panel, "gateways", row, "address").input_value() for row in (0, 1)]
    prefix = cell(panel, "rules", 0, "prefix").input_value()
    panel.open(f"/did/{SOURCE}/edit")
    page.fill("#gateway_set", "london")
    page.click("text=Save changes")
    panel.wait_for("The changes are saved.")
    panel.open(f"/did/{SOURCE}/route")
    edge = panel.text("#edge")
    panel.follow("#edge a")
    page.click("#delete")
    page.click("#deletion-yes")
    page.wait_for_selector("#deletion-problem:not([hidden])")
    kept = panel.text("#deletion-problem")

    assert "a SIP address, such as" in wrong
    assert "pbx;lr" == focused
    assert ["sip:10.0.0.5:5060", "sip:pbx.example.com:5060"] == addresses
    assert "1900" == prefix
    assert "A SIP edge sends its calls to set 1 (london): sip:pbx.example.com:5060" in edge
    assert f"is in use by DID {SOURCE}" in kept


def test_rows_are_taken_out(panel):
    """What is left is stored; rows in which nothing stands are not."""
    page = panel.page
    panel.open("/gateways/new")
    page.fill("#name", "paris")
    for row, host in enumerate(("a", "b", "c")):
        if row:
            page.click("[data-add=gateways]")
        cell(panel, "gateways", row, "address").fill(host)
    page.locator("#gateways tr").nth(1).locator("[data-remove]").click()
    page.click("[data-add=gateways]")
    page.click("[data-add=rules]")
    page.check("#default")
    page.click("text=Create the gateway set")
    panel.wait_for("The gateway set paris was created.")
    rows = page.locator("#gateways tr").count()
    addresses = [cell(panel, "gateways", row, "address").input_value() for row in range(rows)]

    assert ["sip:a:5060", "sip:c:5060"] == addresses
    assert 0 == page.locator("#rules tr").count()
    assert page.is_checked("#default")


@pytest.mark.parametrize("width", [360, 1280])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_nothing_keeps_people_out(server, open_page, width, scheme):
    """List and form have no barriers, and fit a telephone."""
    panel = Panel(
        open_page(viewport={"width": width, "height": 800}, color_scheme=scheme), server.url, drawn=False
    )
    for path in ("/gateways", "/gateways/new"):
        panel.open(path)
        assert [] == panel.barriers()
        assert not panel.page.evaluate("document.documentElement.scrollWidth > innerWidth")
