"""Ids of users beside their names, what their callers saw, and failed sign-ins under names of nobody.

Names of users may be changed or given out again, and two may look alike; an id is given out once. The names
stay, for people and for processes of the release before.
"""

from collections.abc import Collection

import sqlalchemy as sa
from alembic import op

from didier.storage.migrations import INNODB, add_column

revision = "0005"
down_revision = "0004"

_IDS = (
    ("didier_batches", "user_id", "user_name"),
    ("didier_batches", "undone_by_id", "undone_by"),
    ("didier_history", "user_id", "user_name"),
    ("didier_locked_dids", "user_id", "user_name"),
    ("didier_tokens", "created_by_id", "created_by"),
    ("didier_lockouts", "user_id", "user_name"),
)
"""Tables that say who did something: the new column, and that with the name."""


def upgrade() -> None:
    for table, column, name in _IDS:
        if add_column(table, sa.Column(column, sa.Integer)):  # NULL: nobody with an id, or gone
            _fill(table, column, name)
    # A JSON list in small letters of the groups whose DIDs the caller saw, null for all; NULL: not known.
    add_column("didier_batches", sa.Column("caller_groups", sa.Text))
    # 0003 got it when databases at that revision were in use already.
    add_column("didier_batches", sa.Column("undo_groups", sa.Text))
    op.create_index("didier_lockouts_user", "didier_lockouts", ["user_id"], if_not_exists=True)
    _own_idempotency()
    op.create_table(
        "didier_unknown_names",  # failed sign-ins under names that no user has
        sa.Column("digest", sa.String(64), primary_key=True),  # keyed hash of the name
        sa.Column("failures", sa.Integer, nullable=False),
        sa.Column("failed_at", sa.Float(53), nullable=False),  # seconds since the epoch
        if_not_exists=True,
        **INNODB,
    )
    op.create_index("didier_unknown_names_at", "didier_unknown_names", ["failed_at"], if_not_exists=True)


def _fill(table: str, column: str, name: str) -> None:
    """Write the id of the user with each name, in one pass over the table for many names."""
    conn = op.get_bind()
    names = [row[0] for row in conn.execute(sa.text(f"SELECT DISTINCT {name} FROM {table}")) if row[0]]
    known = _ids(names)
    for first in range(0, len(known), _AT_ONCE):
        some = known[first : first + _AT_ONCE]
        cases = " ".join(f"WHEN :n{i} THEN :i{i}" for i in range(len(some)))
        values = {f"{kind}{i}": pair[k] for i, pair in enumerate(some) for k, kind in enumerate("ni")}
        sql = f"UPDATE {table} SET {column} = CASE {name} {cases} END WHERE {column} IS NULL"
        conn.execute(sa.text(sql), values)


_AT_ONCE = 500


def _ids(names: Collection[str]) -> list[tuple[str, int]]:
    """Return those of *names* that users have, compared as VICIdial's table compares, with their ids."""
    sql = sa.text("SELECT user_id FROM vicidial_users WHERE user = :name")
    found = ((name, op.get_bind().execute(sql, {"name": name}).scalar()) for name in names)
    return [(name, user_id) for name, user_id in found if user_id is not None]


def _own_idempotency() -> None:
    """Give kept answers to the ids of their users, see `services.system.idempotency`."""
    conn = op.get_bind()
    names = [row[0] for row in conn.execute(sa.text("SELECT DISTINCT user_name FROM didier_idempotency"))]
    for name, user_id in _ids(names):
        sql = sa.text("UPDATE didier_idempotency SET user_name = :owner WHERE user_name = :name")
        conn.execute(sql, {"owner": f"#{user_id}", "name": name})
