"""Logs, dashboard and console, without a browser that draws them."""

import html
import json
import re
from datetime import datetime, timedelta

import pytest

from didier.web.admin.dashboard import PARTS, TILES
from support.usage import count_for

SOURCE = "18001234567"
PASSWORD = "Hidden-Word-1"


def without(server, **columns):
    """Take rights away from the administrator."""
    changes = ", ".join(f"{name} = '{value}'" for name, value in columns.items())
    server.sql(f"UPDATE vicidial_users SET {changes} WHERE user = 'admin'")


def call(server, number, did_id=1, days=1):
    """Log a call to *number* some days ago."""
    when = (datetime.now() - timedelta(days=days)).isoformat(" ", "seconds")
    server.sql(
        "INSERT INTO vicidial_did_log (uniqueid, channel, server_ip, extension, call_date, did_id)"
        " VALUES ('u', 'c', '192.0.2.1', ?, ?, ?)",
        number, when, str(did_id),
    )  # fmt: skip


def test_the_api_log_leads_to_batches_and_dids(admin, server):
    """A copy's line names its batch and its DIDs; what was refused has no batch."""
    server.tutorial()
    done = admin.get("/admin/log?result=SUCCESS").text
    server.tutorial()
    refused = admin.get("/admin/log?result=ERROR").text

    assert 'href="/admin/batches/1"' in done
    assert [f'href="/admin/did/{did}"' in done for did in (SOURCE, "18002223333")] == [True, True]
    assert "NEW DID ALREADY EXISTS" in refused
    assert 'href="/admin/batches/1"' not in refused


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("user=admin", True), ("user=nobody", False), ("function=copy_did", True),
        ("function=add_did", False),
        ("result=SUCCESS", True), ("result=ERROR", False), ("source=DIDCopy", True), ("source=crm", False),
        ("since=2020-01-01T00:00", True), ("until=2020-01-01T00:00", False), ("since=nonsense", True),
    ],
)  # fmt: skip
def test_the_api_log_is_filtered_by_its_address(admin, server, query, found):
    """What fits is shown; where nothing does, the page says what to do."""
    server.tutorial()
    text = admin.get(f"/admin/log?{query}").text

    assert (found, not found) == ("DID Copied Successfully" in text, "No matching entries." in text)


def test_pages_of_the_api_log_follow_each_other(admin, server):
    """The next page begins behind the last line."""
    for number in range(60):
        server.tutorial(did=f"1999{number:02}")
    first = admin.get("/admin/log").text
    link = first.partition('rel="next" href="')[2].partition('"')[0]
    second = admin.get(f"/admin/log{link}").text

    assert ("199910" in first, "199909" in first) == (True, False)
    assert ("199910" in second, "199909" in second, "199900" in second) == (False, True, True)


def test_an_empty_log_says_what_to_do(admin):
    """The first request is made in the console, the first change by a copy."""
    assert "There are no API requests yet." in admin.get("/admin/log").text
    assert "There are no changes yet." in admin.get("/admin/changes").text


def test_the_change_log_leads_to_batches_dids_and_users(admin, server):
    """Each line has what it is about."""
    server.tutorial()
    admin.send("POST", "/users", '{"user": "crm", "password": "x", "user_group": "ADMIN"}')
    text = admin.get("/admin/changes").text
    of_did = admin.get(f"/admin/changes?did={SOURCE}").text
    of_users = admin.get("/admin/changes?section=USERS&type=ADD").text

    assert 'href="/admin/batches/1"' in text
    assert 'href="/admin/did/18002223333"' in text
    assert 'href="/admin/user/crm"' in text
    assert "No matching entries." in of_did
    assert ("ADMIN API ADD USER" in of_users, "ADMIN API COPY DIDS" in of_users) == (True, False)


def test_passwords_are_in_no_page(admin, server):
    """Not even those that the API gives to users, in whatever page."""
    server.vicidial(
        "add_user", agent_user="ann", agent_pass=PASSWORD, agent_user_level="1", agent_full_name="Ann",
        agent_user_group="ADMIN",
    )  # fmt: skip
    pages = ("/log", "/changes", "/users", "/user/ann", f"/console?pass={PASSWORD}&agent_pass={PASSWORD}")

    assert [] == [path for path in pages if PASSWORD in admin.get(f"/admin{path}").text.replace(path, "")]


@pytest.mark.parametrize("path", ["/log", "/changes"])
def test_logs_are_for_those_who_may(admin, server, path):
    """Without View Reports there is neither menu nor log; the page says what is missing."""
    server.tutorial()
    without(server, view_reports="0")
    answer = admin.get(f"/admin{path}")

    assert 403 == answer.status
    assert "View Reports must be 1" in answer.text
    assert "18002223333" not in answer.text
    assert f'href="/admin{path}"' not in admin.get("/admin/dids").text


def test_the_first_page_is_the_dashboard(admin):
    """Its parts come by themselves; each has a place."""
    answer = admin.get("/admin/")
    text = admin.get("/admin/dashboard?days=30").text

    assert (303, "/admin/dashboard") == (answer.status, answer.headers["location"])
    assert [] == [
        part.name for part in PARTS if f'data-part="/admin/dashboard/{part.name}?days=30"' not in text
    ]


