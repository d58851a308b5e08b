"""Connections that write rows of calls: whether those that were lost have come to an end on the server too.

A client that gives a connection up does not know what becomes of what it has sent. A server that was stopped,
or cut off, may carry it out later; until its side of the connection has ended nobody can say what it wrote.
"""

from collections.abc import Collection
from contextlib import suppress
from dataclasses import dataclass

from sqlalchemy.engine import Connection
from sqlalchemy.exc import DBAPIError

from didier.storage import dialects
from didier.storage.statements import as_json, run


@dataclass(frozen=True, slots=True)
class Writer:
    """A connection: the *server*, the second at which it was *started*, and the connection's id there."""

    server: str
    started: int
    connection_id: int

    def is_on(self, other: "Writer") -> bool:
        """Say whether it is one to the same server, which has not been started anew since."""
        return self.server == other.server and abs(self.started - other.started) <= TOLERANCE


TOLERANCE = 2
"""Seconds by which two readings of the second of a start may differ."""


def of(conn: Connection) -> Writer:
    """Return the connection *conn*."""
    [(server, started, connection_id)] = run(conn, _ITSELF)
    return Writer(str(server), int(started), int(connection_id))


_ITSELF = (
    "SELECT CONCAT(@@hostname, ':', @@port), UNIX_TIMESTAMP() - VARIABLE_VALUE, CONNECTION_ID()"
    " FROM information_schema.GLOBAL_STATUS WHERE VARIABLE_NAME = 'UPTIME'"
)


def still_there(conn: Connection, writers: Collection[Writer]) -> set[Writer]:
    """End *writers*, but for *conn* itself; return those that have not ended yet."""
    own = of(conn)
    others = {
        one.connection_id: one for one in writers if one.is_on(own) and one.connection_id != own.connection_id
    }
    if not others:
        return set()
    sql = f"SELECT ID FROM information_schema.PROCESSLIST WHERE ID IN {dialects.of(conn).numbers}"
    there = [connection_id for (connection_id,) in run(conn, sql, as_json(list(others)))]
    for connection_id in there:
        with suppress(DBAPIError):  # it has just ended
            run(conn, "KILL ?", connection_id)
    return {others[connection_id] for connection_id in there}
