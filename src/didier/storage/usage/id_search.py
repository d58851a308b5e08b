"""Finding rows by time where ids alone are indexed: both grow together."""

from datetime import datetime

from sqlalchemy.engine import Connection

from didier.storage.statements import as_moment, run


def first_since(conn: Connection, table: str, key: str, column: str, since: datetime) -> int:
    """Return the least id from which on the rows of *table* are not older than *since*.

    *key* is the primary key, *column* the time: a binary search, so some 20 rows are read of a million.
    """
    # SQLite looks only one of them up in the index when both are asked for together.
    ends = f"SELECT (SELECT MIN({key}) FROM {table}), (SELECT MAX({key}) FROM {table})"
    least, most = run(conn, ends)[0]
    if most is None:
        return 0
    below, above = int(least), int(most) + 1
    find = f"SELECT {key}, {column} FROM {table} WHERE {key} >= ? ORDER BY {key} LIMIT 1"
    while below < above:
        middle = (below + above) // 2
        found, moment = run(conn, find, middle)[0]
        if (as_moment(moment) or datetime.min) >= since:
            above = middle
        else:
            below = int(found) + 1
    return below
