"""What an administrator does to many DIDs of a list, in Debian's Chromium."""

import pytest

from browser.panel import Panel
from web.api.conftest import Api
from web.api.test_batches import finished

SOURCE = "18001234567"
BLOCK = "18005550000-18005554999"
VALUES = {"did_description": "Old line", "did_carrier_description": "Carrier 1", "tags": "old"}


def add(home, targets, **values):
    """Add DIDs, and wait until they are there."""
    api = Api(home)
    order = {"verb": "add", "ranges": [targets], "values": {**VALUES, **values}}
    reply = api.post("/batches", order)
    assert reply.status in {201, 202}, reply.text
    assert "done" == finished(api, reply.body["id"])["state"]
    return api


def test_five_thousand_are_edited_by_a_filter_and_the_edit_is_undone(home, open_page):
    """Filtered, chosen as a whole, previewed, changed while the progress is shown, and taken back."""
    api = add(home, BLOCK)
    add(home, "18007770000-18007770002", did_carrier_description="Carrier 2")
    panel = Panel(open_page(), home.url, drawn=False)
    panel.open("/dids?carrier=Carrier+1")
    panel.page.check("#choose-page")
    panel.page.check("#choose-all")
    chosen = panel.text(".chosen-what")
    panel.follow("text=Edit…")
    panel.page.fill("#did_description", "New line")
    panel.page.fill("#tags", "west,vip")
    panel.page.click("#preview")
    panel.page.wait_for_selector("#make:not([hidden])")
    verdict, sample = panel.text("#verdict"), panel.text("#sampled tr:first-child")
    before = api.get("/dids?search=New+line&total=exact").body["total"]["count"]
    panel.make()
    made = panel.text("#totals")
    after = api.get("/dids?search=New+line&tag=vip&total=exact").body["total"]["count"]
    other = api.get("/dids/18007770000").body
    panel.undo()
    back = api.get("/dids?search=Old+line&tag=old&total=exact").body["total"]["count"]

    assert "Chosen: all 5,000 that the filter finds" == chosen
    assert verdict.startswith("5,000 of 5,000 DIDs will be changed.")
    assert "18005550000 Old line DID Description: Old line → New line Tags: old → vip,west" == sample
    assert "5,000 updated" in made
    assert (0, 5_000, 5_003) == (before, after, back)
    assert ("Old line", "old") == (other["did_description"], other["tags"])
    assert any("/events" in url for url in panel.asked)
    assert [] == panel.page.complaints


@pytest.fixture
def panel(server, open_page):
    """The panel, with the administrator signed in, and ten DIDs besides the tutorial's."""
    add(server, "18005550000-18005550009")
    return Panel(open_page(), server.url, drawn=False)


def tick(panel, *numbers):
    """Choose rows of the list."""
    for number in numbers:
        panel.page.check(f"[name=did][value='{number}']")


def states(server):
    """Return which DIDs are inactive."""
    return [row[0] for row in server.sql(
        "SELECT did_pattern FROM vicidial_inbound_dids WHERE did_active = 'N' ORDER BY did_pattern"
    )]  # fmt: skip


def test_some_rows_are_deactivated_and_activated_again(panel, server):
    """What is ticked; the preview comes by itself, and the batch can be undone."""
    panel.open("/dids")
    tick(panel, "18005550001", "18005550003")
    panel.page.click("text=Deactivate")
    panel.page.wait_for_selector("#make:not([hidden])")
    told = panel.text("#sampled")
    panel.make()
    inactive, note = states(server), panel.text("#notes")
    panel.undo()

    assert "18005550001 Old line Active: Y → N 18005550003 Old line Active: Y → N" == told
    assert ["18005550001", "18005550003"] == inactive
    assert "2 DIDs were deactivated." == note
    assert [] == states(server)
    assert [] == panel.page.complaints


def test_a_run_is_chosen_with_the_shift_key(panel):
    """From the row that was clicked last; the keyboard ticks as the mouse does."""
    panel.open("/dids?search=1800555")
    panel.page.click("[value='18005550002']")
    panel.page.click("[value='18005550005']", modifiers=["Shift"])
    run = panel.text("#chosen-count")
    panel.page.focus("[value='18005550009']")
    panel.page.keyboard.press("Space")
    more = panel.text("#chosen-count")
    panel.page.check("#choose-page")

    assert ("4 chosen", "5 chosen", "10 chosen") == (run, more, panel.text("#chosen-count"))
    assert not panel.page.is_visible("text=Copy…")


