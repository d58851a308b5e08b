"""Secrets in requests to either API, on either database: whatever they are called, they are kept nowhere."""

import itertools
import json
import urllib.parse
from collections.abc import Callable, Mapping
from itertools import product

import pytest
import sqlalchemy as sa

from support.secrets import NAMES, SPELLINGS
from support.server import BASIC, FORM, PATH, Didier, multipart

SENT = "function=version&user=admin&source=test"
EXPORT = "/api/v1/exports/dids.csv"
DIDS = "/api/v1/dids"


_numbers = itertools.count(1000)


@pytest.fixture
def secret() -> str:
    """A secret that no other test has sent to the same server."""
    return f"Marigold-{next(_numbers)}"


def kept(server: Didier, engine: sa.Engine) -> Mapping[str, str]:
    """Return what is stored, by table, and what is logged."""
    found = {"log": server.logged(), "metrics": server.get("/metrics")[1]}
    with engine.begin() as conn:
        for table in sa.inspect(conn).get_table_names():
            found[table] = "\n".join(map(str, conn.exec_driver_sql(f"SELECT * FROM `{table}`")))
    return found


def places(home: tuple[Didier, sa.Engine], secret: str) -> list[str]:
    """Return where the secret is kept."""
    return [place for place, text in kept(*home).items() if secret in text]


def ask_by_query(server: Didier, name: str, value: str) -> str:
    return server.get(f"{PATH}?{SENT}&{name}={value}")[1]


def ask_by_form(server: Didier, name: str, value: str) -> str:
    return server.request("POST", PATH, f"{SENT}&{name}={value}", {"Content-Type": FORM})[1]


def ask_by_parts(server: Didier, name: str, value: str) -> str:
    fields = [*urllib.parse.parse_qsl(SENT), (urllib.parse.unquote(name, errors="ignore"), value)]
    return server.request("POST", PATH, *multipart(fields))[1]


def ask_by_path(server: Didier, name: str, value: str) -> str:
    return server.get(f"{PATH}&{name}={value}")[1]


def ask_json_by_query(server: Didier, name: str, value: str) -> str:
    return server.request("GET", f"{DIDS}?search=1800&{name}={value}", headers=BASIC)[1]


def ask_json_by_path(server: Didier, name: str, value: str) -> str:
    return server.request(
        "GET", f"{DIDS}/{name.replace('[', '%5b').replace(']', '%5d')}={value}", headers=BASIC
    )[1]


WAYS = [ask_by_query, ask_by_form, ask_by_parts, ask_by_path, ask_json_by_query, ask_json_by_path]
WRITTEN = [name for name in SPELLINGS if "as J" not in name]  # a backslash stands in no address


@pytest.mark.parametrize("ask", WAYS, ids=lambda ask: ask.__name__)
def test_no_secret_is_kept(home, secret, ask: Callable[[Didier, str, str], str]):
    """A secret under any name in any spelling is in no log, no table and no metric."""
    for name, spelling in product(NAMES, WRITTEN):
        ask(home[0], SPELLINGS[spelling](name), secret)

    assert [] == places(home, secret)


@pytest.mark.parametrize("ask", WAYS, ids=lambda ask: ask.__name__)
def test_no_secret_within_a_value_is_kept(home, secret, ask):
    """A value of a known or unknown parameter that holds the name of a secret is kept nowhere."""
    for parameter in ("did_description", "search", "source", "x"):
        for sign in ("%3D", "%253D", ":"):
            ask(home[0], parameter, f"x%26access_token{sign}{secret}")

    assert [] == places(home, secret)


@pytest.mark.parametrize("ask", WAYS[:5], ids=lambda ask: ask.__name__)
def test_values_of_unknown_parameters_are_not_stored(home, secret, ask):
    """What nobody reads is not in the addresses that are stored."""
    ask(home[0], "surprise", secret)

    assert [] == [place for place in places(home, secret) if place != "log"]


BODIES = [
    ("POST", DIDS, {"did_pattern": "5550100", "password": "SECRET"}),
    ("POST", DIDS, {"did_pattern": "5550100", "did_description": ["pass", "SECRET"]}),
    (
        "POST",
        "/api/v1/copies",
        {"source": "18001234567", "targets": ["1"], "overrides": {"api_key": "SECRET"}},
    ),
    ("POST", "/api/v1/copies", {"source": "18001234567", "targets": [{"target": "1", "token": "SECRET"}]}),
    ("POST", "/api/v1/users", {"user": "new", "password": "SECRET" * 20}),
    ("POST", "/api/v1/users", {"user": "new", "password": ["SECRET"]}),
    ("PATCH", "/api/v1/users/admin", {"phone_pass": "SECRET" * 20}),
    ("PATCH", "/api/v1/users/admin", {"phone_pass": {"x": "SECRET"}}),
    ("POST", "/api/v1/tokens", {"name": "x", "scopes": [], "secret": "SECRET"}),
]


@pytest.mark.parametrize(("method", "path", "body"), BODIES)
def test_no_secret_of_a_body_is_answered_or_kept(home, secret, method, path, body):
    """A body that is refused is refused without the secrets in it, and leaves none."""
    headers = {**BASIC, "Content-Type": "application/json"}

    answer = home[0].exchange(method, path, json.dumps(body).replace("SECRET", secret), headers)

    assert 422 == answer.status
    assert secret not in answer.text
    assert [] == places(home, secret)


def test_no_secret_of_a_copy_in_text_is_answered_or_kept(home, secret):
    """Of values that are set by the address none is answered or kept whose name means a secret."""
    query = f"source=18001234567&set=password%3D{secret}"

    answer = home[0].exchange(
        "POST", f"/api/v1/copies?{query}", "5550100", {**BASIC, "Content-Type": "text/plain"}
    )

    assert 422 == answer.status
    assert secret not in answer.text
    assert [] == places(home, secret)


def test_what_is_known_is_stored_as_received(home):
    """The addresses show the parameters that either API knows, as they were sent."""
    server, engine = home
    server.get(f"{PATH}?{SENT}&did_pattern=%2B1800&surprise=1")
    server.request("GET", f"{EXPORT}?search=1800&route=EXTEN", headers=BASIC)

    addresses = kept(server, engine)["vicidial_api_urls"]
    assert f"{PATH}?{SENT}&did_pattern=%2B1800&surprise=***" in addresses
    assert f"{EXPORT}?search=1800&route=EXTEN" in addresses
