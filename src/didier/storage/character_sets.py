"""Which letters a table can hold. Old VICIdial databases are latin1."""

import weakref
from collections.abc import Mapping
from types import MappingProxyType

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from didier.storage import dialects
from didier.storage.statements import run

# MariaDB's names, and Python's of the same. Those of Unicode hold whatever the rules of the fields allow.
_ENCODINGS: Mapping[str, str] = MappingProxyType({
    "ascii": "ascii", "latin1": "cp1252", "latin2": "iso8859_2", "latin5": "iso8859_9",
    "latin7": "iso8859_13", "greek": "iso8859_7", "hebrew": "iso8859_8", "koi8r": "koi8_r", "koi8u": "koi8_u",
    "cp1250": "cp1250", "cp1251": "cp1251", "cp1256": "cp1256", "cp1257": "cp1257",
})  # fmt: skip

_known: weakref.WeakKeyDictionary[sa.Dialect, dict[str, str | None]] = weakref.WeakKeyDictionary()


def encoding_of(conn: Connection, table: str) -> str | None:
    """Return Python's name of the encoding whose letters *table* can hold; None where it can hold all."""
    if dialects.of(conn).is_embedded:
        return None
    known = _known.setdefault(conn.dialect, {})
    if table not in known:
        names = [row[0] for row in run(conn, _SETS, table)]
        known[table] = next((_ENCODINGS[name] for name in names if name in _ENCODINGS), None)
    return known[table]


_SETS = (
    "SELECT DISTINCT character_set_name FROM information_schema.columns"
    " WHERE table_schema = database() AND table_name = ? AND data_type <> 'enum'"
)


def can_hold(encoding: str, text: str) -> bool:
    """Say whether *text* has only letters of an encoding."""
    try:
        text.encode(encoding)
    except UnicodeEncodeError:
        return False
    return True
