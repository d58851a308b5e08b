"""How routes say who sends a request and what they must be allowed, before its body is read."""

from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request, Security
from fastapi.openapi.models import HTTPBase, HTTPBearer
from fastapi.routing import APIRoute
from fastapi.security.base import SecurityBase
from starlette.responses import Response

from didier.runtime.logins import Login
from didier.services.users.authentication import Caller
from didier.web.api import callers, problems
from didier.web.api.context import context_of
from didier.web.api.docs import PREFIX
from didier.web.api.operations import Permission
from didier.web.api.parameters import Handler, known_only, names_of

VALUES_MOST = 2_000
"""Most values in a body for a single thing, by its commas: many take long to tell what is wrong with each."""


class _Scheme(SecurityBase):
    """Names a way to sign in to the OpenAPI document; `callers.of` reads what was sent."""

    def __init__(self, name: str, model: HTTPBase) -> None:
        self.scheme_name = name
        self.model = model

    async def __call__(self, request: Request) -> None:
        """Leave the request alone."""


_BASIC = _Scheme("password", HTTPBase(scheme="basic", description="A user of Didier or VICIdial."))
_BEARER = _Scheme("token", HTTPBearer(description="A token of `POST /api/v1/tokens` or `didier token add`."))


async def _given(request: Request, basic: None = Security(_BASIC), bearer: None = Security(_BEARER)) -> Login:
    return callers.of(request)


Signed = Annotated[Login, Security(_given)]
"""A parameter of every route that needs to know who calls."""


@dataclass(frozen=True)
class _Requires:
    permission: Permission

    async def __call__(self) -> None:
        """Do nothing: `SignedRoute` has looked before."""


def requires(permission: Permission) -> Any:
    """Return the dependency that says what callers of a route must be allowed."""
    return Depends(_Requires(permission))


class SignedRoute(APIRoute):
    """A route that lets nobody in who will not be allowed what it requires; only then is the body read.

    Query parameters that it does not have are refused (`parameters.known_only`).

    Every route that takes a body says so with `requires`. Whether callers may is decided once more in the
    transaction that carries out what they want: this keeps work from who may not ask for any.
    """

    @property
    def permission(self) -> Permission | None:
        """What callers must be allowed; None where the route has no body and decides by itself."""
        found = (one.dependency for one in self.dependencies if isinstance(one.dependency, _Requires))
        return next((one.permission for one in found), None)

    @property
    def query_names(self) -> frozenset[str]:
        """The names of the query parameters."""
        return names_of(self.dependant)

    def get_route_handler(self) -> Handler:
        """Return what answers a request."""
        handle = known_only(super().get_route_handler(), self.query_names)
        permission = self.permission
        is_shaped = self.body_field is not None
        if permission is None:
            if is_shaped or "requestBody" in (self.openapi_extra or {}):
                raise TypeError(f"{self.path}: a route with a body says what it requires (`requires`)")
            return handle

        async def signed(request: Request) -> Response:
            about = " ".join(map(str, request.path_params.values())) or request.query_params.get("source", "")
            login = callers.of(request)
            caller = await context_of(request).foresee(request, login, permission.about_that(about[:100]))
            if isinstance(caller, Response):
                return caller
            request.state.caller = caller
            if is_shaped and (await request.body()).count(b",") > VALUES_MOST:
                detail = f"The body has more than {VALUES_MOST} values."
                return problems.answer(problems.TOO_LARGE, detail).response
            return await handle(request)

        return signed


def signed_routes(path: str, tag: str) -> APIRouter:
    """Return what takes the routes below *path*, which the documentation shows under *tag*.

    They have their whole address from the beginning: FastAPI makes routes that are included below another
    path once more for each application, which takes as long as loading them did.
    """
    return APIRouter(prefix=PREFIX + path, tags=[tag], route_class=SignedRoute)


def expected(request: Request) -> Caller:
    """Return who will be allowed what the route of *request* requires, unless that changes meanwhile."""
    caller: Caller = request.state.caller
    return caller
