"""Duplicates among DIDs, in Debian's Chromium: from the menu to the DIDs of a group."""

import pytest

from browser.panel import Panel
from web.api.conftest import Api

NUMBERS = ["18005550100", "8005550100", "18005550102"]


def double(server):
    """Make a number in two spellings, and one more that is nearly set up like it."""
    api = Api(server)
    for number in NUMBERS:
        extension = "8302" if number == NUMBERS[-1] else "8301"
        assert 201 == api.add(number, extension=extension, custom_one="x").status


def test_from_the_menu_to_the_dids_of_a_group(home, open_page):
    """By kind and filter; what the DIDs differ in is told, and the list has them alone."""
    double(home)
    panel = Panel(open_page(), home.url, drawn=False)
    page = panel.page
    panel.open("/dids")
    panel.follow("nav >> text=Reports")
    panel.follow("nav >> text=Duplicates")
    page.wait_for_url("**/admin/reports/duplicates")
    panel.follow("text=Set up alike")
    page.fill("#filter-prefix", NUMBERS[-1])
    panel.follow("button >> text=Filter")
    differences = panel.text(".differences >> nth=-1")
    panel.follow("text=Open in the list")
    listed = panel.text("tbody")

    assert "Extension: 8301 8302" in differences
    assert [True] * 3 == [number in listed for number in NUMBERS]
    assert [] == page.complaints


@pytest.mark.parametrize("width", [360, 1280])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_nothing_keeps_people_out(server, open_page, width, scheme):
    """It has no barriers, and fits a telephone, with duplicates and without."""
    panel = Panel(
        open_page(viewport={"width": width, "height": 800}, color_scheme=scheme), server.url, drawn=False
    )
    found = []
    panel.open("/reports/duplicates?prefix=9")
    found.append(panel.barriers())
    double(server)
    for asked in ("kind=spelling&route=EXTEN", "kind=configuration"):
        panel.open(f"/reports/duplicates?{asked}")
        found.append(panel.barriers())
        found.append(panel.page.evaluate("document.documentElement.scrollWidth > innerWidth"))

    assert [[], [], False, [], False] == found
