"""How routes ask for who sends a request, and how the OpenAPI document says so."""

from typing import Annotated

from fastapi import Request, Security
from fastapi.openapi.models import HTTPBase, HTTPBearer
from fastapi.security.base import SecurityBase

from didier.web.api import callers
from didier.web.api.callers import Login


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
