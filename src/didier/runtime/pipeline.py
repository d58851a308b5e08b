"""From requests to answers: sign in, check rights, do once what came with a key, call the service, log.

Written once for all protocols. The functions here run on the committer: all requests of a group share a
transaction, in which their callers' rows are read, so that a right that was taken away is gone at once.
"""

import socket
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Generic, TypeVar

from sqlalchemy.engine import Connection

from didier.domain.users import User
from didier.errors import KeyReused, SignInRefused
from didier.runtime.logins import LocalLogin, PasswordLogin, SessionLogin, TokenLogin
from didier.runtime.requests import AccessRecord, Operation, Request, Service
from didier.services.system import idempotency
from didier.services.system.idempotency import Answered
from didier.services.users import authentication, sessions, tokens
from didier.services.users.authentication import Caller, Credentials, StaleProof
from didier.services.users.one_time_codes import CodeProof
from didier.services.users.passwords import Proof
from didier.storage.changes import vicidial_logs

Answer = TypeVar("Answer")
Clock = Callable[[], datetime]


@dataclass(frozen=True, slots=True)
class Proven(Generic[Answer]):
    """A request whose password, and one-time code, were compared already."""

    request: Request[Answer]
    proof: Proof | None = None  # None without a password
    code: CodeProof | None = None


@dataclass(frozen=True, slots=True)
class _Authorized:
    """A request that may be carried out, its place in the group, and who sends it; None: anybody."""

    place: int
    request: Request[Any]
    caller: Caller | None
    key: idempotency.KeyedRequest | None


def carry_out(conn: Connection, group: Sequence[Proven[Any]], clock: Clock = datetime.now) -> list[Any]:
    """Answer all requests of *group*; `StaleProof` stands where a password must be compared again."""
    now = clock()
    names, callers = _authorize(conn, group, now)
    answers: dict[int, Any] = {}
    authorized = []
    for place, (proven, caller) in enumerate(zip(group, callers, strict=True)):
        if caller is None or isinstance(caller, Caller):
            request = proven.request
            authorized.append(_Authorized(place, request, caller, request.key(caller) if caller else None))
        else:
            answers[place] = caller
    for members in _rounds(authorized):
        answers |= _once(conn, members, now)
    _log(conn, [(p.request, names[place], answers[place]) for place, p in enumerate(group)], now)
    return [answers[place] for place in range(len(group))]


def authorize(
    conn: Connection, group: Sequence[Proven[Any]], clock: Clock = datetime.now
) -> list[Caller | Any]:
    """Return for each of *group* the caller who may have it done, or log and return the answer no."""
    now = clock()
    names, callers = _authorize(conn, group, now)
    found = [(p.request, name, caller) for p, name, caller in zip(group, names, callers, strict=True)]
    _log(conn, [one for one in found if not isinstance(one[2], Caller)], now)
    return callers


def foresee(conn: Connection, group: Sequence[Proven[Any]], clock: Clock = datetime.now) -> list[Any]:
    """Say for each of *group* what `authorize` would, but store nothing.

    None where who is let in would have to be recorded, see `authentication.Decided`.
    """
    decided = _decide(conn, group, clock())
    callers = _permitted(group, decided.outcomes(group))
    needing = decided.needs_record(group)
    return [None if needs else caller for caller, needs in zip(callers, needing, strict=True)]


def log(
    conn: Connection, records: Sequence[AccessRecord[Answer]], clock: Clock = datetime.now
) -> list[Answer]:
    """Write the API log of what was read; return the answers."""
    _log(conn, [(record.request, record.caller.name, record.answer) for record in records], clock())
    return [record.answer for record in records]


def _authorize(
    conn: Connection, group: Sequence[Proven[Any]], now: datetime
) -> tuple[list[str], list[Caller | Any | None]]:
    """Sign the senders in and check their rights.

    Returns their names for the log; and the callers (None: anybody), worded refusals and stale proofs.
    """
    decided = _decide(conn, group, now)
    decided.record(conn)
    signed = decided.outcomes(group)
    names = [
        who.name if isinstance(who, Caller) else _name(proven.request)
        for proven, who in zip(group, signed, strict=True)
    ]
    return names, _permitted(group, signed)


def _permitted(
    group: Sequence[Proven[Any]], signed: Sequence[Caller | SignInRefused | StaleProof | None]
) -> list[Caller | Any | None]:
    return [
        _worded(proven.request, who) if who is not None else None
        for proven, who in zip(group, signed, strict=True)
    ]


def _worded(
    request: Request[Answer], who: Caller | SignInRefused | StaleProof
) -> Caller | Answer | StaleProof:
    if isinstance(who, Caller):
        return request.not_permitted(who) or replace(who, origin=request.origin)
    return request.sign_in_refused(who) if isinstance(who, SignInRefused) else who


