"""The start page and the Postman collection."""

import html
import json
from collections.abc import Callable, Iterable, Mapping
from importlib.resources import files
from string import Template
from typing import Any
from urllib.parse import quote

from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from didier import __version__, tutorial
from didier.vicidial.replies.shared import VERSION
from didier.web.legacy import PATH

_PAGE = Template(files(__package__).joinpath("start.html").read_text("utf-8"))
_POLICY = {"content-security-policy": "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'"}


def start(demo: bool) -> Callable[[Request], Response]:
    """Return the page at ``/``; with *demo* it shows the public password of the demo user."""

    def page(request: Request) -> Response:
        user, password = (tutorial.USER, tutorial.PASSWORD) if demo else ("USER", "PASSWORD")
        base = str(request.base_url).rstrip("/")
        address = f"{base}{PATH}?{tutorial.copy_query(user, password)}"
        note = "demo" if demo else "plain"
        body = _PAGE.substitute(
            version=html.escape(__version__),
            vicidial=html.escape(VERSION),
            address=html.escape(address),
            answer=html.escape(
                f"SUCCESS: {tutorial.SOURCE_DID} -> {tutorial.TARGET_DID} | DID Copied Successfully"
            ),
            note=_NOTES[note],
        )
        return HTMLResponse(body, headers=_POLICY)

    return page


_NOTES = {
    "demo": (
        "<p class='note'>This is a demonstration: the password <code>1234</code> is public, and the"
        " server can be reached only from this machine.</p>"
    ),
    "plain": (
        "<p>Replace <code>USER</code> and <code>PASSWORD</code> by a user whose level is 8 or higher,"
        " with API Access and with <code>copy_did</code> or <code>ALL</code> among the allowed API"
        " functions.</p>"
    ),
}


def postman(demo: bool) -> Callable[[Request], Response]:
    """Return the Postman collection (format 2.1) for this server."""

    def page(request: Request) -> Response:
        base = str(request.base_url).rstrip("/")
        body = json.dumps(collection(base, tutorial.PASSWORD if demo else ""), indent=2)
        return Response(body, media_type="application/json")

    return page


_SCHEMA = "https://schema.getpostman.com/json/collection/v2.1.0/collection.json"


def collection(base: str, password: str) -> dict[str, Any]:
    """Return a collection of the tutorial's requests against *base*, each with a check of its answer."""
    variables = {
        "baseUrl": base,
        "user": tutorial.USER,
        "pass": password,
        "source_did": tutorial.SOURCE_DID,
        "new_did": tutorial.TARGET_DID,
    }
    copy = {
        "function": "copy_did",
        "user": "{{user}}",
        "pass": "{{pass}}",
        "source": tutorial.SOURCE,
        "did_pattern": "{{source_did}}",
        "new_did_pattern": "{{new_did}}",
        "did_active": "Y",
    }
    copied = "SUCCESS: {{source_did}} -> {{new_did}} | DID Copied Successfully"
    exists = "ERROR: NEW DID ALREADY EXISTS"
    return {
        "info": {
            "name": "Didier",
            "description": "Copy a DID with the Non-Agent API: set user and pass among the variables.",
            "schema": _SCHEMA,
        },
        "variable": [{"key": key, "value": value} for key, value in variables.items()],
        "item": [
            _request("Copy a DID", copy, [copied, exists]),
            _request("Copy it again: it exists", copy, [exists]),
            _request(
                "Source that does not exist",
                copy | {"did_pattern": "18009999999"},
                ["ERROR: DID PATTERN NOT FOUND"],
            ),
            _request("Wrong password", copy | {"pass": "wrong"}, ["ERROR: INVALID USERNAME OR PASSWORD"]),
            _request(
                "No function",
                {name: value for name, value in copy.items() if name != "function"},
                ["ERROR: NO FUNCTION SPECIFIED"],
            ),
            _request("Version", {"function": "version"}, [f"VERSION: {VERSION}|"]),
        ],
    }


def exported(base: str, name: str, query: Mapping[str, str], secrets: Iterable[str]) -> dict[str, Any]:
    """Return a collection of one request against *base*; *secrets* are variables for the user to set."""
    variables = {"baseUrl": base, **dict.fromkeys(secrets, "")}
    return {
        "info": {"name": f"Didier: {name}", "schema": _SCHEMA},
        "variable": [{"key": key, "value": value} for key, value in variables.items()],
        "item": [_asking(name, query)],
    }


def _request(name: str, query: dict[str, str], answers: list[str]) -> dict[str, Any]:
    check = [
        f"const allowed = {json.dumps(answers)}.map(a => pm.variables.replaceIn(a));",
        f"pm.test({json.dumps(f'{name}: the answer is as documented')}, () => {{",
        "  pm.response.to.have.status(200);",
        "  pm.expect(allowed.some(a => pm.response.text().startsWith(a)), pm.response.text()).to.be.true;",
        "});",
    ]
    event = {"listen": "test", "script": {"type": "text/javascript", "exec": check}}
    return {**_asking(name, query), "event": [event]}


def _asking(name: str, query: Mapping[str, str]) -> dict[str, Any]:
    # Postman sends a plus as it is, which would be read as a space.
    parameters = [{"key": key, "value": quote(value, safe="{}:,*~")} for key, value in query.items()]
    raw = "{{baseUrl}}" + PATH + "?" + "&".join(f"{p['key']}={p['value']}" for p in parameters)
    return {
        "name": name,
        "request": {
            "method": "GET",
            "url": {
                "raw": raw,
                "host": ["{{baseUrl}}"],
                "path": PATH.strip("/").split("/"),
                "query": parameters,
            },
        },
    }
