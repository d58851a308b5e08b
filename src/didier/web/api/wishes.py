"""From requests to answers, on the committer: signs in, checks rights, does once what came with a key, logs.

A route says what a request wants as a `Wish`; the door makes a `Demand` of it, with who sends it, and hands
it to the committer with `carry_out`. All demands of a group share the transaction: their callers' rows are
read in it, so that a right that was taken away is gone at once.
"""

import hashlib
import socket
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from types import MappingProxyType
from typing import Any, Generic, TypeVar

from sqlalchemy.engine import Connection

from didier.domain.scopes import missing_scope
from didier.domain.users import User, missing_function, missing_rights
from didier.errors import KeyReused, NotPermitted, Refusal, SignInRefused
from didier.services.system import idempotency
from didier.services.system.idempotency import Answered
from didier.services.users import authentication, sessions, tokens
from didier.services.users.authentication import Caller, Credentials, StaleProof
from didier.services.users.one_time_codes import CodeProof
from didier.services.users.passwords import Proof
from didier.storage.changes import vicidial_logs
from didier.web.api import problems
from didier.web.api.answers import Answer
from didier.web.api.callers import Basic, Bearer, Local, Login, Session

SOURCE = "json-api"
"""What stands as ``source`` in the API log."""

PANEL_SOURCE = "admin-panel"
"""What stands there for requests of the admin panel."""

Order = TypeVar("Order")
Outcome = TypeVar("Outcome")
Service = Callable[[Connection, Sequence[Order], datetime], Sequence[Outcome | Refusal]]

_NOWHERE: Mapping[str, str] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Asked:
    """What a request asks to be allowed.

    *action* is the name under which it is logged and, if *checked*, a function of `domain.users.RIGHTS`
    that the caller must be allowed to call; without it API access is enough, and the service decides.
    *own*: it is about the caller alone, and open to everybody who signs in.
    *scope* is what a token must have; None: no token opens this. *about* is what the log shows as data.
    """

    action: str
    scope: str | None
    about: str = ""
    checked: bool = True
    own: bool = False

    def about_that(self, text: str) -> "Asked":
        """Return the same, asked *about* something."""
        return replace(self, about=text)


@dataclass(frozen=True, slots=True)
class Wish(Generic[Order, Outcome]):
    """What a request wants changed.

    - *order* makes an order of the caller, *service* carries out many of them: it is a function of a
      module, called as ``service(conn, orders, now)``, which returns for each an outcome or a `Refusal`;
      all wishes with the same service that share a transaction are carried out together.
    - *word* makes an answer of an outcome that is no `Refusal`, in the same transaction.
    - Wishes with the same *subject* are carried out one after the other, so that the second finds what the
      first has done.
    - *at* is the JSON pointer in the body under which the fields stand; *pointers* gives other places by
      field, and that of a pattern as ``pattern``.
    """

    asked: Asked
    service: Service[Order, Outcome]
    order: Callable[[Caller], Order]
    word: Callable[[Connection, Outcome], Answer]
    subject: str | None = None
    at: str = ""
    pointers: Mapping[str, str] = field(default_factory=lambda: _NOWHERE)


@dataclass(frozen=True, slots=True)
class Key:
    """An idempotency key: as it was sent, as it is stored, and what the request with it was."""

    sent: str
    stored: str
    fingerprint: str

    @classmethod
    def of(cls, sent: str, method: str, path: str, content: bytes) -> "Key":
        """Return the key *sent* with a request; *content* is what makes two requests the same."""
        name = hashlib.sha256(f"{method} {path} {sent}".encode()).hexdigest()
        return cls(sent, f"v1:{name}", hashlib.sha256(content).hexdigest())


@dataclass(frozen=True, slots=True)
class Envelope:
    """A request apart from what it wants: who sends it from where, and what the log keeps of it."""

    login: Login
    proof: Proof | None  # of the password; None with a token
    address: str
    method: str
    script: str
    host: str
    url: str
    received: float  # seconds since the epoch
    code: CodeProof | None = None  # of the one-time code that came with the password

    def with_proofs(self, proof: Proof | None, code: CodeProof | None) -> "Envelope":
        """Return the same with another *proof* and *code*."""
        return replace(self, proof=proof, code=code)


@dataclass(frozen=True, slots=True)
class Demand:
    """A wish and who sends it."""

    envelope: Envelope
    wish: Wish[Any, Any]
    key: Key | None = None


@dataclass(frozen=True, slots=True)
class Question:
    """A request to be allowed to read, and who sends it."""

    envelope: Envelope
    asked: Asked


