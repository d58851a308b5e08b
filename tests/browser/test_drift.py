"""Copies that differ from their source, in Debian's Chromium: found, set back, kept, and undone."""

import pytest

from browser.panel import Panel
from web.api.conftest import SOURCE, Api

COPIES = [str(18005550000 + n) for n in range(4)]


def spoil(server):
    """Make copies, two of which differ from their source."""
    api = Api(server)
    assert 201 == api.post("/copies", {"source": SOURCE, "targets": COPIES}).status
    assert 200 == api.patch(f"/dids/{COPIES[1]}", {"did_description": "Another line"}).status
    assert 200 == api.patch(f"/dids/{COPIES[2]}", {"extension": "8399"}).status


def test_copies_are_set_back_and_kept(home, open_page):
    """From the page of the source to the report, its preview and the batch, which is undone."""
    spoil(home)
    panel = Panel(open_page(), home.url, drawn=False)
    page = panel.page
    panel.open(f"/did/{SOURCE}")
    told = panel.text("#drifted")
    panel.follow("text=Review…")
    page.check(f"[value='{COPIES[1]}']")
    panel.follow("text=Apply the source again…")
    page.wait_for_selector("#make:not([hidden])")
    verdict, change = panel.text("#verdict"), panel.text("#sampled tr:first-child")
    panel.make()
    batch = page.url
    panel.open("/reports/drift")
    left = panel.text("tbody")
    page.check("#choose-page")
    panel.follow("text=Keep as an exception…")
    page.wait_for_selector("#make:not([hidden])")
    kept = panel.text("#sampled tr:first-child")
    panel.make()
    panel.open("/reports/drift")
    none = panel.text()
    page.goto(batch)
    panel.undo()
    panel.open("/reports/drift")

    assert told.startswith("2 copies differ from this DID now.")
    assert verdict.startswith("1 of 1 DID will be updated.")
    assert "Description: Another line →" in change
    assert COPIES[2] in left
    assert COPIES[1] not in left
    assert "→ extension" in kept
    assert "No copy differs from its source." in none
    assert COPIES[1] in panel.text("tbody")
    assert [] == page.complaints


@pytest.mark.parametrize("width", [360, 1280])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_nothing_keeps_people_out(server, open_page, width, scheme):
    """It has no barriers, and fits a telephone, with differences and without."""
    panel = Panel(
        open_page(viewport={"width": width, "height": 800}, color_scheme=scheme), server.url, drawn=False
    )
    found = []
    panel.open("/reports/drift?tag=nothing")
    found.append(panel.barriers())
    spoil(server)
    panel.open("/reports/drift")
    panel.page.check("tbody tr:first-child [name=did]")
    found.append(panel.barriers())
    found.append(panel.page.evaluate("document.documentElement.scrollWidth > innerWidth"))

    assert [[], [], False] == found
