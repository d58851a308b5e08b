"""Tables as people really have them, at every door of the JSON API."""

import csv
import io
import json
from urllib.parse import quote

import pytest

from support.field import FILES, NAMES, RIGHT, workbook
from web.api.conftest import SOURCE, Reply

CSV, TEXT = "text/csv", "text/plain"
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
MADE = {"new", "similar", "added"}
ROWS = [
    ["Report", "", "", ""],
    ["DID Number", "Active", "Description", "Since"],
    [18002220100, True, "Line one", ""],
    ["18002220101 - 18002220103", False, "Line two", ""],
    ["NULL", True, "Line three", ""],
]


def send(api, path: str, content: bytes, kind: str = CSV, accept: str = "") -> Reply:
    headers = {"Authorization": api.sign_in, "Content-Type": kind, **({"Accept": accept} if accept else {})}
    answer = api.server.exchange("POST", f"/api/v1{path}", content, headers)
    return Reply(answer.status, answer.headers, answer.text)


DOORS = {
    "copies, CSV": (f"/copies?source={SOURCE}&dry_run=true", CSV),
    "copies, as it is pasted": (f"/copies?source={SOURCE}&dry_run=true", TEXT),
    "batches, additions": ("/batches?verb=add&dry_run=true", CSV),
    "batches, an import": ("/batches?verb=import&dry_run=true", CSV),
    "imports": ("/imports?dry_run=true&mode=best_effort", CSV),
}
"""Where a table is sent, and as what."""


def content(name: str) -> bytes:
    return (FILES / name).read_bytes()


def items_of(reply: Reply) -> dict[str, tuple[str, str]]:
    """Return status and reason of each number that is shown."""
    return {
        one["target"]: (one.get("status") or one["outcome"], one.get("reason") or "")
        for one in reply.body["items"]
    }


@pytest.mark.parametrize("door", DOORS)
def test_files_as_people_have_them(api, door):
    """What is a number is read, what is not is refused with its reason, row by row or as a whole."""
    for name in NAMES:
        path, kind = DOORS[door]
        reply = send(api, path, content(name), XLSX if name.endswith(".xlsx") else kind)
        right = RIGHT[name]
        if right.whole:
            assert 422 == reply.status, (name, reply.text)
            assert right.whole in reply.body["detail"], name
            continue
        assert 200 == reply.status, (name, reply.text)
        shown = items_of(reply)
        if len(right.numbers) <= 1_000:
            assert list(right.numbers) == [one for one, (status, _) in shown.items() if status in MADE], name
        assert set(right.refused) == {one for one, (status, _) in shown.items() if status not in MADE}, name
        for target, words in right.refused.items():
            assert words in shown[target][1], (name, target)


def test_a_table_in_json(api):
    """As in a body of its own; a mapping and what is to be left out are part of the body."""
    body = {"source": SOURCE, "csv": content("freepbx-export-shape.csv").decode(), "dry_run": True}

    assert (422, "unreadable-targets") == api.post("/copies", body).problem
    mapped = api.post("/copies", {**body, "mapping": {"extension": "number"}, "ignore_columns": True})
    assert {"18002220100"} == set(items_of(mapped))
    assert ["ignore", "number", "did_description", "ignore"] == [
        column["becomes"] for column in mapped.body["table"]["columns"]
    ]
    unknown = api.post("/copies", {**body, "mapping": {"extension": "number"}})
    assert (422, "unknown-columns") == unknown.problem
    assert ["cidnum", "destination"] == unknown.body["columns"]


def test_a_workbook(api):
    """Numbers of cells are whole, truths are Y and N; what cannot be read is refused by its row."""
    path = f"/copies?source={SOURCE}&mode=best_effort&ignore_columns=true"
    reply = send(api, path, workbook(ROWS), XLSX)

    assert 201 == reply.status, reply.text
    assert ["18002220100", "18002220101", "18002220102", "18002220103"] == [
        one["target"] for one in reply.body["items"] if one["outcome"] == "added"
    ]
    assert "row 5: NULL is no number" == reply.body["items"][-1]["reason"]
    assert ["Y", "N"] == [
        api.get(f"/dids/{number}").body["did_active"] for number in ("18002220100", "18002220101")
    ]


