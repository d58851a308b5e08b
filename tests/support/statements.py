"""How many statements a database is sent, by its own word."""

from collections.abc import Callable

from sqlalchemy.engine import Connection

from didier.storage.statements import run


def sent(conn: Connection, work: Callable[[], object]) -> int:
    """Do *work* on *conn*; return how many statements that took."""
    return len(traced(conn, work)) if conn.dialect.name == "sqlite" else _asked(conn, work)


def settled(count: Callable[[], int], times: int = 2) -> int:
    """Return the least of some counts: once a minute it is looked up anew which columns a table has.

    So it is of the rights on one; on a slow machine these come one after the other.
    """
    return min(count() for _ in range(times))


def traced(conn: Connection, work: Callable[[], object]) -> list[str]:
    """Do *work* on an embedded database; return the statements that it was sent."""
    statements: list[str] = []
    driver = conn.connection.driver_connection
    assert driver
    driver.set_trace_callback(statements.append)
    work()
    driver.set_trace_callback(None)
    return statements


def _asked(conn: Connection, work: Callable[[], object]) -> int:
    before = _questions(conn)
    work()
    return _questions(conn) - before - 1  # asking is one


def _questions(conn: Connection) -> int:
    [(_, count)] = run(conn, "SHOW SESSION STATUS LIKE 'Questions'")
    return int(count)
