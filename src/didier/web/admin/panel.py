"""`Panel`: the ASGI application at ``/admin``. Nothing passes it without session, token and headers."""

import secrets
from typing import TYPE_CHECKING
from urllib.parse import quote

import structlog
from starlette.requests import Request
from starlette.responses import PlainTextResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

from didier.errors import Unavailable
from didier.masking import mask_path
from didier.services.users.authentication import Caller
from didier.services.users.sessions import SessionSecret
from didier.web.admin import cookies, guard
from didier.web.admin.cookies import PREFIX
from didier.web.admin.login import CODE, LOGIN, LoginPages, address_of
from didier.web.admin.signing import Signing
from didier.web.api import callers
from didier.web.api.app import JsonApi
from didier.web.bodies import BodyLimit, ClientGone, RequestTooLarge, read_body
from didier.web.later import Later
from didier.web.origins import SAFE, is_foreign

if TYPE_CHECKING:
    from didier.web.admin.site import Site

LOGOUT = f"{PREFIX}/logout"
NO_TOKEN = "The page's security token is missing, or another site sent this request.\n"  # noqa: S105

log = structlog.get_logger()


def is_its(path: str) -> bool:
    """Say whether requests of *path* are for the `Panel`."""
    return path == PREFIX or path.startswith(f"{PREFIX}/")


class Panel:
    """Lets requests in: to the pages, which only read, or to the JSON API behind the session."""

    def __init__(self, json_api: JsonApi, signing: Signing, body_limit: BodyLimit) -> None:
        self._json_api = json_api
        self._signing = signing
        self._login = LoginPages(signing, body_limit)
        self._body_limit = body_limit
        self._site = Later(self._make_site)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        nonce = secrets.token_urlsafe(16)
        answer = guard.Secured(scope, send, nonce)
        request = Request(guard.with_state(scope, nonce=nonce))
        try:
            site = await self._site.get()
            await self._answer(site, request, receive, answer)
        except ClientGone:
            return
        except RequestTooLarge:
            await PlainTextResponse("The request is too large.\n", 413)(scope, receive, answer)
        except Unavailable as error:
            await site.failed(request, 503, f"{error}.")(scope, receive, answer)
        except Exception:
            log.exception("panel_failed", path=mask_path(scope["path"]))
            if not answer.started:
                failed = PlainTextResponse("The server failed. The reason is in its log.\n", 500)
                await failed(scope, receive, answer)

    async def _answer(self, site: "Site", request: Request, receive: Receive, send: Send) -> None:
        path = request.scope["path"]
        answer: ASGIApp
        if path.startswith(guard.STATIC):
            answer = site.application
        elif path.startswith(f"{PREFIX}/api/"):
            await self._api(request, receive, send)
            return
        elif path in {LOGIN, CODE}:
            answer = await self._login.answer(site, request, receive)
        elif path == LOGOUT and request.method == "POST":
            answer = await self._logout(request, receive)
        elif request.method not in SAFE:
            answer = site.failed(request, 405, "This page can only be viewed.")
        else:
            await self._page(site, request, receive, send)
            return
        await answer(request.scope, receive, send)

    def _make_site(self) -> "Site":
        # Imported here: it takes a quarter of a second.
        from didier.web.admin.page import Desk
        from didier.web.admin.site import Site

        return Site(Desk(self._json_api.context))

    async def _page(self, site: "Site", request: Request, receive: Receive, send: Send) -> None:
        secret = cookies.session_of(request)
        who = await self._signing.who(secret, address_of(request)) if secret else None
        if secret is None or not isinstance(who, Caller):
            await _to_login(request)(request.scope, receive, send)
            return
        if request.scope["path"] == PREFIX:
            await RedirectResponse(f"{PREFIX}/", 303)(request.scope, receive, send)
            return
        await site.application(guard.with_state(request.scope, caller=who, secret=secret), receive, send)

    async def _api(self, request: Request, receive: Receive, send: Send) -> None:
        """Pass a request of a page's script on, as the user whose session it is."""
        secret = cookies.session_of(request)
        # Without a session the answer only says so.
        changes = secret is not None and request.method not in SAFE
        if is_foreign(request.scope) or (changes and guard.is_forged(request, b"", secret)):
            await PlainTextResponse(NO_TOKEN, 403)(request.scope, receive, send)
            return
        path = request.scope["path"].removeprefix(PREFIX)
        headers = [pair for pair in request.scope["headers"] if pair[0] != b"authorization"]
        scope = {**request.scope, "path": path, "raw_path": path.encode(), "headers": headers}
        await self._json_api({**scope, callers.SESSION: secret or SessionSecret("")}, receive, send)

    async def _logout(self, request: Request, receive: Receive) -> Response:
        secret = cookies.session_of(request)
        body = await read_body(receive, self._body_limit)
        if secret is None or is_foreign(request.scope) or guard.is_forged(request, body, secret):
            return PlainTextResponse(NO_TOKEN, 403)
        await self._signing.leave(secret)
        return RedirectResponse(LOGIN, 303, {"set-cookie": cookies.erased(request, cookies.SESSION)})


def _to_login(request: Request) -> Response:
    query = f"?{request.url.query}" if request.url.query else ""
    wanted = quote(f"{request.url.path}{query}", safe="/")
    gone = {"set-cookie": cookies.erased(request, cookies.SESSION)}
    return RedirectResponse(f"{LOGIN}?next={wanted}", 303, gone if cookies.SESSION in request.cookies else {})
