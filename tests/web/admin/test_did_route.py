"""Where calls to a DID go, as the panel shows it."""

import re

SOURCE = "18001234567"
PAGE = f"/admin/did/{SOURCE}/route"


def without_tags(page):
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", page.partition('id="content"')[2]))


def test_the_page_of_a_did_leads_there(admin):
    """Before anything is filled in, the call is one from a withheld number."""
    assert f'href="{PAGE}"' in admin.get(f"/admin/did/{SOURCE}").text
    assert (
        f"A call from a withheld number to {SOURCE} goes to extension 8300 in the context trunkinbound"
        in without_tags(admin.get(PAGE).text)
    )


def test_steps_decision_and_commands(admin):
    """For the caller that the form names, who stays in the form."""
    page = admin.get(f"{PAGE}?caller=%2B1+727+555+1212&name=Jane&server_ip=192.0.2.99").text
    shown = without_tags(page)

    assert "A call from 17275551212 to" in shown
    assert "Step What it came to did the DID 18001234567 route EXTEN: 8300 in trunkinbound" in shown
    assert "SET CONTEXT trunkinbound SET EXTENSION 8300 SET PRIORITY 1" in shown
    assert "192.0.2.99, which is no server" in shown
    assert [f'value="{value}"' in page for value in ("+1 727 555 1212", "Jane", "192.0.2.99")] == [True] * 3


def test_a_call_that_is_sent_on_can_be_followed(admin):
    """With the same caller: in the context in which calls arrive another DID decides, or none."""
    page = admin.get(f"{PAGE}?caller=7275551212").text
    followed = without_tags(admin.get("/admin/did/8300/route?caller=7275551212").text)

    assert 'href="/admin/did/8300/route?caller=7275551212"' in page
    assert "It leads nowhere: 8300 is no active DID, and there is no default." in followed
    assert "Nothing: the dialplan goes on by itself." in followed


def test_what_is_written_in_the_form_is_text(admin):
    """It commands no browser, and no page."""
    page = admin.get(f"{PAGE}?name=%3Cscript%3Ealert(1)%3C/script%3E&caller=%22%3E%3Cb%3E").text

    assert "<script>alert(1)" not in page
    assert '"><b>' not in page


def test_who_does_not_see_the_did_finds_no_page(admin, server):
    """As for the DID's own page."""
    server.sql("UPDATE vicidial_user_groups SET admin_viewable_groups = ' WEST '")
    server.sql("UPDATE vicidial_inbound_dids SET user_group = 'EAST'")

    assert [404, 404] == [admin.get(path).status for path in (f"/admin/did/{SOURCE}", PAGE)]
