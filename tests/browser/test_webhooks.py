"""Webhooks in Debian's Chromium."""

import pytest

from browser.panel import Panel
from didier.domain import signatures
from support.process import until
from support.receiver import TAKEN, Receiver, status
from support.server import Didier
from web.api.conftest import Api

NETWORKS = {"DIDIER_WEBHOOK_NETWORKS": "127.0.0.0/8"}


@pytest.fixture(params=["sqlite", "mariadb"])
def sending(request, tmp_path):
    """A server in each home that may send to this machine."""
    url = f"sqlite:///{tmp_path}/didier.db"
    if request.param == "mariadb":
        url = request.getfixturevalue("fresh_database").url()
    server = Didier(tmp_path, "--demo", "--database", url, environment=NETWORKS).start()
    yield server
    server.stop()


@pytest.fixture
def receiver():
    """A receiver that fails until it is mended."""
    with Receiver(status(500, "out of <order>")) as made:
        yield made


def create(panel, url):
    """Create a webhook with the keyboard; return its secret."""
    panel.open("/webhooks")
    panel.follow("text=Create a webhook")
    page = panel.page
    page.fill("#url", "ftp://example.com")
    page.press("#url", "Enter")
    assert "is not allowed" in page.wait_for_selector("#url-problem:not(:empty)").inner_text()
    page.fill("#url", url)
    page.fill("#description", "CRM")
    page.check("[value='did.*']")
    page.press("#url", "Enter")
    page.wait_for_selector("#made[open]")
    secret = page.input_value("#made-secret")
    page.focus("#made-close")
    with page.expect_navigation(wait_until="load"):
        page.keyboard.press("Enter")
    panel.wait_for("The webhook was created.")
    return secret


def outcome(panel, selector):
    """Press what sends a message; return what the page says of it."""
    panel.follow(selector)
    panel.page.wait_for_selector("#notes .alert")
    return panel.text("#notes")


def test_from_a_new_webhook_to_what_was_missed(sending, receiver, open_page):
    """Created, failed, mended, sent again, tested, given another secret, disabled, enabled and deleted."""
    panel = Panel(open_page(), sending.url, drawn=False)
    page = panel.page
    secret = create(panel, receiver.url)
    gone = secret in page.content()
    Api(sending).add("18005550100")
    receiver.until(lambda events: len(events) == 1)
    number = page.url.rpartition("/")[2]
    until(lambda: Api(sending).get(f"/webhooks/{number}/attempts").body["items"])
    panel.open(f"/webhook/{number}")
    failed, state = panel.text("#attempts"), panel.text("h1")
    refused = outcome(panel, "[data-resend]")
    with receiver.changed:
        receiver.behave = TAKEN
    taken = outcome(panel, "[data-resend]")
    newest = panel.text("#attempts tbody tr:first-child")
    tested = outcome(panel, "#test")
    until(lambda: "active" == Api(sending).get(f"/webhooks/{number}").body["state"])
    with page.expect_navigation(wait_until="load"):
        page.select_option("#filter-outcome", "repeated")
    repeated = panel.text("#attempts tbody")
    page.fill("#overlap_hours", "2")
    page.press("#overlap_hours", "Enter")
    page.wait_for_selector("#made[open]")
    another = page.input_value("#made-secret")
    with page.expect_navigation(wait_until="load"):
        page.keyboard.press("Escape")
    overlap = panel.text("#secret-form")
    page.click("[data-enabled=false]")
    panel.wait_for("Nothing is sent any more.")
    off = panel.text("#state")
    page.click("[data-enabled=true]")
    panel.wait_for("What is waiting is sent now.")
    page.fill("#since", "2026-01-01T00:00")
    page.press("#since", "Enter")
    panel.wait_for("What has happened since then is sent again.")
    again = receiver.until(lambda events: len([one for one in events if one["type"] == "did.created"]) > 4)
    page.click("#delete")
    page.click("#deletion-yes")
    panel.wait_for("The webhook was deleted.")

    assert not gone
    assert "did.created" in failed
    assert "repeated 500" in failed
    assert "out of <order>" in failed
    assert "CRM retrying" == state
    assert "was not taken: the receiver answered 500" in refused
    assert "was taken: the receiver answered 204" in taken
    assert "resend taken 204" in newest
    assert "The test message was taken" in tested
    assert "taken" not in repeated
    assert secret != another
    assert "The old one signs too until" in overlap
    assert "it is turned off" in off
    assert {"18005550100"} <= {one["data"].get("did_pattern") for one in again}
    assert all(signatures.is_signed(secret, one.headers, one.body) for one in receiver.messages)
    assert signatures.is_signed(another, receiver.messages[-1].headers, receiver.messages[-1].body)


@pytest.mark.parametrize("width", [360, 1280])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_nothing_keeps_people_out(own_server, open_page, width, scheme):
    """List, forms, attempts and dialogs have no barriers, and fit a telephone."""
    made = Api(own_server).post("/webhooks", {"url": "https://203.0.113.7/hook", "description": "CRM"})
    number = made.body["id"]
    Api(own_server).post(f"/webhooks/{number}/test")
    panel = Panel(
        open_page(viewport={"width": width, "height": 800}, color_scheme=scheme), own_server.url, drawn=False
    )
    for path in ("/webhooks", "/webhooks/new", f"/webhook/{number}"):
        panel.open(path)
        assert [] == panel.barriers()
        assert not panel.page.evaluate("document.documentElement.scrollWidth > innerWidth")
    panel.page.click("#delete")

    assert [] == panel.barriers()
