"""Copies of users."""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy.engine import Connection

from didier.storage import dialects
from didier.storage.dialects import SqlDialect
from didier.storage.statements import bound_rows, cache_some, columns_of, run
from didier.storage.tables import USERS

# What makes a user who they are, what VICIdial counts of their sign-ins, and the two columns that its own
# copy leaves at their defaults: shift_override_flag lets in once, manual_dial_lead_id came later.
_NOT_COPIED = frozenset({
    "user_id", "user", "pass", "pass_hash", "full_name", "modify_stamp", "failed_login_count",
    "failed_login_attempts_today", "failed_login_count_today", "failed_last_ip_today",
    "failed_last_type_today", "last_login_date", "last_ip", "shift_override_flag", "manual_dial_lead_id",
})  # fmt: skip


def make(conn: Connection, copies: Sequence[tuple[int, Mapping[str, Any]]]) -> None:
    """Make users from pairs of a source's id and the columns that are given.

    The rest is the source's, but for what is nobody else's. What is given to some of the copies alone, the
    others have of their sources; a value that is given is no NULL.
    """
    if not copies:
        return
    there = columns_of(conn, USERS)
    given = tuple(dict.fromkeys(name for _, values in copies for name in values if name in there))
    always = tuple(name for name in given if all(name in values for _, values in copies))
    rows = [(source_id, *(values.get(name) for name in given)) for source_id, values in copies]
    dialect = dialects.of(conn)
    columns = ("source_id", *(f"v{i}" for i in range(len(given))))
    source, bound = bound_rows(dialect, columns, rows, any_letter=True)
    run(conn, _sql(dialect, source, there, given, always), *bound)


@cache_some
def _sql(
    dialect: SqlDialect, source: str, there: tuple[str, ...], given: tuple[str, ...], always: tuple[str, ...]
) -> str:
    copied = [f"`{name}`" for name in there if name not in _NOT_COPIED and name not in given]
    new = [f"r.v{i}" if name in always else _or(dialect, f"r.v{i}", name) for i, name in enumerate(given)]
    names = ", ".join([*(f"`{name}`" for name in given), *copied])
    selected = ", ".join([*new, *(f"t.{name}" for name in copied)])
    joined = f"{source} {dialect.forced_join} {USERS} AS t ON t.user_id = CAST(r.source_id AS INTEGER)"
    return f"INSERT INTO {USERS} ({names}) SELECT {selected} FROM {joined} ORDER BY r.n"


def _or(dialect: SqlDialect, value: str, name: str) -> str:
    return f"COALESCE({dialect.mixable(value)}, t.`{name}`)"
