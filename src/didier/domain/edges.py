"""Edges: agents beside SIP proxies, and how each says that it stands."""

import re
from dataclasses import dataclass
from typing import Literal, get_args

from didier.domain.fields import Rule, text
from didier.errors import InvalidField

MOST = 100
"""Most edges that there are."""

MOST_OF_USER = 10
"""Most edges of a user who may not manage webhooks: nobody can fill the list for all."""

NAME = "^[0-9A-Za-z_.-]+$"
NAME_MOST = 50
"""What an edge, or whoever else reports calls, may call itself: names of machines have points."""

NAME_RULE = f"1 to {NAME_MOST} letters, digits, points, - and _"

SEEN_SECONDS = 30
"""How long an edge counts as connected after a report: they come every 10 seconds."""

BEHIND_MOST = 1_000
"""How many changes an edge may be behind until people are told."""

NUMBER_MOST = 2**63 - 1
COUNT_MOST = 2**31 - 1
VERSION_MOST, DETAIL_MOST = 20, 200

Kamailio = Literal["connected", "away", "behind"]
"""How the proxy stands to which an edge belongs."""


@dataclass(frozen=True, slots=True)
class Report:
    """What an edge says of itself: it has done the change *sequence*, and knows so many *numbers*.

    *pending_calls* are those of which it has not told the server yet.
    """

    name: str
    sequence: int
    numbers: int
    kamailio: str
    version: str = ""
    pending_calls: int = 0
    detail: str = ""


def _name(value: str) -> str | None:
    return None if len(value) <= NAME_MOST and re.fullmatch(NAME, value) else NAME_RULE


_TEXTS: dict[str, Rule] = {
    "name": _name, "version": text(0, VERSION_MOST), "detail": text(0, DETAIL_MOST),
}  # fmt: skip


def problem(report: Report) -> InvalidField | None:
    """Say what is wrong with a report."""
    for name, rule in _TEXTS.items():
        value = getattr(report, name)
        if allowed := rule(value):
            return InvalidField(name, value, allowed)
    if report.kamailio not in get_args(Kamailio):
        return InvalidField("kamailio", report.kamailio, ", ".join(get_args(Kamailio)))
    return None
