"""Live calls, without a browser that draws them."""

from datetime import datetime

from web.admin.test_records import without

SOURCE = "18001234567"


def call(server, number, did_id, caller="7275551212"):
    server.sql(
        "INSERT INTO vicidial_did_log (uniqueid, channel, server_ip, extension, call_date, did_id,"
        " caller_id_number) VALUES ('1.1', 'c', '192.0.2.1', ?, ?, ?, ?)",
        number, datetime.now().isoformat(" ", "seconds"), str(did_id), caller,
    )  # fmt: skip


def read(admin, path="/admin/live", until=SOURCE):
    """Return the page once it says *until*: the log is looked at once a second."""
    while until not in (page := admin.get(path).text):
        pass
    return page


def test_a_page_without_calls_says_how_to_get_some(admin):
    """It names the commands, and leads to the guide."""
    page = read(admin, until="No call in the last hour.")

    assert "didier agi" in page
    assert 'href="/docs/guide/asterisk"' in page


def test_calls_lead_on(admin, server):
    """To the explanation with the caller, to the DID, and from a number without one to a copy."""
    call(server, SOURCE, 1)
    call(server, "18005550199", "")
    page = read(admin, until="18005550199")

    assert f'href="/admin/did/{SOURCE}/route?caller=7275551212"' in page
    assert f'href="/admin/did/{SOURCE}"' in page
    assert 'href="/admin/copy?targets=18005550199"' in page
    assert "no DID has the number, and there is no default" in page


def test_the_part_is_what_changes(admin, server):
    """The script puts it into the page: it is the same, without a frame."""
    call(server, SOURCE, 1)
    page, part = (read(admin, path) for path in ("/admin/live", "/admin/live/part"))

    assert "<html" in page
    assert "<html" not in part
    assert 'id="latest"' in page
    assert 'id="latest"' in part


def test_who_called_is_not_shown_to_everybody(admin, server):
    """Only to those who may read calls."""
    call(server, SOURCE, 1)
    without(server, view_reports="0")
    page = read(admin)

    assert "7275551212" not in page


def test_who_may_not_list_dids_is_told(admin, server):
    """It says what is missing."""
    without(server, view_reports="0", modify_inbound_dids="0")
    answer = admin.get("/admin/live")

    assert 403 == answer.status
    assert "View Reports" in answer.text


def test_what_a_channel_says_is_text(admin, server):
    """A dialled number may be anything."""
    call(server, "<script>alert(1)</script>", "", caller='"><b>')

    page = read(admin, until="alert(1)")

    assert "<script>alert" not in page
    assert '"><b>' not in page
