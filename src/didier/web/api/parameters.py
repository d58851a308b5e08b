"""Query parameters: those that a route does not have are refused, by name."""

from collections.abc import Callable, Coroutine
from difflib import get_close_matches
from typing import Any

from fastapi import Request, params
from fastapi.dependencies.models import Dependant
from fastapi.dependencies.utils import get_flat_params
from fastapi.exceptions import RequestValidationError
from starlette.responses import Response

from didier.web.api import callers, problems

Handler = Callable[[Request], Coroutine[Any, Any, Response]]

_COMPARED = 50
"""Most characters of a name that are compared with those that there are: comparing takes their square."""


def names_of(dependant: Dependant) -> frozenset[str]:
    """Return the names of a route's query parameters."""
    found = (one for one in get_flat_params(dependant) if isinstance(one.field_info, params.Query))
    return frozenset(one.alias for one in found)


def known_only(handle: Handler, names: frozenset[str]) -> Handler:
    """Return *handle* for requests without other query parameters than *names*.

    A misspelt one would be left out of account: ``serach=1`` would list, or export, everything.
    """

    async def known(request: Request) -> Response:
        if unknown := [name for name in request.query_params if name not in names]:
            callers.of(request)  # raises for those who have not signed in: they hear that first
            shown = unknown[: problems.PLACES_SHOWN]
            raise RequestValidationError([_unknown(name, names) for name in shown])
        return await handle(request)

    return known


def _unknown(name: str, names: frozenset[str]) -> dict[str, Any]:
    nearest = get_close_matches(name[:_COMPARED].lower(), sorted(names), 1)
    meant = f"; did you mean {nearest[0]}?" if nearest else ""
    return {"type": "unknown_parameter", "loc": ("query", name), "msg": f"there is no such parameter{meant}"}
