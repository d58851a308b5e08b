"""The tutorial's request and the start page in Debian's Chromium."""

import re

import pytest

from support.server import PATH, TUTORIAL

ANSWER = "SUCCESS: 18001234567 -> 18002223333 | DID Copied Successfully"


def background(page):
    """Return the brightness, 0 to 255, of what the page's top left corner shows."""
    # The page itself may be transparent: then the colour scheme's canvas is what is seen.
    colour = page.evaluate(
        """() => {
            const probe = document.createElement("div");
            probe.style.backgroundColor = "Canvas";
            document.body.append(probe);
            const found = getComputedStyle(probe).backgroundColor;
            probe.remove();
            return found;
        }"""
    )
    return sum(map(int, re.findall(r"\d+", colour)[:3])) / 3


def test_the_tutorials_address_copies_a_did(server, open_page):
    """Typing the tutorial's address into a browser copies the DID and shows the answer as text."""
    page = open_page()

    query = "&".join(f"{name}={value}" for name, value in TUTORIAL.items())
    response = page.goto(f"{server.url}{PATH}?{query}")

    assert (200, ANSWER) == (response.status, page.inner_text("body").strip())
    assert ["18001234567", "18002223333"] == server.patterns()


def test_an_answer_is_not_run_as_a_page(server, open_page):
    """Markup in a request comes back as text and nothing of it runs."""
    page = open_page()

    page.goto(f"{server.url}{PATH}?function=copy_did&user=<img src=x onerror=document.title='run'>")

    assert "ERROR: Login incorrect" in page.inner_text("body")
    assert 0 == page.locator("img").count()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [360, 1280])
def test_the_start_page_fits(server, open_page, scheme, width):
    """On a phone and on a screen, in light and in dark, the start page has no sideways scrolling."""
    page = open_page(color_scheme=scheme, viewport={"width": width, "height": 800})

    page.goto(f"{server.url}/")

    assert width >= page.evaluate("document.documentElement.scrollWidth")
    assert [] == page.complaints
    assert "Copy a DID" in page.inner_text("body")


def test_the_start_page_follows_the_colour_scheme(server, open_page):
    """The start page is bright in light and dim in dark."""
    brightness = {}
    for scheme in ("light", "dark"):
        page = open_page(color_scheme=scheme)
        page.goto(f"{server.url}/")
        brightness[scheme] = background(page)

    assert brightness["light"] > 200
    assert brightness["dark"] < 60


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [360, 1280])
def test_the_start_pages_link_copies(server, open_page, scheme, width):
    """The link on the start page carries out the tutorial's request."""
    page = open_page(color_scheme=scheme, viewport={"width": width, "height": 800})
    page.goto(f"{server.url}/")

    with page.expect_navigation():
        page.get_by_role("link", name="the same address").click()

    assert ANSWER == page.inner_text("body").strip()
    assert ["18001234567", "18002223333"] == server.patterns()


def test_the_start_pages_other_links_lead_somewhere(server, open_page):
    """Every other link of the start page is answered with 200; the panel's with its sign-in page."""
    page = open_page()
    page.goto(f"{server.url}/")
    links = page.eval_on_selector_all("a", "found => found.map(a => a.getAttribute('href'))")

    paths = {link for link in links if link.startswith("/")}
    assert {"/admin", "/docs", "/postman_collection.json", "/healthz", "/readyz", "/metrics"} <= paths
    assert {200} == {server.get(path)[0] for path in paths - {"/admin"}}
    page.click("a[href='/admin']")
    assert page.url.startswith(f"{server.url}/admin/login")
