"""What routes want of the pipeline: permissions to be had, operations to be carried out, keys."""

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from types import MappingProxyType
from typing import Any, Generic, TypeVar

from sqlalchemy.engine import Connection

from didier.domain.scopes import missing_scope
from didier.domain.users import User, missing_function, missing_rights
from didier.errors import KeyReused, NotPermitted, Refusal, SignInRefused
from didier.runtime import requests
from didier.runtime.logins import LocalLogin, Login, SessionLogin
from didier.services.system import idempotency
from didier.services.users.authentication import Caller
from didier.storage.changes.vicidial_logs import ApiEntry
from didier.web.api import problems
from didier.web.api.answers import Answer

SOURCE = "json-api"
"""What stands as ``source`` in the API log."""

PANEL_SOURCE = "admin-panel"
"""What stands there for requests of the admin panel."""

Order = TypeVar("Order")
Outcome = TypeVar("Outcome")
Service = Callable[[Connection, Sequence[Order], datetime], Sequence[Outcome | Refusal]]

_NOWHERE: Mapping[str, str] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Permission:
    """What a request asks to be allowed.

    *action* is the name under which it is logged and, if *checked*, a function of `domain.users.RIGHTS`
    that the caller must be allowed to call; without it API access is enough, and the service decides.
    *any_of* are functions of which the caller must be allowed one, when only the body says which.
    *own*: it is about the caller alone, and open to everybody who signs in.
    *scope* is what a token must have, or *or_scope*; None: no token opens this.
    *about* is what the log shows as data. What is *routine* is logged only where it fails.
    """

    action: str
    scope: str | None
    about: str = ""
    checked: bool = True
    own: bool = False
    any_of: tuple[str, ...] = ()
    or_scope: str | None = None
    routine: bool = False

    def about_that(self, text: str) -> "Permission":
        """Return the same, asked *about* something."""
        return replace(self, about=text)

    def missing(self, caller: Caller) -> NotPermitted | None:
        """Name all that *caller* lacks at once: rights of the user, and the scope of the token."""
        user = caller.user
        found: list[NotPermitted | None] = []
        if self.or_scope not in (caller.scopes or ()):
            found.append(missing_scope(caller.scopes, self.scope, self.action))
        if self.checked and not self.own:
            found += [missing_function(user, self.action), missing_rights(user, self.action)]
        elif self.any_of:
            found.append(_none_of(user, self.any_of))
        elif not (user.api_access or self.own):
            found.append(NotPermitted(self.action, ("API Access must be 1",)))
        missing = tuple(setting for one in found if one for setting in one.missing)
        return NotPermitted(self.action, missing) if missing else None


def _none_of(user: User, actions: Sequence[str]) -> NotPermitted | None:
    """Name what *user* lacks for the first of *actions*, None when they may do any of them."""
    refused = [missing_function(user, action) or missing_rights(user, action) for action in actions]
    return refused[0] if all(refused) else None


@dataclass(frozen=True, slots=True)
class ApiOperation(Generic[Order, Outcome]):
    """What a request wants changed.

    - *order* makes an order of the caller, *service* carries out many of them and returns for each an
      outcome or a `Refusal`.
    - *serialize* makes an answer of an outcome that is no `Refusal`, in the same transaction.
    - Operations on the same *subject* are carried out one after the other, so that the second finds what
      the first has done.
    - *at* is the JSON pointer in the body under which the fields stand; *pointers* gives other places by
      field, and that of a pattern as ``pattern``.
    """

    permission: Permission
    service: Service[Order, Outcome]
    order: Callable[[Caller], Order]
    serialize: Callable[[Connection, Outcome], Answer]
    subject: str | None = None
    at: str = ""
    pointers: Mapping[str, str] = field(default_factory=lambda: _NOWHERE)

    def answer(self, conn: Connection, outcome: Any) -> Answer:
        """Return the answer that tells of *outcome*."""
        if isinstance(outcome, Refusal):
            return problems.refusal(outcome, self.pointers, self.at)
        return self.serialize(conn, outcome)


