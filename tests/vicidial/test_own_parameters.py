"""Parameters of Didier's own are refused by name where they are not known; VICIdial's are ignored."""

import pytest

from didier.services.usage.reports import Table
from didier.vicidial.replies import reports
from support.calls import LOGIN, SOURCE, Api

NEW = "18002223333"
ADD = {"did_pattern": NEW}


@pytest.fixture
def api(engine, now):
    return Api(engine, now)


@pytest.mark.parametrize(
    ("function", "parameters", "data"),
    [
        ("list_dids", {"serach": "1"}, "serach|search"),
        ("list_dids", {"Search": "1"}, "Search|search"),
        ("list_dids", {"dry_run": "Y"}, "dry_run"),
        ("list_dids", {"x<y>": "1"}, "xy"),
        ("did_info", {"did_pattern": SOURCE, "colums": "1"}, "colums"),
        ("add_did", {**ADD, "dryrun": "Y"}, "dryrun|dry_run"),
        ("add_did", {**ADD, "DRY_RUN": "Y"}, "DRY_RUN|dry_run"),
        ("add_did", {**ADD, "idempotency-key": "1"}, "idempotency-key|idempotency_key"),
        ("add_did", {**ADD, "fromat": "json"}, None),
        ("add_did", {**ADD, "formatt": "json"}, "formatt|format"),
        ("update_did", {"did_pattern": SOURCE, "active": "N", "idempotency_key": "1"}, "idempotency_key"),
        ("server_refresh", {"stage": "REFRESH", "dry_run": "Y"}, "dry_run"),
    ],
)
def test_own_parameters_that_are_not_known(api, function, parameters, data):
    """The answer names the parameter and the one that was meant; nothing is done."""
    answer = api.call(function, **parameters)

    if data is not None:
        assert f"ERROR: {function} PARAMETER IS NOT KNOWN: |admin|{data}\n" == answer
        assert [(SOURCE, "Y")] == [
            tuple(row) for row in api.sql("SELECT did_pattern, did_active FROM vicidial_inbound_dids")
        ]


@pytest.mark.parametrize("name", ["DB", "list_name", "custom_order", "sorce", "lead_id", "search", "foo"])
def test_what_vicidial_may_know_is_ignored(api, name):
    """A script may send whatever it sends to VICIdial."""
    assert api.call("add_did", **ADD, **{name: "1"}).startswith("SUCCESS: ")


def test_rights_are_asked_for_first(api):
    """Who may not call a function is told so."""
    api.sql("UPDATE vicidial_users SET vdc_agent_api_access = '0' WHERE user = 'admin'")

    assert "PERMISSION" in api.call("list_dids", serach="1")


def test_the_tutorials_dialect_refuses_them_too(api):
    """Also there a dry run is never carried out by mistake."""
    assert "ERROR: copy_did PARAMETER IS NOT KNOWN: |admin|dryrun|dry_run\n" == api.tutorial(NEW, dryrun="Y")


@pytest.mark.parametrize("active", ["y", "n"])
def test_lower_case_is_understood_in_the_tutorials_dialect(api, active):
    """As everywhere else."""
    assert api.tutorial(NEW, did_active=active).startswith("SUCCESS: ")
    assert [(active.upper(),)] == [
        tuple(row)
        for row in api.sql("SELECT did_active FROM vicidial_inbound_dids WHERE did_pattern = ?", NEW)
    ]


@pytest.mark.parametrize("source", ["", "x", None])
def test_a_missing_source_is_named(api, source):
    """The line shows the other three; the fourth is named."""
    line = f"ERROR: copy_did YOU MUST USE ALL REQUIRED FIELDS: |admin|{SOURCE}|{NEW}|Y|source\n"

    assert line == api.tutorial(NEW, source=source)


def test_a_list_says_where_it_goes_on(api):
    """In JSON always; a list of all that was too long ends with a notice."""
    api.call("add_did", did_pattern=NEW)

    first, second = api.json("list_dids", limit="1"), api.json("list_dids", limit="1", offset="1")
    assert (1, None) == (first["next_offset"], second.get("next_offset"))
    [one] = api.proven([{**LOGIN, "function": "list_dids"}])
    stopped = reports.listed(one.request.call, Table(["did_pattern"], [["1"]], 100_000))
    assert "1\nNOTICE: list_dids MORE DIDS FOUND, CONTINUE AT offset - admin|100000\n" == stopped.body
