"""What another program, such as VICIdial, does to the table of DIDs beside Didier."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy.engine import Connection

from didier.storage.dids.dids import STAMP
from didier.storage.statements import as_text, insert_one, known_columns, run
from didier.storage.tables import DIDS


def add(conn: Connection, values: Mapping[str, Any], now: datetime) -> int:
    """Add a DID with the columns in *values*, defaults elsewhere; return its id."""
    return insert_one(conn, DIDS, _known(conn, {**values, STAMP: as_text(now)}), "did_id")


def update(conn: Connection, did_id: int, values: Mapping[str, Any], now: datetime) -> None:
    """Set the columns in *values* of a DID."""
    changed = _known(conn, {**values, STAMP: as_text(now)})
    assignments = ", ".join(f"`{name}` = ?" for name in changed)
    run(conn, f"UPDATE {DIDS} SET {assignments} WHERE did_id = ?", *changed.values(), did_id)


def delete(conn: Connection, did_id: int) -> None:
    """Delete a DID."""
    run(conn, f"DELETE FROM {DIDS} WHERE did_id = ?", did_id)


def _known(conn: Connection, values: Mapping[str, Any]) -> dict[str, Any]:
    return {name: values[name] for name in known_columns(conn, DIDS, values)}