def test_chosen_dids_are_locked_and_unlocked(panel):
    """The list shows which are, and can be filtered by that."""
    panel.open("/dids")
    tick(panel, "18005550001", "18005550003")
    panel.page.click(".chosen >> text=Lock")
    panel.page.wait_for_selector("#make:not([hidden])")
    told = panel.text("#sampled tr:first-child")
    panel.make()
    panel.open("/dids?locked=Y")
    listed = panel.text("tbody")
    panel.page.check("#choose-page")
    panel.page.click(".chosen >> text=Unlock")
    panel.page.wait_for_selector("#make:not([hidden])")
    panel.make()
    panel.open("/dids?locked=Y")

    assert "18005550001 Old line Locked: N → Y" == told
    assert 2 == listed.count("locked")
    assert "No DID matches." in panel.text()


def test_what_is_locked_is_not_deleted(panel, server):
    """The preview says which and why; the others are deleted, or none if that is chosen."""
    assert 204 == Api(server).ask("PUT", "/dids/18005550001/lock").status
    panel.open("/dids?search=1800555000")
    panel.page.check("#choose-page")
    panel.page.click("text=Delete…")
    panel.page.wait_for_selector("#make:not([hidden])")
    verdict, left = panel.text("#verdict"), panel.text("#left-rows")
    panel.page.check("[value=atomic]")
    panel.page.wait_for_selector("#verdict:has-text('No DID would be deleted')")
    hidden = panel.page.is_hidden("#make")
    panel.page.check("[value=best_effort]")
    panel.page.wait_for_selector("#make:not([hidden])")
    panel.make()

    assert verdict.startswith("9 of 10 DIDs will be deleted.")
    assert "18005550001 refused" in left
    assert hidden
    assert [SOURCE, "18005550001"] == server.patterns()


def test_tags_are_added_and_removed_beside_the_others(panel, server):
    """The preview shows the tags of each DID before and after; the batch says what was ordered."""
    api = Api(server)
    api.patch("/dids/18005550001", {"tags": "a,vip"})
    panel.open("/bulk?action=edit&did=18005550001&did=18005550002")
    panel.page.fill("#add_tags", "new, b")
    panel.page.fill("#remove_tags", "VIP")
    panel.page.click("#preview")
    panel.page.wait_for_selector("#make:not([hidden])")
    sample = panel.text("#sampled")
    panel.make()

    assert "Tags: a,vip → a,b,new" in sample
    assert ["a,b,new", "b,new,old"] == [
        api.get(f"/dids/1800555000{number}").body["tags"] for number in (1, 2)
    ]
    assert "new, b" in panel.text("dl.values")


def test_an_edit_that_is_not_allowed_is_pointed_at(panel, server):
    """Beside the field, in the words of the API; nothing ticked is nothing to do."""
    panel.open("/bulk?action=edit&did=18005550001")
    panel.page.click("#preview")
    panel.wait_for("Tick the fields to change.")
    panel.page.fill("#did_description", "abc")
    panel.page.click("#preview")
    panel.page.wait_for_selector("#did_description-problem:not(:empty)")

    assert "did_description 'abc' is not allowed: 6 to 50 characters." == panel.text(
        "#did_description-problem"
    )
    assert "Old line" == server.did("18005550001")["did_description"]


def test_one_row_is_copied_and_chosen_rows_are_exported(panel):
    """The copy page has the source; the file has the rows that were ticked, and no others."""
    panel.open("/dids")
    tick(panel, "18005550001")
    panel.page.click("text=Copy…")
    source = panel.page.input_value("#source")
    panel.open("/dids")
    tick(panel, "18005550001", "18005550004")
    with panel.page.expect_download() as download:
        panel.page.click("button:has-text('Export')")
    lines = download.value.path().read_text("utf-8").splitlines()

    assert "18005550001" == source
    assert ["18005550001", "18005550004"] == [line.split(",")[1] for line in lines[1:]]


@pytest.mark.parametrize(
    "path",
    ["/bulk?action=edit&all=1&search=1800555", "/bulk?action=delete&did=18005550001", "/bulk?action=edit"],
)
def test_pages_are_for_everybody(panel, path):
    """axe-core finds nothing serious."""
    panel.open(path)

    assert [] == panel.barriers()
