"""Parameters of Didier's own that are not known, or not to the function that is called.

VICIdial ignores every parameter that it does not know, and scripts rely on it. What is Didier's own is
refused by name: ``serach=1`` would list everything, and ``dryrun=Y`` would change what was to be tried alone.
"""

import difflib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from types import MappingProxyType

from didier.vicidial.call import CLEAN_UP, Call
from didier.vicidial.parameters import FORMS

_OWN_FUNCTIONS = frozenset({"list_dids", "did_info"})
_OWN = ("dry_run", "idempotency_key", "format", "summary", "force")
# Without these a function would do something else than its caller asks for.
_PROMISES = frozenset({"dry_run", "idempotency_key"})
_COMMON = frozenset({"function", "user", "pass", "source", "format"})
_TAKEN: Mapping[str, frozenset[str]] = MappingProxyType({
    form.function: _COMMON.union(
        *({p.name for p in other.parameters} for other in FORMS if other.function == form.function)
    )
    for form in FORMS
})  # fmt: skip
_ALIKE = 0.85
"""Likeness from which on a name was meant to be another."""

_SHOWN = 50


@dataclass(frozen=True, slots=True)
class Unknown:
    """A parameter that is not known, and the known one that it looks like, if any."""

    name: str
    near: str


def unknown(call: Call) -> Unknown | None:
    """Return the first parameter that must be refused."""
    taken = _TAKEN.get(call.function, _COMMON)
    for name in call.parameters.values:
        if name in taken:
            continue
        if call.function in _OWN_FUNCTIONS or name in _PROMISES:
            return Unknown(_shown(name), _near(name[:_SHOWN], tuple(sorted(taken))))
        if name not in CLEAN_UP and (meant := _slip(name[:_SHOWN])):
            return Unknown(_shown(name), meant)
    return None


def _shown(name: str) -> str:
    return re.sub(r"[^A-Za-z0-9_.-]", "", name)[:_SHOWN]


def _near(name: str, known: tuple[str, ...]) -> str:
    return next(iter(difflib.get_close_matches(name.lower(), known, 1)), "")


@lru_cache(1024)
def _slip(name: str) -> str:
    """Return the parameter of Didier's own that *name* was meant to be, empty if none."""
    plain = _plain(name)
    for own in _OWN:
        other = _plain(own)
        # Lengths first: a call may have a thousand names.
        if abs(len(plain) - len(other)) <= 2 and difflib.SequenceMatcher(a=plain, b=other).ratio() >= _ALIKE:
            return own
    return ""


def _plain(name: str) -> str:
    return re.sub(r"[^a-z0-9]", "", name.lower())
