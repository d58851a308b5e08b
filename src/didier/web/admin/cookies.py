"""The cookies of the panel, and the token that forms and scripts send beside them against forgery."""

import hmac
from datetime import timedelta

from starlette.requests import Request

from didier.services.users.sessions import LONGEST, SessionSecret, generate

PREFIX = "/admin"
SESSION = "didier_session"
VISIT = "didier_visit"
"""Set on the sign-in page, where there is no session yet that a token could belong to."""

HALFWAY = "didier_halfway"
"""Set between password and one-time code, see `services.pending_sign_in`."""

THEME = "didier_theme"

DAYS = "didier_days"
"""The days that the dashboard is about, as they were chosen last."""

YEAR = timedelta(days=365)

FIELD = "csrf_token"
HEADER = "x-csrf-token"


def session_of(request: Request) -> SessionSecret | None:
    """Return the secret that the browser shows."""
    text = request.cookies.get(SESSION)
    return SessionSecret(text) if text else None


def visit_of(request: Request) -> SessionSecret:
    """Return what the token of the sign-in form belongs to: the cookie of the visit, or a new one."""
    text = request.cookies.get(VISIT)
    return SessionSecret(text) if text else generate()


def token_of(secret: SessionSecret) -> str:
    """Return the token that belongs to a session or visit; other sites cannot know it."""
    return secret.mark("csrf")


def is_token_of(secret: SessionSecret | None, token: str) -> bool:
    """Say whether *token* belongs to *secret*."""
    return secret is not None and hmac.compare_digest(token_of(secret).encode(), token.encode())


def is_secure(request: Request) -> bool:
    """Say whether the browser reached us by https, directly or through a trusted proxy."""
    return request.url.scheme == "https"


def written(request: Request, name: str, secret: SessionSecret, lasts: timedelta = LONGEST) -> str:
    """Return the ``Set-Cookie`` header that gives *secret* to the browser, out of reach of scripts."""
    return _header(name, secret.text, int(lasts.total_seconds()), secure=is_secure(request))


def remembered(request: Request, name: str, value: str) -> str:
    """Return the ``Set-Cookie`` header that has the browser remember a choice."""
    return _header(name, value, int(YEAR.total_seconds()), secure=is_secure(request))


def erased(request: Request, name: str) -> str:
    """Return the ``Set-Cookie`` header that takes a cookie away."""
    return _header(name, "", 0, secure=is_secure(request))


def _header(name: str, value: str, seconds: int, *, secure: bool) -> str:
    # Lax: links in mails find the session, forms of other sites do not (RFC 6265bis). Without __Host-, which
    # asks for the path "/": the cookie is the panel's alone.
    parts = [f"{name}={value}", f"Path={PREFIX}", f"Max-Age={seconds}", "HttpOnly", "SameSite=Lax"]
    return "; ".join([*parts, "Secure"] if secure else parts)
