"""Requests from this process come with their caller; nothing from the network does."""

import pytest

from didier.web.api.callers import LOCAL


@pytest.mark.parametrize(
    "headers",
    [
        {LOCAL: "didier-cli"},
        {"Didier-Caller": "didier-cli"},
        {"X-Forwarded-For": "127.0.0.1", LOCAL: "1"},
        {"Authorization": f"{LOCAL} didier-cli"},
        {"Authorization": "Local didier-cli"},
    ],
    ids=str,
)
def test_nothing_sent_signs_in_as_a_local_caller(server, headers):
    """Neither a header nor a parameter of its name gets a request past the sign-in."""
    answer = server.exchange("GET", f"/api/v1/dids?{LOCAL}=didier-cli", headers=headers)

    assert (401, True) == (answer.status, "not-signed-in" in answer.text)


def test_a_body_does_not_sign_in_either(server):
    """A form or JSON with its name is a body like any other."""
    for kind, body in (
        ("application/json", f'{{"{LOCAL}": {{"name": "didier-cli"}}}}'),
        ("application/x-www-form-urlencoded", f"{LOCAL}=didier-cli"),
    ):
        answer = server.exchange("POST", "/api/v1/dids", body, {"Content-Type": kind})

        assert 401 == answer.status
