"""The pages with which a session begins: the password, and the one-time code of those who have one."""

from typing import TYPE_CHECKING
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.types import Receive

from didier.errors import SignInRefused
from didier.services.users.pending_sign_in import LASTS
from didier.services.users.sessions import SessionSecret, generate
from didier.web.admin import cookies, guard
from didier.web.admin.cookies import PREFIX
from didier.web.admin.signing import Halfway, Signing, status_of
from didier.web.bodies import BodyLimit, read_body
from didier.web.origins import is_foreign

if TYPE_CHECKING:
    from didier.web.admin.site import Site

LOGIN = f"{PREFIX}/login"
CODE = f"{LOGIN}/code"
TOO_LONG = "the page was open too long, please try again"


class LoginPages:
    """Answers the sign-in pages; a successful sign-in sets the session cookie."""

    def __init__(self, signing: Signing, body_limit: BodyLimit) -> None:
        self._signing = signing
        self._body_limit = body_limit

    async def answer(self, site: "Site", request: Request, receive: Receive) -> Response:
        """Show one of the pages, or look at what was sent with it."""
        wanted = request.query_params.get("next", "")
        shows_code = request.scope["path"] == CODE
        if request.method != "POST":
            is_early = shows_code and cookies.HALFWAY not in request.cookies
            return RedirectResponse(LOGIN, 303) if is_early else _page(site, request, 200, wanted=wanted)
        body = await read_body(receive, self._body_limit)
        visit = cookies.visit_of(request) if cookies.VISIT in request.cookies else None
        if visit is None or is_foreign(request.scope) or guard.is_forged(request, body, visit):
            return _page(site, request, 403, TOO_LONG)
        fields = guard.fields_of(body)
        return await (self._code if shows_code else self._password)(site, request, fields, visit)

    async def _password(
        self, site: "Site", request: Request, fields: dict[str, str], visit: SessionSecret
    ) -> Response:
        user, wanted, secret = fields.get("user", "").strip(), fields.get("next", ""), generate()
        who = await self._signing.enter(user, fields.get("password", ""), address_of(request), secret, visit)
        if isinstance(who, SignInRefused):
            return _page(site, request, status_of(who), str(who), user, wanted)
        if isinstance(who, Halfway):
            kept = cookies.written(request, cookies.HALFWAY, SessionSecret(who.text), LASTS)
            query = f"?{urlencode({'next': wanted})}" if wanted else ""
            return RedirectResponse(CODE + query, 303, {"set-cookie": kept})
        return await self._entered(request, secret, wanted)

    async def _code(
        self, site: "Site", request: Request, fields: dict[str, str], visit: SessionSecret
    ) -> Response:
        shown, wanted, secret = request.cookies.get(cookies.HALFWAY, ""), fields.get("next", ""), generate()
        who = await self._signing.go_on(
            Halfway(shown), fields.get("code", ""), address_of(request), secret, visit
        )
        if who is None:
            return RedirectResponse(f"{LOGIN}?{urlencode({'late': 1, 'next': wanted})}", 303)
        if isinstance(who, SignInRefused):
            return _page(site, request, status_of(who), str(who), wanted=wanted)
        return await self._entered(request, secret, wanted)

    async def _entered(self, request: Request, secret: SessionSecret, wanted: str) -> Response:
        """Give the browser its session; the one before it ends."""
        if old := cookies.session_of(request):
            await self._signing.leave(old)
        response = RedirectResponse(_own(wanted), 303)
        response.headers.append("set-cookie", cookies.written(request, cookies.SESSION, secret))
        if cookies.HALFWAY in request.cookies:
            response.headers.append("set-cookie", cookies.erased(request, cookies.HALFWAY))
        return response


def _page(
    site: "Site", request: Request, status: int, error: str = "", user: str = "", wanted: str = ""
) -> Response:
    """Return the page that is asked for."""
    visit = cookies.visit_of(request)
    if status == 200 and "late" in request.query_params:
        error = TOO_LONG
    context = {"title": "Sign in", "error": error, "user": user, "next": wanted}
    inner = Request(guard.with_state(request.scope, secret=visit))
    headers = {"set-cookie": cookies.written(request, cookies.VISIT, visit)}
    template = "login_code.html" if request.scope["path"] == CODE else "login.html"
    return site.templates.TemplateResponse(inner, template, context, status, headers)


def address_of(request: Request) -> str:
    """Return the address that a request comes from."""
    return request.client.host if request.client else ""


def _own(path: str) -> str:
    """Return *path* if it is a page of the panel, else the first page."""
    # Browsers take a backslash for a slash, and drop tabs and line ends (WHATWG, URL Standard).
    plain = path.startswith(f"{PREFIX}/") and "\\" not in path and path.isprintable()
    return path if plain else f"{PREFIX}/"