def test_parts_of_the_dashboard_count(own_admin, own_server):
    """DIDs, copies, refusals and calls, in tables that screen readers read; numbers without a DID lead on."""
    own_server.tutorial()
    own_server.tutorial()
    call(own_server, SOURCE, days=2)
    call(own_server, "+442079460000", 0, days=2)
    count_for(own_server)
    parts = {
        part.name: " ".join(own_admin.get(f"/admin/dashboard/{part.name}").text.split()) for part in PARTS
    }

    assert "2</a>" in parts["routes"]
    assert "type=COPY" in parts["copies"]
    assert "NEW DID ALREADY EXISTS" in parts["refusals"]
    assert f'href="/admin/did/{SOURCE}"' in parts["called"]
    assert 'href="/admin/copy?targets=%2B442079460000"' in parts["strangers"]
    assert "Every active DID was called" in parts["uncalled"]  # the copy is of today
    assert 'href="/admin/reports/use?since=' in parts["calls"]
    assert ["nowhere", "uncalled"] == [name for name, text in parts.items() if "<caption" not in text]
    assert "Calls to every active DID lead somewhere." in parts["nowhere"]


def test_figures_lead_to_their_lists(own_admin, own_server):
    """What is counted is what the list has: DIDs of a route, copies of a day, refusals for a reason."""
    own_server.tutorial(target="18002223333,18002223334")
    own_server.tutorial()
    parts = {
        name: own_admin.get(f"/admin/dashboard/{name}").text for name in ("routes", "copies", "refusals")
    }
    links = {
        (name, number): html.unescape(href)
        for name, text in parts.items()
        for href, number in re.findall(r'<a href="([^"]+)" aria-label="[^"]*">([0-9]+)</a>', text)
    }
    routes, copies, refusals = (own_admin.get(links[key]).text for key in (
        ("routes", "3"), ("copies", "2"), ("refusals", "1")
    ))  # fmt: skip

    assert 3 == routes.count('name="did"')
    assert "18002223333" in copies
    assert 1 == refusals.count("NEW DID ALREADY EXISTS</td>")


def test_figures_are_kept_for_a_minute(admin, server):
    """The second look counts nothing anew; another span does."""
    before = admin.get("/admin/dashboard/refusals?days=90").text
    server.tutorial(did="18009999999")

    assert before == admin.get("/admin/dashboard/refusals?days=90").text


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("copies", "Nothing was copied in the last 7 days."),
        ("strangers", "Every number called in the 7 days until yesterday has a DID."),
        ("called", "No call to a DID was counted in the 7 days until yesterday."),
        ("calls", "No call to a DID was counted in the 7 days until yesterday."),
    ],
)
def test_empty_parts_say_so(own_admin, name, text):
    """In words, with what to do next."""
    assert text in own_admin.get(f"/admin/dashboard/{name}").text


def test_parts_are_for_those_who_may(own_admin, own_server):
    """Without View Reports the calls and refusals are neither offered nor answered."""
    without(own_server, view_reports="0")
    text = own_admin.get("/admin/dashboard").text
    statuses = {part.name: own_admin.get(f"/admin/dashboard/{part.name}").status for part in (*TILES, *PARTS)}

    assert ("/dashboard/routes" in text, "/dashboard/called" in text) == (True, False)
    assert ("/dashboard/active" in text, "/dashboard/today" in text) == (True, False)
    assert {"active": 200, "routes": 200, "nowhere": 200, "copies": 200} == {
        name: s for name, s in statuses.items() if s == 200
    }
    assert {403} == {status for status in statuses.values() if status != 200}
    assert 404 == own_admin.get("/admin/dashboard/no-such-part").status


def test_figures_of_other_groups_are_invisible(own_admin, own_server):
    """A user of a group counts its DIDs alone, whatever somebody else has counted just before."""
    all_dids = own_admin.get("/admin/dashboard/routes").text
    own_server.sql("UPDATE vicidial_user_groups SET admin_viewable_groups = ' WEST '")
    own_server.sql("UPDATE vicidial_inbound_dids SET user_group = 'EAST'")

    assert "EXTEN" in all_dids
    assert "There are no DIDs yet." in own_admin.get("/admin/dashboard/routes").text


def test_the_console_is_filled_with_the_tutorial(admin, server):
    """Where its DID is there; and it has every function."""
    text = admin.get("/admin/console").text
    server.sql("DELETE FROM vicidial_inbound_dids")

    assert f'value="{SOURCE}"' in text
    assert 'action="/vicidial/non_agent_api.php" method="post"' in text
    assert f'value="{SOURCE}"' not in admin.get("/admin/console").text


def test_the_console_exports_to_postman(admin):
    """The request as it stands, passwords as variables without values, other parameters not at all."""
    query = f"form=add_user&user=crm&pass={PASSWORD}&agent_pass={PASSWORD}&source=x&stray=1&email=a%2Bb"
    answer = admin.get(f"/admin/console/postman.json?{query}")
    collection = json.loads(answer.text)
    asked = {one["key"]: one["value"] for one in collection["item"][0]["request"]["url"]["query"]}

    assert 'attachment; filename="didier-add_user.json"' == answer.headers["content-disposition"]
    assert {
        "function": "add_user", "user": "crm", "pass": "{{pass}}", "agent_pass": "{{agent_pass}}",
        "source": "x", "email": "a%2Bb",
    } == asked  # fmt: skip
    assert PASSWORD not in answer.text
    assert {"baseUrl", "pass", "agent_pass"} == {one["key"] for one in collection["variable"]}
    assert 404 == admin.get("/admin/console/postman.json?form=none").status


def test_the_console_is_for_those_who_may_call_something(admin, server):
    """Without any right there is no page for it."""
    without(server, api_allowed_functions="")

    assert 403 == admin.get("/admin/console").status
