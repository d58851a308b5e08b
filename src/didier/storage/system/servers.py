"""VICIdial's servers: which there is, and asking them to write their configuration again."""

from datetime import datetime

from sqlalchemy.engine import Connection

from didier.storage.statements import as_text, known_columns, run, scalar
from didier.storage.tables import SERVERS, SYSTEM_SETTINGS

_DUE = "rebuild_conf_files IS NULL OR rebuild_conf_files <> 'Y'"


def refresh(conn: Connection, now: datetime) -> int:
    """Have every server write its configuration again; return how many were not about to already."""
    due: int = scalar(conn, f"SELECT count(*) FROM servers WHERE {_DUE}")
    run(conn, f"UPDATE servers SET rebuild_conf_files = 'Y' WHERE {_DUE}")
    if known_columns(conn, SYSTEM_SETTINGS, ("reload_timestamp",)):
        run(conn, f"UPDATE {SYSTEM_SETTINGS} SET reload_timestamp = ?", as_text(now))
    return due


def only(conn: Connection) -> tuple[str, str | None] | None:
    """Return address and user group of the server, if there is one alone."""
    there = known_columns(conn, SERVERS, ("server_ip", "user_group"))
    if "server_ip" not in there:
        return None
    group = "user_group" if "user_group" in there else "NULL"
    rows = run(conn, f"SELECT server_ip, {group} FROM {SERVERS} LIMIT 2")
    return (rows[0][0], rows[0][1]) if len(rows) == 1 else None
