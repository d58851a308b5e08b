"""The rows of tables that were refused, as they were written: they are given back for another try.

They are pieces of ``didier_batch_input`` behind those of the text, and stay when that goes.
"""

import zlib
from collections.abc import Iterator, Mapping
from itertools import takewhile
from typing import Any

import orjson
from sqlalchemy.engine import Connection

from didier.domain.inputs import Row
from didier.storage.statements import run

FIRST = 1_000_000_000
"""Number of the first piece; the position of the first row in it is added."""


def keep(conn: Connection, batch_id: int, rows: Mapping[int, Row]) -> None:
    """Store the cells of *rows*, by position in the batch; rows that were no rows of a table have none."""
    found = [(position, row.line, row.cells) for position, row in sorted(rows.items()) if row.line]
    if found:
        content = zlib.compress(orjson.dumps(found))
        sql = "INSERT INTO didier_batch_input (batch_id, piece, content) VALUES (?, ?, ?)"
        run(conn, sql, batch_id, FIRST + found[0][0], content)


Cells = tuple[int, Mapping[str, str]]
"""The number of a row in its table, and its cells by column."""


def names(conn: Connection, batch_id: int) -> list[str]:
    """Return the columns of the rows that were kept, as they stand in them."""
    return list(dict.fromkeys(name for _, (_, cells) in _read(conn, batch_id, 0) for name in cells))


def between(conn: Connection, batch_id: int, first: int, last: int) -> dict[int, Cells]:
    """Return the rows that were kept of the positions from *first* to *last*, by position."""
    rows = takewhile(lambda row: row[0] <= last, _read(conn, batch_id, first))
    return {position: cells for position, cells in rows if position >= first}


def _read(conn: Connection, batch_id: int, first: int) -> Iterator[tuple[int, Cells]]:
    sql = "SELECT max(piece) FROM didier_batch_input WHERE batch_id = ? AND piece BETWEEN ? AND ?"
    [[begin]] = run(conn, sql, batch_id, FIRST, FIRST + first)
    last = FIRST - 1 if begin is None else begin - 1
    sql = (
        "SELECT piece, content FROM didier_batch_input WHERE batch_id = ? AND piece > ?"
        " ORDER BY piece LIMIT 1"
    )
    while rows := run(conn, sql, batch_id, last):
        last, content = rows[0]
        found: list[Any] = orjson.loads(zlib.decompress(bytes(content)))
        yield from ((position, (line, cells)) for position, line, cells in found)
