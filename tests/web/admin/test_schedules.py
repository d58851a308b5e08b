"""Pages of schedules without their scripts."""

import pytest

OFFICE = (
    '{"time_zone": "UTC", "hours": {"monday": ["09:00-12:00", "13:00-17:00"]}, "outside": "VOICEMAIL:200",'
    ' "dates": [{"date": "12-24", "name": "<Eve>"}]}'
)


def test_a_schedule_is_listed_and_shown(admin):
    """With its hours, the days to come, and whether it is open."""
    assert 200 == admin.send("PUT", "/schedules/office", OFFICE).status
    listed, shown = admin.get("/admin/schedules?search=off").text, admin.get("/admin/schedule/OFFICE").text

    assert '<a class="fw-bold" href="/admin/schedule/office">office</a>' in listed
    assert 'value="09:00-12:00, 13:00-17:00"' in shown
    assert "12-24 &lt;Eve&gt;" in shown
    assert "It is open" in shown or "It is closed" in shown
    assert "DIDs that have it" in shown


@pytest.mark.parametrize("path", ["/schedules?search=none", "/schedules?after=x", "/schedules/new"])
def test_pages_without_any(admin, path):
    """What is looked for is not there, an address is an old one, and the form is empty."""
    assert 200 == admin.get(f"/admin{path}").status


def test_what_is_not_there(admin):
    """It is said so."""
    assert 404 == admin.get("/admin/schedule/ghost").status


@pytest.mark.parametrize("at", ["", "noon", "2026-03-04T12:00", "9999-12-31T23:59", "0001-01-01T00:00"])
def test_a_moment_that_is_asked_about(admin, at):
    """What is none counts as now."""
    assert 200 == admin.get(f"/admin/did/18001234567/route?at={at}").status
