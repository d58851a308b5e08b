"""The checks for every request of the panel, and the headers of every answer."""

from urllib.parse import parse_qs

from starlette.datastructures import MutableHeaders
from starlette.requests import Request
from starlette.types import Message, Scope, Send

from didier.services.users.sessions import SessionSecret
from didier.web.admin import cookies
from didier.web.admin.cookies import PREFIX

STATIC = f"{PREFIX}/static/"
OWN_STATIC = f"{STATIC}didier/"
FORM = "application/x-www-form-urlencoded"

_POLICY = {
    "default-src": "'none'",
    "script-src": "'self'",
    "style-src": "'self' 'nonce-{nonce}'",
    "img-src": "'self' data:",
    "font-src": "'self'",
    "connect-src": "'self'",
    "form-action": "'self'",
    "base-uri": "'none'",
    "frame-ancestors": "'none'",
}

_HEADERS = {
    "referrer-policy": "same-origin",
    "permissions-policy": "camera=(), geolocation=(), microphone=()",
}


def policy(nonce: str) -> str:
    """Return the Content-Security-Policy of a page: everything from this server, no script in the page."""
    return "; ".join(f"{name} {value.format(nonce=nonce)}" for name, value in _POLICY.items())


class Secured:
    """Sends an answer with the headers that those of the panel have beyond, or other than, all answers."""

    def __init__(self, scope: Scope, send: Send, nonce: str) -> None:
        self._send = send
        self._policy = policy(nonce)
        self._kept = _kept(scope["path"])
        self.started = False

    async def __call__(self, message: Message) -> None:
        """Send a part of the answer."""
        if message["type"] == "http.response.start":
            self.started = True
            headers = MutableHeaders(scope=message)
            headers.update(_HEADERS)
            headers["content-security-policy"] = self._policy
            headers["cache-control"] = self._kept
            # The browser would ask for a password by itself.
            del headers["www-authenticate"]
        await self._send(message)


def _kept(path: str) -> str:
    """Say how long browsers may keep what is at *path*; our own files may change without a new version."""
    if not path.startswith(STATIC):
        return "no-store"
    # The addresses of the others have a version (?v=): browsers need not even ask (immutable, RFC 8246).
    return "no-cache" if path.startswith(OWN_STATIC) else "public, max-age=31536000, immutable"


def is_forged(request: Request, body: bytes, secret: SessionSecret | None) -> bool:
    """Say whether the token is missing that only our own pages know: as a header, or in a form's *body*."""
    token = request.headers.get(cookies.HEADER)
    if token is None and request.headers.get("content-type", "").partition(";")[0].strip() == FORM:
        token = fields_of(body).get(cookies.FIELD)
    return not cookies.is_token_of(secret, token or "")


def fields_of(body: bytes) -> dict[str, str]:
    """Return the fields of a form."""
    pairs = parse_qs(body.decode("utf-8", "replace"), keep_blank_values=True, max_num_fields=100)
    return {name: values[0] for name, values in pairs.items()}


def with_state(scope: Scope, **values: object) -> Scope:
    """Return *scope* with *values* in the state of the request."""
    return {**scope, "state": {**scope.get("state", {}), **values}}
