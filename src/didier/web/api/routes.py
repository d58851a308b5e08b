"""All routes of the JSON API, and what is answered where none of them answers."""

from collections.abc import Callable, Coroutine, Mapping
from functools import cache
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse, Response

from didier import __version__
from didier.errors import DidierError
from didier.masking import Masking
from didier.web.api import (
    batch_orders,
    batches,
    changes,
    checks,
    copies,
    destinations,
    dids,
    drift,
    duplicates,
    edges,
    explanations,
    exports,
    gateways,
    imports,
    lineage,
    live,
    me,
    preferences,
    problems,
    refused,
    reported_calls,
    reports,
    schedules,
    tables,
    tokens,
    usage,
    users,
    webhooks,
)
from didier.web.api.callers import NotSignedIn
from didier.web.api.cursors import BadCursor
from didier.web.api.docs import OPENAPI
from didier.web.api.document import document
from didier.web.api.limits import not_read
from didier.web.api.signed import SignedRoute
from didier.web.bodies import ClientGone, RequestTooLarge

ROUTERS = (
    dids.router,
    explanations.router,
    checks.router,
    drift.router,
    lineage.router,
    copies.router,
    batches.router,
    batch_orders.router,
    refused.router,
    tables.router,
    exports.router,
    changes.router,
    webhooks.router,
    imports.router,
    users.router,
    me.router,
    preferences.router,
    tokens.router,
    reports.router,
    usage.router,
    duplicates.router,
    reported_calls.router,
    live.router,
    schedules.router,
    gateways.router,
    edges.router,
    *destinations.ROUTERS,
)
TAGS = (
    ("dids", "Inbound numbers and what happens to calls to them"),
    ("users", "Who may sign in, and what they may do"),
    ("me", "The caller's own password and second factor; no token opens these"),
    ("copies", "One DID copied to many, with a preview"),
    ("batches", "What was ordered together: how far it is, and undoing it"),
    ("tokens", "Tokens for programs, each for a part of what its user may do"),
    ("destinations", "In-groups, call menus, phones and servers that DIDs lead to"),
    ("schedules", "Opening hours that DIDs have, and where calls go outside them"),
    ("changes", "What happened to DIDs, batches and users, in order, for those who follow it"),
    ("gateways", "Sets of SIP gateways, and which DIDs have them"),
    ("edges", "Agents beside SIP proxies, and how they stand"),
    ("reports", "The API log, calls to DIDs, how these are used, and how they are set up"),
)

_DESCRIPTION = """
Provisions inbound phone numbers (DIDs). Sign in with a user name and password, or with a token.

Refusals are problem documents (RFC 9457) whose `type` stays the same. Lists come in pages: `next` is the
`cursor` of the following one, and null in the last. A POST with an `Idempotency-Key` is done once.
"""


def application() -> FastAPI:
    """Return the routes; their requests find a `ApiContext` in the state of the application."""
    api = FastAPI(
        title="Didier",
        version=__version__,
        description=_DESCRIPTION,
        openapi_url=None,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        openapi_tags=[{"name": name, "description": text} for name, text in TAGS],
        exception_handlers=_HANDLERS,
    )
    for router in ROUTERS:
        api.routes.extend(router.routes)
    api.webhooks.routes.extend(changes.sent.routes)
    api.state.masking = Masking(_query_names())
    api.openapi = lambda: _document(api)  # type: ignore[method-assign]  # FastAPI's documented way
    api.add_route(OPENAPI, _described(api), include_in_schema=False)
    return api


def _described(api: FastAPI) -> Callable[[Request], Response]:
    """Return what answers with the OpenAPI document, of which the text is made once: it is a large one."""
    text = cache(lambda: JSONResponse(api.openapi()).body)
    return lambda _: Response(text(), media_type="application/json")


def _query_names() -> set[str]:
    """Return the names of all query parameters; addresses are stored with the values of no others."""
    routes = (route for router in ROUTERS for route in router.routes if isinstance(route, SignedRoute))
    return {name for route in routes for name in route.query_names}


def _document(api: FastAPI) -> dict[str, Any]:
    """Return the OpenAPI document, made once."""
    if api.openapi_schema is None:
        api.openapi_schema = document(api)
    return api.openapi_schema


async def _refused(request: Request, error: DidierError) -> Response:
    return problems.refusal(error).response


async def _not_signed_in(request: Request, error: NotSignedIn) -> Response:
    detail = "Send a user name and password (Basic) or a token (Bearer) as Authorization."
    return problems.answer(problems.NOT_SIGNED_IN, detail).response


async def _bad_cursor(request: Request, error: BadCursor) -> Response:
    detail = "It is taken as it is from the page before, with the same sort."
    return problems.answer(problems.BAD_CURSOR, detail, pointer="cursor").response


async def _invalid(request: Request, error: RequestValidationError) -> Response:
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    is_json = kind == "application/json" or kind.endswith("+json")
    no_body = any(found["loc"] == ("body",) for found in error.errors())
    if no_body and not is_json and await request.body():
        return problems.answer(problems.NOT_JSON, "Send application/json.").response
    return problems.invalid(error.errors()).response


async def _http(request: Request, error: HTTPException) -> Response:
    headers = error.headers or {}
    if error.status_code == 404:
        return problems.answer(problems.NO_SUCH_ADDRESS, "See /docs for what there is.").response
    if error.status_code == 405:
        detail = f"{request.method} is not allowed here."
        return problems.answer(problems.METHOD_NOT_ALLOWED, detail, headers=_lower(headers)).response
    detail = "The body cannot be read: it is not text in UTF-8."  # all else that FastAPI raises
    return problems.answer(problems.INVALID, detail, pointer="").response


def _lower(headers: Mapping[str, str]) -> dict[str, str]:
    return {name.lower(): value for name, value in headers.items()}


async def _not_read(request: Request, error: Exception) -> Response:
    """Word it here, where a route reads: the layer outside this one would word it as a failure."""
    return not_read(error).response


async def _failed(request: Request, error: Exception) -> Response:
    """Word what nobody expected; the layer outside, which it is passed on to, logs it."""
    return problems.answer(problems.FAILED, "The server's log says why.").response


_HANDLERS: dict[int | type[Exception], Callable[[Request, Any], Coroutine[Any, Any, Response]]] = {
    DidierError: _refused,
    NotSignedIn: _not_signed_in,
    BadCursor: _bad_cursor,
    RequestValidationError: _invalid,
    HTTPException: _http,
    RequestTooLarge: _not_read,
    ClientGone: _not_read,
    Exception: _failed,
}
