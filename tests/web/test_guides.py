"""The guides as pages, which the panel's help leads to."""

import re

import pytest

from didier.web.admin.site import PAGES
from didier.web.api import guides


def links(page):
    """The addresses that a page leads to."""
    return re.findall(r'href="([^"]*)"', page)


def test_every_page_of_the_panel_has_a_section_of_a_guide(server):
    """The anchor of its help is there."""
    for page in PAGES:
        name, _, anchor = page.guide.partition("#")
        answer = server.exchange("GET", f"/docs/guide/{name}")

        assert 200 == answer.status, page
        assert not anchor or f'id="{anchor}"' in answer.text, page.guide


@pytest.mark.parametrize("name", ["guide/panel", "guide/running", "reference/json-api", "tutorial/operator"])
def test_links_of_guides_lead_to_pages(server, name):
    """All that begin here; pictures and what is not served are left out."""
    page = server.exchange("GET", f"/docs/{name}").text
    here = {one.partition("#")[0] for one in links(page) if one.startswith("/docs/")}

    assert len(here) > 1
    assert {200} == {server.exchange("GET", one).status for one in here}
    assert "<img" not in page
    assert not [one for one in links(page) if not one.startswith(("/", "#", "http"))]


@pytest.mark.parametrize(
    "path", ["/docs/guide/nothing", "/docs/decisions/README", "/docs/guide/..%2f..%2fREADME", "/docs/x/y"]
)
def test_nothing_else_is_served(server, path):
    """No other folder, and nothing outside them."""
    assert 404 == server.exchange("GET", path).status


def test_anchors_are_those_of_forges():
    """Links within the documentation lead to them."""
    assert "the-installations-key" == guides.slug("The installation's key")
    assert "1-point-them-at-didier" == guides.slug("1. Point them at Didier")
