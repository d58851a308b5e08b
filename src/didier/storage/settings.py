"""What Didier remembers about a database: table ``didier_settings``."""

from sqlalchemy.engine import Connection

from didier.storage.statements import run, scalar


def read(conn: Connection, name: str) -> str | None:
    """Return the value stored under *name*, None if there is none."""
    found: str | None = scalar(conn, "SELECT value FROM didier_settings WHERE name = ?", name)
    return found


def write(conn: Connection, name: str, value: str) -> None:
    """Store *value* under *name*."""
    run(conn, "DELETE FROM didier_settings WHERE name = ?", name)
    run(conn, "INSERT INTO didier_settings (name, value) VALUES (?, ?)", name, value)
