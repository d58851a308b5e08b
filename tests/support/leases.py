"""Leases that end when a test wants them to."""

from sqlalchemy.engine import Engine

from didier.storage import dialects
from didier.storage.statements import run, scalar


def expire(engine: Engine, name: str, seconds: float = 0, epoch: int | None = None) -> None:
    """Let the lease *name* end *seconds* from now, by the database's clock; with *epoch* only that one."""
    sql = f"UPDATE didier_leases SET expires_at = {dialects.of(engine).in_seconds} WHERE name = ?"
    with engine.begin() as conn:
        run(conn, f"{sql} AND epoch = COALESCE(?, epoch)", seconds, name, epoch)


def epoch_of(engine: Engine, name: str) -> int:
    """Return the epoch of the lease *name*."""
    with engine.begin() as conn:
        return int(scalar(conn, "SELECT epoch FROM didier_leases WHERE name = ?", name))
