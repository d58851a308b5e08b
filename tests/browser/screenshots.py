"""Writes docs/images: every page of the panel in light and dark, on a desk and on a telephone.

make screenshots                      all pages
make screenshots SHOTS='did copy'     some of them
"""

import random
import sys
import tempfile
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))

from playwright.sync_api import sync_playwright

from browser.conftest import ARGUMENTS, executable
from browser.panel import Panel
from didier.storage.database import writing
from didier.web.api.gateways import EXAMPLE as GATEWAYS
from didier.web.api.schedules import EXAMPLE
from support import call_history
from support.authenticator import set_up
from support.channel import Channel
from support.engines import opened
from support.mariadb import free_port
from support.server import Didier
from support.usage import count_for
from web.api.conftest import Api

IMAGES = Path(__file__).parents[2] / "docs" / "images"
SIZES = {"desk": {"width": 1280, "height": 900}, "phone": {"width": 360, "height": 740}}
SOURCE = "18001234567"

EDGE = {"sequence": 1, "numbers": 120_000, "kamailio": "connected", "version": "0.1.0"}
US_EAST = {
    "gateways": [{"address": "pbx.example.com"}],
    "rules": [{"prefix": "1800222", "route": "IN_GROUP"}],
}

Prepare = Callable[[Panel], Any]

_FREE = count(18002224001)
"""Numbers without DIDs: the console copies to one for each picture."""


def _preview(panel: Panel) -> None:
    panel.page.fill("#template", "Sales {target}")
    panel.page.check("[value=best_effort]")
    panel.preview("18002223400-18002223401\n(800) 222-3333\n1800555\n18005550100-18005550119")
    panel.page.evaluate("document.activeElement.blur(); scrollTo(0, 0)")


def _wrong(panel: Panel) -> None:
    panel.page.select_option("#did_route", "IN_GROUP")
    panel.page.fill("#group_id", "SALES")
    panel.page.press("#group_id", "Tab")
    panel.page.wait_for_selector("#group_id-problem:not(:empty)")
    panel.page.evaluate("document.getElementById('group_id').scrollIntoView({block: 'center'})")


def _chosen(panel: Panel) -> None:
    for box in panel.page.query_selector_all("[name=did]")[:3]:
        box.check()
    panel.page.evaluate("document.activeElement.blur(); scrollTo(0, 0)")


def _ticked(panel: Panel) -> None:
    for box in panel.page.query_selector_all("[name=did]")[:2]:
        box.check()
    panel.page.evaluate("document.activeElement.blur(); scrollTo(0, 0)")


def _edited(panel: Panel) -> None:
    panel.page.fill("#did_description", "Sales, west coast")
    panel.page.fill("#tags", "vip,west")
    panel.page.click("#preview")
    panel.page.wait_for_selector("#make:not([hidden])")
    panel.page.evaluate("document.activeElement.blur(); document.getElementById('make').scrollIntoView()")


def _deletion(panel: Panel) -> None:
    panel.page.click("#delete")


def _losing(panel: Panel) -> None:
    panel.page.select_option("#user_level", "7")
    panel.page.select_option("#view_reports", "0")
    panel.page.click("text=Save Changes")
    panel.page.wait_for_selector("#losing[open]")


def _counted(panel: Panel) -> None:
    panel.page.wait_for_selector(".dashboard[data-done]")
    panel.page.wait_for_selector("#part-strangers svg")


def _drawn(panel: Panel) -> None:
    panel.page.wait_for_selector("[data-chart] svg")


def _provisioned(panel: Panel) -> None:
    for box in panel.page.query_selector_all("[name=targets]")[:2]:
        box.check()
    panel.page.evaluate("document.activeElement.blur(); scrollTo(0, 0)")


def _live(panel: Panel) -> None:
    panel.page.wait_for_selector("#live-state:has-text('Live')")


def _sent(panel: Panel) -> None:
    panel.page.fill("#c-pass", "1234")
    panel.page.fill("[name=new_did_pattern]:enabled", str(next(_FREE)))
    panel.page.click("#console [type=submit]")
    panel.page.wait_for_selector("#answer:not([hidden])")
    panel.page.evaluate("document.activeElement.blur(); scrollTo(0, 0)")