@dataclass(frozen=True, slots=True)
class _Decided:
    """What was decided on those who send the requests of a group, by what they sign in with."""

    by_password: authentication.Decided
    by_token: tokens.Decided
    by_session: sessions.Decided

    def record(self, conn: Connection) -> None:
        authentication.record(conn, self.by_password)
        tokens.record(conn, self.by_token)
        sessions.record(conn, self.by_session)

    def outcomes(self, group: Sequence[Proven[Any]]) -> list[Caller | SignInRefused | StaleProof | None]:
        """Return what was decided on each; None stands for anybody."""
        by_password = iter(self.by_password.outcomes)
        by_token, by_session = iter(self.by_token.outcomes), iter(self.by_session.outcomes)
        outcomes: list[Caller | SignInRefused | StaleProof | None] = []
        for proven in group:
            match proven.request.login:
                case None:
                    outcomes.append(None)
                case LocalLogin(caller):
                    outcomes.append(caller)
                case PasswordLogin():
                    who = next(by_password)
                    outcomes.append(_by_password(proven, who) if isinstance(who, User) else who)
                case TokenLogin():
                    outcomes.append(next(by_token))
                case SessionLogin():
                    outcomes.append(next(by_session))
        return outcomes

    def needs_record(self, group: Sequence[Proven[Any]]) -> list[bool]:
        by_password = iter(self.by_password.needs_record)
        return [isinstance(one.request.login, PasswordLogin) and next(by_password) for one in group]


def _decide(conn: Connection, group: Sequence[Proven[Any]], now: datetime) -> _Decided:
    """Decide who the senders are, on all of a kind together."""
    with_passwords, with_tokens, with_sessions = [], [], []
    for proven in group:
        login, address = proven.request.login, proven.request.address
        if isinstance(login, PasswordLogin):
            if proven.proof is None:
                raise ValueError("a password is compared before its request is answered")
            with_passwords.append(Credentials(login.user, proven.proof, address, login.level, proven.code))
        elif isinstance(login, TokenLogin):
            with_tokens.append(tokens.PresentedToken(login.digest, address))
        elif isinstance(login, SessionLogin):
            with_sessions.append(sessions.PresentedSession(login.secret, address))
    return _Decided(
        authentication.decide(conn, with_passwords, now),
        tokens.decide(conn, with_tokens, now),
        sessions.decide(conn, with_sessions, now),
    )


def _by_password(proven: Proven[Any], user: User) -> Caller:
    # A code that was compared with no secret was not looked at.
    code_used = proven.code is not None and proven.code.sealed is not None
    login = proven.request.login
    return Caller(user, login.name if login else "", proven.request.address, code_used=code_used)


def _rounds(authorized: Sequence[_Authorized]) -> Iterator[list[_Authorized]]:
    """Divide the requests so that no key and no subject comes twice in a round.

    So the second finds the answer to the first, or what it has done.
    """
    waiting = list(authorized)
    while waiting:
        seen: set[object] = set()
        now: list[_Authorized] = []
        later: list[_Authorized] = []
        for one in waiting:
            marks = {mark for mark in (one.key and one.key.name, one.request.subject) if mark}
            (later if seen & marks else now).append(one)
            seen |= marks
        yield now
        waiting = later


def _once(conn: Connection, members: Sequence[_Authorized], now: datetime) -> dict[int, Any]:
    """Carry out what was not carried out before; repeat the answers to the rest.

    Only what was done is remembered: a request that was refused changed nothing, and may be sent again.
    """
    with_keys = [(one, one.key) for one in members if one.key]
    answers: dict[int, Any] = {}
    if with_keys:
        known = idempotency.begin(conn, [key for _, key in with_keys], now)
        for (one, _), found in zip(with_keys, known, strict=True):
            if isinstance(found, Answered):
                answers[one.place] = one.request.repeated(found.answer)
            elif isinstance(found, KeyReused):
                answers[one.place] = one.request.key_reused()
    done = _operate(conn, [one for one in members if one.place not in answers], now)
    claimed = [(one, key) for one, key in with_keys if one.place in done]
    idempotency.finish(conn, [(key, one.request.kept(done[one.place])) for one, key in claimed])
    return answers | done


def _operate(conn: Connection, members: Sequence[_Authorized], now: datetime) -> dict[int, Any]:
    """Call each service once with all its orders; return the worded outcomes by place."""
    answers: dict[int, Any] = {}
    by_service: dict[Service, list[tuple[int, Operation[Any]]]] = defaultdict(list)
    for one in members:
        found = one.request.operation(one.caller)
        if isinstance(found, Operation):
            by_service[found.service].append((one.place, found))
        else:
            answers[one.place] = found
    for service, operations in by_service.items():
        outcomes = service(conn, [operation.order for _, operation in operations], now)
        for (place, operation), outcome in zip(operations, outcomes, strict=True):
            answers[place] = operation.serialize(conn, outcome)
    return answers


_HOSTNAME = socket.gethostname()


def _log(conn: Connection, answered: Sequence[tuple[Request[Any], str, Any]], now: datetime) -> None:
    """Write the API log: the request, the name of its caller and the answer of each."""
    entries = [
        entry
        for request, name, answer in answered
        if not isinstance(answer, StaleProof)
        for entry in request.log_entries(name, answer, now)
    ]
    vicidial_logs.write_api(conn, entries, _HOSTNAME, now)


def _name(request: Request[Any]) -> str:
    return request.login.name if request.login else ""
