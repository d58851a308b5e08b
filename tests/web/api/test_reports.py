"""The API log, the use of DIDs, calls, and exports."""

import csv
import io
import json

import pytest

from didier.domain.spreadsheets import unguarded
from support.server import Didier
from support.usage import count_for
from web.api.conftest import SOURCE, Api, did


def test_the_log_is_read_page_by_page(api):
    """Both APIs are in it, the newest line first."""
    api.server.tutorial()
    api.patch(did(SOURCE), {"did_active": "N"})
    first = api.get("/log?limit=1").body
    second = api.get(f"/log?limit=1&cursor={first['next']}").body

    assert ("update_did", "json-api", SOURCE) == tuple(
        first["items"][0][name] for name in ("function", "source", "data")
    )
    assert ("copy_did", "DIDCopy") == tuple(second["items"][0][name] for name in ("function", "source"))


READS = (did(SOURCE), "/dids", "/batches", "/log", "/usage", "/me")


def logged(api):
    rows = api.server.sql("SELECT function, result, data FROM vicidial_api_log ORDER BY api_id")
    return [tuple(row) for row in rows]


def test_reads_do_not_fill_the_log(api):
    """What was shown leaves no line; refusals, exports, previews and changes do."""
    before = logged(api)
    shown = {api.get(path).status for path in READS}
    unseen = logged(api)
    api.get(did("18005550999"))
    Api(api.server, "admin", "wrong").get("/dids")
    api.get("/exports/dids.csv")
    api.post("/copies", {"source": SOURCE, "targets": ["18005550100"], "dry_run": True})
    api.add("18005550100")

    assert {200} == shown
    assert before == unseen
    assert [
        ("did_info", "ERROR", "18005550999"),
        ("list_dids", "ERROR", ""),
        ("list_dids", "SUCCESS", "dids.csv"),
        ("copy_did", "SUCCESS", f"{SOURCE}|1"),
        ("add_did", "SUCCESS", "18005550100"),
    ] == logged(api)[len(before) :]


def test_reads_are_logged_where_a_setting_says_so(tmp_path):
    """One line each."""
    database = f"sqlite:///{tmp_path}/didier.db"
    settings = {"DIDIER_LOG_READS": "true"}
    server = Didier(tmp_path, "--demo", "--database", database, environment=settings).start()
    try:
        api = Api(server)
        for path in (did(SOURCE), "/dids", "/dids?search=1800"):
            api.get(path)
        found = logged(api)
    finally:
        server.stop()

    assert [
        ("did_info", "SUCCESS", SOURCE), ("list_dids", "SUCCESS", ""), ("list_dids", "SUCCESS", "1800"),
    ] == found  # fmt: skip


def test_the_log_is_filtered(api):
    """By user, function, result, source and time."""
    api.server.tutorial()
    api.server.tutorial()
    refused = api.get("/log?function=copy_did&result=ERROR&user=admin&source=DIDCopy").body["items"]

    assert ["ERROR"] == [line["result"] for line in refused]
    assert [] == api.get("/log?until=2000-01-01T00:00:00").body["items"]
    assert [] == api.get("/log?since=2100-01-01T00:00:00Z").body["items"]


def test_the_log_shows_no_secrets(api):
    """What VICIdial writes into the data of user functions stays there; addresses are not shown at all."""
    api.server.sql(
        "INSERT INTO vicidial_api_log (user, api_date, function, result, data)"
        " VALUES ('admin', '2026-01-01 00:00:00', 'add_user', 'SUCCESS', 'bob|hunter2|8')"
    )

    assert "hunter2" not in api.get("/log").text


def test_usage_counts_calls(api):
    """The most called DID first, with its last call."""
    api.add("18005550100", did_description="Sales line")
    for number, did_id, when in (("18005550100", "2", "03"), ("18005550100", "2", "04"), (SOURCE, "1", "05")):
        api.server.sql(
            "INSERT INTO vicidial_did_log (uniqueid, channel, server_ip, extension, call_date, did_id)"
            " VALUES ('u', 'c', '192.0.2.1', ?, ?, ?)",
            number, f"2026-03-{when} 10:00:00", did_id,
        )  # fmt: skip
    count_for(api.server)
    found = api.get("/usage?since=2026-03-01T00:00:00&until=2026-03-06T00:00:00").body["items"]
    calls = api.get(f"/calls?number={SOURCE}&date=2026-03-05").body["items"]

    assert [("18005550100", "Sales line", 2, "2026-03-04T10:00:00"), (SOURCE, "Tutorial sales line", 1,
            "2026-03-05T10:00:00")] == [
        (one["pattern"], one["description"], one["calls"], one["last_call"][:19]) for one in found
    ]  # fmt: skip
    assert ["2026-03-05 10:00:00"] == [call["came_at"] for call in calls]


