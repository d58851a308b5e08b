"""Edges, and how each has said that it stands: table ``didier_edges``, which Didier can do without."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy.engine import Connection

from didier.domain.edges import Report
from didier.storage.statements import as_moment, as_text, columns_of, insert, run
from didier.storage.system.rights import may
from didier.storage.tables import EDGES

_RIGHTS = ("SELECT", "INSERT", "UPDATE", "DELETE")
_REPORTED = ("name", "sequence", "numbers", "kamailio", "version", "pending_calls", "detail")
_COLUMNS = (*_REPORTED, "user_id", "user_name", "address", "seen_at")
_SELECT = f"SELECT {', '.join(_COLUMNS)} FROM {EDGES}"


@dataclass(frozen=True, slots=True)
class Edge:
    """An edge: its last report, who has made it from where, and when."""

    report: Report
    user_id: int
    user: str
    address: str
    seen_at: datetime

    @property
    def name(self) -> str:
        """What it calls itself."""
        return self.report.name


def are_kept(conn: Connection) -> bool:
    """Say whether the table is there, and the database user may use it."""
    return bool(columns_of(conn, EDGES)) and may(conn, EDGES, _RIGHTS)


def every(conn: Connection) -> list[Edge]:
    """Return all edges, of which there are few; none where they are not kept."""
    return [_edge(row) for row in run(conn, _SELECT)] if columns_of(conn, EDGES) else []


def one(conn: Connection, name: str) -> Edge | None:
    """Return the edge *name*."""
    rows = run(conn, f"{_SELECT} WHERE name = ?", name)
    return _edge(rows[0]) if rows else None


def _edge(row: Sequence[Any]) -> Edge:
    *reported, user_id, user, address, seen_at = row
    report = Report(**dict(zip(_REPORTED, reported, strict=True)))
    return Edge(report, user_id, user, address, as_moment(seen_at) or datetime.min)


def put(conn: Connection, edge: Edge) -> None:
    """Store an edge in the place of the one with its name."""
    remove(conn, edge.name)
    reported = [getattr(edge.report, name) for name in _REPORTED]
    row = (*reported, edge.user_id, edge.user[:20], edge.address[:45], as_text(edge.seen_at))
    insert(conn, EDGES, _COLUMNS, [row])


def remove(conn: Connection, name: str) -> None:
    """Delete an edge."""
    run(conn, f"DELETE FROM {EDGES} WHERE name = ?", name)
