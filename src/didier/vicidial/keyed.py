"""Calls with an ``idempotency_key``: carried out once, their answer repeated."""

import hashlib
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime

from sqlalchemy.engine import Connection

from didier.errors import KeyReused
from didier.services.system import idempotency
from didier.services.system.idempotency import Answered, Request
from didier.vicidial.call import CLEAN_UP, Call
from didier.vicidial.replies import formats, shared
from didier.vicidial.replies.lines import Reply
from didier.vicidial.signed import Signed, is_on

KEY = "idempotency_key"
KEY_LIMIT = 255
"""Most characters in a key."""

# The key is the user's own, and a new password does not make another request.
_NOT_COMPARED = frozenset({KEY, "user", "pass"})

Replies = Sequence[Reply]


def once(
    conn: Connection,
    signed: Sequence[Signed],
    now: datetime,
    carry_out: Callable[[Sequence[Signed]], Replies],
) -> Replies:
    """Carry *signed* out, but repeat the answers to those that were carried out before."""
    if not any(KEY in s.call.parameters.values for s in signed):
        return carry_out(signed)
    replies: dict[int, Reply] = {}
    for places in _rounds(signed):
        members = [signed[place] for place in places]
        replies |= zip(places, _carry_out_once(conn, members, now, carry_out), strict=True)
    return [replies[place] for place in range(len(signed))]


def _rounds(signed: Sequence[Signed]) -> Iterator[list[int]]:
    """Divide the calls so that no key comes twice in a round: the second finds the answer to the first."""
    waiting = list(range(len(signed)))
    while waiting:
        seen: set[object] = set()
        now: list[int] = []
        later: list[int] = []
        for place in waiting:
            request = _request(signed[place])
            (later if request and request.name in seen else now).append(place)
            seen.add(request and request.name)
        yield now
        waiting = later


def _request(signed: Signed) -> Request | None:
    """Return the request that a call makes with a key; a dry run makes none, as it does nothing."""
    call = signed.call
    if not call.get(KEY) or _key_problem(call) or is_on(call, "dry_run"):
        return None
    return Request.of(signed.caller, call.get(KEY), _fingerprint(call))


def _key_problem(call: Call) -> Reply | None:
    key = call.get(KEY)
    return shared.key_invalid(call, key) if key != call.raw(KEY) or len(key) > KEY_LIMIT else None


def _fingerprint(call: Call) -> str:
    sent = [
        (name, value)
        for name, value in sorted(call.parameters.values.items())
        if name in CLEAN_UP and name not in _NOT_COMPARED
    ]
    return hashlib.sha256(repr(sent).encode()).hexdigest()


def _carry_out_once(
    conn: Connection,
    signed: Sequence[Signed],
    now: datetime,
    carry_out: Callable[[Sequence[Signed]], Replies],
) -> Replies:
    requests = [_request(s) for s in signed]
    known = iter(idempotency.begin(conn, [request for request in requests if request], now))
    early = [
        _key_problem(s.call) or (_early(s.call, next(known)) if request else None)
        for s, request in zip(signed, requests, strict=True)
    ]
    done = iter(carry_out([s for s, reply in zip(signed, early, strict=True) if reply is None]))
    replies = [reply or next(done) for reply in early]
    idempotency.finish(conn, [
        (request, _answer(s.call, reply))
        for s, request, answered, reply in zip(signed, requests, early, replies, strict=True)
        if request and answered is None
    ])  # fmt: skip
    return replies


def _early(call: Call, known: Answered | KeyReused | None) -> Reply | None:
    match known:
        case Answered():
            return shared.repeated(call, known.answer)
        case KeyReused():
            return shared.key_reused(call, known)
        case None:
            return None


def _answer(call: Call, reply: Reply) -> str | None:
    """Return the answer that is repeated; None when nothing was made, so that a retry is tried again."""
    if any(line.result == "SUCCESS" for line in reply.lines):
        return formats.encode(call, reply)[1].decode()
    return None