def _tried(panel: Panel) -> None:
    panel.page.evaluate("document.getElementById('attempts-title').scrollIntoView()")


def _begun(panel: Panel) -> None:
    panel.page.fill("#begin-password", "1234")
    panel.page.click("#begin-form [type=submit]")
    panel.page.wait_for_selector("#confirm-form:not([hidden])")
    panel.page.evaluate("document.activeElement.blur(); document.getElementById('picture').scrollIntoView()")


def _fill_records(server: Didier) -> None:
    """Calls of a week, a user whom wrong passwords have locked out, refused requests."""
    server.vicidial(
        "add_user", agent_user="crm", agent_pass="1234", agent_user_level="8", agent_full_name="CRM",
        agent_user_group="ADMIN",
    )  # fmt: skip
    for _ in range(10):
        server.tutorial(user="crm", **{"pass": "wrong"})
    server.tutorial(did="18009999999")
    _fill_calls(server)


def _busy(moment: datetime) -> float:
    """Return how much is going on at a time, of 1: most on weekdays around noon."""
    by_day = max(0.02, 1 - abs(moment.hour - 13) / 8)
    return by_day * (0.25 if moment.weekday() > 4 else 1)


def _fill_calls(server: Didier) -> None:
    """Calls of six weeks, more at noon than at night, to some DIDs and to numbers without one.

    DIDs that were copied were so three weeks ago: idle ones are not if they are new.
    """
    server.sql(
        "UPDATE didier_changes SET changed_at = datetime('now', 'localtime', '-20 days') WHERE cause = 'copy'"
    )
    hours = 42 * 24
    begins = datetime.now(UTC).replace(tzinfo=None, minute=0, second=0) - timedelta(hours=hours)
    called = {1: SOURCE, 2: "18002223333", 3: "18002223334", 5: "18002223336", 0: ""}
    rows = call_history.history(1, begins, hours, 12, called)
    choose = random.Random(2)
    ids = {str(row[0]) for row in rows.did_log}
    kept = {one for one in sorted(ids) if choose.random() < _busy(datetime.fromtimestamp(float(one), UTC))}
    logged = call_history.Rows(
        [row for row in rows.did_log if row[0] in kept],
        [row for row in rows.call_log if row[0] in kept],
        [row for row in rows.closer_log if row[4] in kept],
    )
    with opened(f"sqlite:///{server.database}") as engine, writing(engine) as conn:
        call_history.store(conn, logged)
    count_for(server)


def _fill_webhooks(server: Didier) -> None:
    """Webhooks in three states, and what came of messages; they hear of DIDs that nobody creates here."""
    for place, (host, description) in enumerate((("crm", "CRM"), ("billing", "Billing"), ("old", ""))):
        url = f"https://{host}.example.com/didier"
        made = Api(server).post(
            "/webhooks",
            {"url": url, "description": description, "types": ["did.*"], "prefixes": ["+4420"]},
        )
        assert place + 1 == made.body["id"]
    moments = "datetime('now', 'localtime', ?)"
    for columns, number in {
        f"succeeded_at = {moments}": 1,
        f"attempts = 3, retry_at = {moments}, failing_since = '2026-03-04 05:06:07'": 2,
        f"disabled_at = {moments}, disabled_reason = 'the receiver wants nothing more (410)'": 3,
    }.items():
        server.sql(f"UPDATE didier_webhooks SET {columns} WHERE webhook_id = ?", "-7 minutes", number)
    for minutes, attempt, outcome, status, answer in (
        (13, 1, "repeated", 503, "<h1>Service Unavailable</h1>"), (12, 2, "repeated", None, ""),
        (10, 3, "taken", 204, ""), (7, 1, "taken", 200, "ok"),
    ):  # fmt: skip
        server.sql(
            "INSERT INTO didier_webhook_attempts (webhook_id, attempted_at, cause, event_id, event_type,"
            f" number, attempt, outcome, status, error, answer, milliseconds) VALUES (1, {moments},"
            " 'feed', ?, 'did.created', 1, ?, ?, ?, ?, ?, 42)",
            f"-{minutes} minutes", "1204" if minutes > 7 else "1205", attempt, outcome, status,
            "" if status else "no answer within 15 seconds", answer,
        )  # fmt: skip


