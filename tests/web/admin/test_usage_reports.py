"""Reports of usage in the panel: what they show, and where each figure leads."""

import html
import re
from datetime import datetime, timedelta

import pytest

from didier.storage.database import writing
from didier.storage.usage import rollups
from didier.storage.usage.rollups import State
from didier.web.admin.call_figures import NONE
from support.browsers import Browser
from support.engines import opened
from support.server import Didier
from support.usage import count_for
from web.admin.test_records import SOURCE, call, without

COPIES = ["18002223333", "18002223334"]
UNKNOWN = ["18009990000", "+442079460000"]
TABS = ("use", "idle", "unknown")


def shown(page):
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", page.text.partition('id="content"')[2])).split())


def links(page):
    return [html.unescape(href) for href in re.findall(r'href="([^"]+)"', page.text)]


@pytest.fixture
def called(own_admin, own_server):
    """A browser: three calls to one DID, one to another, none to a third, some to numbers without a DID."""
    own_server.tutorial(target=",".join(COPIES))
    own_server.sql("UPDATE didier_changes SET changed_at = '2026-01-01 00:00:00'")
    for days in (2, 3, 4):  # yesterday is summed up some hours after midnight
        call(own_server, SOURCE, days=days)
    call(own_server, COPIES[0], 2, days=3)
    for number in (*UNKNOWN, UNKNOWN[0]):
        call(own_server, number, 0, days=3)
    count_for(own_server)
    return own_admin


def test_the_menu_leads_to_the_first_report(own_admin):
    """Each has its tab, and its help."""
    assert (303, "/admin/reports/use") == (
        (answer := own_admin.get("/admin/reports")).status, answer.headers["location"]
    )  # fmt: skip
    for name in TABS:
        found = links(own_admin.get(f"/admin/reports/{name}"))
        assert {f"/admin/reports/{tab}" for tab in TABS} <= set(found)
        assert [href for href in found if href.startswith("/docs/guide/usage#")]


def test_dids_with_calls(called):
    """The most called first, with what is known of the calls; what has none is not there."""
    page = called.get("/admin/reports/use")

    rows = re.findall(r"(\d{11}) Tutorial sales line (\d+) (.+?) (\d+) \((.+?)\)", shown(page))
    assert [(SOURCE, "3"), (COPIES[0], "1")] == [row[:2] for row in rows]
    assert {NONE} == {row[2] for row in rows}  # the time before is not known
    assert COPIES[1] not in shown(page)
    assert "Calls are counted since" in shown(page)


def test_a_day_leads_to_its_calls(called):
    """And an hour of it to its own."""
    moment = datetime.now() - timedelta(days=3)
    day = next(href for href in links(called.get("/admin/reports/use")) if f"since={moment:%Y-%m-%d}" in href)
    page = called.get(day)
    ends = moment + timedelta(hours=1)
    period = f"since={moment:%Y-%m-%dT%H}%3A00&until={ends:%Y-%m-%dT%H}%3A00"
    hour = next(href for href in links(page) if period in href and "format" not in href)

    assert "Calls by hour" in shown(page)
    assert [True, True] == [f">{number}</a>" in page.text for number in (SOURCE, COPIES[0])]
    assert f">{SOURCE}</a>" in called.get(hour).text


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("search=2223333", [COPIES[0]]), ("route=EXTEN", [SOURCE, COPIES[0]]), ("route=PHONE", []),
        ("user_group=NONE", []), ("tag=vip", []), (f"did={COPIES[0]}", [COPIES[0]]), ("period=today", []),
        ("period=odd&sort=odd&after=odd&since=odd", [SOURCE, COPIES[0]]),
        ("source=vicidial", [SOURCE, COPIES[0]]), ("source=edge", []),
        ("since=0001-01-01T00:00&until=9999-12-31T23:59", [SOURCE, COPIES[0]]),
        ("until=2020-01-01T00:00", []), ("since=9999-12-31T23:59", []),
    ],
)  # fmt: skip
def test_a_report_is_filtered_by_its_address(called, query, found):
    """What is odd is not asked for; where nothing fits, the page says so."""
    page = called.get(f"/admin/reports/use?{query}")

    assert (200, found) == (page.status, re.findall(r'fw-bold" href="/admin/did/(\d+)"', page.text))
    assert bool(found) != ("was called in this period" in shown(page))


