"""Times in requests: every field of the OpenAPI document that takes one, at the ends of the calendar."""

import json
from datetime import datetime
from urllib.parse import urlencode

import pytest

from web.api.conftest import PREFIX, Api

BEFORE, BEHIND = "0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00"


def kinds(schema):
    """Return the formats that a schema allows."""
    return {one.get("format") for one in [schema, *schema.get("anyOf", ())]}


def example(parameter):
    """Return a value that a parameter takes."""
    return parameter["schema"].get("examples", [None])[0]


def fields(document, kind):
    """Yield each place that takes a *kind*: method, path, the name, and a request with everything else."""
    shapes = document["components"]["schemas"]
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            parameters = operation.get("parameters", [])
            needed = {one["name"]: example(one) for one in parameters if one["required"]}
            for one in parameters:
                if kind in kinds(one["schema"]):
                    yield method, path, one["name"], needed, None
            body = operation.get("requestBody", {}).get("content", {}).get("application/json", {})
            shape = shapes.get(body.get("schema", {}).get("$ref", "").rpartition("/")[2], {})
            for name, schema in shape.get("properties", {}).items():
                if kind in kinds(schema):
                    yield method, path, f"/{name}", needed, shape["example"]


def sent(api: Api, field, value):
    """Send *value* in a field; return what is answered."""
    method, path, place, query, body = field
    if body is not None:
        body = {**body, place[1:]: value}
    else:
        query = {**query, place: value}
    path = path.removeprefix(PREFIX).replace("{pattern}", "18001234567").replace("{webhook_id}", "1")
    query = {name: given for name, given in query.items() if name not in {"pattern", "webhook_id"}}
    return api.ask(method.upper(), f"{path}?{urlencode(query)}", body)


@pytest.fixture
def document(server):
    """The OpenAPI document."""
    return json.loads(server.get("/api/v1/openapi.json")[1])


@pytest.mark.parametrize("value", [BEFORE, BEHIND])
def test_times_that_no_clock_shows_are_refused(api, document, value):
    """In every field that takes a time; the problem points at the field."""
    found = list(fields(document, "date-time"))
    replies = [sent(api, field, value) for field in found]

    assert {"/expires_at", "since", "until"} <= {field[2] for field in found}
    assert [(422, "invalid-request", field[2]) for field in found] == [
        (*reply.problem, reply.body["pointer"]) for reply in replies
    ]


@pytest.mark.parametrize("value", ["0001-01-01", "9999-12-31"])
def test_the_ends_of_the_calendar_are_days_like_others(api, document, value):
    """Every field that takes a day is answered."""
    found = list(fields(document, "date"))

    assert ["date"] == [field[2] for field in found]
    assert [200] == [sent(api, field, value).status for field in found]


def test_the_last_day_of_the_calendar_is_taken(api):
    """What some programs write for a token that never ends is kept, and shown as it was sent."""
    never = datetime(9999, 12, 31, 12).astimezone().isoformat()  # in no zone behind the end
    made = api.post("/tokens", {"name": "x", "scopes": ["users"], "expires_at": never})

    assert (201, never) == (made.status, made.body["expires_at"])
    assert [never] == [one["expires_at"] for one in api.get("/tokens").body["items"]]
