"""Webhooks: what endpoints want to hear of, when an attempt is repeated, and when it is given up."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any
from urllib.parse import urlsplit

from didier.domain import events, patterns
from didier.domain.route_texts import DESTINATIONS
from didier.errors import InvalidField

URL_MOST, TEXT_MOST, VALUES_MOST = 2_000, 100, 50
"""Most characters of an address and of a description, and most values of a condition."""

DELAYS = (5, 30, 120, 600, 3_600, 9_900, 86_400)
"""Seconds after which an attempt is repeated that had no success, one after the other: 28 hours in all."""

JITTER = 0.1
"""Part by which a delay is longer or shorter at random: what failed together does not come again together."""

REFUSED_SECONDS = 3_600
"""How long what was refused (4xx) is tried: the receiver does not want it, or is being mended."""

RETRY_AFTER_MOST = 86_400
"""Longest wait that a receiver may ask for (``Retry-After``)."""

SILENT_SECONDS = 5 * 86_400
"""After so long without any success an endpoint is disabled."""

GONE = 410
"""The status by which a receiver says that it wants nothing more."""

PASSING = frozenset({408, 425, 429})
"""Statuses of 4xx that say nothing against the message: it may be taken later."""


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where events are sent, and which: of these *types*, and of DIDs that meet all of the conditions.

    A condition without values is met by every DID. *prefixes* are how patterns begin.
    """

    url: str
    types: tuple[str, ...] = ()
    prefixes: tuple[str, ...] = ()
    routes: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()
    description: str = ""
    is_enabled: bool = True

    @property
    def place(self) -> str:
        """The address without what stands behind ``?``, which may be a secret."""
        return self.url.partition("?")[0]

    @property
    def name(self) -> str:
        """What people call it."""
        return self.description or self.place

    @property
    def chosen(self) -> frozenset[str]:
        """The types of events that are sent."""
        found = events.wanted(self.types)
        return frozenset() if isinstance(found, InvalidField) else found

    def wants(self, pattern: str, rows: Sequence[Mapping[str, Any] | None]) -> bool:
        """Say whether the change of a DID is sent; *rows* are what is known of it before and behind it."""
        return (
            _is_met(self.prefixes, [patterns.begins_with(pattern, prefix) for prefix in self.prefixes])
            and _has(self.routes, rows, "did_route")
            and _has(self.groups, rows, "user_group")
        )


def _is_met(values: Sequence[str], found: Sequence[bool]) -> bool:
    return not values or any(found)


def _has(values: Sequence[str], rows: Sequence[Mapping[str, Any] | None], name: str) -> bool:
    """Say whether a row has one of *values*, whatever the case; of rows that are not known any may."""
    known = [str(row[name] or "").lower() for row in rows if row and name in row]
    return not values or not known or not {value.lower() for value in values}.isdisjoint(known)


def problem(endpoint: Endpoint) -> InvalidField | None:
    """Return what is wrong with an endpoint, None for nothing."""
    return (
        _bad_url(endpoint.url)
        or _bad_types(endpoint.types)
        or _bad_values("prefixes", endpoint.prefixes, patterns.MAX_LENGTH)
        or _bad_values("routes", endpoint.routes, max(map(len, DESTINATIONS)), DESTINATIONS)
        or _bad_values("groups", endpoint.groups, 20)
        or _bad_description(endpoint.description)
    )


def _bad_url(url: str) -> InvalidField | None:
    allowed = f"https://HOST/…, or http://, up to {URL_MOST} characters, without user, password and fragment"
    try:
        parts = urlsplit(url)
        is_one = (
            len(url) <= URL_MOST
            and url.isascii()
            and url.isprintable()
            and not re.search(r"[\s\"<>\\^`{|}]", url)
            and parts.scheme in {"http", "https"}
            and bool(parts.hostname)
            and parts.username is None
            and parts.password is None
            and not parts.fragment
            and parts.port != 0
        )
    except ValueError:
        is_one = False
    return None if is_one else InvalidField("url", url[:URL_MOST], allowed)


def _bad_types(types: Sequence[str]) -> InvalidField | None:
    found = events.wanted(types)
    return found if isinstance(found, InvalidField) else None


def _bad_values(
    name: str, values: Sequence[str], longest: int, allowed: Mapping[str, Any] | None = None
) -> InvalidField | None:
    if len(values) > VALUES_MOST:
        return InvalidField(name, f"{len(values)} values", f"up to {VALUES_MOST}")
    for value in values:
        if not 1 <= len(value) <= longest or not value.isprintable():
            return InvalidField(name, value, f"1 to {longest} characters")
        if allowed is not None and value.upper() not in allowed:
            return InvalidField(name, value, ", ".join(allowed))
    return None


def _bad_description(text: str) -> InvalidField | None:
    if len(text) <= TEXT_MOST and (text.isprintable() or not text):
        return None
    return InvalidField("description", text, f"up to {TEXT_MOST} characters")


@dataclass(frozen=True, slots=True)
class Answer:
    """What came of an attempt: *status* is None without an answer, of which *error* says why.

    *retry_after* are the seconds for which the receiver asks.
    """

    status: int | None
    error: str = ""
    text: str = ""
    seconds: float = 0.0
    retry_after: float | None = None

    @property
    def is_taken(self) -> bool:
        """Whether the receiver has it."""
        return self.status is not None and 200 <= self.status < 300

    @property
    def is_refused(self) -> bool:
        """Whether the receiver does not want it as it is."""
        return self.status is not None and 400 <= self.status < 500 and self.status not in PASSING


@dataclass(frozen=True, slots=True)
class Repeat:
    """The attempt is repeated after so many seconds."""

    seconds: float


@dataclass(frozen=True, slots=True)
class GiveUp:
    """The message is kept as failed, and the next one is sent. *is_last*: nothing more is wanted."""

    is_last: bool = False


def verdict(answer: Answer, attempt: int, seconds: float, chance: float) -> Repeat | GiveUp | None:
    """Say what follows from the *attempt*, counted from 1; None: the message is delivered.

    *seconds* have passed since the first one; *chance* is a number from 0 to 1 drawn for this.
    """
    if answer.is_taken:
        return None
    if answer.status == GONE:
        return GiveUp(is_last=True)
    if attempt > len(DELAYS) or (answer.is_refused and seconds >= REFUSED_SECONDS):
        return GiveUp()
    delay = min(DELAYS[attempt - 1] * (1 + JITTER * (2 * chance - 1)), DELAYS[-1])
    asked = min(answer.retry_after or 0.0, RETRY_AFTER_MOST)
    wait = max(delay, asked)
    if answer.is_refused:
        wait = min(wait, max(REFUSED_SECONDS - seconds, float(DELAYS[0])))
    return Repeat(wait)


STATES: Mapping[str, str] = MappingProxyType({
    "taken": "the receiver has it",
    "repeated": "it is sent again later",
    "failed": "it was given up, and is kept as failed",
})  # fmt: skip
"""What became of an attempt."""