@dataclass(frozen=True, slots=True)
class Told:
    """An answer to a question, to be logged."""

    question: Question
    caller: Caller
    answer: Answer


@dataclass(frozen=True, slots=True)
class _Admitted:
    place: int
    demand: Demand
    caller: Caller


def carry_out(
    conn: Connection, demands: Sequence[Demand], clock: Callable[[], datetime] = datetime.now
) -> list[Answer | StaleProof]:
    """Answer *demands*, each with its answer, or with `StaleProof` where a password must be compared anew."""
    now = clock()
    names, outcomes = _admit(conn, [Question(d.envelope, d.wish.asked) for d in demands], now)
    answers: dict[int, Answer | StaleProof] = {}
    admitted = []
    for place, (demand, outcome) in enumerate(zip(demands, outcomes, strict=True)):
        if isinstance(outcome, Caller):
            admitted.append(_Admitted(place, demand, outcome))
        else:
            answers[place] = problems.refusal(outcome) if isinstance(outcome, Refusal) else outcome
    for members in _rounds(admitted):
        answers |= _once(conn, members, now)
    entries = [
        _entry(demand.envelope, demand.wish.asked, names[place], answer, now)
        for place, demand in enumerate(demands)
        if isinstance(answer := answers[place], Answer)
    ]
    vicidial_logs.write_api(conn, entries, _HOSTNAME, now)
    return [answers[place] for place in range(len(demands))]


def ask(
    conn: Connection, questions: Sequence[Question], clock: Callable[[], datetime] = datetime.now
) -> list[Caller | Answer | StaleProof]:
    """Say for each of *questions* who may have it read, or word and log why nobody may."""
    now = clock()
    names, outcomes = _admit(conn, questions, now)
    answers = [problems.refusal(out) if isinstance(out, Refusal) else out for out in outcomes]
    entries = [
        _entry(question.envelope, question.asked, name, answer, now)
        for question, name, answer in zip(questions, names, answers, strict=True)
        if isinstance(answer, Answer)
    ]
    vicidial_logs.write_api(conn, entries, _HOSTNAME, now)
    return answers


def foresee(
    conn: Connection, questions: Sequence[Question], clock: Callable[[], datetime] = datetime.now
) -> list[Caller | Refusal | StaleProof]:
    """Say for each of *questions* what `ask` would, but log nothing."""
    return _admit(conn, questions, clock())[1]


def log(conn: Connection, told: Sequence[Told], clock: Callable[[], datetime] = datetime.now) -> list[Answer]:
    """Write the API log of what was read; return the answers."""
    now = clock()
    entries = [_entry(t.question.envelope, t.question.asked, t.caller.name, t.answer, now) for t in told]
    vicidial_logs.write_api(conn, entries, _HOSTNAME, now)
    return [t.answer for t in told]


def _admit(
    conn: Connection, questions: Sequence[Question], now: datetime
) -> tuple[list[str], list[Caller | Refusal | StaleProof]]:
    """Sign the senders of *questions* in and check their rights; return their names for the log first."""
    signed = _sign_in(conn, [question.envelope for question in questions], now)
    names = [
        who.name if isinstance(who, Caller) else question.envelope.login.user
        for question, who in zip(questions, signed, strict=True)
    ]
    return names, [
        (isinstance(who, Caller) and not_permitted(who, question.asked)) or who
        for question, who in zip(questions, signed, strict=True)
    ]


def _sign_in(
    conn: Connection, envelopes: Sequence[Envelope], now: datetime
) -> list[Caller | SignInRefused | StaleProof]:
    wishes, presented, shown = [], [], []
    for envelope in envelopes:
        if isinstance(envelope.login, Local):
            continue
        if isinstance(envelope.login, Session):
            shown.append(sessions.Presented(envelope.login.secret, envelope.address))
        elif isinstance(envelope.login, Bearer):
            presented.append(tokens.Presented(envelope.login.digest, envelope.address))
        elif envelope.proof is None:
            raise ValueError("a password is compared before its request is answered")
        else:
            # Level 0: a level that is too low is a missing right, which is named, and no wrong password.
            login, proof = envelope.login, envelope.proof
            wishes.append(Credentials(login.user, proof, envelope.address, level=0, code=envelope.code))
    by_password = iter(authentication.sign_in(conn, wishes, now) if wishes else [])
    by_token = iter(tokens.sign_in(conn, presented, now) if presented else [])
    by_session = iter(sessions.sign_in(conn, shown, now) if shown else [])
    outcomes: list[Caller | SignInRefused | StaleProof] = []
    for envelope in envelopes:
        if isinstance(envelope.login, Local):
            outcomes.append(envelope.login.caller)
        elif isinstance(envelope.login, Session):
            outcomes.append(next(by_session))
        elif isinstance(envelope.login, Basic):
            who = next(by_password)
            outcomes.append(_by_password(envelope, who) if isinstance(who, User) else who)
        else:
            outcomes.append(next(by_token))
    return outcomes