def test_reports_ask_for_view_reports(api):
    """Modify DIDs does not show who called what."""
    rights = {"api_allowed_functions": ["ALL"], "vdc_agent_api_access": True}
    api.post("/users", {"user": "crm", "password": "secret", "user_group": "ADMIN", **rights})
    crm = Api(api.server, "crm", "secret")

    for path in ("/log", "/usage", "/calls?number=1&date=2026-03-05"):
        assert ["View Reports must be 1"] == crm.get(path).body["missing"]


NASTY = {"+442079460000": "=cmd|' /C calc'!A0", "18005550100": '\'quoted, "twice"', "*99#": "+1 (800) 555"}


@pytest.fixture
def nasty(api):
    """Numbers and descriptions that spreadsheets would run."""
    for pattern, text in NASTY.items():
        assert 201 == api.add(pattern, did_description=text, allow_implausible=True).status
    return api


def test_csv_is_safe_and_reads_back_unchanged(nasty):
    """No cell begins a formula; without the apostrophe it is what it was."""
    reply = nasty.get("/exports/dids.csv")
    rows = list(csv.DictReader(io.StringIO(reply.text, newline="")))

    assert "text/csv; charset=utf-8" == reply.headers["content-type"]
    assert not [cell for row in rows for cell in row.values() if cell[:1] in "=+-@\t\r" and cell]
    assert NASTY == {unguarded(row["did_pattern"]): unguarded(row["did_description"]) for row in rows[1:]}


def test_json_lines_have_whole_rows(nasty):
    """Each line is what a single request shows, but for what is no state of the DID."""
    lines = [json.loads(line) for line in nasty.get("/exports/dids.ndjson").text.splitlines()]

    assert [SOURCE, *NASTY] == [line["did_pattern"] for line in lines]
    assert nasty.get(did("*99#")).body == {**lines[-1], "nowhere": None}


def test_an_export_has_all_rows_once(api):
    """Also those beyond the first piece, and only those that are wanted."""
    columns = "did_pattern, did_route, user_group"
    api.server.sql(
        f"WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < 2499)"
        f" INSERT INTO vicidial_inbound_dids ({columns})"
        " SELECT 18005000000 + i, 'PHONE', '---ALL---' FROM n"
    )
    lines = api.get("/exports/dids.ndjson?route=PHONE").text.splitlines()
    rows = api.get("/exports/dids.csv").text.splitlines()

    assert [str(18005000000 + i) for i in range(2500)] == [json.loads(line)["did_pattern"] for line in lines]
    assert 2502 == len(rows)


def test_an_empty_export_is_no_error(api):
    """A head, or nothing at all."""
    assert "did_pattern\r\n" == api.get("/exports/dids.csv?search=nothing").text
    assert "" == api.get("/exports/dids.ndjson?search=nothing").text


def test_an_export_that_is_refused_is_a_problem(api):
    """Not a file with an error in it."""
    assert (401, "wrong-password") == Api(api.server, password="wrong").get("/exports/dids.csv").problem
    assert (422, "invalid-request") == api.get("/exports/dids.csv?active=x").problem


def test_an_export_is_read_back(nasty):
    """What was exported, deleted and ordered with the file is as it was: plus signs, apostrophes and all."""
    nasty.patch(did("*99#"), {"tags": "Berlin,vip"})
    exported = nasty.get("/exports/dids.csv?search=99").text
    [line] = nasty.get("/exports/dids.ndjson?search=99").text.splitlines()
    before = json.loads(line)
    nasty.ask("DELETE", did("*99#"))
    made = nasty.ask(
        "POST", f"/copies?source={SOURCE}&allow_implausible=true", exported, {"Content-Type": "text/csv"}
    )
    after = nasty.get(did("*99#")).body

    own = {"did_id", "modify_stamp", "copied_from", "version"}
    assert "Berlin,vip" == after["tags"]
    assert 201 == made.status, made.text
    assert {name: value for name, value in before.items() if value and name not in own} == {
        name: value for name, value in after.items() if before.get(name) and name not in own
    }
