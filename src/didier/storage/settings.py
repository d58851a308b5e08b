"""What Didier remembers about a database: table ``didier_settings``."""

import sqlalchemy as sa
from sqlalchemy.engine import Connection

_READ = sa.text("SELECT value FROM didier_settings WHERE name = :name")
_FORGET = sa.text("DELETE FROM didier_settings WHERE name = :name")
_WRITE = sa.text("INSERT INTO didier_settings (name, value) VALUES (:name, :value)")


def read(conn: Connection, name: str) -> str | None:
    """Return the value stored under *name*, None if there is none."""
    return conn.execute(_READ, {"name": name}).scalar_one_or_none()


def write(conn: Connection, name: str, value: str) -> None:
    """Store *value* under *name*."""
    conn.execute(_FORGET, {"name": name})
    conn.execute(_WRITE, {"name": name, "value": value})
