"""In-groups, call menus, phones and servers: their rows, as far as a call is routed by them.

Written in embedded databases alone: elsewhere the tables are VICIdial's, and its own pages fill them.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy.engine import Connection

from didier.domain.destinations import OPTION_FIELDS, Kind, Value
from didier.domain.users import EVERY_GROUP
from didier.storage import dialects, row_sets
from didier.storage.statements import as_json, columns_of, known_columns, like, run, run_change, scalar
from didier.storage.tables import CALL_MENU_OPTIONS

OPTION_COLUMNS = tuple(field.column for field in OPTION_FIELDS)

_ESCAPE = "'!'"

Option = Mapping[str, str | None]
"""An option of a call menu: values by column."""


@dataclass(frozen=True, slots=True)
class Destination:
    """A thing that DIDs lead to: values by column, None where VICIdial's version has no such column."""

    kind: Kind
    values: Mapping[str, Value]
    options: tuple[Option, ...] = ()

    @property
    def group(self) -> str:
        """The user group that it belongs to; older versions of VICIdial have none, and all see it."""
        return str(self.values.get("user_group") or EVERY_GROUP)

    @property
    def key(self) -> tuple[str, ...]:
        """What tells it from others of its kind."""
        return tuple(str(self.values[column]) for column in self.kind.key)


def are_ours(conn: Connection) -> bool:
    """Say whether Didier fills these tables; else they are VICIdial's."""
    return dialects.of(conn).is_embedded


def page(
    conn: Connection,
    kind: Kind,
    text: str,
    groups: Collection[str] | None,
    limit: int,
    after: Sequence[str | int] | None = None,
) -> list[Destination]:
    """Return *limit* things whose key or name *text* is a part of, by key; those behind the key *after*.

    With *groups* only what belongs to one of these user groups.
    """
    if kind.key[0] not in columns_of(conn, kind.table):
        return []  # the version has no such table, or the database user may not read it
    searched = known_columns(conn, kind.table, (*kind.key, kind.called))
    conditions = [f"{column} IS NOT NULL" for column in kind.key]
    conditions.append(f"({' OR '.join(f'{column} LIKE ? ESCAPE {_ESCAPE}' for column in searched)})")
    values: list[Any] = [like(text)] * len(searched)
    if groups is not None and "user_group" in columns_of(conn, kind.table):
        conditions.append(f"user_group IN {dialects.of(conn).texts}")
        values.append(as_json([*sorted(groups), EVERY_GROUP]))
    if after is not None:
        conditions.append(f"({', '.join(kind.key)}) > ({', '.join('?' * len(kind.key))})")
        values += after
    order = ", ".join(kind.key)
    return _found(conn, kind, f"WHERE {' AND '.join(conditions)} ORDER BY {order} LIMIT ?", *values, limit)


def find(conn: Connection, kind: Kind, key: Sequence[str]) -> Destination | None:
    """Return the thing with *key*, None without one."""
    if kind.key[0] not in columns_of(conn, kind.table):
        return None
    found = _found(conn, kind, f"WHERE {' AND '.join(f'{column} = ?' for column in kind.key)}", *key)
    return found[0] if found else None


def _found(conn: Connection, kind: Kind, rest: str, *values: Any) -> list[Destination]:
    columns = known_columns(conn, kind.table, kind.columns)
    names = ", ".join(f"`{column}`" for column in columns)
    rows = run(conn, f"SELECT {names} FROM {kind.table} {rest}", *values)
    nothing: dict[str, Value] = dict.fromkeys(kind.columns)
    things = [{**nothing, **dict(zip(columns, row, strict=True))} for row in rows]
    options = _options(conn, [str(one["menu_id"]) for one in things]) if kind.has_options else {}
    return [Destination(kind, one, tuple(options.get(_menu(one), ()))) for one in things]


def _menu(values: Mapping[str, Value]) -> str:
    return str(values.get("menu_id")).lower()


def _options(conn: Connection, menus: Sequence[str]) -> dict[str, list[Option]]:
    """Return the options of *menus* by menu, in the order of what is pressed."""
    if not menus or not columns_of(conn, CALL_MENU_OPTIONS):
        return {}
    columns = ("menu_id", *OPTION_COLUMNS)
    keys = [(menu,) for menu in menus]
    found: dict[str, list[Option]] = {}
    for row in row_sets.find(conn, CALL_MENU_OPTIONS, ("menu_id",), keys, columns):
        option = dict(zip(columns, row, strict=True))
        found.setdefault(_menu(option), []).append({name: option[name] for name in OPTION_COLUMNS})
    return {menu: sorted(ones, key=_pressed) for menu, ones in found.items()}


def _pressed(option: Option) -> str:
    return str(option["option_value"])


def address_holder(conn: Connection, kind: Kind, server_ip: str) -> str | None:
    """Return the server that has the address *server_ip*, None without one."""
    found = scalar(conn, f"SELECT server_id FROM {kind.table} WHERE server_ip = ? LIMIT 1", server_ip)
    return None if found is None else str(found)


def insert(conn: Connection, kind: Kind, values: Mapping[str, Value], options: Sequence[Option]) -> None:
    """Add a thing; what *values* do not have gets its default."""
    row_sets.insert_each(conn, kind.table, [values])
    _insert_options(conn, values, options)


def update(
    conn: Connection, there: Destination, values: Mapping[str, Value], options: Sequence[Option] | None
) -> None:
    """Set columns of a thing, and unless they are None its *options* in place of those that it has."""
    kind = there.kind
    if values:
        assignments = ", ".join(f"`{column}` = ?" for column in values)
        where = " AND ".join(f"{column} = ?" for column in kind.key)
        run_change(conn, f"UPDATE {kind.table} SET {assignments} WHERE {where}", *values.values(), *there.key)
    if options is not None:
        _delete_options(conn, there)
        _insert_options(conn, there.values, options)


def delete(conn: Connection, there: Destination) -> None:
    """Remove a thing, and the options of a call menu with it."""
    row_sets.delete(conn, there.kind.table, there.kind.key, [there.key])
    if there.kind.has_options:
        _delete_options(conn, there)


def _insert_options(conn: Connection, values: Mapping[str, Value], options: Sequence[Option]) -> None:
    rows = [{"menu_id": values["menu_id"], **option} for option in options]
    row_sets.insert_each(conn, CALL_MENU_OPTIONS, rows)


def _delete_options(conn: Connection, there: Destination) -> None:
    row_sets.delete(conn, CALL_MENU_OPTIONS, ("menu_id",), [there.key])
