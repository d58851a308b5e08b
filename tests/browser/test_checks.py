"""What is wrong with DIDs, in Debian's Chromium: found, mended all at once, and undone."""

import pytest

from browser.panel import Panel
from web.api.conftest import Api

NUMBERS = [str(18005550000 + n) for n in range(60)]


def spoil(server):
    """Make more DIDs than a page shows that lead to no in-group, and two in a circle."""
    api = Api(server)
    copies = {"source": NUMBERS[0], "targets": NUMBERS[1:], "allow_nowhere": True}
    assert 201 == api.add(NUMBERS[0], did_route="IN_GROUP", group_id=None, allow_nowhere=True).status
    assert 201 == api.post("/copies", copies).status
    onward = {"did_route": "EXTEN", "exten_context": "trunkinbound"}
    for number, other in (("18007770001", "18007770002"), ("18007770002", "18007770001")):
        assert 201 == api.add(number, extension=other, **onward).status


def test_all_of_a_kind_are_mended_and_the_batch_is_undone(home, open_page):
    """From the figure to the edit of all that the filter finds; then from the circle to where calls go."""
    spoil(home)
    panel = Panel(open_page(), home.url, drawn=False)
    page = panel.page
    panel.open("/dashboard")
    page.click("text=Check all DIDs")
    page.wait_for_url("**/admin/checks")
    figures = panel.text("nav[aria-label='What is wrong']")
    panel.follow("text=No destination")
    listed = panel.text("tbody tr:first-child")
    page.check("#choose-page")
    page.check("#choose-all")
    panel.follow("text=Deactivate")
    page.wait_for_selector("#make:not([hidden])")
    told = panel.text("#verdict")
    panel.make()
    batch = page.url
    panel.open("/checks")
    mended = panel.text("nav[aria-label='What is wrong']")
    page.goto(batch)
    panel.undo()
    panel.open("/checks?check=loop")
    circle = panel.text("tbody")
    panel.follow("tbody tr:first-child >> text=Where do calls go?")

    assert "No destination 60" in figures
    assert "Loop 2" in figures
    assert f"{NUMBERS[0]} " in listed
    assert "no in-group is set" in listed
    assert told.startswith("60 of 60 DIDs will be deactivated.")
    assert "All 2 " in mended
    assert "calls go in a circle: 18007770001 → 18007770002 → 18007770001" in circle
    assert "Follow it to 18007770002" in panel.text()
    panel.open("/checks")
    assert "No destination 60" in panel.text("nav[aria-label='What is wrong']")
    assert [] == page.complaints


@pytest.mark.parametrize("width", [360, 1280])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_nothing_keeps_people_out(server, open_page, width, scheme):
    """It has no barriers, and fits a telephone, with findings and without."""
    panel = Panel(
        open_page(viewport={"width": width, "height": 800}, color_scheme=scheme), server.url, drawn=False
    )
    found = []
    panel.open("/checks")
    found.append(panel.barriers())
    spoil(server)
    for path in ("/checks", "/checks?check=loop"):
        panel.open(path)
        panel.page.check("tbody tr:first-child [name=did]")
        found.append(panel.barriers())
        found.append(panel.page.evaluate("document.documentElement.scrollWidth > innerWidth"))

    assert [[], [], False, [], False] == found