Pages = dict[str, tuple[str, Prepare | None]]


def _make_calls(port: int) -> None:
    """Calls by which Asterisk asks: sent on, one that it refuses, and some to a number without a DID."""
    called = (SOURCE, "18002223333", "18002223335", "18002223333", "18005550199", SOURCE, "18005550199")
    for place, number in enumerate(called):
        Channel(port, number, f"727555{place:04}", f"1.{place}").rest()
    refused = Channel(port, "18002223334", "7275550142", "1.99")
    refused.told()
    refused.told(b"510 Invalid or unknown command\n")
    refused.rest()


PAGES: Pages = {
    "dids": ("/dids", _chosen),
    "bulk": ("/bulk?action=edit&all=1&search=1800222", _edited),
    "did": ("/did/18002223333", None),
    "did-route": ("/did/18002223333/route?caller=7275551212", None),
    "did-edit": (f"/did/{SOURCE}/edit", _wrong),
    "did-delete": ("/did/18002223334", _deletion),
    "copy": (f"/copy?source={SOURCE}", _preview),
    "batches": ("/batches", None),
    "batch": ("/batches/2", None),
    "dashboard": ("/dashboard?days=30", _counted),
    "report-use": ("/reports/use", _drawn),
    "report-idle": ("/reports/idle?days=14", _ticked),
    "report-unknown": ("/reports/unknown", _provisioned),
    "did-calls": ("/did/18002223333/calls", None),
    "live": ("/live", _live),
    "in-groups": ("/in-groups", None),
    "call-menu": ("/call-menu/MAIN", None),
    "schedules": ("/schedules", None),
    "schedule": ("/schedule/office", None),
    "gateways": ("/gateways", None),
    "gateway": ("/gateway/london", None),
    "webhooks": ("/webhooks", None),
    "webhook": ("/webhook/1", _tried),
    "users": ("/users", None),
    "user": ("/user/crm", None),
    "user-own": ("/user/admin", _losing),
    "log": ("/log", None),
    "changes": ("/changes", None),
    "console": ("/console", _sent),
    "profile": ("/profile", None),
    "profile-begun": ("/profile", _begun),
}
"""The address of each page, and what is done there before the picture is taken."""


def fill(server: Didier) -> None:
    """Put something to be seen into the demonstration's database."""
    for name, title in (("SALESLINE", "Sales line"), ("SUPPORT", "Support")):
        server.sql(
            "INSERT INTO vicidial_inbound_groups (group_id, group_name, active) VALUES (?, ?, 'Y')",
            name,
            title,
        )
    server.sql("INSERT INTO vicidial_call_menu (menu_id, menu_name) VALUES ('MAIN', 'Main menu')")
    for option, route, value in (
        ("1", "INGROUP", "SALESLINE"),
        ("2", "INGROUP", "SUPPORT"),
        ("0", "HANGUP", ""),
    ):
        server.sql(
            "INSERT INTO vicidial_call_menu_options (menu_id, option_value, option_route, option_route_value)"
            " VALUES ('MAIN', ?, ?, ?)",
            option, route, value,
        )  # fmt: skip
    Api(server).ask("PUT", "/schedules/office", EXAMPLE)
    server.tutorial(target=",".join(str(18002223333 + number) for number in range(8)))
    server.vicidial(
        "copy_did",
        source_did_pattern=SOURCE,
        new_dids="18002223400-18002223499",
        did_description="West coast",
    )
    for did, group in (("18002223333", "SALESLINE"), ("18002223334", "SUPPORT")):
        server.vicidial("update_did", did_pattern=did, did_route="IN_GROUP", group=group)
    server.vicidial("update_did", did_pattern="18002223335", did_description="Closed at night")
    server.sql("UPDATE vicidial_inbound_dids SET did_active = 'N' WHERE did_pattern = '18002223335'")
    server.vicidial("add_did", did_pattern="+442079460000", did_description="London office", extension="8400")
    Api(server).ask("PUT", "/gateways/london", GATEWAYS)
    Api(server).ask("PUT", "/gateways/us-east", US_EAST)
    Api(server).ask("PUT", "/edges/london-1", EDGE)


