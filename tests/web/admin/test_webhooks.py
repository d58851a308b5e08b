"""Pages of webhooks without their scripts."""

import json

import pytest

from didier.domain import signatures
from support.browsers import Browser
from support.receiver import Receiver, status
from support.server import Didier
from web.api.conftest import Api

NOWHERE = "https://203.0.113.7/hook"
"""An address kept for documentation: nothing is sent to it."""


@pytest.fixture
def sending(tmp_path):
    """A server that may send to this machine, and a browser in which its administrator has signed in."""
    database = f"sqlite:///{tmp_path}/didier.db"
    networks = {"DIDIER_WEBHOOK_NETWORKS": "127.0.0.0/8"}
    server = Didier(tmp_path, "--demo", "--database", database, environment=networks).start()
    browser = Browser(server)
    assert 303 == browser.sign_in().status
    yield browser
    server.stop()


def add(browser, **values):
    """Create a webhook as the page's script does; return its id and its secret."""
    made = browser.send("POST", "/webhooks", json.dumps({"url": NOWHERE, "enabled": False, **values}))
    assert 201 == made.status, made.text
    answer = json.loads(made.text)
    return answer["id"], answer["secret"]


def test_a_webhook_is_listed_and_shown(own_admin):
    """With its conditions, and neither with its secret nor, in the list, with what may be one."""
    number, secret = add(
        own_admin, url=f"{NOWHERE}?key=zebra", description="<CRM>", types=["did.*"],
        prefixes=["1800", "+44"], routes=["exten"],
    )  # fmt: skip
    listed, shown = (own_admin.get(f"/admin/{path}").text for path in ("webhooks", f"webhook/{number}"))

    assert f'href="/admin/webhook/{number}">{NOWHERE}</a>' in listed
    assert "zebra" not in listed
    assert f'value="{NOWHERE}?key=zebra"' in shown
    assert "&lt;CRM&gt;" in shown
    assert 'value="1800, +44"' in shown
    assert {True} == {f'value="{value}" checked' in shown for value in ("did.*", "EXTEN")}
    assert "Nothing is sent: it is turned off" in shown
    assert secret.removeprefix(signatures.PREFIX) not in listed + shown


def test_attempts_are_shown_filtered_and_paged(sending):
    """What the receiver says is text, and only what has an event can be sent again."""
    with Receiver(status(500, "<b>no</b>")) as receiver:
        number, _ = add(sending, url=receiver.url)
        for _ in range(51):
            assert 200 == sending.send("POST", f"/webhooks/{number}/test").status
    first = sending.get(f"/admin/webhook/{number}").text
    following = first.partition('rel="next" href="')[2].partition('"')[0]
    second = sending.get(f"/admin/webhook/{number}{following.replace('&amp;', '&')}").text
    taken = sending.get(f"/admin/webhook/{number}?outcome=taken").text

    assert [50, 1, 0] == [page.count("&lt;b&gt;no&lt;/b&gt;") for page in (first, second, taken)]
    assert "<b>no" not in first
    assert "data-resend" not in first


@pytest.mark.parametrize("path", ["/webhooks", "/webhooks/new"])
def test_pages_without_any(admin, path):
    """The list leads to the form, and the form is empty."""
    assert 200 == admin.get(f"/admin{path}").status


@pytest.mark.parametrize("number", ["77", "0", "x", "99999999999999", "%C2%B2"])
def test_what_is_not_there(admin, number):
    """It is said so."""
    assert 404 == admin.get(f"/admin/webhook/{number}").status


@pytest.mark.parametrize("query", ["outcome=odd", "after=odd"])
def test_addresses_that_are_old(own_admin, query):
    """They lead to the newest attempts."""
    number, _ = add(own_admin)

    assert 200 == own_admin.get(f"/admin/webhook/{number}?{query}").status


@pytest.fixture
def crm(own_server):
    """A browser in which somebody has signed in who sees DIDs, and manages no webhooks."""
    rights = {"user": "crm", "password": "crm-pass", "user_group": "ADMIN", "user_level": 9,
              "vdc_agent_api_access": True, "modify_inbound_dids": True, "view_reports": True,
              "api_allowed_functions": ["list_dids"]}  # fmt: skip
    assert 201 == Api(own_server).post("/users", rights).status
    browser = Browser(own_server)
    assert 303 == browser.sign_in("crm", "crm-pass").status
    return browser


def test_only_those_who_manage_webhooks_see_them(own_server, own_admin, crm):
    """In the menu, by their address, and on the dashboard where one was given up."""
    number, _ = add(own_admin, description="CRM", enabled=True)
    own_server.sql(
        "UPDATE didier_webhooks SET disabled_at = '2026-03-04 05:06:07', disabled_reason = 'it is gone'"
    )
    seen, hidden = (browser.get("/admin/dashboard").text for browser in (own_admin, crm))

    assert {True} == {words in seen for words in (">Integrations<", "CRM</a> since", "it is gone")}
    assert not {words for words in (">Integrations<", "Webhooks", "CRM", "gone") if words in hidden}
    assert [403, 403, 403] == [
        crm.get(f"/admin/{path}").status for path in ("webhooks", "webhooks/new", f"webhook/{number}")
    ]
