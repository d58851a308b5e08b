"""Doing a request once, however often it is sent with the same idempotency key."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy.engine import Connection

from didier.errors import KeyReused
from didier.services.users.authentication import Caller
from didier.storage.system import idempotency
from didier.storage.system.idempotency import Known, Name

REMEMBERED = timedelta(hours=24)
"""How long an answer is repeated."""


@dataclass(frozen=True, slots=True)
class KeyedRequest:
    """A request with a *key* of `Caller.principal` *owner*; equal *fingerprint*: equal parameters.

    A token has keys of its own: it may reach less than its user, or than another token.
    """

    owner: str
    key: str
    fingerprint: str

    @classmethod
    def of(cls, caller: Caller, key: str, fingerprint: str) -> "KeyedRequest":
        """Return the request of *caller*; who sees other groups since then has sent another one.

        The answer may show DIDs that they see no more, and nothing must be done a second time.
        """
        if (groups := caller.visibility.groups) is not None:
            fingerprint = hashlib.sha256(f"{fingerprint} {sorted(groups)}".encode()).hexdigest()
        return cls(caller.principal, key, fingerprint)

    @property
    def name(self) -> Name:
        """What the request is known by."""
        return Name(self.owner, self.key)


@dataclass(frozen=True, slots=True)
class Answered:
    """The request was carried out before; *answer* is what was said then."""

    answer: str


def begin(
    conn: Connection, requests: Sequence[KeyedRequest], now: datetime
) -> list[Answered | KeyReused | None]:
    """Say for each of *requests*, whose keys are all different, what was answered; None: carry it out now.

    What is to be carried out is claimed first: another process that is at it too has to wait, and then
    finds the answer. A claim without an answer is left by a process that died; it does not count.
    """
    idempotency.forget_until(conn, now - REMEMBERED)
    known = idempotency.find(conn, [request.name for request in requests])
    outcomes = [_outcome(request, known) for request in requests]
    new = [request for request, outcome in zip(requests, outcomes, strict=True) if outcome is None]
    idempotency.forget(conn, [request.name for request in new if request.name in known])
    idempotency.claim(conn, [(request.name, request.fingerprint) for request in new], now)
    return outcomes


def _outcome(request: KeyedRequest, known: Mapping[Name, Known]) -> Answered | KeyReused | None:
    found = known.get(request.name)
    if found is None or found.answer is None:
        return None
    if found.fingerprint != request.fingerprint:
        return KeyReused(request.key)
    return Answered(found.answer)


def finish(conn: Connection, answers: Sequence[tuple[KeyedRequest, str | None]]) -> None:
    """Remember the answers to requests; those that were refused (None) may be sent again."""
    idempotency.answer(conn, [(request.name, answer) for request, answer in answers if answer is not None])
    idempotency.forget(conn, [request.name for request, answer in answers if answer is None])
