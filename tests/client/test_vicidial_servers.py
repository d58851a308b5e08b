"""The client of VICIdial against a server process that speaks VICIdial's API, in each home that it has."""

import asyncio
from datetime import datetime

import pytest

from didier.client import errors
from didier.client.vicidial import (
    Added,
    AsyncVicidialClient,
    CopyInterrupted,
    Exists,
    LoggedCall,
    NotReached,
    Refused,
    UserDetails,
    VicidialClient,
)
from didier.storage.statements import run
from support.server import Didier

SOURCE = "18001234567"
MANY = [str(18_003_330_000 + number) for number in range(400)]


@pytest.fixture
def server(tmp_path, engine, database_url):
    server = Didier(tmp_path, "--demo", "--database", database_url).start()
    yield server
    server.stop()


@pytest.fixture
def vicidial(server):
    with VicidialClient(server.url, "admin", "1234", retries=0) as client:
        yield client


def test_dids_are_made_changed_and_deleted(vicidial, engine):
    """Every verb for DIDs does on the server what it says, and its refusals are told apart."""
    targets = [*MANY[:2], "800-555", f"{MANY[2]}-{MANY[399]}", SOURCE]
    results = vicidial.copy(SOURCE, targets, "Copied lines")

    assert ["Added", "Added", "Refused", *["Added"] * 398, "Exists"] == [
        type(one).__name__ for one in results
    ]
    with engine.connect() as conn:
        rows = run(
            conn, "SELECT did_pattern, did_id, did_description FROM vicidial_inbound_dids ORDER BY did_id"
        )
    assert [(one.pattern, one.did_id, "Copied lines") for one in results if isinstance(one, Added)] == [
        tuple(row) for row in rows if row[0] != SOURCE
    ]
    assert {Exists, Refused} == {type(one) for one in vicidial.copy(SOURCE, targets)}

    vicidial.add("+442079460000", route="EXTEN", extension="8300", active=False)
    vicidial.update("+442079460000", description="London line", active=True)
    with engine.connect() as conn:
        [row] = run(
            conn,
            "SELECT did_active, extension, did_description FROM vicidial_inbound_dids WHERE did_pattern = ?",
            "+442079460000",
        )
    assert ("Y", "8300", "London line") == tuple(row)

    with pytest.raises(errors.DidExists):
        vicidial.add("+442079460000")
    with pytest.raises(errors.InvalidField) as caught:
        vicidial.update("+442079460000", route="NOWHERE")
    assert "did_route" == caught.value.field
    with pytest.raises(errors.InvalidField) as caught:
        vicidial.update("+442079460000", in_group="NOSUCH")
    assert "group_id" == caught.value.field

    vicidial.delete("+442079460000")
    with pytest.raises(errors.DidNotFound):
        vicidial.delete("+442079460000")
    with pytest.raises(errors.DidNotFound):
        vicidial.copy("+442079460000", ["5550001"])


def test_calls_users_and_the_version_are_read(vicidial, engine):
    """What the server only tells comes as values."""
    with engine.begin() as conn:
        run(
            conn,
            "INSERT INTO vicidial_did_log"
            " (uniqueid, channel, server_ip, caller_id_number, extension, call_date)"
            " VALUES ('1.1', 'SIP/x', '192.0.2.1', '7275551212', ?, '2026-03-04 09:00:00')",
            SOURCE,
        )

    moment = datetime(2026, 3, 4, 9)
    assert [LoggedCall(SOURCE, "7275551212", moment, 0)] == vicidial.did_log(SOURCE, moment.date())
    assert [] == vicidial.did_log(SOURCE, "2026-03-05")
    assert vicidial.version().version.startswith("2.14-")
    assert ("admin", True) == (vicidial.user_details("admin").user, vicidial.user_details("admin").active)
    with pytest.raises(errors.UserNotFound):
        vicidial.user_details("nobody")


def test_users_are_made_changed_and_deleted(vicidial):
    """A user can be made, copied, changed and deleted, and exists once."""
    group = vicidial.user_details("admin").user_group
    new = {"full_name": "Ann Agent", "user_level": 1, "user_group": group}

    assert "1001" == vicidial.add_user("1001", "Secret1", **new)
    assert "1002" == vicidial.copy_user("1002", "Secret2", full_name="Bob Agent", source_user="1001")
    vicidial.update_user("1001", password="Secret3", full_name="Ann Other", active=False)
    assert UserDetails("1001", "Ann Other", group, 1, False) == vicidial.user_details("1001")
    with pytest.raises(errors.UserExists):
        vicidial.add_user("1001", "Secret1", **new)
    with pytest.raises(errors.GroupNotFound):
        vicidial.add_user("1003", "Secret1", **{**new, "user_group": "GHOST"})
    with pytest.raises(errors.UserNotFound):
        vicidial.copy_user("1003", "Secret1", full_name="Ann", source_user="ghost")
    vicidial.delete_user("1001")
    with pytest.raises(errors.UserNotFound):
        vicidial.user_details("1001")


def test_who_may_not_is_told_so(server, engine):
    """A wrong password, and a right that is missing, are exceptions of their own."""
    with pytest.raises(errors.WrongPassword), VicidialClient(server.url, "admin", "wrong") as client:
        client.delete(SOURCE)
    with engine.begin() as conn:
        run(conn, "UPDATE vicidial_users SET api_allowed_functions = ' add_did '")
    with pytest.raises(errors.NotPermitted) as caught, VicidialClient(server.url, "admin", "1234") as client:
        client.copy(SOURCE, ["5550001"])
    assert ("Allowed API Functions",) == caught.value.missing


def test_neither_log_nor_database_has_the_password(server, engine):
    """The password is in no address, so in none of the places that keep addresses."""
    with pytest.raises(errors.WrongPassword), VicidialClient(server.url, "admin", "Wr0ng-pass") as client:
        client.add("5550001")

    with engine.connect() as conn:
        stored = [run(conn, f"SELECT * FROM {table}") for table in ("vicidial_api_log", "vicidial_api_urls")]
    assert "Wr0ng" not in repr(stored)
    assert "Wr0ng" not in server.logged()


def test_a_server_that_is_killed_in_the_middle_loses_no_result(server, vicidial):
    """What was told before stays told; what was not sent is named, and can be asked for again."""
    told = []

    def kill(result):
        told.append(result)
        if len(told) == 166:
            server.kill()

    with pytest.raises(CopyInterrupted) as caught:
        vicidial.copy(SOURCE, MANY, on_result=kill)

    error = caught.value
    assert told == list(error.results)
    assert [*MANY[:166]] == [one.pattern for one in told if isinstance(one, Added)]
    assert MANY[166:] == [*error.unknown, *error.unsent]
    with pytest.raises(NotReached):
        vicidial.version()

    server.start()
    again = vicidial.copy(SOURCE, MANY)
    assert [Exists] * 166 == [type(one) for one in again[:166]]
    assert MANY == [one.pattern for one in again]


def test_the_awaited_client_works_on_a_server(server):
    """Several copies at once come back each with its own results."""

    async def work():
        async with AsyncVicidialClient(server.url, "admin", "1234") as client:
            return await asyncio.gather(*(client.copy(SOURCE, [one]) for one in MANY[:20]))

    assert [[(one, Added)] for one in MANY[:20]] == [
        [(result.pattern, type(result)) for result in results] for results in asyncio.run(work())
    ]
