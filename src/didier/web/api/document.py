"""The OpenAPI document: what FastAPI makes of the routes, and what generators and linters need beside it."""

from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from pydantic import TypeAdapter

from didier.web.api import problems
from didier.web.api.answers import JSON
from didier.web.api.schemas import refusals

Part = dict[str, Any]

LICENSE = {"name": "Apache License 2.0", "identifier": "Apache-2.0"}
SERVERS = [{"url": "/", "description": "The server that this document comes from"}]

SHAPES = "#/components/schemas/"

_TOTALS = ("requested", "added", "updated", "deleted", "exists", "duplicate", "invalid", "missing", "refused",
           "removed", "restored", "kept")  # fmt: skip


def _totals(**counts: int) -> dict[str, int]:
    return dict.fromkeys(_TOTALS, 0) | counts


_ENDED = {"finished_at": "2026-03-04T05:06:08+01:00", "phase": None}
_EXAMPLES: Mapping[str, Part] = MappingProxyType({
    "DidEvent": {
        "data": {
            "did_id": 12, "did_pattern": "18002220000", "last": "18002220000", "size": 1, "version": 2,
            "source": None, "fields": ["extension"], "before": {"extension": "8300"},
            "after": {"extension": "8301"}, "own": None,
        },
    },
    "CopyOrderBody": {"verb": "copy"},
    "BatchWithItems": {
        **_ENDED, "state": "done", "done": 1, "totals": _totals(requested=1, added=1),
        "items": [{
            "position": 1, "target": "18002220000", "outcome": "added", "did_id": 12, "reason": None,
        }],
    },
    "UndoneBatch": {
        **_ENDED, "state": "undone", "done": 2, "totals": _totals(requested=2, added=2, removed=1, kept=1),
        "undone_by": "admin", "undone_at": "2026-03-04T06:07:08+01:00", "kept": ["18002220001"],
    },
    "WholeBatch": {"source_snapshot": {"did_id": 1, "did_pattern": "18001234567", "did_active": "Y"}},
})  # fmt: skip
"""What the examples of shapes have beside those that they inherit."""


def document(api: FastAPI) -> Part:
    """Return the OpenAPI document of *api*."""
    made = get_openapi(
        title=api.title,
        version=api.version,
        description=api.description,
        routes=api.routes,
        tags=api.openapi_tags,
        servers=SERVERS,
        license_info=LICENSE,
        webhooks=api.webhooks.routes,
    )
    shapes = made["components"]["schemas"]
    shapes["Problem"] = TypeAdapter(problems.Problem).json_schema(ref_template=SHAPES + "{model}")
    shapes |= _definitions(made)
    for name in ("HTTPValidationError", "ValidationError"):
        shapes.pop(name, None)
    for webhook in made["webhooks"].values():
        # FastAPI takes them for routes, which refuse: what an endpoint refuses is its own affair.
        webhook["post"]["responses"].pop("422", None)
    for operation in _operations(made):
        if body := operation.get("requestBody"):
            shapes |= _named(body)
            _leave_to_the_body(operation)
            operation["responses"] |= {str(status): one for status, one in refusals(408).items()}
        for answer in operation["responses"].values():
            _json_first(answer)
    for name, shape in shapes.items():
        _complete(shape, _EXAMPLES.get(name, {}))
    return made


def _operations(made: Part) -> Iterator[Part]:
    return (operation for path in made["paths"].values() for operation in path.values())


def _definitions(part: Any) -> Part:
    """Take the shapes that stand within other shapes out of *part*; return them."""
    found: Part = {}
    if isinstance(part, dict):
        found = part.pop("$defs", {})
    for inner in part.values() if isinstance(part, dict) else part if isinstance(part, list) else ():
        found |= _definitions(inner)
    return found


def _named(body: Part) -> Part:
    """Return the shape that stands in *body* itself; from now on that refers to it."""
    sent = body["content"].get("application/json", {})
    shape = sent.get("schema", {})
    if "properties" not in shape:
        return {}
    name = shape["title"]
    sent["schema"] = {"$ref": SHAPES + name}
    return {name: shape}


def _leave_to_the_body(operation: Part) -> None:
    """Take the defaults from parameters that count only beside a text.

    Generated clients send defaults, with JSON too, where such parameters are refused.
    """
    if JSON in operation["requestBody"]["content"]:
        for parameter in operation.get("parameters", ()):
            parameter["schema"].pop("default", None)


def _json_first(answer: Part) -> None:
    """Put JSON before the other forms of *answer*: some generators know one alone, the first."""
    if "content" in answer:
        answer["content"] = dict(sorted(answer["content"].items(), key=lambda kind: kind[0] != JSON))


def _complete(shape: Part, more: Part) -> None:
    """Add *more* to the example of *shape*, and the nulls, which FastAPI leaves out."""
    if "example" in shape:
        nulls = dict.fromkeys(shape.get("required", ()))
        shape["example"] = nulls | shape["example"] | more
