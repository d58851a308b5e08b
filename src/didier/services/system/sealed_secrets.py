"""Everything that is sealed with the installation's key: second factors, and the secrets of webhooks."""

from collections.abc import Sequence

from sqlalchemy.engine import Connection

from didier.services.changes import webhooks
from didier.services.system.installation_key import Key, KeyFile
from didier.services.users import second_factor


def count(conn: Connection) -> int:
    """Return how many values are sealed."""
    return second_factor.sealed_count(conn) + webhooks.sealed_count(conn)


def not_opened(conn: Connection, file: KeyFile) -> list[str]:
    """Return why values cannot be opened, one line for each of them; raises `KeyProblem`."""
    return second_factor.not_opened(conn, file) + webhooks.not_opened(conn, file)


def seal_anew(conn: Connection, keys: Sequence[Key], key: Key) -> int:
    """Seal with *key* what another of *keys* has sealed; return how many values that were.

    Raises `NotOpened` when none of them opens a value.
    """
    return second_factor.seal_anew(conn, keys, key) + webhooks.seal_anew(conn, keys, key)