def test_links_keep_what_is_asked(called):
    """Sorting, periods and the download are of the same DIDs."""
    page = called.get("/admin/reports/use?search=1800&period=7d&sort=last_call")
    download = next(href for href in links(page) if "/api/v1/usage" in href)
    sent = called.get(download)

    assert "?search=1800&period=7d&sort=wait" in links(page)
    assert "?search=1800&period=90d&sort=last_call" in links(page)
    assert 'aria-sort="descending"' in page.text
    assert (200, 3) == (sent.status, len(sent.text.splitlines()))
    assert SOURCE in sent.text.splitlines()[1]


def test_reports_go_on_on_the_next_page(own_admin, own_server):
    """Each DID is on one of them."""
    own_server.tutorial(target=",".join(str(18005550000 + number) for number in range(59)))
    own_server.sql("UPDATE didier_changes SET changed_at = '2026-01-01 00:00:00'")
    for did_id, number in own_server.sql("SELECT did_id, did_pattern FROM vicidial_inbound_dids"):
        call(own_server, number, did_id, days=40)
        call(own_server, f"9{number}", 0, days=40)
    count_for(own_server)
    for report, number in (("use?period=90d", "18"), ("idle", "18"), ("unknown?period=90d", "918")):
        first = own_admin.get(f"/admin/reports/{report}")
        onward = next(href for href in links(first) if "after=" in href)
        second = own_admin.get(f"/admin/reports/{report.partition('?')[0]}{onward}")
        found = [
            re.findall(rf'class="name[^"]*">(?:<a[^>]*>)?({number}\d+)', page.text)
            for page in (first, second)
        ]

        assert ([50, 10], 60) == ([*map(len, found)], len({*found[0], *found[1]})), report


def test_idle_dids_are_chosen_and_deactivated(called):
    """Those without a call since; the choice leads to the preview of a batch."""
    page = called.get("/admin/reports/idle")
    few = called.get("/admin/reports/idle?days=30&fewer_than=2")
    bulk = called.get(f"/admin/bulk?did={COPIES[1]}&action=deactivate")

    assert "1 active DID with no call since" in shown(page)
    assert [COPIES[1]] == re.findall(r'name="did" value="([^"]+)"', page.text)
    assert "never" in shown(page)
    assert [COPIES[1], COPIES[0]] == re.findall(r'name="did" value="([^"]+)"', few.text)
    assert 'name="action" value="deactivate"' in page.text
    assert "&#34;did_active&#34;: &#34;N&#34;" in bulk.text


@pytest.mark.parametrize(
    "query", ["days=0", "days=odd", "days=99999999999", "fewer_than=-1", "after=odd", "days=%D9%A3"]
)
def test_odd_numbers_of_days(called, query):
    """They are the usual ones, or the nearest."""
    assert COPIES[1] in called.get(f"/admin/reports/idle?{query}").text


def test_numbers_without_a_did_are_provisioned(called):
    """All that were chosen are on the page that copies; one that a DID has got is gone."""
    page = called.get("/admin/reports/unknown")
    chosen = re.findall(r'name="targets" value="([^"]+)"', page.text)
    copy = called.get("/admin/copy?targets=18009990000&targets=%2B442079460000")

    assert UNKNOWN == chosen
    assert "18009990000\n+442079460000</textarea>" in copy.text
    assert 'action="/admin/copy"' in page.text
    called.server.tutorial(target=UNKNOWN[0])
    assert [UNKNOWN[1]] == re.findall(
        r'name="targets" value="([^"]+)"', called.get("/admin/reports/unknown").text
    )


