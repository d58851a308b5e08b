"""Edges: what agents beside SIP proxies say of themselves, and who is told.

An edge is its user's: they see it, and their reports alone go on with it. Who manages webhooks, and so sends
changes to others, sees all edges and may take each over.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy.engine import Connection

from didier.domain import edges as rules
from didier.domain.edges import BEHIND_MOST, MOST, MOST_OF_USER, SEEN_SECONDS, Report
from didier.errors import EdgeNotFound, EdgeOfAnother, EdgesOff, InvalidField, Refusal
from didier.services.changes import webhooks
from didier.services.users.authentication import Caller
from didier.storage.changes import edges, sequence
from didier.storage.changes.edges import Edge


@dataclass(frozen=True, slots=True)
class ReportEdge:
    """An order to store how an edge stands."""

    caller: Caller
    report: Report


@dataclass(frozen=True, slots=True)
class DeleteEdge:
    """An order to forget an edge."""

    caller: Caller
    name: str


@dataclass(frozen=True, slots=True)
class Standing:
    """An edge as it is shown: *behind* are the changes that it has still to do."""

    edge: Edge
    behind: int
    is_connected: bool

    @classmethod
    def of(cls, edge: Edge, newest: int, now: datetime) -> "Standing":
        """Return how an edge stands at a moment in which the last change has the number *newest*."""
        # A restored database may have fewer changes than the edge has done.
        behind = max(0, newest - edge.report.sequence)
        return cls(edge, behind, now - edge.seen_at <= timedelta(seconds=SEEN_SECONDS))

    @property
    def is_in_trouble(self) -> bool:
        """Whether people are to be told of it."""
        return not self.is_connected or self.behind > BEHIND_MOST


def are_kept(conn: Connection) -> bool:
    """Say whether edges are stored here."""
    return edges.are_kept(conn)


def _is_theirs(caller: Caller, edge: Edge) -> bool:
    return edge.user_id == caller.user.user_id or webhooks.not_permitted(caller) is None


def every(conn: Connection, caller: Caller, now: datetime) -> list[Standing]:
    """Return the edges that the caller has to do with, by name."""
    newest = sequence.newest(conn)
    found = [one for one in edges.every(conn) if _is_theirs(caller, one)]
    return [Standing.of(one, newest, now) for one in sorted(found, key=lambda one: one.name.lower())]


def in_trouble(conn: Connection, caller: Caller, now: datetime) -> list[Standing]:
    """Return those of them that are not heard of any more, or far behind."""
    return [one for one in every(conn, caller, now) if one.is_in_trouble]


def report(conn: Connection, orders: Sequence[ReportEdge], now: datetime) -> list[Standing | Refusal]:
    """Store how edges stand."""
    return [_report(conn, order, now) for order in orders]


def _report(conn: Connection, order: ReportEdge, now: datetime) -> Standing | Refusal:
    caller, said = order.caller, order.report
    if not edges.are_kept(conn):
        return EdgesOff()
    if bad := rules.problem(said):
        return bad
    there = edges.one(conn, said.name)
    if there and not _is_theirs(caller, there):
        return EdgeOfAnother(there.name)
    if there is None and (full := _full(caller, edges.every(conn))):
        return InvalidField("name", said.name, full)
    edge = Edge(said, caller.user.user_id, caller.user.name, caller.address, now.replace(microsecond=0))
    edges.put(conn, edge)
    return Standing.of(edge, sequence.newest(conn), now)


def _full(caller: Caller, there: Sequence[Edge]) -> str | None:
    """Say what is allowed instead of one more edge; None: it may be."""
    if len(there) >= MOST:
        return f"one of the {MOST} that are there, or delete some first"
    own = sum(one.user_id == caller.user.user_id for one in there)
    if own >= MOST_OF_USER and webhooks.not_permitted(caller):
        return f"one of your {MOST_OF_USER} that are there, or delete some first"
    return None


def delete(conn: Connection, orders: Sequence[DeleteEdge], now: datetime) -> list[Edge | Refusal]:
    """Forget edges; one that reports again is there again."""
    return [_delete(conn, order) for order in orders]


def _delete(conn: Connection, order: DeleteEdge) -> Edge | Refusal:
    if not edges.are_kept(conn):
        return EdgesOff()
    there = edges.one(conn, order.name)
    if there is None or not _is_theirs(order.caller, there):
        return EdgeNotFound(order.name)
    edges.remove(conn, there.name)
    return there
