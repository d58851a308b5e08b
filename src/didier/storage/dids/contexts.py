"""The contexts of the dialplans, as far as the database knows of them."""

import re
from collections.abc import Collection, Iterator

from sqlalchemy.engine import Connection

from didier.domain.checks import KNOWN_CONTEXTS
from didier.storage.statements import known_columns, like, run
from didier.storage.tables import CALL_MENU, PHONES, SERVERS, SYSTEM_SETTINGS

_NAMED = {SERVERS: ("ext_context",), PHONES: ("ext_context", "phone_context"), CALL_MENU: ("menu_id",)}
"""The columns that name a context; VICIdial makes one of each call menu."""

_WRITTEN = (SERVERS, SYSTEM_SETTINGS, CALL_MENU)
"""The tables in whose rows a part of the dialplan may be written out."""

_HEADING = re.compile(r"^\s*\[([^\]]+)\]", re.MULTILINE)


def known(conn: Connection, own: Collection[str]) -> set[str]:
    """Return the contexts that there are: *own*, VICIdial's, and those that rows name."""
    return {*KNOWN_CONTEXTS, *own, *_named(conn), *_written(conn)}


def _named(conn: Connection) -> Iterator[str]:
    for table, columns in _NAMED.items():
        for column in known_columns(conn, table, columns):
            yield from (row[0] for row in run(conn, f"SELECT DISTINCT {column} FROM {table}") if row[0])


def _written(conn: Connection) -> Iterator[str]:
    for table in _WRITTEN:
        for column in known_columns(conn, table, ("custom_dialplan_entry",)):
            sql = f"SELECT {column} FROM {table} WHERE {column} LIKE ? ESCAPE '!'"
            for (written,) in run(conn, sql, like("[")):
                yield from _HEADING.findall(written)
