"""Where calls to a DID go, in Debian's Chromium."""

import pytest

from browser.panel import Panel

SOURCE = "18001234567"


@pytest.fixture
def panel(home, open_page):
    """The panel of a server in each home, with the administrator signed in."""
    return Panel(open_page(), home.url, drawn=False)


def test_from_the_did_to_where_its_calls_end(panel):
    """The form asks for who calls, and the call is followed to where it is sent on."""
    page = panel.page
    panel.open(f"/did/{SOURCE}")
    panel.follow("text=Where do calls go?")
    withheld = panel.text()
    page.fill("#filter-caller", "(727) 555-1212")
    page.fill("#filter-name", "Jane")
    panel.follow("main form [type=submit]")
    shown, commands = panel.text(), panel.text("#commands")
    kept = page.input_value("#filter-caller")
    panel.follow("text=Follow it to 8300")
    followed = panel.text()

    assert "A call from a withheld number to 18001234567 goes to extension 8300" in withheld
    assert "A call from 7275551212 to 18001234567 goes to extension 8300 in the context trunkinbound" in shown
    assert "route EXTEN: 8300 in trunkinbound" in shown
    assert "SET CONTEXT trunkinbound SET EXTENSION 8300 SET PRIORITY 1" == commands
    assert "(727) 555-1212" == kept
    assert "It leads nowhere: 8300 is no active DID, and there is no default." in followed
    assert "A call from 7275551212 to 8300 is not sent anywhere" in followed


@pytest.mark.parametrize("width", [360, 1280])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_nothing_keeps_people_out(server, open_page, width, scheme):
    """It has no barriers, and fits a telephone, also with a long command and where it leads nowhere."""
    server.sql("UPDATE vicidial_inbound_dids SET record_call = 'Y', did_route = 'CALLMENU', menu_id = 'LOST'")
    panel = Panel(
        open_page(viewport={"width": width, "height": 800}, color_scheme=scheme), server.url, drawn=False
    )
    panel.open(f"/did/{SOURCE}/route?caller=7275551212&name={'n' * 80}")

    assert "It leads nowhere: the call menu LOST does not exist." in panel.text()
    assert [] == panel.barriers()
    assert not panel.page.evaluate("document.documentElement.scrollWidth > innerWidth")
