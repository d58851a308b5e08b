"""Leases that end when a test wants them to."""

from sqlalchemy.engine import Engine

from didier.storage.statements import run


def expire(engine: Engine, name: str, seconds: float = 0) -> None:
    """Let the lease *name* end *seconds* from now, by the database's clock."""
    sql = "UPDATE didier_leases SET expires_at = {} WHERE name = ?"
    with engine.begin() as conn:
        if engine.dialect.name == "sqlite":
            end = "strftime('%Y-%m-%d %H:%M:%f', 'now', ? || ' seconds')"
        else:
            end = "utc_timestamp(6) + INTERVAL ? SECOND"
        run(conn, sql.format(end), seconds, name)
