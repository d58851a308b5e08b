"""What the pipeline must know of a request, whatever protocol it came by and however it is worded."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Generic, TypeVar

from sqlalchemy.engine import Connection

from didier.errors import SignInRefused
from didier.runtime.logins import Login
from didier.services.system import idempotency
from didier.services.users.authentication import Caller
from didier.storage.changes.vicidial_logs import ApiEntry

Answer = TypeVar("Answer")
Service = Callable[[Connection, Sequence[Any], datetime], Sequence[Any]]
"""A function of a module that carries out many orders, and returns an outcome for each."""


@dataclass(frozen=True, slots=True)
class Operation(Generic[Answer]):
    """What a request wants done: one *order* for a *service*, and how to *serialize* the outcome.

    All operations with the same service that share a transaction are carried out together. The outcome is
    serialized in the same transaction.
    """

    service: Service
    order: Any
    serialize: Callable[[Connection, Any], Answer]


class Request(ABC, Generic[Answer]):
    """A request of some protocol, and how its answers are worded, kept and logged."""

    __slots__ = ()

    @property
    @abstractmethod
    def login(self) -> Login | None:
        """The user named in the request; None if it is open to anybody."""

    @property
    @abstractmethod
    def address(self) -> str:
        """The address of the client."""

    @property
    @abstractmethod
    def origin(self) -> str:
        """By which door it came, as the change log names it."""

    @property
    def subject(self) -> str | None:
        """What it is about: requests about the same are carried out one after the other, None with any."""
        return None

    @abstractmethod
    def sign_in_refused(self, refusal: SignInRefused) -> Answer:
        """Word why the sender could not sign in."""

    @abstractmethod
    def not_permitted(self, caller: Caller) -> Answer | None:
        """Word what *caller* lacks to be allowed this; None when nothing is missing."""

    @abstractmethod
    def operation(self, caller: Caller | None) -> Operation[Answer] | Answer:
        """Return what *caller* (None: anybody) wants done, or the answer where nothing can be."""

    @abstractmethod
    def log_entries(self, name: str, answer: Answer, now: datetime) -> Iterable[ApiEntry]:
        """Yield the rows of the API log that say what the user *name* was answered."""

    @abstractmethod
    def key(self, caller: Caller) -> idempotency.KeyedRequest | None:
        """Return the request by its idempotency key; None when it came without one."""

    @abstractmethod
    def key_reused(self) -> Answer:
        """Word that the key came with another request before."""

    @abstractmethod
    def kept(self, answer: Answer) -> str | None:
        """Return what is kept of *answer* for who sends the key again; None where nothing was done."""

    @abstractmethod
    def repeated(self, kept: str) -> Answer:
        """Return the answer that was kept."""


@dataclass(frozen=True, slots=True)
class AccessRecord(Generic[Answer]):
    """What was read by whom, to be logged."""

    request: Request[Answer]
    caller: Caller
    answer: Answer
