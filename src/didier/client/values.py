"""The words of callers as the API has them: columns, filters and addresses."""

from collections.abc import Iterable, Mapping
from datetime import date, datetime
from types import MappingProxyType
from typing import Any
from urllib.parse import quote

from didier.client.models import Value

Given = str | int | bool | None
"""What a column may be given: True and False stand for Y and N, None empties it."""

NAMES: Mapping[str, str] = MappingProxyType(
    {
        "pattern": "did_pattern",
        "description": "did_description",
        "active": "did_active",
        "route": "did_route",
        "in_group": "group_id",
        "call_menu": "menu_id",
        "carrier": "did_carrier_description",
    }
)
"""Short names of columns."""


def column(name: str) -> str:
    """Return the column that a caller's *name* stands for."""
    return NAMES.get(name, name)


def columns(given: Mapping[str, Given]) -> dict[str, Value]:
    """Return columns and values as the API takes them."""
    return {column(name): yes_no(value) for name, value in given.items()}


def yes_no(value: Given) -> Value:
    """Return Y or N for True or False, all else as it is."""
    return ("Y" if value else "N") if isinstance(value, bool) else value


def texts(given: str | Iterable[str] | None) -> tuple[str, ...]:
    """Return one text or many as many, none as an empty tuple."""
    return (given,) if isinstance(given, str) else tuple(given or ())


def query(given: Mapping[str, Any]) -> dict[str, str | list[str]]:
    """Return the parameters of an address; those that are None are left out."""
    return {
        name: [_parameter(one) for one in value] if isinstance(value, list | tuple) else _parameter(value)
        for name, value in given.items()
        if value is not None
    }


def _parameter(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return value.isoformat() if isinstance(value, date | datetime) else str(value)


def segment(text: str | int) -> str:
    """Return *text* as a part of a path; raises `ValueError` for what would be another address."""
    name = str(text)
    if name in {"", ".", ".."}:
        raise ValueError(f"{name!r} is no name of a DID or user")
    return quote(name, safe="")
