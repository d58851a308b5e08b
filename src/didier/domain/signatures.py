"""Signatures of webhooks, as Standard Webhooks has them (https://www.standardwebhooks.com, version 1.0.0)."""

import base64
import binascii
import hashlib
import hmac
from collections.abc import Sequence

PREFIX = "whsec_"
"""How every secret begins, so that people and scanners of secrets recognise one."""

SECRET_BYTES, SECRET_LEAST = 32, 16

TOLERANCE_SECONDS = 300
"""How far a timestamp may be from the receiver's clock: what is older may have been recorded by others."""

ID, TIMESTAMP, SIGNATURE = "webhook-id", "webhook-timestamp", "webhook-signature"
"""The headers of a message."""


def secret_of(raw: bytes) -> str:
    """Return the secret whose bytes are *raw*, as both sides write it."""
    return PREFIX + base64.b64encode(raw).decode()


def headers(secrets: Sequence[str], message_id: str, timestamp: int, body: bytes) -> dict[str, str]:
    """Return the headers of a message, with a signature by each of *secrets*, of which one may be new.

    *timestamp* is that of the attempt, in seconds since 1970: receivers refuse what is much older.
    """
    signatures = [_signature(secret, message_id, timestamp, body) for secret in secrets]
    return {ID: message_id, TIMESTAMP: str(timestamp), SIGNATURE: " ".join(signatures)}


def problem(secret: str, sent: dict[str, str], body: bytes, now: float) -> str | None:
    """Say why a message that comes at *now*, in seconds since 1970, is not to be trusted; None: it is."""
    if not is_signed(secret, sent, body):
        return "it is not signed with this secret"
    if abs(now - int(sent[TIMESTAMP])) > TOLERANCE_SECONDS:
        return "its timestamp is too old, or the clocks differ"
    return None


def is_signed(secret: str, sent: dict[str, str], body: bytes) -> bool:
    """Say whether a message with the headers *sent* was signed with *secret*; its age is not looked at."""
    message_id, timestamp = sent.get(ID, ""), sent.get(TIMESTAMP, "")
    if not message_id or not (timestamp.isascii() and timestamp.isdigit() and len(timestamp) < 20):
        return False
    expected = _signature(secret, message_id, int(timestamp), body)
    sent_signatures = sent.get(SIGNATURE, "").split(" ")
    return any(hmac.compare_digest(expected.encode(), one.encode()) for one in sent_signatures)


def _signature(secret: str, message_id: str, timestamp: int, body: bytes) -> str:
    signed = b"%s.%d.%s" % (message_id.encode(), timestamp, body)
    digest = hmac.new(_key(secret), signed, hashlib.sha256).digest()
    return f"v1,{base64.b64encode(digest).decode()}"


def _key(secret: str) -> bytes:
    """Return the bytes of a secret; raises ValueError for what is none."""
    try:
        raw = base64.b64decode(secret.removeprefix(PREFIX), validate=True)
    except binascii.Error:
        raw = b""
    if len(raw) < SECRET_LEAST:
        raise ValueError(f"a secret is {PREFIX} and base64 of {SECRET_LEAST} bytes or more")
    return raw
