"""Moments in requests and answers: with a zone outside, local time in the database."""

import re
from datetime import datetime
from typing import Annotated, Any

from pydantic import AfterValidator, AwareDatetime, BeforeValidator, WithJsonSchema

_RFC_3339 = re.compile(r"\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d:\d\d(\.\d+)?([Zz]|[+-]\d\d:\d\d)", re.ASCII)


def _on_our_clock(moment: datetime) -> datetime:
    """Refuse what the clock of the server cannot show: Python's years end at 1 and 9999, in every zone.

    The local time has to lead back to a moment too: ends are compared as seconds, and answered with a zone.
    """
    try:
        if moment.tzinfo is not None:
            here = moment.astimezone().replace(tzinfo=None)
            here.astimezone().timestamp()
    except (OverflowError, ValueError, OSError):
        raise ValueError("the clock of the server cannot show this time") from None
    return moment


def _written(value: Any) -> Any:
    """Refuse numbers, also those in texts: pydantic takes them for seconds, or for milliseconds if large."""
    if isinstance(value, str) and _RFC_3339.fullmatch(value):
        return value
    raise ValueError("a moment with its zone, as RFC 3339 has it, such as 2026-03-04T05:06:07+00:00")


Moment = Annotated[datetime, AfterValidator(_on_our_clock)]
"""A moment in a request; without a zone it is local time of the server."""

ZonedMoment = Annotated[AwareDatetime, BeforeValidator(_written), AfterValidator(_on_our_clock)]
"""A moment in a request that has to say its zone, as RFC 3339 has it."""

ZonedText = Annotated[str, WithJsonSchema({"type": "string", "format": "date-time"})]
"""A moment in an answer, as `zoned` writes it."""


def local(moment: datetime | None) -> datetime | None:
    """Return a `Moment` as the database has it: local time in whole seconds, as it is that without a zone."""
    if moment is None:
        return None
    here = moment.astimezone() if moment.tzinfo else moment
    return here.replace(tzinfo=None, microsecond=0)


def zoned(moment: datetime) -> str:
    """Return a moment of the database with its distance to UTC."""
    return moment.astimezone().isoformat()


def zoned_text(text: str) -> str:
    """Return what `zoned` does for a moment as the database writes it."""
    return zoned(datetime.fromisoformat(text))


def zoned_or_none(moment: datetime | None) -> str | None:
    """Return what `zoned` does, and None for none."""
    return zoned(moment) if moment else None
