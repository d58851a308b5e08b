"""``/me/preferences``, and what is remembered of the columns of a file."""

import pytest

from support.server import Didier
from web.api.conftest import Api

FILE = "City,Number\nNew York,18002220000\n"
FILTER = {"kind": "filter", "name": "West / coast", "value": {"tag": "west"}, "shared": True}
ADDRESS = "/me/preferences?kind=filter&name=West%20/%20coast"


@pytest.fixture(params=["sqlite", "mariadb"])
def api(request, tmp_path):
    """The API of a server of its own, in each home."""
    if request.param == "sqlite":
        yield Api(request.getfixturevalue("own_server"))
        return
    server = Didier(tmp_path, "--demo", "--database", request.getfixturevalue("fresh_database").url()).start()
    yield Api(server)
    server.stop()


def look(api, text=FILE):
    """Return how a table is read."""
    reply = api.ask("POST", "/tables", text, {"Content-Type": "text/csv"})
    assert 200 == reply.status, reply.text
    return reply.body["table"]


def test_a_filter_is_stored_listed_and_deleted(api):
    """Whatever is in its name; a second deletion finds nothing."""
    stored = api.ask("PUT", "/me/preferences", FILTER)
    listed = api.get("/me/preferences?kind=filter").body
    deleted = [api.ask("DELETE", ADDRESS).status, api.ask("DELETE", ADDRESS).problem]

    shown = {**FILTER, "user": "admin", "own": True}
    assert (200, shown) == (stored.status, stored.body)
    assert {"items": [shown], "available": True} == listed
    assert [204, (404, "preference-not-found")] == deleted
    assert [] == api.get("/me/preferences?kind=filter").body["items"]


def test_what_is_no_preference_is_refused(api):
    """By its place in the body."""
    wrong = [{**FILTER, "kind": "x"}, {**FILTER, "value": {"a": 1}}, {**FILTER, "name": "x" * 101}]
    large = api.ask("PUT", "/me/preferences", {**FILTER, "value": {"tag": "x" * 9_000}})

    assert [422] * 3 == [api.ask("PUT", "/me/preferences", body).status for body in wrong]
    assert ((422, "invalid-field"), "/value") == (large.problem, large.body["pointer"])


def test_a_mapping_comes_again_with_the_same_headers(api):
    """By place; what may not become of a column is left out, and other headers know nothing of it."""
    name = look(api)["name"]
    value = {"1": "did_carrier_description", "2": "number", "3": "number"}
    api.ask("PUT", "/me/preferences", {"kind": "mapping", "name": name, "value": {**value, "1": "nonsense"}})
    partly = look(api)["remembered"]
    api.ask("PUT", "/me/preferences", {"kind": "mapping", "name": name, "value": value})

    assert "City,Number" == name
    assert {"2": "number"} == partly
    assert {"1": "did_carrier_description", "2": "number"} == look(api)["remembered"]
    assert None is look(api, FILE.replace("City", "Town"))["remembered"]
    assert None is look(api.token("dids:write"))["remembered"]