def test_a_workbook_by_any_name(api):
    """It is known by how it begins, whatever it is said to be."""
    reply = send(
        api, f"/copies?source={SOURCE}&dry_run=true&mode=best_effort&ignore_columns=true", workbook(ROWS)
    )

    assert (200, 4) == (reply.status, reply.body["totals"]["new"])


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"PK\x03\x04 and nothing else", "the workbook cannot be read"),
        (b"\xd0\xcf\x11\xe0 of 1997", "workbooks of this kind are not read"),
        ("Number\n18002220100\nAtenci\xf3n\n".encode("latin-1"), "it looks like Windows-1252"),
        ("Number\n18002220100\n".encode("utf-16-le"), "it looks like UTF-16 without its mark"),
    ],
)
def test_what_is_no_text_is_said(api, content, words):
    """What it looks like, and how to save it."""
    reply = send(api, f"/copies?source={SOURCE}&dry_run=true", content)

    assert (422, "unreadable-targets") == reply.problem
    assert words in reply.body["detail"]


@pytest.mark.parametrize(
    ("charset", "status"),
    [("windows-1252", 200), ("iso-8859-1", 200), ("utf-8", 422), ("zlib", 422), ("?", 422)],
)
def test_the_charset_is_honoured(api, charset, status):
    """Of those that are sets of characters."""
    path = f"/copies?source={SOURCE}&dry_run=true"
    reply = send(api, path, content("windows1252.csv"), f"{CSV}; charset={charset}")

    assert status == reply.status, reply.text
    if status == 200:
        assert "Atenci\xf3n l\xednea" == reply.body["sample"][0]["description"]


def test_a_table_is_shown_before_it_is_read(api):
    """Its columns, what becomes of each, and its first rows; a list of numbers is no table."""
    table = send(api, "/tables", content("panel-unknown-header.csv")).body["table"]
    listed = send(api, "/tables", b"18002220100\n18002220101\n", TEXT).body

    assert ("commas", True, 1) == (table["delimiter"], table["has_header"], table["above"])
    assert ["number", "", "", "", "", "did_description"] == [one["becomes"] for one in table["columns"]]
    assert [["18002220100", "United States", "Boston", "Local", "Active", ""]] == table["rows"]
    assert {"table": None, "problem": None} == listed


def test_what_is_still_to_be_said_of_a_table(api):
    """With each answer the question becomes smaller."""
    asked = send(api, "/tables", content("unknown-columns.csv")).body["problem"]
    mapping = "".join(
        f"&mapping={quote(name)}=ignore" for name in ("status", "connection_name", "created_at")
    )
    answered = send(api, f"/tables?{mapping[1:]}", content("unknown-columns.csv")).body["problem"]

    assert "status, connection_name, created_at" in asked
    assert answered is None


def test_refused_rows_come_back(api):
    """As they were written, with row, outcome and reason; mended, the table can be sent again."""
    text = "Report\nNumber;Description\n18002220100;Line one\nNULL;'=SUM(A1)\n_X.;Line three\n"
    done = send(api, f"/copies?source={SOURCE}&mode=best_effort", text.encode())
    given = api.get(f"/batches/{done.body['id']}/refused.csv").text.removeprefix("\ufeff")
    rows = list(csv.DictReader(io.StringIO(given, newline="")))

    assert [("NULL", "4", "invalid"), ("_X.", "5", "implausible")] == [
        (row["Number"], row["didier_row"], row["didier_outcome"]) for row in rows
    ]
    assert "row 4: NULL is no number" == rows[0]["didier_reason"]
    mended = given.replace("NULL", "18002220101").replace("_X.", "18002220102")
    again = send(api, f"/copies?source={SOURCE}", mended.encode())
    assert (201, 2) == (again.status, again.body["totals"]["added"]), again.text
    assert "=SUM(A1)" == api.get("/dids/18002220101").body["did_description"]


