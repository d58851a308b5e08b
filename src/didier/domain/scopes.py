"""What a token may be for: scopes, each of which opens some requests to it and no others.

A token never gives more than its user's own rights; scopes take away from these.
"""

from collections.abc import Collection, Iterable
from dataclasses import dataclass

from didier.errors import NotPermitted


@dataclass(frozen=True, slots=True)
class Scope:
    """A part of the JSON API that a token may open."""

    name: str
    help: str
    functions: frozenset[str]  # of `domain.users.RIGHTS`, that it opens


SCOPES: tuple[Scope, ...] = (
    Scope(
        "dids:read",
        "List, show and export DIDs, their histories and batches",
        frozenset({"list_dids", "did_info"}),
    ),
    Scope(
        "dids:write",
        "Create, copy, update, lock and delete DIDs; undo batches",
        frozenset({"add_did", "copy_did", "update_did", "delete_did"}),
    ),
    Scope(
        "users",
        "Show, create and change users with no more rights than the token",
        frozenset({"user_details", "add_user", "copy_user", "update_user", "delete_user"}),
    ),
    # Who follows changes may not give others the right to list DIDs.
    Scope("changes:read", "Follow changes, say how an edge stands, and nothing else", frozenset()),
    Scope("admin", "Manage webhooks", frozenset({"manage_webhooks"})),
    Scope("calls:write", "Report calls, and nothing else", frozenset({"report_calls"})),
    Scope("reports", "Read the API log, and calls to DIDs", frozenset({"api_log", "did_log_export"})),
)

NAMES = frozenset(scope.name for scope in SCOPES)


def functions_of(scopes: Collection[str]) -> frozenset[str]:
    """Return the functions that a token with *scopes* opens."""
    return frozenset(function for scope in SCOPES if scope.name in scopes for function in scope.functions)


def missing_scope(scopes: Iterable[str] | None, scope: str | None, action: str) -> NotPermitted | None:
    """Refuse *action* to a token without *scope*; None for *scopes* is a password, which opens all.

    A *scope* of None is what no token opens.
    """
    if scopes is None:
        return None
    if scope is None:
        return NotPermitted(action, ("Sign in with user name and password: tokens cannot do this",))
    return None if scope in scopes else NotPermitted(action, (f"Scopes of the token must contain {scope}",))
