"""Tokens of the JSON API: table ``didier_tokens``, which holds their digests alone."""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, cast

from sqlalchemy.engine import Connection

from didier.storage import row_sets
from didier.storage.statements import as_moment, as_text, insert_one, run

_TABLE = "didier_tokens"
_COLUMNS = (
    "token_id", "user_id", "user_name", "name", "hint", "scopes", "pattern_prefix", "networks",
    "created_at", "created_by", "created_by_id", "expires_at", "last_used_at", "revoked_at",
)  # fmt: skip
_SELECT = f"SELECT {', '.join(_COLUMNS)} FROM {_TABLE}"


@dataclass(frozen=True, slots=True)
class Token:
    """A token as it is known here; what it says is known to its user alone."""

    token_id: int
    user_id: int
    user: str
    name: str  # what the user calls it
    hint: str  # how it begins
    scopes: tuple[str, ...]
    pattern_prefix: str | None  # of the DIDs that it reaches; None: all
    networks: tuple[str, ...]  # from which it is accepted; none: from everywhere
    created_at: datetime
    created_by: str
    created_by_id: int | None  # None: by a release that stored no ids, and the user is gone
    expires_at: datetime | None
    last_used_at: datetime | None = None
    revoked_at: datetime | None = None


def add(conn: Connection, token: Token, digest: str) -> int:
    """Store a new token under the SHA-256 *digest* of it; return its id, whatever *token* says."""
    return insert_one(conn, _TABLE, {**_row(token), "digest": digest}, "token_id")


def _row(token: Token) -> Mapping[str, Any]:
    return {
        "user_id": token.user_id,
        "user_name": token.user,
        "name": token.name,
        "hint": token.hint,
        "scopes": " ".join(token.scopes),
        "pattern_prefix": token.pattern_prefix,
        "networks": " ".join(token.networks) or None,
        "created_at": as_text(token.created_at),
        "created_by": token.created_by[:20],
        "created_by_id": token.created_by_id,
        "expires_at": token.expires_at and as_text(token.expires_at),
    }


def by_digest(conn: Connection, digests: Collection[str]) -> dict[str, Token]:
    """Return the tokens with *digests* that are known."""
    wanted = [(digest,) for digest in digests]
    rows = row_sets.find(conn, _TABLE, ("digest",), wanted, ("digest", *_COLUMNS))
    return {digest: _token(row) for digest, *row in rows}


def by_id(conn: Connection, token_id: int) -> Token | None:
    """Return the token *token_id*."""
    rows = run(conn, f"{_SELECT} WHERE token_id = ?", token_id)
    return _token(rows[0]) if rows else None


def of_user(conn: Connection, user_id: int) -> list[Token]:
    """Return the tokens of a user, the newest first."""
    return [_token(row) for row in run(conn, f"{_SELECT} WHERE user_id = ? ORDER BY token_id DESC", user_id)]


def everyone(conn: Connection) -> list[Token]:
    """Return all tokens, the newest first."""
    return [_token(row) for row in run(conn, f"{_SELECT} ORDER BY token_id DESC")]


def revoke(conn: Connection, token_id: int, now: datetime) -> None:
    """Revoke a token: it is no longer accepted."""
    run(conn, f"UPDATE {_TABLE} SET revoked_at = ? WHERE token_id = ?", as_text(now), token_id)


def revoke_all(conn: Connection, user_ids: Collection[int], now: datetime) -> dict[int, int]:
    """Let no token of *user_ids* be accepted any more; return how many of each were revoked, if any.

    Those that were revoked before stay as they are.
    """
    users = [(user_id,) for user_id in user_ids]
    found = row_sets.find(conn, _TABLE, ("user_id",), users, ("token_id", "user_id", "revoked_at"))
    valid = {token_id: user_id for token_id, user_id, revoked_at in found if revoked_at is None}
    row_sets.update(conn, _TABLE, ("token_id",), ("revoked_at",), [(one, as_text(now)) for one in valid])
    return dict(Counter(valid.values()))


def mark_used(conn: Connection, token_ids: Collection[int], now: datetime) -> None:
    """Remember that tokens were used."""
    rows = [(token_id, as_text(now)) for token_id in token_ids]
    row_sets.update(conn, _TABLE, ("token_id",), ("last_used_at",), rows)


def _token(values: Sequence[Any]) -> Token:
    row = dict(zip(_COLUMNS, values, strict=True))
    return Token(
        token_id=row["token_id"],
        user_id=row["user_id"],
        user=row["user_name"],
        name=row["name"],
        hint=row["hint"],
        scopes=tuple(row["scopes"].split()),
        pattern_prefix=row["pattern_prefix"],
        networks=tuple((row["networks"] or "").split()),
        created_at=cast(datetime, as_moment(row["created_at"])),  # the column is never NULL
        created_by=row["created_by"],
        created_by_id=row["created_by_id"],
        expires_at=as_moment(row["expires_at"]),
        last_used_at=as_moment(row["last_used_at"]),
        revoked_at=as_moment(row["revoked_at"]),
    )
