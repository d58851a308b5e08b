"""Edges: agents beside SIP proxies, and how each says that it stands."""

from dataclasses import dataclass
from typing import Literal, get_args

from didier.domain.fields import Rule, text, word
from didier.errors import InvalidField

MOST = 100
"""Most edges that there are."""

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


_TEXTS: dict[str, Rule] = {
    "name": word(1, 50), "version": text(0, VERSION_MOST), "detail": text(0, DETAIL_MOST),
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
