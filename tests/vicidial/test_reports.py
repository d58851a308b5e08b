"""did_log_export, list_dids and did_info as VICIdial words them."""

import csv
import io
import threading
import time

import pytest

from support.calls import SOURCE, Api

DATE = "2026-03-04"


@pytest.fixture
def api(engine, now):
    return Api(engine, now)


def log(api, who="3125550001", number=SOURCE, came=f"{DATE} 09:00:00"):
    api.sql(
        "INSERT INTO vicidial_did_log (uniqueid, channel, server_ip, caller_id_number, extension, call_date,"
        " did_id) VALUES ('1.1', 'SIP/1', '10.0.0.5', ?, ?, ?, '1')",
        who, number, came,
    )  # fmt: skip


def export(api, number=SOURCE, **parameters):
    return api.call("did_log_export", phone_number=number, **{"date": DATE, **parameters})


def logged(api):
    return [
        tuple(row)
        for row in api.sql(
            "SELECT function, result, result_reason, data FROM vicidial_api_log ORDER BY api_id"
        )
    ]


def test_calls_are_rows(api):
    """Number as asked, caller, time, seconds; the log has one row with the number of records."""
    log(api)
    log(api, came=f"{DATE} 08:00:00", who="3125550002")

    assert f"{SOURCE}|3125550002|{DATE} 08:00:00|0\n{SOURCE}|3125550001|{DATE} 09:00:00|0\n" == export(api)
    assert [
        ("did_log_export", "SUCCESS", "did_log_export RECORDS FOUND: 2", f"admin|||{DATE}|pipe")
    ] == logged(api)


@pytest.mark.parametrize(
    ("who", "stage", "line"),
    [
        ("555,1234", "csv", f'{SOURCE},"555,1234",{DATE} 09:00:00,0\n'),
        ('5"5', "csv", f'{SOURCE},"5""5",{DATE} 09:00:00,0\n'),
        ("555|1234", "csv", f"{SOURCE},555|1234,{DATE} 09:00:00,0\n"),
        ("555|1234", "pipe", f"{SOURCE}|555 1234|{DATE} 09:00:00|0\n"),
        ("555\t1234", "tab", f"{SOURCE}\t555 1234\t{DATE} 09:00:00\t0\n"),
        ("555,1234", "tab", f"{SOURCE}\t555,1234\t{DATE} 09:00:00\t0\n"),
        ("5\r\n5", "pipe", f"{SOURCE}|5  5|{DATE} 09:00:00|0\n"),
    ],
)
def test_a_separator_in_a_field_breaks_no_row(api, who, stage, line):
    """CSV is quoted where it must be; elsewhere the separator and line ends become spaces."""
    log(api, who)

    assert line == export(api, stage=stage)


def test_csv_is_read_as_it_was(api):
    """A CSV reader finds the fields again, quotes and line ends included."""
    log(api, 'a"b,c\nd')

    [row] = csv.reader(io.StringIO(export(api, stage="csv")))
    assert [SOURCE, 'a"b,c\nd', f"{DATE} 09:00:00", "0"] == row


@pytest.mark.parametrize("number", ["+18005550100", "lobby"])
def test_numbers_with_plus_and_letters(api, number):
    """What VICIdial cannot export is exported."""
    log(api, number=number)

    assert f"{number}|3125550001|{DATE} 09:00:00|0\n" == export(api, number)


def test_calls_of_another_group_are_not_there(api):
    """For a user who may not see the DID there are no records."""
    log(api)
    api.sql("UPDATE vicidial_inbound_dids SET user_group = 'OTHER'")
    api.limit_to(" SALES ")

    assert f"ERROR: did_log_export NO RECORDS FOUND - admin|||{DATE}\n" == export(api)


@pytest.mark.parametrize("day", ["2026-99-99", "----------", "0000-00-00", "2026-02-30"])
def test_a_day_that_does_not_exist(api, day):
    """A date of the right length that is none has no records, on every database."""
    assert f"ERROR: did_log_export NO RECORDS FOUND - admin|||{day}\n" == export(api, date=day)


def test_dids_are_listed(api):
    """A row for each DID by pattern, with names on request; the log has what was asked."""
    api.call("add_did", did_pattern="5550001", did_description="Front desk")

    rows = api.call("list_dids", header="YES", search="550").splitlines()

    assert ["did_id", "did_pattern", "did_description", "did_active", "did_route"] == rows[0].split("|")[:5]
    assert ["2", "5550001", "Front desk", "Y", "EXTEN"] == rows[1].split("|")[:5]
    assert ("list_dids", "SUCCESS", "list_dids RECORDS FOUND: 1", "admin|550||||pipe") == logged(api)[-1]


def test_a_separator_in_a_description(api):
    """A pipe in a description, as the panel may store one, breaks no row."""
    api.sql("UPDATE vicidial_inbound_dids SET did_description = 'a|b'")

    header, row = api.call("list_dids", header="YES").splitlines()
    assert header.count("|") == row.count("|")
    assert "|a b|" in row


