"""The interactive documentation at ``/docs``, and what each type of problem means; all without internet."""

import inspect
from functools import cache
from importlib.resources import files

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse, Response
from starlette.routing import Route

from didier.web.api import guides, problems

PREFIX = "/api/v1"
OPENAPI = f"{PREFIX}/openapi.json"

_POLICY = {
    # Swagger UI writes style attributes and draws its icons as data.
    "content-security-policy": (
        "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:;"
        " connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
}
_LASTING = {"cache-control": "public, max-age=86400"}

_PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<title>Didier: JSON API</title>
<meta name="viewport" content="width=device-width, initial-scale=1">
<link rel="icon" type="image/png" href="/docs/favicon.png">
<link rel="stylesheet" href="/docs/swagger-ui.css">
</head>
<body>
<div id="swagger-ui" data-document="{document}"></div>
<noscript>This page needs JavaScript; <a href="{document}">the OpenAPI document</a> does not.</noscript>
<script src="/docs/swagger-ui-bundle.js"></script>
<script src="/docs/start.js"></script>
</body>
</html>
"""

_START = """"use strict";
const place = document.getElementById("swagger-ui");
SwaggerUIBundle({
  url: place.dataset.document,
  domNode: place,
  deepLinking: true,
  displayRequestDuration: true,
  filter: true,
  validatorUrl: null,
});
"""

_ASSETS = {
    "swagger-ui-bundle.js": "text/javascript",
    "swagger-ui.css": "text/css",
    "favicon.png": "image/png",
}


def application() -> Starlette:
    """Return the pages that show the OpenAPI document."""
    page = HTMLResponse(_PAGE.format(document=OPENAPI), headers=_POLICY)
    script = Response(_START, headers={**_POLICY, **_LASTING}, media_type="text/javascript")
    return Starlette(
        routes=[
            Route("/docs", lambda _: page),
            Route("/docs/", lambda _: page),
            Route("/docs/start.js", lambda _: script),
            Route("/docs/{name}", _asset),
            Route("/docs/{folder}/{name}", guides.page),
            Route("/problems/{name}", _problem),
        ]
    )


def _asset(request: Request) -> Response:
    name = request.path_params["name"]
    if name not in _ASSETS:
        return PlainTextResponse("There is nothing at this address.\n", 404, _POLICY)
    return Response(_content(name), headers={**_POLICY, **_LASTING}, media_type=_ASSETS[name])


@cache
def _content(name: str) -> bytes:
    return files("fastapi_offline").joinpath("static", name).read_bytes()


def _problem(request: Request) -> Response:
    name = request.path_params["name"]
    kind = next((kind for kind in problems.ALL if kind.name == name), None)
    if kind is None:
        return PlainTextResponse("There is no such problem.\n", 404, _POLICY)
    meaning = next((inspect.getdoc(cls) or "" for cls, known in problems.TYPES.items() if known == kind), "")
    text = f"{kind.title} (HTTP status {kind.status})\n\n{meaning}".rstrip()
    return PlainTextResponse(f"{text}\n", headers=_POLICY)