def shoot(browser: Any, server: Didier, names: list[str], pages: Pages = PAGES) -> None:
    """Take the pictures of *pages* that are named."""
    for scheme in ("light", "dark"):
        for size, viewport in SIZES.items():
            context = browser.new_context(color_scheme=scheme, viewport=viewport, reduced_motion="reduce")
            page = context.new_page()
            page.goto(f"{server.url}/admin/login")
            if "login" in names:
                page.screenshot(path=IMAGES / f"login-{scheme}-{size}.png")
            panel = Panel(page, server.url)
            for name in names:
                if name in pages:
                    path, prepare = pages[name]
                    panel.open(path)
                    if prepare:
                        prepare(panel)
                    page.screenshot(path=IMAGES / f"{name}-{scheme}-{size}.png")
            context.close()


CHECKED: Pages = {
    "checks": ("/checks", _ticked),
    "duplicates": ("/reports/duplicates?kind=configuration&prefix=18002223", None),
}
"""What is wrong with DIDs, and what is alike: other pictures are taken before."""
CHECKED: Pages = {"checks": ("/checks", _ticked), "drift": ("/reports/drift", _ticked)}
"""What is wrong with DIDs, and what copies have otherwise: other pictures are taken before."""


def spoil(server: Didier) -> None:
    """Have something wrong with some DIDs."""
    for did, columns in {
        "18002223410": "did_route = 'IN_GROUP', group_id = 'SPRING'",
        "18002223411": "did_route = 'IN_GROUP', group_id = 'SPRING'",
        "18002223420": "extension = '18002223421', exten_context = 'trunkinbound'",
        "18002223421": "extension = '18002223420', exten_context = 'trunkinbound'",
        "18002223430": "exten_context = 'defualt'",
        "18002223440": "extension = ''",
        "18002223450": "no_agent_ingroup_redirect = 'Y', no_agent_ingroup_id = 'NIGHT'",
    }.items():
        server.sql(f"UPDATE vicidial_inbound_dids SET {columns} WHERE did_pattern = ?", did)


SECURED = ("login-code", "profile-on", "profile-codes")
"""Pictures of what a user with a second factor sees."""


def shoot_secured(browser: Any, server: Didier, names: list[str]) -> None:
    """Take the pictures for which the administrator sets up a second factor."""
    app = set_up(server)

    def take(page: Any, name: str, scheme: str, size: str) -> None:
        page.evaluate("document.activeElement.blur()")
        if name in names:
            page.screenshot(path=IMAGES / f"{name}-{scheme}-{size}.png")

    for scheme in ("light", "dark"):
        for size, viewport in SIZES.items():
            context = browser.new_context(color_scheme=scheme, viewport=viewport, reduced_motion="reduce")
            page = context.new_page()
            page.goto(f"{server.url}/admin/login?next=/admin/profile")
            page.fill("#user", "admin")
            page.fill("#password", "1234")
            page.press("#password", "Enter")
            page.wait_for_selector("#code")
            take(page, "login-code", scheme, size)
            page.fill("#code", app.fresh())
            page.press("#code", "Enter")
            page.wait_for_selector("#factor-form")
            take(page, "profile-on", scheme, size)
            page.fill("#code", app.fresh())
            page.click("[value=codes]")
            page.wait_for_selector("#codes[open]")
            take(page, "profile-codes", scheme, size)
            context.close()


def main() -> None:
    """Start the demonstration in a directory of its own and take the pictures."""
    names = sys.argv[1:] or ["login", *PAGES, *CHECKED, *SECURED]
    IMAGES.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as directory, sync_playwright() as playwright:
        database = f"sqlite:///{directory}/didier.db"
        agi_port = free_port()
        arguments = ("--demo", "--database", database, "--agi-port", str(agi_port))
        server = Didier(Path(directory), *arguments).start()
        browser = playwright.chromium.launch(executable_path=executable(), args=ARGUMENTS)
        try:
            fill(server)
            _fill_records(server)
            _fill_webhooks(server)
            _make_calls(agi_port)
            shoot(browser, server, names)
            if set(CHECKED) & set(names):
                spoil(server)
                shoot(browser, server, [*CHECKED], CHECKED)
            if set(SECURED) & set(names):
                shoot_secured(browser, server, names)
        finally:
            browser.close()
            server.stop()


if __name__ == "__main__":
    main()