@pytest.mark.parametrize("path", [f"/copies?source={SOURCE}", "/batches?verb=add"])
def test_refused_rows_of_a_preview(api, path):
    """The same before anything is done."""
    text = b"Number,Description\n18002220100,Line one\nNULL,Line two\n18002220100,Line three\n"
    more = "&dry_run=true&mode=best_effort"
    rows = list(csv.reader(io.StringIO(send(api, path + more, text, accept=CSV).text.removeprefix("\ufeff"))))

    assert ["Number", "Description", "didier_row", "didier_outcome", "didier_reason"] == rows[0]
    assert [["NULL", "Line two", "3", "invalid"], ["18002220100", "Line three", "4", "duplicate"]] == [
        row[:4] for row in rows[1:]
    ]


def test_refused_numbers_of_a_list(api):
    """They have no cells: the number is the table."""
    body = {"source": SOURCE, "targets": ["18002220100", "_X.", SOURCE], "mode": "best_effort"}
    done = api.post("/copies", body)
    given = api.get(f"/batches/{done.body['id']}/refused.csv").text.removeprefix("\ufeff").splitlines()

    assert "number,didier_row,didier_outcome,didier_reason" == given[0]
    assert ["_X.,,implausible", f"{SOURCE},,exists"] == [",".join(line.split(",")[:3]) for line in given[1:]]
    assert (404, "batch-not-found") == api.get("/batches/999/refused.csv").problem


def test_a_preview_shows_what_would_be_created(api):
    """A few of the new DIDs, with description and destination, however many there are."""
    reply = api.post(
        "/copies",
        {
            "source": SOURCE,
            "ranges": ["18002220000-18002229999"],
            "description_template": "Sales {target}",
            "dry_run": True,
        },
    )

    assert ["Sales 18002220000", "Sales 18002220001"] == [
        one["description"] for one in reply.body["sample"][:2]
    ]
    assert "Calls go to extension 8300 in the context trunkinbound." == reply.body["sample"][0]["destination"]


@pytest.mark.parametrize("pattern", ["s", "_X.", "1.8E+10", "+1800222"])
def test_a_single_did_that_is_implausible(api, pattern):
    """It is created on purpose only; a number is read in whatever groups it is written."""
    refused = api.add(pattern)

    assert 422 == refused.status
    assert "implausible" == refused.problem[1] or "spreadsheet" in refused.body["detail"]
    assert 201 == api.add(pattern, allow_implausible=True).status
    assert "8002220100" == api.add("(800) 222-0100").body["did_pattern"]
    assert (422, "invalid-pattern") == api.add("18002220100, 18002220101").problem


def test_lists_in_json_are_read_as_cells_are(api):
    """Each item by itself."""
    items = ["(800) 222-0100", "18002220100 to 18002220101", "1.8E+10", "18002220102 ext 5"]
    reply = api.post("/copies", {"source": SOURCE, "targets": items, "mode": "best_effort"})

    assert ["8002220100", "18002220100", "18002220101", "1.8E+10", "18002220102"] == [
        one["target"] for one in reply.body["items"]
    ]
    assert "without its extension 5" == reply.body["items"][-1]["reason"]
    assert json.loads(reply.text)["totals"]["added"] == 4


@pytest.mark.parametrize("parameter", ["dry_run=true", "mode=best_effort"])
def test_a_parameter_beside_json_is_no_part_of_the_order(api, parameter):
    """What is meant as a dry run is not carried out: the body says what is wanted."""
    reply = api.post(f"/copies?{parameter}", {"source": SOURCE, "targets": ["18002220100"]})

    assert (422, "invalid-request") == reply.problem
    assert parameter.partition("=")[0] == reply.body["pointer"]
    assert [SOURCE] == api.server.patterns()
