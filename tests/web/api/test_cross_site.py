"""What pages of other sites make a browser send to the JSON API, for every operation of its document."""

import json
import re

import pytest

from support.server import Didier, didier
from web.api.conftest import SOURCE, Api

FOREIGN = (
    {"Origin": "https://elsewhere.example"},
    {"Origin": "null"},
    {"Sec-Fetch-Site": "cross-site"},
    {"Sec-Fetch-Site": "same-site"},
    {"Sec-Fetch-Site": "same-origin", "Origin": "https://elsewhere.example"},
)
READING = {"get", "head", "options"}
CROSS_SITE = (403, "cross-site")


@pytest.fixture(scope="module")
def api(tmp_path_factory):
    """The API of one server for all tests, which takes any number of requests."""
    directory = tmp_path_factory.mktemp("cross-site")
    server = Didier(
        directory, "--demo", "--database", f"sqlite:///{directory}/didier.db",
        environment={"DIDIER_RATE_LIMIT": "0"},
    ).start()  # fmt: skip
    yield Api(server)
    server.stop()


def operations(api):
    """Yield method and path of every operation, with something in the place of each parameter."""
    for path, operations in json.loads(api.server.get("/api/v1/openapi.json")[1])["paths"].items():
        filled = re.sub(r"\{\w+_id\}", "1", path.removeprefix("/api/v1")).replace("{pattern}", SOURCE)
        for method in operations:
            yield method, re.sub(r"\{\w+\}", "admin", filled)


@pytest.mark.parametrize("headers", FOREIGN, ids=str)
def test_other_sites_change_nothing(api, headers):
    """Every method that is not for reading is refused as such, whoever it would be signed in as."""
    changing = [(method, path) for method, path in operations(api) if method not in READING]
    refused = {pair: api.ask(pair[0].upper(), pair[1], {}, headers).problem for pair in changing}

    assert dict.fromkeys(changing, CROSS_SITE) == refused
    assert {"post", "patch", "put", "delete"} == {method for method, _ in changing}


@pytest.mark.parametrize("headers", FOREIGN, ids=str)
def test_reading_is_not_kept_from_browsers(api, headers):
    """A link of another site may lead here; its page cannot read the answer."""
    for method, path in operations(api):
        if method == "get" and not path.endswith("/events"):
            assert "cross-site" not in api.ask("GET", path, headers=headers).text[:200], path
    assert "access-control-allow-origin" not in api.get("/dids", **headers).headers


def test_text_of_another_site_is_refused(api):
    """A form may send it without asking first; programs may go on to send it."""
    text = {"Content-Type": "text/plain"}
    refused = api.ask("POST", f"/copies?source={SOURCE}", "5550177", {**text, **FOREIGN[0]})
    sent = api.ask("POST", f"/copies?source={SOURCE}", "5550177", text)

    assert CROSS_SITE == refused.problem
    assert 201 == sent.status


def test_our_own_pages_change_things(api):
    """The page of the documentation may send what it shows."""
    own = {"Origin": api.server.url, "Sec-Fetch-Site": "same-origin"}

    assert 201 == api.ask("POST", "/dids", {"did_pattern": "5550188"}, own).status


def test_other_sites_lock_nobody_out(api):
    """What they send is refused before it signs in, and counts for nothing."""
    wrong = Api(api.server, password="wrong")
    refused = [wrong.ask("POST", "/dids", {}, FOREIGN[0]).problem for _ in range(11)]

    assert [CROSS_SITE] * 11 == refused
    assert 200 == api.get("/dids").status
    assert [(0,)] == api.server.sql("SELECT failed_login_count FROM vicidial_users WHERE user = 'admin'")


def test_other_sites_use_nothing_up(tmp_path):
    """The rate of the user whose browser it is stays whole."""
    database = f"sqlite:///{tmp_path}/didier.db"
    server = Didier(
        tmp_path, "--demo", "--database", database, environment={"DIDIER_RATE_LIMIT": "3"}
    ).start()
    try:
        api = Api(server)
        for _ in range(5):
            api.ask("POST", "/dids", {}, FOREIGN[0])
        left = [api.get("/dids").status for _ in range(3)]
    finally:
        server.stop()

    assert [200, 200, 200] == left


def test_behind_a_proxy(tmp_path):
    """What a trusted proxy says of TLS counts: a page without it is another site."""
    database = f"sqlite:///{tmp_path}/didier.db"
    environment = {"DIDIER_TRUSTED_PROXIES": "127.0.0.1"}
    server = Didier(tmp_path, "--database", database, environment=environment)
    password = re.search(r"password (\S+)", didier(tmp_path, "init").stdout)[1]
    server.start()
    try:
        api = Api(server, password=password)
        headers = {"X-Forwarded-Proto": "https", "X-Forwarded-For": "192.0.2.1", "Host": "did.example.com"}
        answers = [
            api.ask("POST", "/dids", {"did_pattern": "5550100"}, {**headers, "Origin": origin}).status
            for origin in ("http://did.example.com", "https://did.example.com")
        ]
    finally:
        server.stop()

    assert [403, 201] == answers
