"""Cursors: where the next page of a list begins, in a form that nobody has to understand."""

import base64
import binascii
from typing import Any

import orjson

Place = list[str | int]


class BadCursor(Exception):
    """The cursor was not given out by this list in this order."""


def write(order: str, place: Place) -> str:
    """Return the cursor behind *place* in a list that is sorted by *order*."""
    return base64.urlsafe_b64encode(orjson.dumps([order, *place])).rstrip(b"=").decode()


def read(cursor: str | None, order: str, kinds: tuple[type[Any], ...]) -> Place | None:
    """Return the place behind which the page begins; None for the first page.

    Raises `BadCursor` unless the cursor is one of the same *order* whose values are of *kinds*.
    """
    if cursor is None:
        return None
    try:
        found = orjson.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
    except (binascii.Error, ValueError):
        raise BadCursor from None
    if not isinstance(found, list) or found[:1] != [order] or tuple(map(type, found[1:])) != kinds:
        raise BadCursor
    return found[1:]
