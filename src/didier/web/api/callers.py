"""Who sends a request: what stands in its ``Authorization``."""

import base64
import binascii

from starlette.requests import Request

from didier.runtime.logins import LocalLogin, Login, PasswordLogin, SessionLogin, TokenLogin
from didier.services.users import tokens
from didier.services.users.authentication import Caller
from didier.services.users.sessions import SessionSecret
from didier.vicidial.call import CLEAN_UP

LOCAL = "didier.caller"
"""Where a request from this process has its `Caller` in the ASGI scope, which nothing sent gets into."""

SESSION = "didier.session"
"""Where the admin panel puts the `SessionSecret` of the session that a request came with."""

LOGIN = "didier.login"
"""Where a request has what was read of its headers: it may sign in twice, with the same one-time code."""

CODE_HEADER = "Didier-One-Time-Code"
"""The header with the one-time code, or a recovery code, of a second factor."""


class NotSignedIn(Exception):
    """The request says not, or not in a way that is understood, who sends it."""


def clean_password(password: str) -> str:
    """Return *password* as VICIdial reads and stores it."""
    return CLEAN_UP["pass"].clean(password, non_latin=False)


def read(header: str) -> PasswordLogin | TokenLogin:
    """Read an ``Authorization`` header; raise `NotSignedIn`."""
    scheme, _, rest = header.partition(" ")  # schemes have no case (RFC 9110, 11.1)
    if scheme.lower() == "bearer" and rest.strip():
        return TokenLogin(tokens.digest(rest.strip()))
    if scheme.lower() != "basic":
        raise NotSignedIn
    try:
        text = base64.b64decode(rest.strip(), validate=True).decode()
    except (binascii.Error, ValueError):
        raise NotSignedIn from None
    # The first colon ends the name (RFC 7617, 2).
    user, colon, password = text.partition(":")
    if not colon or "\0" in text:
        raise NotSignedIn
    return PasswordLogin(user, password, clean_password)


def of(request: Request) -> Login:
    """Return who *request* says to be from; raise `NotSignedIn`."""
    login: Login | None = request.scope.get(LOGIN)
    if login is None:
        login = request.scope[LOGIN] = _read(request)
    return login


def _read(request: Request) -> Login:
    caller = request.scope.get(LOCAL)
    if isinstance(caller, Caller):
        return LocalLogin(caller)
    secret = request.scope.get(SESSION)
    if isinstance(secret, SessionSecret):
        return SessionLogin(secret)
    login = read(request.headers.get("authorization", ""))
    if isinstance(login, PasswordLogin):
        login.code = request.headers.get(CODE_HEADER) or None
    return login
