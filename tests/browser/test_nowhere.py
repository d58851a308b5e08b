"""DIDs that lead nowhere, in Debian's Chromium: saved only when it is said twice, and found again."""

import pytest

from browser.panel import Panel

SOURCE = "18001234567"


@pytest.fixture
def panel(home, open_page):
    """The panel of a server in each home, with the administrator signed in."""
    return Panel(open_page(), home.url, drawn=False)


def empty_extension(panel):
    """Take the extension of the tutorial's DID away; return what the form says."""
    panel.open(f"/did/{SOURCE}/edit")
    panel.page.fill("#extension", "")
    panel.page.click("text=Save changes")
    return panel.page.wait_for_selector("#nowhere:not([hidden])").inner_text()


def test_it_is_saved_when_it_is_said_twice(panel):
    """The form says why; another value makes it forget that, and Save anyway saves."""
    page = panel.page
    said = empty_extension(panel)
    page.fill("#extension", "8301")
    is_forgotten = page.is_hidden("#nowhere")
    page.fill("#extension", "")
    page.click("text=Save changes")
    page.click("text=Save anyway")
    panel.wait_for("The changes are saved.")
    shown = panel.text()
    panel.open("/dashboard")
    page.click("[data-part$='/nowhere'] tfoot a, [data-part*='/nowhere?'] tfoot a")
    page.wait_for_url("**/admin/dids?leads_nowhere=Y")
    listed = panel.text("tbody")

    assert f"Calls to {SOURCE} would lead nowhere: no extension is set." in said
    assert is_forgotten
    assert "Calls to this DID lead nowhere: no extension is set." in shown
    assert SOURCE in listed
    assert "leads nowhere no extension is set" in listed


def test_copies_are_made_when_that_is_ticked(panel):
    """The preview counts them, and offers to create them all the same."""
    page = panel.page
    empty_extension(panel)
    page.click("text=Save anyway")
    panel.wait_for("The changes are saved.")
    panel.open(f"/copy?source={SOURCE}")
    panel.preview("18002220000-18002220001")
    refused, is_offered = panel.text("#seen"), page.is_visible("#make")
    page.check("#seen [name=nowhere]")
    page.wait_for_selector("#make:not([hidden])")
    panel.make()
    made = panel.text()

    assert "2 of 2 cannot be created" in refused
    assert "calls would lead nowhere: no extension is set" in refused
    assert not is_offered
    assert "18002220001" in made


def test_many_are_activated_when_that_is_ticked(panel):
    """What would lead nowhere is left out of the preview until then."""
    page = panel.page
    panel.open(f"/did/{SOURCE}/edit")
    page.select_option("#did_active", "N")
    page.fill("#extension", "")
    page.click("text=Save changes")
    panel.wait_for("The changes are saved.")
    panel.open(f"/bulk?action=activate&did={SOURCE}")
    panel.wait_for("No DID would be activated")
    why = panel.text("#left")
    page.check("#nowhere input")
    panel.wait_for("1 of 1 DID will be activated.")
    panel.make()
    panel.open(f"/did/{SOURCE}")

    assert "no extension is set" in why
    assert "Calls to this DID lead nowhere" in panel.text()


@pytest.mark.parametrize("width", [360, 1280])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_nothing_keeps_people_out(server, open_page, width, scheme):
    """The warnings have no barriers, and fit a telephone."""
    panel = Panel(
        open_page(viewport={"width": width, "height": 800}, color_scheme=scheme), server.url, drawn=False
    )
    found = []
    empty_extension(panel)
    found.append(panel.barriers())
    panel.page.click("text=Save anyway")
    panel.wait_for("The changes are saved.")
    for path in (f"/did/{SOURCE}", "/dids?leads_nowhere=Y", f"/copy?source={SOURCE}"):
        panel.open(path)
        if path.startswith("/copy"):
            panel.preview("18002220000")
        found.append(panel.barriers())
        found.append(panel.page.evaluate("document.documentElement.scrollWidth > innerWidth"))

    assert [[], [], False, [], False, [], False] == found
