"""format=json and summary=Y."""

import json

import pytest

from support.calls import SOURCE, Api
from support.server import PATH, TUTORIAL

LENGTH = "it has 7 digits, its source 11"
COPY = {"source_did_pattern": SOURCE, "new_dids": f"5550001,{SOURCE},18002220002-18002220001"}


@pytest.fixture
def api(engine, now):
    return Api(engine, now)


def test_a_copy_in_json_has_its_items(api):
    """Each target has its outcome, a new one its id, one that is not valid what is wrong with it."""
    answer = api.json("copy_did", **COPY)

    batch_id = answer.pop("batch_id")
    assert [(batch_id,)] == [tuple(row) for row in api.sql("SELECT batch_id FROM didier_batches")]
    assert {
        "function": "copy_did",
        "result": "SUCCESS",
        "reason": "copy_did DIDS HAVE BEEN ADDED",
        "data": f"{SOURCE}|1|2",
        "lines": [
            f"NOTICE: copy_did DID HAS BEEN ADDED - admin|5550001|{SOURCE}|2|1",
            f"NOTICE: copy_did DID ALREADY EXISTS - admin|{SOURCE}",
            "NOTICE: copy_did DID RANGE IS NOT VALID - admin|18002220002-18002220001",
            f"SUCCESS: copy_did DIDS HAVE BEEN ADDED - admin|{SOURCE}|1|2",
        ],
        "dry_run": False,
        "items": [
            {"pattern": "5550001", "did_id": 2, "outcome": "added", "warning": LENGTH},
            {"pattern": SOURCE, "did_id": None, "outcome": "exists"},
            {
                "pattern": "18002220002-18002220001",
                "did_id": None,
                "outcome": "invalid",
                "problem": "the end comes before the beginning",
            },
        ],
    } == answer


def test_a_dry_run_in_json(api):
    """What would be made is new, and has neither id nor batch."""
    answer = api.json("copy_did", dry_run="Y", **COPY)

    assert (True, None, "SUCCESS") == (answer["dry_run"], answer["batch_id"], answer["result"])
    new = {"pattern": "5550001", "did_id": None, "outcome": "new", "warning": LENGTH}
    assert new == answer["items"][0]


def test_the_tutorials_copy_in_json(api):
    """The tutorial's dialect has the same items; one success makes the whole a success."""
    answer = api.json("copy_did", did_pattern=SOURCE, new_did_pattern=f"5550001,{SOURCE}", did_active="Y")

    assert ("SUCCESS", "copy_did DID Copied Successfully") == (answer["result"], answer["reason"])
    assert ["added", "exists"] == [item["outcome"] for item in answer["items"]]


@pytest.mark.parametrize(
    ("function", "parameters", "result", "reason"),
    [
        ("add_did", {"did_pattern": "5550001"}, "SUCCESS", "add_did DID HAS BEEN ADDED"),
        ("add_did", {"did_pattern": SOURCE}, "ERROR", "add_did DID ALREADY EXISTS"),
        ("update_did", {"did_pattern": SOURCE}, "NOTICE", "update_did NO UPDATES DEFINED"),
        ("copy_did", {"new_dids": "5550001"}, "ERROR", "copy_did YOU MUST USE ALL REQUIRED FIELDS"),
        ("list_dids", {"search": "none such"}, "ERROR", "list_dids NO DIDS FOUND"),
        ("nonsense", {}, "ERROR", "NO FUNCTION SPECIFIED"),
        ("add_did", {"pass": "wrong"}, "ERROR", "Login incorrect, please try again"),
        ("add_did", {"source": "x"}, "ERROR", "Invalid Source"),
        ("version", {}, "SUCCESS", ""),
    ],
)
def test_every_answer_has_a_json_form(api, function, parameters, result, reason):
    """Successes, errors and refused logins have the function, the result, the reason and the lines."""
    answer = api.json(function, **parameters)

    assert (function, result, reason) == (answer["function"], answer["result"], answer["reason"])
    assert answer["lines"]
    assert "wrong" not in str(answer)


def test_did_functions_name_the_did_in_json(api):
    """add_did and update_did have pattern and id."""
    added = api.json("add_did", did_pattern="5550001")
    deleted = api.json("update_did", did_pattern="5550001", delete_did="Y")

    assert [("5550001", 2)] * 2 == [(a["pattern"], a["did_id"]) for a in (added, deleted)]


def test_a_report_in_json_has_rows(api):
    """Rows are objects under the names of their columns; what is empty is null."""
    [row] = api.json("did_info", did_pattern=SOURCE)["rows"]

    assert (1, SOURCE, "EXTEN", None) == (
        row["did_id"], row["did_pattern"], row["did_route"], row["phone"],
    )  # fmt: skip


