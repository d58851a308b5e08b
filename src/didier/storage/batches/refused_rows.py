"""The rows of tables that were refused, as they were written: they are given back for another try.

They are pieces of ``didier_batch_input`` behind those of the text, and stay when that goes.
"""

import zlib
from collections.abc import Iterator, Mapping
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


def read(conn: Connection, batch_id: int) -> Iterator[tuple[int, int, Mapping[str, str]]]:
    """Yield position, number of the row in its table, and cells by column, of each row that was kept."""
    last = FIRST - 1
    sql = (
        "SELECT piece, content FROM didier_batch_input WHERE batch_id = ? AND piece > ?"
        " ORDER BY piece LIMIT 1"
    )
    while rows := run(conn, sql, batch_id, last):
        last, content = rows[0]
        found: list[Any] = orjson.loads(zlib.decompress(bytes(content)))
        yield from map(tuple, found)
