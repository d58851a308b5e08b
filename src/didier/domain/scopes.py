"""What a token may be for: scopes, each of which opens some requests to it and no others.

A token never gives more than its user's own rights; scopes take away from these.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from didier.errors import NotPermitted


@dataclass(frozen=True, slots=True)
class Scope:
    """A part of the JSON API that a token may open."""

    name: str
    help: str


SCOPES: tuple[Scope, ...] = (
    Scope("dids:read", "List, show and export DIDs, their histories and batches"),
    Scope("dids:write", "Make, copy, change, lock and delete DIDs; undo batches"),
    Scope("users", "Show, make and change users, as far as its user may"),
    Scope("reports", "Read the API log, and calls to DIDs"),
)

NAMES = frozenset(scope.name for scope in SCOPES)


def missing_scope(scopes: Iterable[str] | None, scope: str | None, action: str) -> NotPermitted | None:
    """Refuse *action* to a token without *scope*; None for *scopes* is a password, which opens all.

    A *scope* of None is what no token opens.
    """
    if scopes is None:
        return None
    if scope is None:
        return NotPermitted(action, ("Sign in with user name and password: no token opens this",))
    return None if scope in scopes else NotPermitted(action, (f"Scopes of the token must contain {scope}",))
