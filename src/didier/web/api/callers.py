"""Who sends a request: what stands in its ``Authorization``."""

import base64
import binascii
from dataclasses import dataclass, field, replace

from starlette.requests import Request

from didier.services.users import tokens
from didier.services.users.authentication import Caller
from didier.services.users.sessions import Secret

LOCAL = "didier.caller"
"""Where a request from this process has its `Caller` in the ASGI scope, which nothing sent gets into."""

SESSION = "didier.session"
"""Where the admin panel puts the `Secret` of the session that a request came with."""


class NotSignedIn(Exception):
    """The request says not, or not in a way that is understood, who sends it."""


@dataclass(frozen=True, slots=True)
class Basic:
    """A user name and a password, with a one-time code if one was sent."""

    user: str
    password: str = field(repr=False)
    code: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Bearer:
    """A token, by its digest."""

    digest: str

    @property
    def user(self) -> str:
        """What stands for the user in logs while it is not known whose the token is."""
        return ""


@dataclass(frozen=True, slots=True)
class Local:
    """A caller in this process: who runs a command on the database may do with it what they want."""

    caller: Caller

    @property
    def user(self) -> str:
        """The name in logs."""
        return self.caller.name


@dataclass(frozen=True, slots=True)
class Session:
    """A session of the admin panel."""

    secret: Secret

    @property
    def digest(self) -> str:
        """What is stored of its secret."""
        return self.secret.digest

    @property
    def user(self) -> str:
        """What stands for the user in logs while it is not known whose the session is."""
        return ""


CODE_HEADER = "Didier-One-Time-Code"
"""The header with the one-time code, or a recovery code, of a second factor."""

Login = Basic | Bearer | Local | Session


def read(header: str) -> Basic | Bearer:
    """Read an ``Authorization`` header; raise `NotSignedIn`."""
    scheme, _, rest = header.partition(" ")
    if scheme.lower() == "bearer" and rest.strip():
        return Bearer(tokens.digest(rest.strip()))
    if scheme.lower() != "basic":
        raise NotSignedIn
    try:
        text = base64.b64decode(rest.strip(), validate=True).decode()
    except (binascii.Error, ValueError):
        raise NotSignedIn from None
    user, colon, password = text.partition(":")
    if not colon or "\0" in text:
        raise NotSignedIn
    return Basic(user, password)


def of(request: Request) -> Login:
    """Return who *request* says to be from; raise `NotSignedIn`."""
    caller = request.scope.get(LOCAL)
    if isinstance(caller, Caller):
        return Local(caller)
    secret = request.scope.get(SESSION)
    if isinstance(secret, Secret):
        return Session(secret)
    login = read(request.headers.get("authorization", ""))
    code = request.headers.get(CODE_HEADER)
    return replace(login, code=code) if isinstance(login, Basic) and code else login