def test_who_may_change_nothing_chooses_nothing(called):
    """The lists are there, without boxes."""
    without(called.server, modify_inbound_dids="0")
    pages = [called.get(f"/admin/reports/{name}") for name in ("idle", "unknown")]

    assert [True, True] == [
        number in page.text for number, page in zip((COPIES[1], UNKNOWN[0]), pages, strict=True)
    ]
    assert [False, False] == ['type="checkbox"' in page.text for page in pages]


def test_the_page_of_a_did_has_its_calls(called):
    """With the way to the report and to the calls of a day; not for those who may not see them."""
    page = called.get(f"/admin/did/{SOURCE}")
    day = datetime.now() - timedelta(days=3)
    calls = called.get(f"/admin/did/{SOURCE}/calls?day={day:%Y-%m-%d}")

    assert "3 calls" in shown(page)
    assert f"/admin/reports/use?did={SOURCE}" in links(page)
    assert f"/admin/did/{SOURCE}/calls?day={day:%Y-%m-%d}" in links(page)
    assert f"{day:%Y-%m-%d %H}" in shown(calls)
    assert f"No call to {SOURCE} on 0001-01-01." in shown(
        called.get(f"/admin/did/{SOURCE}/calls?day=0001-01-01")
    )
    assert 200 == called.get(f"/admin/did/{SOURCE}/calls?day=odd").status
    assert "No call in the 30 days until yesterday." in shown(called.get(f"/admin/did/{COPIES[1]}"))
    without(called.server, view_reports="0")
    assert "3 calls" not in shown(called.get(f"/admin/did/{SOURCE}"))
    assert 403 == called.get(f"/admin/did/{SOURCE}/calls").status


def test_nothing_is_counted_yet(demo_url, tmp_path):
    """The page says so, and what to do."""
    with opened(demo_url) as engine, writing(engine) as conn:
        rollups.keep_state(conn, State())
    server = Didier(
        tmp_path, "--demo", "--database", demo_url, environment={"DIDIER_USAGE_SECONDS": "0"}
    ).start()
    try:
        browser = Browser(server)
        browser.sign_in()
        pages = [
            browser.get(f"/admin/{path}") for path in (*(f"reports/{name}" for name in TABS), f"did/{SOURCE}")
        ]
    finally:
        server.stop()

    assert [200] * 4 == [page.status for page in pages]
    assert [True] * 4 == ["No calls are counted yet." in shown(page) for page in pages]
    assert "didier doctor" in shown(pages[0])


def test_the_head_of_the_dashboard(called):
    """Four figures, each with the way to what it counts."""
    tiles = {
        name: called.get(f"/admin/dashboard/{name}?days=7") for name in ("active", "today", "idle", "unknown")
    }
    said = {
        name: " ".join(re.sub(r"<[^>]+>", " ", tile.text.partition("<div")[0]).split())
        for name, tile in tiles.items()
    }
    lead = {name: links(tile)[0] for name, tile in tiles.items()}

    assert "3 0 created by copies in the last 7 days" == said["active"]
    assert said["today"].startswith("0 ")
    assert said["idle"].startswith("1 active, and not called since ")
    assert "2 3 calls in the last 7 days" == said["unknown"]
    assert {
        "active": "/admin/dids?active=Y", "today": "/admin/reports/use?period=today",
        "idle": "/admin/reports/idle?days=30", "unknown": "/admin/reports/unknown?period=7d",
    } == lead  # fmt: skip


def test_the_dashboard_remembers_its_days(own_admin):
    """Those that were chosen last; none that there are not."""
    before = own_admin.get("/admin/dashboard").text
    own_admin.get("/admin/dashboard?days=90")
    after = own_admin.get("/admin/dashboard").text
    own_admin.get("/admin/dashboard?days=odd")

    assert ["days=7", "days=90"] == [
        re.search(r"/dashboard/routes\?(days=\d+)", text)[1] for text in (before, after)
    ]
    assert "/dashboard/routes?days=7" in own_admin.get("/admin/dashboard").text