def _by_password(envelope: Envelope, user: User) -> Caller:
    # A code that was compared with no secret was not looked at.
    code_used = envelope.code is not None and envelope.code.sealed is not None
    return Caller(user, envelope.login.user, envelope.address, code_used=code_used)


def not_permitted(caller: Caller, asked: Asked) -> NotPermitted | None:
    """Name all that is missing at once: rights of the user, and the scope of the token."""
    user = caller.user
    found = [missing_scope(caller.scopes, asked.scope, asked.action)]
    if asked.checked and not asked.own:
        found += [missing_function(user, asked.action), missing_rights(user, asked.action)]
    elif not (user.api_access or asked.own):
        found.append(NotPermitted(asked.action, ("API Access must be 1",)))
    missing = tuple(setting for one in found if one for setting in one.missing)
    return NotPermitted(asked.action, missing) if missing else None


def _rounds(admitted: Sequence[_Admitted]) -> Iterator[list[_Admitted]]:
    """Divide what was admitted so that no key and no subject comes twice in a round."""
    waiting = list(admitted)
    while waiting:
        seen: set[object] = set()
        now: list[_Admitted] = []
        later: list[_Admitted] = []
        for one in waiting:
            request, subject = _request(one), one.demand.wish.subject
            marks = {mark for mark in (request and request.name, subject) if mark}
            (later if seen & marks else now).append(one)
            seen |= marks
        yield now
        waiting = later


def _request(admitted: _Admitted) -> idempotency.Request | None:
    key = admitted.demand.key
    return idempotency.Request.of(admitted.caller, key.stored, key.fingerprint) if key else None


def _once(conn: Connection, admitted: Sequence[_Admitted], now: datetime) -> dict[int, Answer]:
    """Carry out what was not carried out before; repeat the answers to the rest.

    Only what was done is remembered: a request that was refused changed nothing, and may be sent again.
    """
    requests = [(one, request) for one in admitted if (request := _request(one))]
    answers: dict[int, Answer] = {}
    if requests:
        known = idempotency.begin(conn, [request for _, request in requests], now)
        for (one, _), outcome in zip(requests, known, strict=True):
            if outcome is not None:
                answers[one.place] = _early(one, outcome)
    new = [one for one in admitted if one.place not in answers]
    done = _all_services(conn, new, now)
    claimed = [(one, request) for one, request in requests if one.place in done]
    idempotency.finish(conn, [
        (request, answer.kept() if (answer := done[one.place]).status < 400 else None)
        for one, request in claimed
    ])  # fmt: skip
    return answers | done


def _early(admitted: _Admitted, known: Answered | KeyReused) -> Answer:
    if isinstance(known, Answered):
        return Answer.of_kept(known.answer)
    key = admitted.demand.key
    return problems.refusal(KeyReused(key.sent if key else ""))


def _all_services(conn: Connection, admitted: Sequence[_Admitted], now: datetime) -> dict[int, Answer]:
    answers: dict[int, Answer] = {}
    by_service: dict[Service[Any, Any], list[_Admitted]] = defaultdict(list)
    for one in admitted:
        by_service[one.demand.wish.service].append(one)
    for service, members in by_service.items():
        orders = [one.demand.wish.order(one.caller) for one in members]
        for one, outcome in zip(members, service(conn, orders, now), strict=True):
            answers[one.place] = _worded(conn, one.demand.wish, outcome)
    return answers


def _worded(conn: Connection, wish: Wish[Any, Any], outcome: Any) -> Answer:
    if isinstance(outcome, Refusal):
        return problems.refusal(outcome, wish.pointers, wish.at)
    return wish.word(conn, outcome)


_HOSTNAME = socket.gethostname()


def _entry(
    envelope: Envelope, asked: Asked, name: str, answer: Answer, now: datetime
) -> vicidial_logs.ApiEntry:
    return vicidial_logs.ApiEntry(
        user=name,
        function=asked.action,
        result="ERROR" if answer.status >= 400 else "SUCCESS",
        reason=f"{envelope.method} {answer.status} {answer.title}".rstrip(),
        source=PANEL_SOURCE if isinstance(envelope.login, Session) else SOURCE,
        data=asked.about,
        seconds=max(0, int(now.timestamp() - envelope.received)),
        script=envelope.script,
        host=envelope.host,
        url=envelope.url,
        address=envelope.address,
    )
