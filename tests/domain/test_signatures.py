"""Signatures of webhooks are those that Standard Webhooks' own library verifies."""

import base64
import json
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st
from standardwebhooks import Webhook, WebhookVerificationError

from didier.domain import signatures

SECRETS = st.binary(min_size=24, max_size=64).map(signatures.secret_of)
NOW = 1_795_955_174


@given(
    secrets=st.lists(SECRETS, min_size=1, max_size=2, unique=True), body=st.dictionaries(st.text(), st.text())
)
def test_the_library_of_the_standard_verifies_them(secrets, body):
    """By each of two secrets while one replaces the other; a body that was changed is refused."""
    text = json.dumps(body)
    # It refuses what is older than five minutes.
    sent = signatures.headers(secrets, "4711", int(time.time()), text.encode())

    for secret in secrets:
        assert body == Webhook(secret).verify(text, sent)
        with pytest.raises(WebhookVerificationError):
            Webhook(secret).verify(f"{text} ", sent)


@given(secret=SECRETS, other=SECRETS, body=st.binary(max_size=100))
def test_what_was_signed_is_recognised(secret, other, body):
    """With the secret, whatever other signatures there are; not with another one, and not when changed."""
    sent = signatures.headers([secret], "4711", NOW, body)

    assert signatures.is_signed(secret, sent, body)
    assert signatures.is_signed(
        secret, {**sent, "webhook-signature": f"v1,x {sent['webhook-signature']}"}, body
    )
    assert not signatures.is_signed(secret, sent, body + b" ")
    assert not signatures.is_signed(secret, {**sent, "webhook-id": "4712"}, body)
    assert not signatures.is_signed(secret, {**sent, "webhook-timestamp": str(NOW + 1)}, body)
    assert (secret == other) == signatures.is_signed(other, sent, body)


@pytest.mark.parametrize(
    "sent",
    [
        {},
        {"webhook-id": "1"},
        {"webhook-id": "1", "webhook-timestamp": "x"},
        {"webhook-id": "1", "webhook-timestamp": "1", "webhook-signature": "é"},
    ],
)
def test_what_is_not_signed_is_not_recognised(sent):
    """Headers that are missing or odd are a no, no failure."""
    assert not signatures.is_signed(signatures.secret_of(b"x" * 32), sent, b"{}")


def test_a_secret_has_a_form():
    """Its bytes in base64, behind the prefix of the standard; another is refused."""
    assert "whsec_" + base64.b64encode(b"x" * 32).decode() == signatures.secret_of(b"x" * 32)
    with pytest.raises(ValueError, match="whsec_ and base64"):
        signatures.headers(["whsec_!"], "1", NOW, b"")
