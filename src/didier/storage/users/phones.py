"""The phones that users may be given: VICIdial's phones by their login, and its aliases for several."""

from collections.abc import Collection

from sqlalchemy.engine import Connection

from didier.storage import dialects, row_sets
from didier.storage.statements import as_json, known_columns, run
from didier.storage.tables import PHONES, PHONES_ALIAS

_LOGINS = ((PHONES, "login"), (PHONES_ALIAS, "alias_id"))


def missing(conn: Connection, logins: Collection[str]) -> set[str]:
    """Return those of *logins* that no phone and no alias has; none where there is no table of phones."""
    if not logins or not known_columns(conn, PHONES, ("login",)):
        return set()
    dialect, wanted, found = dialects.of(conn), as_json(logins), set[str]()
    for table, column in _LOGINS:
        if known_columns(conn, table, (column,)):
            joined = row_sets.joined(dialect, table, column)
            found.update(row[0] for row in run(conn, f"SELECT r.value FROM {joined}", wanted))
    return set(logins) - found
