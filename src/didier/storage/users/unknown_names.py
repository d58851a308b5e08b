"""Failed sign-ins under names that no user has: table ``didier_unknown_names``.

They are counted as those of users are, so that a lock does not tell which users there are. Of a name only a
keyed hash is kept: people type their password into the wrong field.
"""

import hashlib
import secrets
from collections.abc import Collection, Mapping
from dataclasses import dataclass

from sqlalchemy.engine import Connection

from didier.storage import row_sets, settings
from didier.storage.statements import insert, run, scalar

KEPT_MOST = 10_000
"""Most names that are kept; the one that was tried longest ago goes first."""

_TABLE = "didier_unknown_names"
_COLUMNS = ("digest", "failures", "failed_at")
_KEY = "unknown_names_key"


@dataclass(frozen=True, slots=True)
class Failures:
    """How often somebody failed to sign in under a name, and when at last (seconds since the epoch)."""

    count: int
    at: float


def failures(conn: Connection, names: Collection[str]) -> dict[str, Failures]:
    """Return the failures under each of *names* (`domain.names.fold`) that was tried."""
    key = settings.read(conn, _KEY)
    if key is None:
        return {}  # nothing was ever stored
    digests = _digests(key, names)
    rows = row_sets.find(conn, _TABLE, ("digest",), [(digest,) for digest in digests], _COLUMNS)
    return {digests[digest]: Failures(count, at) for digest, count, at in rows}


def store(conn: Connection, found: Mapping[str, Failures], most: int = KEPT_MOST) -> None:
    """Store the failures under each name, in place of what is known of it; keep *most* names."""
    digests = _digests(settings.read(conn, _KEY) or _new_key(conn), found)
    row_sets.delete(conn, _TABLE, ("digest",), [(digest,) for digest in digests])
    rows = [(digest, found[name].count, found[name].at) for digest, name in digests.items()]
    insert(conn, _TABLE, _COLUMNS, rows)
    surplus = scalar(conn, "SELECT count(*) FROM didier_unknown_names") - most
    if surplus > 0:
        run(conn, _FORGET, surplus - 1)


_FORGET = (
    "DELETE FROM didier_unknown_names WHERE failed_at <= (SELECT o.failed_at FROM"
    " (SELECT failed_at FROM didier_unknown_names ORDER BY failed_at LIMIT 1 OFFSET ?) AS o)"
)


def _new_key(conn: Connection) -> str:
    """Make the key of the hashes; of two processes that make one, the transaction of the second fails."""
    key = secrets.token_hex(32)
    run(conn, "INSERT INTO didier_settings (name, value) VALUES (?, ?)", _KEY, key)
    return key


def _digests(key: str, names: Collection[str]) -> dict[str, str]:
    """Return the names by the hash under which each is kept."""
    return {_digest(bytes.fromhex(key), name): name for name in names}


def _digest(key: bytes, name: str) -> str:
    return hashlib.blake2b(name.encode("utf-8", "surrogatepass"), key=key, digest_size=32).hexdigest()
