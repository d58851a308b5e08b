"""Live calls, in Debian's Chromium: what comes while the page is open."""

import pytest

from browser.panel import Panel
from support.channel import Channel
from support.mariadb import free_port
from support.server import Didier

SOURCE = "18001234567"


@pytest.fixture(scope="module")
def called(tmp_path_factory):
    """A server with FastAGI, and its port."""
    directory, port = tmp_path_factory.mktemp("live"), free_port()
    arguments = ("--demo", "--database", f"sqlite:///{directory}/didier.db", "--agi-port", str(port))
    server = Didier(directory, *arguments).start()
    yield server, port
    server.stop()


@pytest.fixture
def panel(called, open_page):
    """The page, with the administrator signed in."""
    panel = Panel(open_page(), called[0].url, drawn=False)
    show(panel)
    return panel


def show(panel):
    panel.page.goto(f"{panel.url}/admin/live")
    panel.page.wait_for_selector("#live-state:has-text('Live')")


def row(number):
    return f"#latest tr:has-text('{number}')"


def test_a_call_comes_while_the_page_is_open(panel, called):
    """It has a row with what became of it, without a reload; from there on to the explanation."""
    panel.page.evaluate("window.kept = 1")
    refused = Channel(called[1], SOURCE, uniqueid="2.1")
    refused.told()
    refused.told(b"510 no\n")
    refused.rest()
    panel.page.wait_for_selector(f"{row(SOURCE)}:has-text('refused by Asterisk')")
    Channel(called[1], "18005550166", uniqueid="2.2").rest()
    panel.page.wait_for_selector(f"{row('18005550166')}:has-text('no DID')")
    kept = panel.page.evaluate("window.kept")
    panel.follow(f"{row(SOURCE)} a >> nth=0")

    assert 1 == kept
    assert panel.page.url.endswith(f"/admin/did/{SOURCE}/route?caller=7275551212")
    assert "A call from 7275551212" in panel.text()


def test_a_page_that_is_paused_stays_as_it_is(panel, called):
    """Until it is let go on: then it has what came meanwhile."""
    panel.page.click("#live-pause")
    panel.page.wait_for_selector("#live[data-state=paused]")
    shown = panel.page.get_attribute("#live", "data-shown")
    Channel(called[1], "18005550155", uniqueid="2.3").rest()
    assert panel.page.get_attribute("#live", "data-shown") == shown
    assert panel.page.query_selector(row("18005550155")) is None
    panel.page.press("#live-pause", "Enter")
    panel.page.wait_for_selector(row("18005550155"))

    assert "Pause" == panel.text("#live-pause")


def test_who_is_on_a_link_stays_there(panel, called):
    """New tables do not take the focus away."""
    Channel(called[1], "18005550144", uniqueid="2.4").rest()
    panel.page.focus(f"{row('18005550144')} a >> nth=0")
    Channel(called[1], "18005550133", uniqueid="2.5").rest()
    panel.page.wait_for_selector(row("18005550133"))

    assert "18005550144" == panel.page.evaluate("document.activeElement.textContent")


def test_it_works_without_scripts(called, open_page):
    """What there is is shown, with a link that shows it anew."""
    Channel(called[1], "18005550122", uniqueid="2.6").rest()
    page = open_page(java_script_enabled=False)
    panel = Panel(page, called[0].url, drawn=False)
    while page.goto(f"{panel.url}/admin/live") and not page.query_selector(row("18005550122")):
        pass  # the server looks once a second

    assert page.is_visible("noscript a[href='/admin/live']")
    assert not page.is_visible("#live-pause")


@pytest.mark.parametrize("width", [360, 1280])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_nothing_keeps_people_out(called, open_page, width, scheme):
    """It has no barriers, and fits a telephone, also with a long number."""
    Channel(called[1], "1" * 90, uniqueid="2.7").rest()
    page = open_page(viewport={"width": width, "height": 800}, color_scheme=scheme)
    panel = Panel(page, called[0].url, drawn=False)
    show(panel)
    page.wait_for_selector(row("1" * 20))

    assert [] == panel.barriers()
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert [] == page.complaints
