"""Ranks and grades of users in campaigns and in-groups, as VICIdial keeps them, and of agents at work."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

from sqlalchemy.engine import Connection

from didier.domain.ranks import NewRank, Place
from didier.storage import dialects, row_sets
from didier.storage.changes import event_sql
from didier.storage.statements import as_json, columns_of, known_columns, run, run_change
from didier.storage.system.rights import may
from didier.storage.tables import (
    CAMPAIGN_AGENTS,
    CAMPAIGNS,
    IN_GROUP_AGENTS,
    IN_GROUPS,
    LIVE_AGENTS,
    LIVE_INBOUND_AGENTS,
    OPTIONAL_RIGHTS,
)


@dataclass(frozen=True, slots=True)
class _Tables:
    """Where ranks of one kind stand: of users, what they have them in, and of the agents at work now."""

    agents: str
    places: str
    live: str
    prefix: str  # of the columns


_TABLES: Mapping[Place, _Tables] = MappingProxyType({
    Place.CAMPAIGN: _Tables(CAMPAIGN_AGENTS, CAMPAIGNS, LIVE_AGENTS, "campaign"),
    Place.IN_GROUP: _Tables(IN_GROUP_AGENTS, IN_GROUPS, LIVE_INBOUND_AGENTS, "group"),
})  # fmt: skip

# What is counted of the calls of a user is not another's.
_COUNTED = frozenset({"calls_today", "calls_today_filtered", "hopper_calls_today", "hopper_calls_hour"})


@dataclass(frozen=True, slots=True)
class Written:
    """How many rows were written, counted as VICIdial's ``ON DUPLICATE KEY UPDATE`` does: a change is two."""

    rows: int
    live: int


def are_kept(conn: Connection, place: Place) -> bool:
    """Say whether this database has ranks of the kind, and lets its user change them."""
    table = _TABLES[place].agents
    return place.key in columns_of(conn, table) and may(conn, table, OPTIONAL_RIGHTS[table])


def is_there(conn: Connection, place: Place, key: str) -> bool:
    """Say whether there is such a campaign or in-group."""
    table = _TABLES[place].places
    if place.key not in columns_of(conn, table):
        return False
    return bool(run(conn, f"SELECT 1 FROM {table} WHERE {place.key} = ?", key))


def write(conn: Connection, user: str, new: NewRank) -> Written:
    """Give *user* a new rank; what there was no rank in gets the default of the other number."""
    tables = _TABLES[new.place]
    values = _columns(conn, tables.agents, tables.prefix, new)
    changed = _change(conn, tables.agents, values, user, new, _exists(tables, new.place))
    added = _add(conn, tables, values, user, new)
    return Written(added + 2 * changed, _write_live(conn, tables, user, new))


def _columns(conn: Connection, table: str, prefix: str, new: NewRank) -> dict[str, int]:
    values = _values(prefix, new)
    return {name: values[name] for name in known_columns(conn, table, values)}


def _values(prefix: str, new: NewRank) -> dict[str, int]:
    # The weight is the rank, for the dialer's own arithmetic.
    wanted = {"rank": new.rank_value, "weight": new.rank_value, "grade": new.grade_value}
    return {f"{prefix}_{name}": value for name, value in wanted.items() if value is not None}


def _exists(tables: _Tables, place: Place) -> str:
    return f"{place.key} IN (SELECT {place.key} FROM {tables.places})"


def _change(
    conn: Connection, table: str, values: Mapping[str, int], user: str, new: NewRank, where: str
) -> int:
    """Change the rows of *user* that differ; return how many there were."""
    if not values:
        return 0
    assignments = ", ".join(f"{name} = ?" for name in values)
    differs = " OR ".join(f"COALESCE({name}, 127) <> ?" for name in values)
    only, key = _only(new, new.place.key)
    sql = f"UPDATE {table} SET {assignments} WHERE user = ? AND ({differs}) AND {where}{only}"
    return run_change(conn, sql, *values.values(), user, *values.values(), *key)


def _add(conn: Connection, tables: _Tables, values: Mapping[str, int], user: str, new: NewRank) -> int:
    """Add the rows that *user* does not have yet; return how many."""
    key = new.place.key
    only, given = _only(new, f"p.{key}")
    columns = ", ".join(("user", key, *values))
    selected = ", ".join(("?", f"p.{key}", *("?" for _ in values)))
    there = f"SELECT 1 FROM {tables.agents} AS a WHERE a.user = ? AND a.{key} = p.{key}"
    sql = (
        f"INSERT INTO {tables.agents} ({columns})"
        f" SELECT {selected} FROM {tables.places} AS p WHERE NOT EXISTS ({there}){only}"
    )
    return run_change(conn, sql, user, *values.values(), user, *given)


def _write_live(conn: Connection, tables: _Tables, user: str, new: NewRank) -> int:
    """Change what counts for an agent who is at work; return for how many sessions."""
    values = _columns(conn, tables.live, tables.prefix, new)
    if not values or not may(conn, tables.live, OPTIONAL_RIGHTS[tables.live]):
        return 0
    return _change(conn, tables.live, values, user, new, "TRUE")


def _only(new: NewRank, column: str) -> tuple[str, Sequence[str]]:
    return ("", ()) if new.only is None else (f" AND {column} = ?", (new.only,))


def as_sql(user: str, new: NewRank) -> str:
    """Return the change for people to read."""
    tables = _TABLES[new.place]
    key = {"user": user, **({} if new.only is None else {new.place.key: new.only})}
    return event_sql.updated(tables.agents, _values(tables.prefix, new), key)


def having(conn: Connection, place: Place, names: Collection[str]) -> set[str]:
    """Return those of the users *names* who have ranks, if Didier may change them."""
    if not names or not are_kept(conn, place):
        return set()
    joined = row_sets.joined(dialects.of(conn), _TABLES[place].agents, "user")
    return {row[0] for row in run(conn, f"SELECT DISTINCT r.value FROM {joined}", as_json(names))}


def copy(conn: Connection, place: Place, source: str, user: str) -> int:
    """Give *user* the ranks of *source*, see `having`; return in how many campaigns or in-groups."""
    table, key = _TABLES[place].agents, place.key
    copied = [name for name in columns_of(conn, table) if name not in {"user", *_COUNTED}]
    selected = ", ".join(f"s.{name}" for name in copied)
    there = f"SELECT 1 FROM {table} AS a WHERE a.user = ? AND a.{key} = s.{key}"
    sql = (
        f"INSERT INTO {table} (user, {', '.join(copied)})"
        f" SELECT ?, {selected} FROM {table} AS s WHERE s.user = ? AND NOT EXISTS ({there})"
    )
    return run_change(conn, sql, user, source, user)


def forget(conn: Connection, names: Collection[str]) -> None:
    """Remove the ranks of users who are deleted."""
    for place in Place:
        for name in having(conn, place, names):
            run(conn, f"DELETE FROM {_TABLES[place].agents} WHERE user = ?", name)
