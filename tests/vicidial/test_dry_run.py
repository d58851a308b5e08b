"""dry_run=Y: the answer of a call that is not carried out."""

import pytest

from support.calls import SOURCE, Api

TABLES = (
    "vicidial_inbound_dids", "vicidial_admin_log", "didier_batches", "didier_batch_items", "didier_changes",
    "didier_idempotency",
)  # fmt: skip


@pytest.fixture
def api(engine, now):
    return Api(engine, now)


def stored(api):
    """Return everything that a call could change, the API log aside."""
    return [api.sql(f"SELECT * FROM {table}") for table in TABLES]


def copy(api, targets, **parameters):
    return api.call("copy_did", source_did_pattern=SOURCE, new_dids=targets, **parameters)


def test_a_dry_copy_says_what_would_be_made(api):
    """Each target is told as in a real copy, but would be added; nothing is stored."""
    before = stored(api)

    answer = copy(api, f"5550001,{SOURCE},5550001,{'1' * 51},5550002", dry_run="Y")

    assert (
        f"NOTICE: copy_did DID WOULD BE ADDED - admin|5550001|{SOURCE}|0|0\n"
        f"NOTICE: copy_did DID ALREADY EXISTS - admin|{SOURCE}\n"
        "NOTICE: copy_did DID ALREADY EXISTS - admin|5550001\n"
        f"NOTICE: copy_did DID PATTERN IS NOT VALID - admin|{'1' * 51}\n"
        f"NOTICE: copy_did DID WOULD BE ADDED - admin|5550002|{SOURCE}|0|0\n"
        f"SUCCESS: copy_did DRY RUN - admin|{SOURCE}|2|3\n"
    ) == answer
    assert before == stored(api)


def test_a_dry_copy_is_in_the_api_log(api):
    """The log has the lines that were answered."""
    copy(api, "5550001", dry_run="Y")

    assert [("NOTICE", "copy_did DID WOULD BE ADDED"), ("SUCCESS", "copy_did DRY RUN")] == [
        tuple(row) for row in api.sql("SELECT result, result_reason FROM vicidial_api_log ORDER BY api_id")
    ]


def test_a_dry_copy_in_the_tutorials_dialect(api):
    """The tutorial's line says that the DID would be copied."""
    before = stored(api)

    answer = api.tutorial(f"5550001,{SOURCE}", dry_run="Y")

    assert f"SUCCESS: {SOURCE} -> 5550001 | DID Would Be Copied\nERROR: NEW DID ALREADY EXISTS\n" == answer
    assert before == stored(api)


def test_a_dry_copy_takes_nothing_from_others(api):
    """Of calls that share a transaction, a dry one does not keep a later one from its target."""
    request = {"function": "copy_did", "source_did_pattern": SOURCE, "new_dids": "5550001"}
    dry = {**request, "dry_run": "Y"}

    first, second, third = api.together(dry, request, dry)

    assert "DID WOULD BE ADDED" in first
    assert "DIDS HAVE BEEN ADDED" in second
    assert "DID ALREADY EXISTS - admin|5550001" in third
    assert [SOURCE, "5550001"] == api.patterns()


@pytest.mark.parametrize(
    ("parameters", "line"),
    [
        ({"did_pattern": "5550001"}, "SUCCESS: add_did DID WOULD BE ADDED - admin|5550001\n"),
        ({"did_pattern": SOURCE}, f"ERROR: add_did DID ALREADY EXISTS: |admin|{SOURCE}\n"),
        (
            {"did_pattern": "5550001", "active": "X"},
            "ERROR: add_did ACTIVE MUST BE Y OR N, THIS IS AN OPTIONAL FIELD: |admin|X\n",
        ),
    ],
)
def test_a_dry_add(api, parameters, line):
    """A DID that would be added is told, or refused as ever; nothing is stored."""
    before = stored(api)

    assert line == api.call("add_did", dry_run="Y", **parameters)
    assert before == stored(api)


@pytest.mark.parametrize(
    ("parameters", "line"),
    [
        ({"did_description": "Another one"}, f"SUCCESS: update_did DID WOULD BE UPDATED - admin|{SOURCE}\n"),
        ({}, "NOTICE: update_did NO UPDATES DEFINED: |admin|\n"),
        ({"delete_did": "Y"}, f"SUCCESS: update_did DID WOULD BE DELETED - admin|{SOURCE}|1\n"),
        ({"did_pattern": "999"}, "ERROR: update_did DID DOES NOT EXIST: |admin|999\n"),
    ],
)
def test_a_dry_update(api, parameters, line):
    """A DID that would be changed or deleted is told, or refused as ever; nothing is stored."""
    before = stored(api)

    assert line == api.call("update_did", dry_run="y", **{"did_pattern": SOURCE, **parameters})
    assert before == stored(api)


@pytest.mark.parametrize("value", ["1", "true", "YES", "x"])
@pytest.mark.parametrize(
    ("function", "parameters"),
    [
        ("copy_did", {"source_did_pattern": SOURCE, "new_dids": "5550001"}),
        ("add_did", {"did_pattern": "5550001"}),
        ("update_did", {"did_pattern": SOURCE, "delete_did": "Y"}),
    ],
)
def test_a_wish_for_a_dry_run_is_never_ignored(api, function, parameters, value):
    """A value that is neither Y nor N is refused, as carrying the call out could be what was not meant."""
    before = stored(api)

    answer = api.call(function, dry_run=value, **parameters)

    assert f"ERROR: {function} DRY RUN MUST BE Y OR N, THIS IS AN OPTIONAL FIELD: |admin|{value}\n" == answer
    assert before == stored(api)


@pytest.mark.parametrize("value", ["N", "n", ""])
def test_a_call_that_is_no_dry_run_is_carried_out(api, value):
    """dry_run=N, or an empty one, is a call like any other."""
    copy(api, "5550001", dry_run=value)

    assert [SOURCE, "5550001"] == api.patterns()
