"""What stands before the routes, with small applications behind it."""

import asyncio
import base64

import orjson
import pytest

from didier.web.api.limits import RateLimiter
from didier.web.api.routes import application
from didier.web.bodies import SMALL, BodyLimit, ClientSlow, Room

SCOPE = {
    "type": "http",
    "method": "GET",
    "path": "/api/v1/dids",
    "headers": [],
    "query_string": b"",
    "client": ("192.0.2.1", 1),
}


def sent_by(
    app,
    rate=0,
    messages=({"type": "http.request", "body": b""},),
    *,
    scope=SCOPE,
    upload_limit=1_000,
    guard=None,
):
    """Return what is sent for a request, and what the guard raises."""
    guard = guard or RateLimiter(app, rate, BodyLimit(1_000, 30), upload_limit)
    answers, incoming = [], list(messages)

    async def receive():
        return incoming.pop(0)

    async def send(message):
        answers.append(message)

    try:
        asyncio.run(guard(dict(scope), receive, send))
    except Exception as error:
        return answers, error
    return answers, None


async def start(send):
    await send({"type": "http.response.start", "status": 200, "headers": []})


def test_a_failure_is_a_problem():
    """It says nothing of what went wrong; the log does."""

    async def app(scope, receive, send):
        raise ValueError("secret")

    [head, body], error = sent_by(app)

    assert (500, None) == (head["status"], error)
    assert "/problems/failed" == orjson.loads(body["body"])["type"]
    assert b"secret" not in body["body"]


def test_a_failure_in_the_middle_breaks_the_answer_off():
    """Nobody takes a part for the whole."""

    async def app(scope, receive, send):
        await start(send)
        raise ValueError

    answers, error = sent_by(app)

    assert ["http.response.start"] == [message["type"] for message in answers]
    assert isinstance(error, ValueError)


def test_a_client_that_goes_away_is_not_answered():
    """Nothing of its request counts."""

    async def app(scope, receive, send):
        raise AssertionError("is not called")

    assert ([], None) == sent_by(app, messages=[{"type": "http.disconnect"}])


@pytest.mark.parametrize(("size", "status"), [(1_000, 200), (1_001, 413)])
def test_bodies_have_a_limit(size, status):
    """In pieces too."""

    async def app(scope, receive, send):
        message = await receive()
        assert size == len(message["body"])
        await start(send)

    pieces = [
        {"type": "http.request", "body": b"x" * 600, "more_body": True},
        {"type": "http.request", "body": b"x" * (size - 600)},
    ]
    answers, error = sent_by(app, messages=pieces)

    assert (status, None) == (answers[0]["status"], error)


def test_large_bodies_share_their_room():
    """One for which there is no room is refused for now, and gives back what it had; small ones pass."""

    async def app(scope, receive, send):
        await start(send)

    def status(size, room):
        parts = [
            {"type": "http.request", "body": b"x" * size, "more_body": True},
            {"type": "http.request", "body": b"x"},
        ]
        guard = RateLimiter(app, 0, BodyLimit(1_000_000, 30, room), 1_000)
        answers, error = sent_by(app, messages=parts, guard=guard)

        assert error is None
        return answers[0]["status"]

    room = Room(50_000)

    assert [200, 503, 200, 200] == [status(size, room) for size in (40_000, 60_000, 50_000, 50_000)]
    assert 200 == status(SMALL, Room(0))
    assert 503 == status(SMALL + 1, Room(0))


@pytest.mark.parametrize(
    ("path", "status"), [("/api/v1/dids", 413), ("/api/v1/copies", 200), ("/api/v1/imports", 200)]
)
def test_long_texts_are_taken_where_they_are_read_in_pieces(path, status):
    """Everywhere else a text is limited like any body: nobody fills the memory before signing in."""

    async def app(scope, receive, send):
        while (await receive()).get("more_body"):
            pass
        await start(send)
        await send({"type": "http.response.body", "body": b""})

    scope = {
        **SCOPE,
        "method": "POST",
        "path": path,
        "headers": [(b"content-type", b"text/csv"), (b"content-length", b"1600")],
    }
    parts = [
        {"type": "http.request", "body": b"5550100\n" * 100, "more_body": True},
        {"type": "http.request", "body": b"5550100\n" * 100},
    ]

    answers, error = sent_by(app, messages=parts, scope=scope, upload_limit=10_000)

    assert (status, None) == (answers[0]["status"], error)


def test_a_body_that_is_late_is_answered():
    """A client that is too slow is told so."""

    async def app(scope, receive, send):
        raise ClientSlow

    [head, body], error = sent_by(app)

    assert (408, None) == (head["status"], error)
    assert "/problems/too-slow" == orjson.loads(body["body"])["type"]


@pytest.mark.parametrize("query", [b"search=%F0%9F%98%80", b"user_group=\xf0\x9f\x98\x80"])
def test_characters_that_no_column_holds_are_not_asked_for(query):
    """MariaDB would refuse to compare with them."""

    async def app(scope, receive, send):
        raise AssertionError("the request was passed on")

    [head, _], error = sent_by(app, scope={**SCOPE, "query_string": query})

    assert (422, None) == (head["status"], error)


def test_who_guesses_under_ever_new_names_is_stopped():
    """Refused sign-ins count against the address; who has called before goes on."""

    async def app(scope, receive, send):
        name = base64.b64decode(dict(scope["headers"])[b"authorization"].split()[1])
        status = 200 if name.lower().startswith(b"admin") else 401
        await send({"type": "http.response.start", "status": status, "headers": []})
        await send({"type": "http.response.body", "body": b""})

    guard = RateLimiter(app, 3, BodyLimit(1_000, 30), 1_000)
    names = ["admin", "a", "b", "c", "d", "e", "admin ", "ADMIN", "admin"]

    found = [
        sent_by(app, guard=guard, scope={**SCOPE, "headers": [basic(name)]})[0][0]["status"] for name in names
    ]

    assert [200, 401, 401, 401, 429, 429, 200, 200, 429] == found


def basic(name):
    return b"authorization", b"Basic " + base64.b64encode(f"{name}:x".encode())


def test_what_nobody_expected_is_a_problem_too():
    """A route that fails is answered as everything else is."""
    api = application()

    @api.get("/fails")
    def fails():
        raise ValueError("secret")

    scope = {
        **SCOPE, "path": "/fails", "raw_path": b"/fails", "root_path": "", "scheme": "http",
        "http_version": "1.1", "server": ("127.0.0.1", 80),
    }  # fmt: skip
    answers, error = sent_by(api, scope=scope)

    assert (500, b"application/problem+json") == (
        answers[0]["status"], dict(answers[0]["headers"])[b"content-type"]
    )  # fmt: skip
    assert b"secret" not in answers[1]["body"]
    assert isinstance(error, ValueError)
