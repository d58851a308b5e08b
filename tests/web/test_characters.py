"""Characters that command a terminal: no door takes them in; what is stored with them stays usable."""

import itertools
import json
from typing import Any
from urllib.parse import quote

import pytest
import sqlalchemy as sa

from didier.domain.fields import DID_FIELDS
from support.server import BASIC, Answer, Didier

SOURCE = "18001234567"
ESCAPE, OVERRIDE = "\x1b", "\u202e"
TEXTS = [field.column for field in DID_FIELDS if field.rule("x" * 6) is None]
REFUSED = "a text without control characters (U+001B is character 4)"
CSV = "text/csv"

Home = tuple[Didier, sa.Engine]
_numbers = itertools.count(5_550_000)


@pytest.fixture
def number() -> str:
    """A number that no other test uses."""
    return str(next(_numbers))


def ask(home: Home, method: str, path: str, body: Any = None, kind: str = "application/json") -> Answer:
    """Send a request to the JSON API."""
    content = body if isinstance(body, str | None) else json.dumps(body)
    sent = content.encode() if content is not None else None
    return home[0].exchange(method, f"/api/v1{path}", sent, {**BASIC, "Content-Type": kind})


def stored(home: Home, number: str, column: str, value: str) -> None:
    """Store a DID as VICIdial may have stored it."""
    assert 201 == ask(home, "POST", "/dids", {"did_pattern": number}).status
    with home[1].begin() as conn:
        statement = f"UPDATE vicidial_inbound_dids SET {column} = :value WHERE did_pattern = :number"
        conn.execute(sa.text(statement), {"value": value, "number": number})


def add(home: Home, number: str, column: str, value: str) -> Answer:
    return ask(home, "POST", "/dids", {"did_pattern": number, column: value})


def change(home: Home, number: str, column: str, value: str) -> Answer:
    return ask(home, "PATCH", f"/dids/{SOURCE}", {column: value})


def override(home: Home, number: str, column: str, value: str) -> Answer:
    return ask(home, "POST", "/copies", {"source": SOURCE, "targets": [number], "overrides": {column: value}})


def own(home: Home, number: str, column: str, value: str) -> Answer:
    target = {"target": number, column: value}
    return ask(home, "POST", "/copies", {"source": SOURCE, "targets": [target]})


def own_in_csv(home: Home, number: str, column: str, value: str) -> Answer:
    table = f"target,{column}\n{number},{value}\n"
    return ask(home, "POST", f"/copies?source={SOURCE}", table, CSV)


def set_in_address(home: Home, number: str, column: str, value: str) -> Answer:
    return ask(home, "POST", f"/copies?source={SOURCE}&set={column}={quote(value)}", number, "text/plain")


def templated(home: Home, number: str, column: str, value: str) -> Answer:
    body = {"source": SOURCE, "targets": [number], "description_template": f"{value} {{target}}"}
    return ask(home, "POST", "/copies", body)


def imported(home: Home, number: str, column: str, value: str) -> Answer:
    return ask(home, "POST", "/imports", f"did_pattern,{column}\n{number},{value}\n", CSV)


DOORS = [add, change, override, own, own_in_csv, set_in_address, templated, imported]


@pytest.mark.parametrize("door", DOORS, ids=lambda door: door.__name__)
def test_no_field_of_a_did_takes_them(home, number, door):
    """Every text field is refused with one, by every door, which says which character it is."""
    answers = {column: door(home, number, column, f"abc{ESCAPE}def") for column in TEXTS}

    assert {422, 409}.issuperset(answer.status for answer in answers.values())
    assert [] == [column for column, answer in answers.items() if REFUSED not in answer.text]


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        (
            "POST",
            "/users",
            {"user": "newone", "password": "x", "user_group": "ADMIN", "full_name": "abc\x1b"},
        ),
        (
            "POST",
            "/users",
            {"user": "newone", "password": "x", "user_group": "ADMIN", "email": "abc\x1b@x.org"},
        ),
        ("PATCH", "/users/admin", {"full_name": "abc\x1b"}),
        ("PATCH", "/users/admin", {"email": "abc\x1b@example.com"}),
        ("POST", "/tokens", {"name": "abc\x1b", "scopes": ["dids:read"]}),
        ("POST", "/tokens", {"name": "abc\x1c", "scopes": ["dids:read"]}),
    ],
)
def test_no_user_and_no_token_takes_them(home, method, path, body):
    """Texts of users and names of tokens are refused with one, also where it is the last character."""
    answer = ask(home, method, path, body)

    assert 422 == answer.status
    assert "is character 4)" in answer.text


def test_the_non_agent_api_stores_none(home, number):
    """VICIdial's clean-up removes them before anything is stored."""
    home[0].vicidial("add_did", did_pattern=number, did_description=f"abc{ESCAPE}def{OVERRIDE}\x9b")

    [text] = [
        did["did_description"] for did in json.loads(ask(home, "GET", f"/dids?search={number}").text)["items"]
    ]
    assert "abcdef" == text


@pytest.mark.parametrize("character", [ESCAPE, "\x9b", OVERRIDE, "\n"], ids=ascii)
def test_what_is_stored_is_read_copied_and_undone(home, number, character):
    """What VICIdial has stored with one is read, copied as a whole, and put back by an undo."""
    text, target = f"abc{character}def", str(next(_numbers))
    stored(home, number, "did_description", text)

    copied = ask(home, "POST", "/copies", {"source": number, "targets": [target]})
    deleted = ask(home, "DELETE", f"/dids/{number}")
    batch = max(one["id"] for one in json.loads(ask(home, "GET", "/batches").text)["items"])
    undone = ask(home, "POST", f"/batches/{batch}/undo")
    found = [json.loads(ask(home, "GET", f"/dids/{one}").text)["did_description"] for one in (number, target)]

    assert [True] * 3 == [answer.status < 300 for answer in (copied, deleted, undone)], undone.text
    assert [text, text] == found


def test_what_is_stored_may_be_said_again(home, number):
    """A change that names what stands there already is taken, an import of an export too."""
    stored(home, number, "did_description", f"abc{OVERRIDE}def")

    changed = ask(
        home, "PATCH", f"/dids/{number}", {"did_description": f"abc{OVERRIDE}def", "did_active": "N"}
    )
    exported = ask(home, "GET", f"/exports/dids.csv?search={number}").text
    imported = ask(home, "POST", "/imports?existing=update", exported, CSV)

    assert [200, 201] == [changed.status, imported.status], imported.text
