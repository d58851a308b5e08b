"""What stands before the routes, with small applications behind it."""

import asyncio

import orjson
import pytest

from didier.web.api.limits import Guard

SCOPE = {"type": "http", "method": "GET", "path": "/api/v1/dids", "headers": [], "client": ("192.0.2.1", 1)}


def sent_by(app, rate=0, messages=({"type": "http.request", "body": b""},)):
    """Return what is sent for a request, and what the guard raises."""
    answers, incoming = [], list(messages)

    async def receive():
        return incoming.pop(0)

    async def send(message):
        answers.append(message)

    try:
        asyncio.run(Guard(app, rate, 1_000, 1_000)(dict(SCOPE), receive, send))
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