def test_the_lines_are_the_answer_without_the_format(api):
    """lines is the text of the same call."""
    text = api.call("list_dids", header="YES")

    assert text == "".join(f"{line}\n" for line in api.json("list_dids", header="YES")["lines"])


@pytest.mark.parametrize("value", ["", "text", "jsonp", "debug"])
def test_other_formats_are_text(api, value):
    """Whatever is not json is VICIdial's text."""
    assert "ERROR: NO FUNCTION SPECIFIED\n" == api.call("nonsense", format=value)


def test_a_summary_is_the_closing_line(api):
    """summary=Y leaves the notices out, in the answer and in the API log."""
    answer = api.call("copy_did", summary="Y", **COPY)

    assert f"SUCCESS: copy_did DIDS HAVE BEEN ADDED - admin|{SOURCE}|1|2\n" == answer
    assert [("copy_did DIDS HAVE BEEN ADDED",)] == [
        tuple(row) for row in api.sql("SELECT result_reason FROM vicidial_api_log")
    ]


def test_a_summary_of_nothing(api):
    """A copy that made nothing closes with its error."""
    answer = api.call("copy_did", source_did_pattern=SOURCE, new_dids=SOURCE, summary="y")

    assert f"ERROR: copy_did NO DIDS ADDED - admin|{SOURCE}|0|1\n" == answer


def test_a_summary_is_y_or_n(api):
    """Another value is refused."""
    assert "ERROR: copy_did SUMMARY MUST BE Y OR N, THIS IS AN OPTIONAL FIELD: |admin|maybe\n" == api.call(
        "copy_did", summary="maybe", **COPY
    )


@pytest.mark.parametrize(
    ("query", "result"),
    [
        ("function=version", "SUCCESS"),
        ("function=list_dids&user=admin&pass=1234&source=test", "SUCCESS"),
        ("function=list_dids&user=admin&pass=wrong&source=test", "ERROR"),
        ("", "ERROR"),
    ],
)
def test_json_over_http(server, query, result):
    """The content type says JSON, the status stays 200, and there is one object."""
    answer = server.exchange("GET", f"{PATH}?{query}&format=json")

    assert (200, "application/json") == (answer.status, answer.headers["content-type"])
    assert result == json.loads(answer.text)["result"]


def test_text_over_http(server):
    """Without the format the content type is as ever, for reports too."""
    for text in (
        server.exchange("GET", f"{PATH}?function=list_dids&user=admin&pass=1234&source=test"),
        server.exchange("GET", f"{PATH}?" + "&".join(f"{n}={v}" for n, v in TUTORIAL.items())),
    ):
        assert "text/plain; charset=utf-8" == text.headers["content-type"]


@pytest.mark.parametrize(
    ("sent", "created", "warning"),
    [
        ("1.80022201E10", "1.80022201E10", "implausible: a telephone number has digits"),
        ("18002220100ext12", "18002220100ext12", "implausible: a telephone number has digits"),
        ("_X.", "_X.", "implausible: DIDs are compared as they are written"),
        ("8001234567", "8001234567", f"the same number already exists as {SOURCE}"),
    ],
)
def test_what_vicidial_would_create_is_created_with_a_warning(api, sent, created, warning):
    """The lines are VICIdial's; in JSON it is said besides what is odd about the new DID."""
    [item] = api.json("copy_did", source_did_pattern=SOURCE, new_dids=sent)["items"]

    assert (created, "added") == (item["pattern"], item["outcome"])
    assert warning in item["warning"]


def test_a_did_that_is_added_has_its_warning(api):
    """As one that is copied."""
    odd = api.json("add_did", did_pattern="Total:1")
    good = api.json("add_did", did_pattern="18002220100")

    assert "implausible" in odd["warning"]
    assert ("SUCCESS", False) == (good["result"], "warning" in good)


def test_what_leads_nowhere_has_a_warning(api):
    """VICIdial creates, changes and copies it without a word, and so does Didier but in JSON."""
    why = "calls lead nowhere: no voicemail box is set"
    added = api.json("add_did", did_pattern="18002220100", did_route="VOICEMAIL")
    changed = api.json("update_did", did_pattern="18002220100", did_description="Shop line")
    copied = api.json("copy_did", source_did_pattern="18002220100", new_dids="18002220101")

    assert ["SUCCESS"] * 3 == [added["result"], changed["result"], copied["result"]]
    assert [why] * 3 == [added["warning"], changed["warning"], copied["items"][0]["warning"]]
