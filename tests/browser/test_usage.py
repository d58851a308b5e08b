"""Reports of usage in Debian's Chromium: from a figure to what is done about it."""

import re

import pytest

from browser.panel import Panel
from support.usage import count_for
from web.admin.test_records import SOURCE, call

COPIES = ["18002223333", "18002223334"]
UNKNOWN = ["18009990000", "18009990001"]
PAGES = (
    "/reports/use", "/reports/use?period=today", f"/reports/use?did={SOURCE}&period=13m", "/reports/idle",
    "/reports/unknown", "/reports/unknown?period=today", f"/did/{SOURCE}", f"/did/{SOURCE}/calls",
    "/dashboard",
)  # fmt: skip


@pytest.fixture
def called(own_server):
    """A server: calls to a DID in three weeks, none to its copies, and some to numbers without a DID."""
    own_server.tutorial(target=",".join(COPIES))
    own_server.sql("UPDATE didier_changes SET changed_at = '2026-01-01 00:00:00'")
    for days in range(2, 21):
        call(own_server, SOURCE, days=days)
    for number in UNKNOWN:
        call(own_server, number, 0, days=3)
    count_for(own_server)
    return own_server


def test_a_mark_leads_to_its_day_and_a_figure_to_its_did(called, open_page):
    """From the dashboard to the report, to a day, to one DID and back to its page."""
    panel = Panel(open_page(), called.url, drawn=False)
    page = panel.page
    panel.open("/dashboard?days=30")
    page.wait_for_selector("#part-calls svg")
    page.wait_for_selector(".dashboard[data-done]")
    drawn = page.eval_on_selector_all(
        ".tiles [data-chart] svg", "found => found.map(one => one.closest('section').id)"
    )
    panel.follow("#part-calls >> text=The report of use")
    page.wait_for_selector("[data-chart] svg")
    bars = page.query_selector_all(".apexcharts-bar-area")
    tall = next(bar for bar in bars if bar.bounding_box()["height"] > 5)
    with page.expect_navigation():
        tall.click()
    day = page.url
    panel.follow(f"text={SOURCE}")

    assert ["part-unknown"] == drawn
    assert re.search(r"since=\d{4}-\d\d-\d\dT00%3A00&until=", day)
    assert "19 calls" in panel.text()
    assert page.locator(".heat td:not(.heat-0)").count() > 0
    assert [] == page.complaints


def test_idle_dids_are_deactivated(called, open_page):
    """Those that were chosen are in the preview, and in the batch."""
    panel = Panel(open_page(), called.url, drawn=False)
    page = panel.page
    panel.open("/reports/idle")
    page.check("#choose-page")
    told = panel.text("#chosen-count")
    panel.follow("text=Deactivate…")
    page.wait_for_selector("#make:not([hidden])")
    preview = panel.text("#verdict")
    panel.make()
    panel.open("/reports/idle")

    assert "2 chosen" == told
    assert preview.startswith("2 of 2 DIDs will be deactivated.")
    assert "Every active DID had a call since" in panel.text()
    assert [] == page.complaints


def test_numbers_without_a_did_are_provisioned(called, open_page):
    """All that were chosen are copied to at once; without a script too they are on the page."""
    panel = Panel(open_page(), called.url, drawn=False)
    page = panel.page
    panel.open("/reports/unknown")
    page.check("#choose-page")
    panel.follow("text=Provision like…")
    page.fill("#source", SOURCE)
    page.click("#preview")
    page.wait_for_selector("#make:not([hidden])")
    panel.make()
    panel.open("/reports/unknown")

    assert "Every number that was called in this period has a DID." in panel.text()
    assert [] == page.complaints


def test_reports_work_without_scripts(called, open_page):
    """Figures, filters and choices: all but the charts."""
    panel = Panel(open_page(java_script_enabled=False), called.url, drawn=False)
    page = panel.page
    panel.open("/reports/use")
    page.fill("#filter-search", "1234567")
    panel.follow("text=Show >> visible=true")
    found = panel.text("tbody >> nth=-1")
    panel.open("/reports/unknown")
    page.check(f"[value='{UNKNOWN[0]}']")
    page.check(f"[value='{UNKNOWN[1]}']")
    panel.follow("text=Provision like…")

    assert SOURCE in found
    assert sorted(UNKNOWN) == sorted(page.input_value("#targets").split())


def test_a_report_is_printed_without_what_is_clicked(called, open_page):
    """Dark on white, whatever the theme."""
    panel = Panel(open_page(color_scheme="dark"), called.url, drawn=False)
    panel.open("/reports/use")
    panel.page.emulate_media(media="print")
    colors = panel.page.evaluate(
        "[getComputedStyle(document.documentElement).backgroundColor, getComputedStyle(document.body).color]"
    )

    hidden = ["nav[aria-label='Pages']", "nav[aria-label='Period']", "text=Download CSV", "#search"]
    assert [False] * 4 == [panel.page.is_visible(one) for one in hidden]
    assert panel.page.is_visible(".heat")
    assert ["rgb(255, 255, 255)", "rgb(0, 0, 0)"] == colors


@pytest.mark.parametrize("width", [360, 1280])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_nothing_keeps_people_out(called, open_page, width, scheme):
    """No page has barriers or is too wide, with what can be opened and chosen."""
    page = open_page(viewport={"width": width, "height": 800}, color_scheme=scheme, reduced_motion="reduce")
    panel = Panel(page, called.url, drawn=False)
    found = {}
    for path in PAGES:
        panel.open(path)
        if path == "/dashboard":
            page.wait_for_selector(".dashboard[data-done]")
        for table in page.query_selector_all("details > summary"):
            table.click()
        for box in page.query_selector_all(".tick [type=checkbox]")[:1]:
            box.check()
        if barriers := panel.barriers():
            found[path] = barriers
        if page.evaluate("document.documentElement.scrollWidth > innerWidth"):
            found[f"{path}, its width"] = ["is wider than the window"]

    assert {} == found
    assert [] == page.complaints
