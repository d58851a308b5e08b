"""User groups, and what they give their users."""

from collections.abc import Collection
from datetime import datetime
from functools import cache

from sqlalchemy.engine import Connection

from didier.storage import dialects, row_sets
from didier.storage.dialects import SqlDialect
from didier.storage.statements import as_json, as_text, insert, known_columns, only_known, run
from didier.storage.tables import USER_GROUPS

_COLUMNS = ("admin_viewable_groups", "api_ip_list")

Settings = tuple[str | None, str]
"""What a user group gives its users: the groups that they see, and the name of its address list."""


def find(conn: Connection, names: Collection[str]) -> dict[str, Settings]:
    """Return the settings of the user groups that are there of *names*, by the name that was asked for."""
    if not names:
        return {}
    columns = known_columns(conn, USER_GROUPS, _COLUMNS)
    found: dict[str, Settings] = {}
    for name, *values in run(conn, _sql(dialects.of(conn), columns), as_json(names)):
        row = dict(zip(columns, values, strict=True))
        found[name] = row.get("admin_viewable_groups"), row.get("api_ip_list") or ""
    return found


@cache
def _sql(dialect: SqlDialect, columns: tuple[str, ...]) -> str:
    selected = ", ".join(["r.value", *(f"t.{name}" for name in columns)])
    return f"SELECT {selected} FROM {row_sets.joined(dialect, USER_GROUPS, 'user_group')}"


def add(conn: Connection, name: str, title: str, viewable: str, now: datetime) -> None:
    """Make a user group that sees the DIDs of the groups in *viewable*."""
    columns = ("user_group", "group_name", "admin_viewable_groups", "modify_stamp")
    rows = [(name, title, viewable, as_text(now))]
    insert(conn, USER_GROUPS, *only_known(conn, USER_GROUPS, columns, rows))