@pytest.mark.parametrize(
    ("parameters", "line"),
    [
        ({"search": "none such"}, "NO DIDS FOUND: |admin|none such|||"),
        (
            {"did_route": "PHONE", "active": "n", "user_group": "SALES"},
            "NO DIDS FOUND: |admin||PHONE|n|SALES",
        ),
        ({"active": "X"}, "ACTIVE MUST BE Y OR N, THIS IS AN OPTIONAL FIELD: |admin|X"),
        ({"did_route": "AWAY"}, "DID ROUTE IS NOT VALID, THIS IS AN OPTIONAL FIELD: |admin|AWAY"),
        ({"limit": "0"}, "LIMIT MUST BE FROM 1 TO 100000, THIS IS AN OPTIONAL FIELD: |admin|0"),
        ({"limit": "100001"}, "LIMIT MUST BE FROM 1 TO 100000, THIS IS AN OPTIONAL FIELD: |admin|100001"),
        ({"limit": "ten"}, "LIMIT MUST BE FROM 1 TO 100000, THIS IS AN OPTIONAL FIELD: |admin|ten"),
        ({"offset": "-1"}, "OFFSET MUST BE A NUMBER, THIS IS AN OPTIONAL FIELD: |admin|-1"),
    ],
)
def test_list_dids_refuses(api, parameters, line):
    """What is not there or not understood is told in VICIdial's style."""
    assert f"ERROR: list_dids {line}\n" == api.call("list_dids", **parameters)


def test_pages_of_a_list(api):
    """limit and offset cut the list."""
    for number in range(4):
        api.call("add_did", did_pattern=f"000{number}")

    rows = api.call("list_dids", limit="2", offset="1").splitlines()
    assert ["0001", "0002"] == [row.split("|")[1] for row in rows]


def test_info_has_all_columns(api):
    """did_info shows every column under its name."""
    header, row = api.call("did_info", did_pattern=SOURCE, header="YES", stage="tab").splitlines()

    shown = dict(zip(header.split("\t"), row.split("\t"), strict=True))
    assert 50 < len(shown)
    assert (SOURCE, "Tutorial sales line", "") == (
        shown["did_pattern"], shown["did_description"], shown["phone"],
    )  # fmt: skip
    assert "2026-03-04 05:06:07" == shown["modify_stamp"]


@pytest.mark.parametrize(
    ("parameters", "line"),
    [
        ({"did_pattern": "999"}, "DID DOES NOT EXIST: |admin|999"),
        ({}, "YOU MUST USE ALL REQUIRED FIELDS: |admin|"),
    ],
)
def test_info_refuses(api, parameters, line):
    """A DID that is not there is told in VICIdial's style."""
    assert f"ERROR: did_info {line}\n" == api.call("did_info", **parameters)


@pytest.mark.parametrize("function", ["list_dids", "did_info", "did_log_export"])
def test_the_right_to_see_reports(api, function):
    """View Reports and level 7 are enough; without a right the line ends as VICIdial's."""
    api.sql("UPDATE vicidial_users SET user_level = 7, modify_inbound_dids = '0', view_reports = '1'")
    assert "PERMISSION" not in api.call(function)

    api.sql("UPDATE vicidial_users SET view_reports = '0'")
    assert f"ERROR: {function} USER DOES NOT HAVE PERMISSION TO GET DID INFO: |admin|0|\n" == api.call(
        function
    )


@pytest.mark.parametrize("function", ["list_dids", "did_info", "did_log_export"])
def test_who_modifies_dids_may_look_at_them(api, function):
    """Modify DIDs shows DIDs but not calls."""
    api.sql("UPDATE vicidial_users SET user_level = 7, modify_inbound_dids = '1', view_reports = '0'")

    assert (function == "did_log_export") == ("PERMISSION" in api.call(function))


def test_a_report_shares_its_sign_in_with_others(api):
    """Reports and copies of one transaction are all answered, each in its place."""
    copy = {"function": "copy_did", "source_did_pattern": SOURCE, "new_dids": "5550001"}
    answers = api.together({"function": "list_dids"}, copy, {"function": "did_info", "did_pattern": SOURCE})

    assert [SOURCE in answer for answer in answers] == [True] * 3
    assert "DIDS HAVE BEEN ADDED" in answers[1]


def test_a_report_holds_up_nobody(server):
    """While a long report is being read, copies are made and answered."""
    server.sql(
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 60000)"
        " INSERT INTO vicidial_did_log (uniqueid, channel, server_ip, caller_id_number, extension, call_date)"
        f" SELECT i, 'SIP/1', '10.0.0.5', '312555' || i, '{SOURCE}', '{DATE} 09:00:00' FROM n"
    )
    finished = []

    def read() -> None:
        answer = server.vicidial("did_log_export", phone_number=SOURCE, date=DATE)
        finished.append((time.monotonic(), answer.count("\n")))

    thread = threading.Thread(target=read)
    thread.start()
    copied = []
    while thread.is_alive() and len(copied) < 500:
        server.vicidial("copy_did", source_did_pattern=SOURCE, new_dids=f"555{len(copied):05}")
        copied.append(time.monotonic())
    thread.join()

    assert 60000 == finished[0][1]
    assert sum(moment < finished[0][0] for moment in copied) > 1
    assert [(1,)] == server.sql("SELECT count(*) FROM vicidial_api_log WHERE function = 'did_log_export'")
