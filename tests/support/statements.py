"""How many statements a database is sent, by its own word."""

import math
from collections.abc import Callable
from unittest.mock import patch

from sqlalchemy.engine import Connection

from didier.storage import statements
from didier.storage.statements import run
from didier.storage.system import rights


def sent(conn: Connection, work: Callable[[], object]) -> int:
    """Do *work* on *conn*; return how many statements that took."""
    return len(traced(conn, work)) if conn.dialect.name == "sqlite" else _asked(conn, work)


def settled(count: Callable[[], int]) -> int:
    """Return what counting comes to when it is known which columns tables have, and what one may do there.

    Both are looked up once a minute; while it is counted, what is known does not age.
    """
    with patch.object(statements, "LOOK_AGAIN", math.inf), patch.object(rights, "LOOK_AGAIN", math.inf):
        count()
        return count()


def traced(conn: Connection, work: Callable[[], object]) -> list[str]:
    """Do *work* on an embedded database; return the statements that it was sent."""
    told: list[str] = []
    driver = conn.connection.driver_connection
    assert driver
    driver.set_trace_callback(told.append)
    work()
    driver.set_trace_callback(None)
    return told


def _asked(conn: Connection, work: Callable[[], object]) -> int:
    before = _questions(conn)
    work()
    return _questions(conn) - before - 1  # asking is one


def _questions(conn: Connection) -> int:
    [(_, count)] = run(conn, "SHOW SESSION STATUS LIKE 'Questions'")
    return int(count)
