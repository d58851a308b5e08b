"""Changes as SQL for the column ``event_sql`` of VICIdial's admin log, which its pages show.

VICIdial keeps the last statement that it ran there. Didier's own statements have no values in them, as these
are bound; what is written here is the statement that would do the same to one row, for people to read. It is
never run, and passwords are not in it.
"""

import re
from collections.abc import Mapping
from typing import Any

from didier.masking import MASK
from didier.storage.tables import DIDS

LIMIT = 10_000
"""Most characters that are kept."""

_SECRET = frozenset({"pass", "pass_hash", "phone_pass"})
# What every change sets, and what tells rows apart.
_UNSAID = frozenset({"did_id", "did_pattern", "modify_stamp", "version"})
# VICIdial's tables are utf8mb3.
_UNSTORABLE = re.compile("[\U00010000-\U0010ffff]")


def inserted(table: str, values: Mapping[str, Any]) -> str:
    """Return the statement that adds a row with *values*."""
    return _kept(f"INSERT INTO {table} SET {_assigned(values)}")


def updated(table: str, values: Mapping[str, Any], key: Mapping[str, Any] | None = None) -> str:
    """Return the statement that sets *values* in the row with *key*, or in all rows."""
    where = f" WHERE {_assigned(key, ' AND ')}" if key else ""
    return _kept(f"UPDATE {table} SET {_assigned(values)}{where}")


def deleted(table: str, key: Mapping[str, Any]) -> str:
    """Return the statement that deletes the row with *key*."""
    return _kept(f"DELETE FROM {table} WHERE {_assigned(key, ' AND ')}")


def copied(table: str, values: Mapping[str, Any], key: Mapping[str, Any]) -> str:
    """Return the statement that adds a row like that with *key* but for *values*."""
    names = ", ".join([*values, "..."])
    selected = ", ".join([*(_literal(name, value) for name, value in values.items()), "..."])
    where = _assigned(key, " AND ")
    return _kept(f"INSERT INTO {table} ({names}) SELECT {selected} FROM {table} WHERE {where}")


def of_did(before: Mapping[str, Any] | None, after: Mapping[str, Any] | None) -> str:
    """Return the statement that makes the row *after* of the DID *before*; None: there is none."""
    if after is None:
        image = before or {}
        return deleted(DIDS, {name: image[name] for name in ("did_id", "did_pattern") if name in image})
    if before is None:
        said = {
            name: value for name, value in after.items() if name not in _UNSAID and value not in ("", None)
        }
        return inserted(DIDS, {"did_pattern": after.get("did_pattern", ""), **said})
    changed = {name: value for name, value in after.items() if value != before.get(name)}
    said = {name: value for name, value in changed.items() if name not in _UNSAID - {"did_pattern"}}
    return updated(DIDS, said, {"did_id": after.get("did_id")}) if said else ""


def _assigned(values: Mapping[str, Any], between: str = ", ") -> str:
    return between.join(f"{name}={_literal(name, value)}" for name, value in values.items())


def _literal(name: str, value: Any) -> str:
    if value is None:
        return "NULL"
    text = MASK if name in _SECRET and value else str(value)
    return "'{}'".format(text.replace("'", "''"))


def _kept(text: str) -> str:
    return (text if text.isascii() else _UNSTORABLE.sub("?", text))[:LIMIT]
