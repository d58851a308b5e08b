"""Schedules in Debian's Chromium."""

import pytest

from browser.panel import Panel

SOURCE = "18001234567"


@pytest.fixture
def panel(home, open_page):
    """The panel of a server in each home, with the administrator signed in."""
    return Panel(open_page(), home.url, drawn=False)


def fill(panel, **fields):
    for name, value in fields.items():
        panel.page.fill(f"#{name}", value)


def test_from_a_new_schedule_to_where_calls_go(panel):
    """Created, corrected, given to a DID, asked about, and kept while the DID has it."""
    page = panel.page
    panel.open("/schedules")
    panel.follow("text=Create a schedule")
    fill(
        panel,
        name="office",
        time_zone="Mars/Base",
        outside="EXTEN:8600@default",
        monday="9:00-12:00, 13:00-17",
    )
    page.click("text=Create the schedule")
    wrong_zone = page.wait_for_selector("#time_zone-problem:not(:empty)").inner_text()
    fill(panel, time_zone="UTC")
    page.click("text=Create the schedule")
    wrong_hours = page.wait_for_selector("#monday-problem:not(:empty)").inner_text()
    fill(panel, monday="9:00-12:00, 13:00-17:00", country="us", dates="12-24 09:00-11:00 Christmas Eve\n")
    page.click("text=Create the schedule")
    panel.wait_for("The schedule office was created.")
    hours, dates, upcoming = page.input_value("#monday"), page.input_value("#dates"), panel.text("#upcoming")
    panel.open(f"/did/{SOURCE}/edit")
    fill(panel, schedule="office", fallbacks="EXTEN:8601@default")
    page.click("text=Save changes")
    panel.wait_for("The changes are saved.")
    panel.open(f"/did/{SOURCE}/route")
    page.fill("#filter-at", "2026-12-24T23:00")
    panel.follow("main form [type=submit]")
    steps = panel.text("#steps")
    panel.open("/schedule/office")
    page.click("#delete")
    page.click("#deletion-yes")
    page.wait_for_selector("#deletion-problem:not([hidden])")
    kept = panel.text("#deletion-problem")

    assert "is not allowed: a time zone" in wrong_zone
    assert "hours from and to" in wrong_hours
    assert ("09:00-12:00, 13:00-17:00", "12-24 09:00-11:00 Christmas Eve") == (hours, dates.strip())
    assert "09:00-11:00 Christmas Eve" in upcoming
    assert "office is closed: Christmas Eve; it opens" in steps
    assert "EXTEN: 8600 in default" in steps
    assert f"is in use by DID {SOURCE}" in kept


@pytest.mark.parametrize("width", [360, 1280])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_nothing_keeps_people_out(server, open_page, width, scheme):
    """List and form have no barriers, and fit a telephone."""
    panel = Panel(
        open_page(viewport={"width": width, "height": 800}, color_scheme=scheme), server.url, drawn=False
    )
    for path in ("/schedules", "/schedules/new"):
        panel.open(path)
        assert [] == panel.barriers()
        assert not panel.page.evaluate("document.documentElement.scrollWidth > innerWidth")