@dataclass(frozen=True, slots=True)
class RequestKey:
    """An idempotency key: as it was sent, as it is stored, and what the request with it was."""

    sent: str
    stored: str
    fingerprint: str

    @classmethod
    def of(cls, sent: str, method: str, path: str, content: bytes) -> "RequestKey":
        """Return the key *sent* with a request; *content* is what makes two requests the same."""
        name = hashlib.sha256(f"{method} {path} {sent}".encode()).hexdigest()
        return cls(sent, f"v1:{name}", hashlib.sha256(content).hexdigest())


@dataclass(frozen=True, slots=True)
class RequestContext:
    """A request apart from what it wants: who sends it from where, and what the log keeps of it."""

    login: Login
    address: str
    method: str
    script: str
    host: str
    url: str
    received: float  # seconds since the epoch


@dataclass(frozen=True, slots=True)
class ApiRequest(requests.Request[Answer]):
    """A request of the JSON API; without an operation it only asks to be allowed something."""

    context: RequestContext
    permission: Permission
    wanted: ApiOperation[Any, Any] | None = None
    idempotency_key: RequestKey | None = None

    @property
    def login(self) -> Login:
        """The user named in the request."""
        return self.context.login

    @property
    def address(self) -> str:
        """The address of the client."""
        return self.context.address

    @property
    def origin(self) -> str:
        """By which door it came: panel and command line speak this API too."""
        if isinstance(self.context.login, SessionLogin):
            return "admin-panel"
        return "command-line" if isinstance(self.context.login, LocalLogin) else "json-api"

    @property
    def subject(self) -> str | None:
        """What the operation is about."""
        return self.wanted.subject if self.wanted else None

    def sign_in_refused(self, refusal: SignInRefused) -> Answer:
        """Return the problem that nobody is signed in."""
        return problems.refusal(refusal)

    def not_permitted(self, caller: Caller) -> Answer | None:
        """Return the problem that names all that is missing."""
        missing = self.permission.missing(caller)
        return problems.refusal(missing) if missing else None

    def operation(self, caller: Caller | None) -> requests.Operation[Answer]:
        """Return what is to be done for *caller*."""
        if self.wanted is None or caller is None:
            raise TypeError("a request without an operation only asks to be allowed something")
        return requests.Operation(self.wanted.service, self.wanted.order(caller), self.wanted.answer)

    def key(self, caller: Caller) -> idempotency.KeyedRequest | None:
        """Return the request by its key."""
        key = self.idempotency_key
        return idempotency.KeyedRequest.of(caller, key.stored, key.fingerprint) if key else None

    def key_reused(self) -> Answer:
        """Return the problem, with the key as it was sent."""
        return problems.refusal(KeyReused(self.idempotency_key.sent if self.idempotency_key else ""))

    def kept(self, answer: Answer) -> str | None:
        """Return the answer as it is stored; of a problem nothing is kept."""
        return answer.kept() if answer.status < 400 else None

    def repeated(self, kept: str) -> Answer:
        """Return the answer that was stored; it says that it was given before."""
        return Answer.of_kept(kept)

    def log_entries(self, name: str, answer: Answer, now: datetime) -> Iterator[ApiEntry]:
        """Yield one row, or none."""
        if self.permission.routine and answer.status < 400:
            return
        context = self.context
        yield ApiEntry(
            user=name,
            function=self.permission.action,
            result="ERROR" if answer.status >= 400 else "SUCCESS",
            reason=f"{context.method} {answer.status} {answer.title}".rstrip(),
            source=PANEL_SOURCE if isinstance(context.login, SessionLogin) else SOURCE,
            data=self.permission.about,
            seconds=max(0, int(now.timestamp() - context.received)),
            script=context.script,
            host=context.host,
            url=context.url,
            address=context.address,
        )
