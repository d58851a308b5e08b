"""A group of calls takes as many statements as one call, whatever its size, on every database."""

import pytest

from didier.runtime import pipeline
from didier.storage.statements import insert
from didier.vicidial.functions import FUNCTIONS, OPEN_FUNCTIONS
from support.calls import LOGIN, SOURCE, Api
from support.statements import sent

MANY = 500
SIZES = (1, 32, MANY)

CASES = {
    "copy_did": lambda n: {"source_did_pattern": SOURCE, "new_dids": f"1900{n:07}"},
    "copy_did: to lists": lambda n: {"source_did_pattern": SOURCE, "new_dids": f"1900{n:07},1901{n:07}"},
    "copy_did: from many": lambda n: {"source_did_pattern": f"1800555{n:04}", "new_dids": f"1900{n:07}"},
    "copy_did: with values": lambda n: {
        "source_did_pattern": SOURCE, "new_dids": f"1900{n:07}", "did_description": f"Line number {n}",
    },
    "copy_did: exists": lambda n: {"source_did_pattern": SOURCE, "new_dids": f"1800555{n:04}"},
    "copy_did: one number": lambda _: {"source_did_pattern": SOURCE, "new_dids": "19000000000"},
    "copy_did: no source": lambda n: {"source_did_pattern": f"77{n}", "new_dids": f"1900{n:07}"},
    "copy_did: dry run": lambda n: {
        "source_did_pattern": SOURCE, "new_dids": f"1900{n:07}", "dry_run": "Y",
    },
    "copy_did: with key": lambda n: {
        "source_did_pattern": SOURCE, "new_dids": f"1900{n:07}", "idempotency_key": f"key{n}",
    },
    "copy_did: tutorial": lambda n: {
        "did_pattern": SOURCE, "new_did_pattern": f"1900{n:07}", "did_active": "Y",
    },
    "add_did": lambda n: {"did_pattern": f"1900{n:07}"},
    "add_did: with values": lambda n: {
        "did_pattern": f"1900{n:07}", **({"did_description": f"Line number {n}"} if n % 2 else {}),
    },
    "add_did: exists": lambda n: {"did_pattern": f"1800555{n:04}"},
    "update_did": lambda n: {"did_pattern": f"1800555{n:04}", "did_description": f"Line number {n}"},
    "update_did: various": lambda n: {
        "did_pattern": f"1800555{n:04}", **({"did_active": "N"} if n % 2 else {"extension": f"9{n}"}),
    },
    "update_did: not there": lambda n: {"did_pattern": f"77{n}", "did_active": "N"},
    "update_did: deletion": lambda n: {"did_pattern": f"1800555{n:04}", "delete_did": "Y"},
    "update_did: deletion by force": lambda n: {
        "did_pattern": f"1800555{n:04}", "delete_did": "Y", "force": "Y",
    },
    "add_user": lambda n: {
        "agent_user": f"new{n:05}", "agent_pass": "Secret123", "agent_user_level": "1",
        "agent_full_name": f"Agent {n}", "agent_user_group": "ADMIN",
    },
    "copy_user": lambda n: {
        "agent_user": f"new{n:05}", "agent_pass": "Secret123", "agent_full_name": f"Agent {n}",
        "source_user": f"agent{n:05}",
    },
    "update_user": lambda n: {"agent_user": f"agent{n:05}", "agent_full_name": f"Agent number {n}"},
    "update_user: password": lambda n: {"agent_user": f"agent{n:05}", "agent_pass": "Secret124"},
    "update_user: deletion": lambda n: {"agent_user": f"agent{n:05}", "delete_user": "Y"},
    "server_refresh": lambda _: {},
    "did_info": lambda n: {"did_pattern": f"1800555{n:04}"},
    "did_log_export": lambda n: {"phone_number": f"1800555{n:04}", "date": "2026-03-04"},
    "list_dids": lambda _: {},
    "user_details": lambda n: {"agent_user": f"agent{n:05}"},
    **{name: lambda _: {} for name in OPEN_FUNCTIONS},
}  # fmt: skip
"""The parameters of the n-th call of a group, by function and what is peculiar about it."""


ONE_BY_ONE = {"add_user", "copy_user", "update_user"}
"""Functions whose calls are decided one after the other: each may change what the next caller may do."""

MOST_FOR_EACH = 9


def test_every_function_is_counted():
    """Also one that is added."""
    assert {*FUNCTIONS, *OPEN_FUNCTIONS} == {name.partition(":")[0] for name in CASES}


@pytest.fixture
def api(engine, now):
    """The API on a database with many DIDs and users, each once."""
    api = Api(engine, now)
    for first in range(0, MANY, 100):
        numbers = ",".join(f"1800555{n:04}" for n in range(first, first + 100))
        api.call("copy_did", source_did_pattern=SOURCE, new_dids=numbers)
    with engine.begin() as conn:
        columns = ("user", "pass", "active", "user_level", "user_group", "full_name")
        rows = [(f"agent{n:05}", "1234", "Y", 1, "ADMIN", f"Agent {n}") for n in range(MANY)]
        insert(conn, "vicidial_users", columns, rows)
    return api


@pytest.mark.parametrize("case", CASES)
def test_a_group_takes_as_many_statements_as_one_call(api, case):
    """However many calls it has."""
    function = case.partition(":")[0]
    calls = api.proven([{**LOGIN, "function": function, **CASES[case](n)} for n in range(MANY)])
    carry_out = pipeline.authorize if calls[0].request.report else pipeline.carry_out

    counts = []
    for group in (calls[:1], *(calls[:size] for size in SIZES)):  # the first time, tables are looked at too
        with api.engine.connect() as conn:
            transaction = conn.begin()
            counts.append(sent(conn, lambda conn=conn, group=group: carry_out(conn, group, lambda: api.now)))
            transaction.rollback()

    _, one, some, many = counts
    if function in ONE_BY_ONE:
        assert many - one <= MOST_FOR_EACH * (MANY - 1), counts
    else:
        assert one <= some == many, counts
