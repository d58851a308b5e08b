"""What both clients have: the address, how calls are written and answers read, and what failures mean."""

from dataclasses import dataclass
from types import MappingProxyType
from typing import Generic, TypeVar
from urllib.parse import unquote, urlencode, urlsplit, urlunsplit

import httpx2

from didier.client.errors import DidierError
from didier.client.retrying import NOT_TAKEN, Policy, reached
from didier.client.vicidial.calls import Answer, FunctionCall, may_repeat
from didier.client.vicidial.errors import NotReached
from didier.client.vicidial.functions import Talk
from didier.client.vicidial.lines import excerpt, masked

T = TypeVar("T")

SCRIPT = "non_agent_api.php"
FORM = MappingProxyType({"Content-Type": "application/x-www-form-urlencoded"})
SOURCE_CHARACTERS = 20  # of the column in VICIdial's log

# Apache keeps an idle connection for five seconds. One that is as old may be closed just when a request
# goes out on it, and a change whose answer is lost is not sent again.
LIMITS = httpx2.Limits(max_connections=100, max_keepalive_connections=20, keepalive_expiry=2.0)


def address(url: str) -> tuple[str, httpx2.BasicAuth | None]:
    """Return the address of the script on the server at *url*, and the login of HTTP that *url* holds.

    *url* is the server's (``https://dialer.example.com``), that of its folder, or the script's own.
    """
    parts = urlsplit(url)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise ValueError("the address of a VICIdial begins with https:// or http:// and names a server")
    if parts.query or parts.fragment:
        raise ValueError("the address of a VICIdial ends before the ?: parameters in it would hide others")
    path = parts.path.rstrip("/")
    if not path.endswith(".php"):
        path += f"/{SCRIPT}" if path.endswith("/vicidial") else f"/vicidial/{SCRIPT}"
    auth = None
    if parts.username is not None:
        auth = httpx2.BasicAuth(unquote(parts.username), unquote(parts.password or ""))
    return urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], path, "", "")), auth


class Session:
    """Where the server is, and who asks."""

    def __init__(
        self,
        url: str,
        user: str,
        password: str,
        source: str,
        retries: int,
        non_latin: bool,
    ) -> None:
        if not (source.isascii() and source.isalnum() and 2 <= len(source) <= SOURCE_CHARACTERS):
            raise ValueError(f"source has 2 to {SOURCE_CHARACTERS} letters and digits")
        self.url, self._auth = address(url)
        self.user = user
        self.source = source
        self._password = password
        self._non_latin = non_latin
        self._policy = Policy(retries)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.url!r}, user={self.user!r}, source={self.source!r})"

    def _body(self, call: FunctionCall) -> bytes:
        # VICIdial stores the last field of a form in its log, and fails over a quote in it: that is the
        # source, which is letters and digits. Passwords are not in the address, so not in logs of proxies.
        signed = {"user": self.user, "pass": self._password} if call.signed else {}
        source = {"source": self.source} if call.signed else {}
        return urlencode({**signed, "function": call.function, **call.parameters, **source}).encode()

    def _answer(self, call: FunctionCall, response: httpx2.Response) -> Answer:
        text = response.content.decode("utf-8", "replace")
        moved = f"moved to {response.headers['location']} " if "location" in response.headers else ""
        secrets = [secret for secret in (self._password, *call.secrets) if secret]
        return Answer(response.status_code, text, excerpt(masked(moved + text, secrets)))

    def _pause(self, call: FunctionCall, outcome: Answer | DidierError, attempt: int) -> float | None:
        """Return the seconds before *call* is sent again, or None when it is not."""
        if attempt >= self._policy.retries or not may_repeat(call, outcome):
            return None
        return self._policy.wait(attempt)


def failure(error: httpx2.HTTPError) -> DidierError:
    """Return what a failure of the connection means to the caller."""
    if isinstance(error, NOT_TAKEN):
        return NotReached(f"the server cannot be reached: {str(error) or type(error).__name__}")
    return reached(error)


@dataclass(frozen=True, slots=True)
class Ended(Generic[T]):
    """The end of a conversation, and what the caller gets."""

    value: T


def proceed(talk: Talk[T], outcome: Answer | DidierError | None = None) -> FunctionCall | Ended[T]:
    """Tell *talk* the *outcome* of its last call, if there was one; return its next call, or its end."""
    try:
        match outcome:
            case None:
                return next(talk)
            case DidierError():
                return talk.throw(outcome)
            case _:
                return talk.send(outcome)
    except StopIteration as end:
        return Ended(end.value)
