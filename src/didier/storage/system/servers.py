"""VICIdial's servers: asking them to write their configuration again."""

from datetime import datetime

from sqlalchemy.engine import Connection

from didier.storage.statements import as_text, known_columns, run, scalar
from didier.storage.tables import SYSTEM_SETTINGS

_DUE = "rebuild_conf_files IS NULL OR rebuild_conf_files <> 'Y'"


def refresh(conn: Connection, now: datetime) -> int:
    """Have every server write its configuration again; return how many were not about to already."""
    due: int = scalar(conn, f"SELECT count(*) FROM servers WHERE {_DUE}")
    run(conn, f"UPDATE servers SET rebuild_conf_files = 'Y' WHERE {_DUE}")
    if known_columns(conn, SYSTEM_SETTINGS, ("reload_timestamp",)):
        run(conn, f"UPDATE {SYSTEM_SETTINGS} SET reload_timestamp = ?", as_text(now))
    return due
