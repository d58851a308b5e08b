"""Things of Didier's own that a field of DIDs names: a table for each kind, by name.

Such a table begins with the columns ``name`` and ``user_group``, and has ``updated_at``. Didier can do
without it.
"""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Generic, TypeVar

from sqlalchemy.engine import Connection

from didier.domain.users import EVERY_GROUP
from didier.storage import dialects
from didier.storage.dids import did_fields
from didier.storage.statements import as_json, as_text, columns_of, insert, like, run, run_change
from didier.storage.system.rights import may
from didier.storage.tables import DIDS

_RIGHTS = ("SELECT", "INSERT", "UPDATE", "DELETE")

Thing = TypeVar("Thing")


@dataclass(frozen=True, slots=True)
class NamedTable(Generic[Thing]):
    """A *table* of things that the *field* of DIDs names.

    *columns* come behind name and user group; *read* makes a thing of all of them, and None of what is none
    any more: whatever somebody has stored there in SQL, no call may be lost over it.
    """

    table: str
    field: str
    columns: tuple[str, ...]
    read: Callable[..., Thing | None]

    def are_kept(self, conn: Connection) -> bool:
        """Say whether the table is there, and the database user may use it."""
        return bool(columns_of(conn, self.table)) and may(conn, self.table, _RIGHTS)

    def by_name(self, conn: Connection, names: Collection[str]) -> dict[str, Thing]:
        """Return those that are called *names*, in any case, by the names that were asked for."""
        if not columns_of(conn, self.table):
            return {}
        rows = run(conn, f"{self._select} WHERE name IN {dialects.of(conn).texts}", as_json(names))
        there = {str(row[0]).lower(): self.read(*row) for row in rows}
        known = {name: there.get(name.lower()) for name in names}
        return {name: thing for name, thing in known.items() if thing}

    def page(
        self, conn: Connection, text: str, groups: Collection[str] | None, limit: int, after: str
    ) -> list[Thing]:
        """Return *limit* things that *text* is a part of the names of, behind *after*, by name.

        With *groups* only those of these user groups.
        """
        where, values = "name > ? AND name LIKE ? ESCAPE '!'", [after, like(text)]
        if groups is not None:
            where += f" AND user_group IN {dialects.of(conn).texts}"
            values.append(as_json([*sorted(groups), EVERY_GROUP]))
        return self._things(run(conn, f"{self._select} WHERE {where} ORDER BY name LIMIT ?", *values, limit))

    def every(self, conn: Connection) -> list[Thing]:
        """Return all things, by name; none where they are not kept."""
        if not columns_of(conn, self.table):
            return []
        return self._things(run(conn, f"{self._select} ORDER BY name"))

    def one(self, conn: Connection, name: str) -> Thing | None:
        """Return the thing called *name*."""
        rows = run(conn, f"{self._select} WHERE name = ?", name)
        return self.read(*rows[0]) if rows else None

    def put(self, conn: Connection, name: str, group: str, values: Sequence[Any], now: datetime) -> None:
        """Store a thing in the place of the one with its name; *values* are those of the columns."""
        self.remove(conn, name)
        columns = ("name", "user_group", *self.columns, "updated_at")
        insert(conn, self.table, columns, [(name, group, *values, as_text(now))])

    def remove(self, conn: Connection, name: str) -> bool:
        """Delete a thing; say whether there was one."""
        return run_change(conn, f"DELETE FROM {self.table} WHERE name = ?", name) > 0

    def count(self, conn: Connection) -> int:
        """Return how many things there are."""
        return int(run(conn, f"SELECT COUNT(*) FROM {self.table}")[0][0])

    def users(self, conn: Connection, name: str, limit: int) -> list[tuple[str, str | None]]:
        """Return pattern and user group of *limit* DIDs that have the thing *name*."""
        sql = (
            f"SELECT d.did_pattern, d.user_group FROM {did_fields.TABLE} AS f JOIN {DIDS} AS d"
            f" ON d.did_id = f.did_id WHERE LOWER(f.{self.field}) = LOWER(?) ORDER BY d.did_id LIMIT ?"
        )
        return [(str(pattern), group) for pattern, group in run(conn, sql, name, limit)]

    @property
    def _select(self) -> str:
        return f"SELECT {', '.join(('name', 'user_group', *self.columns))} FROM {self.table}"

    def _things(self, rows: Sequence[Sequence[Any]]) -> list[Thing]:
        return [thing for thing in (self.read(*row) for row in rows) if thing]
