"""Batches that go on after a restart, runs of items, images of changes, locked DIDs, tokens.

An item is a *run*: ``size`` consecutive numbers from ``target`` on, whose DIDs have consecutive ids from
``did_id`` on. Single targets, and all items of earlier releases, are runs of one.
"""

from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import mysql

from didier.storage.migrations import INNODB

revision = "0003"
down_revision = "0002"

_LongText = sa.Text().with_variant(mysql.LONGTEXT(), "mysql", "mariadb")
_LongBlob = sa.LargeBinary().with_variant(mysql.LONGBLOB(), "mysql", "mariadb")


def _pattern() -> sa.types.TypeEngine[str]:
    """Return the type of a pattern, compared as the DIDs' own are."""
    vicidial = mysql.VARCHAR(50, charset="utf8mb3", collation="utf8mb3_unicode_ci")
    nocase = sa.String(50, collation="NOCASE")
    return sa.String(50).with_variant(nocase, "sqlite").with_variant(vicidial, "mysql", "mariadb")


def _batch_columns() -> tuple["sa.Column[Any]", ...]:
    return (
        sa.Column("kind", sa.String(10), nullable=False, server_default="copy"),  # copy, add, update, delete
        sa.Column("mode", sa.String(12), nullable=False, server_default="best_effort"),  # or atomic
        sa.Column("snapshot_id", sa.Integer),  # the source as it was
        sa.Column("phase", sa.String(10)),  # of a large batch: check, make, remove
        sa.Column(
            "position", sa.Integer, nullable=False, server_default="0"
        ),  # targets done with in the phase
        sa.Column("planned", sa.Integer),  # targets being made without a transaction, behind the position
        sa.Column("existing", sa.Integer, nullable=False, server_default="0"),
        sa.Column("invalid", sa.Integer, nullable=False, server_default="0"),
        sa.Column("duplicates", sa.Integer, nullable=False, server_default="0"),
        sa.Column("removed", sa.Integer, nullable=False, server_default="0"),
        sa.Column("kept", sa.Integer, nullable=False, server_default="0"),  # changed since, so not removed
        sa.Column("failure", sa.Text),  # why it failed
        sa.Column("template", sa.String(255)),  # of the description
        sa.Column("reach", sa.String(50)),  # how patterns begin that the caller's token reaches; NULL: all
        sa.Column("own_columns", sa.Text),  # a JSON list of those that targets have values of their own in
        sa.Column(
            "forced", sa.Integer, nullable=False, server_default="0"
        ),  # the undo takes changed DIDs too
        sa.Column("finished_at", sa.DateTime),
        sa.Column("undone_by", sa.String(20)),
        sa.Column("undo_groups", sa.Text),  # a JSON list of those whose DIDs the undo takes; NULL: all
        sa.Column("undone_at", sa.DateTime),
    )


def _item_columns() -> tuple["sa.Column[Any]", ...]:
    return (
        sa.Column("size", sa.Integer, nullable=False, server_default="1"),
        sa.Column("reason", sa.String(255)),  # why the target is refused
    )


def upgrade() -> None:
    _add_columns("didier_batches", _batch_columns())
    _add_columns("didier_batch_items", _item_columns())
    op.create_index("didier_batches_source", "didier_batches", ["source_pattern"], if_not_exists=True)
    # Large batches alone have a phase; each copy would pay for an index that held the others too.
    large = sa.text("phase IS NOT NULL")
    op.create_index(
        "didier_batches_phase", "didier_batches", ["phase"], if_not_exists=True, sqlite_where=large
    )
    op.create_index("didier_batch_items_did", "didier_batch_items", ["did_id"], if_not_exists=True)
    op.create_table(
        "didier_batch_input",  # the text of a large batch's targets, compressed, in pieces
        sa.Column("batch_id", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("piece", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("content", _LongBlob, nullable=False),
        if_not_exists=True,
        **INNODB,
    )
    op.create_table(
        "didier_snapshots",  # rows of DIDs as they were when they were copied
        sa.Column("snapshot_id", sa.Integer, primary_key=True),
        sa.Column("digest", sa.String(64), nullable=False, unique=True),
        sa.Column("content", _LongText, nullable=False),  # a JSON object of the columns
        if_not_exists=True,
        **INNODB,
    )
    op.create_table(
        "didier_history",  # changes but copies, which the items tell; a run may be removed at once
        sa.Column("history_id", sa.Integer, primary_key=True),
        sa.Column("did_id", sa.Integer, nullable=False),
        sa.Column("did_pattern", _pattern(), nullable=False),
        sa.Column("size", sa.Integer, nullable=False, server_default="1"),
        sa.Column("batch_id", sa.Integer, nullable=False),
        sa.Column("action", sa.String(10), nullable=False),  # add, update, delete, undo
        sa.Column("changed_at", sa.DateTime, nullable=False),
        sa.Column("user_name", sa.String(20), nullable=False),
        sa.Column("address", sa.String(45), nullable=False),
        sa.Column("before_image", _LongText),  # JSON objects of all columns; NULL: there was no such DID
        sa.Column("after_image", _LongText),
        sqlite_autoincrement=True,
        if_not_exists=True,
        **INNODB,
    )
    for name, columns in (("pattern", ["did_pattern"]), ("did", ["did_id"]), ("batch", ["batch_id"]),
                          ("size", ["size", "did_id"])):  # fmt: skip
        op.create_index(f"didier_history_{name}", "didier_history", columns, if_not_exists=True)
    op.create_table(
        "didier_locked_dids",  # they are not deleted
        sa.Column("did_id", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("locked_at", sa.DateTime, nullable=False),
        sa.Column("user_name", sa.String(20), nullable=False),
        if_not_exists=True,
        **INNODB,
    )
    op.create_table(
        "didier_tokens",
        sa.Column("token_id", sa.Integer, primary_key=True),
        sa.Column("digest", sa.String(64), nullable=False, unique=True),  # SHA-256 of the token
        sa.Column("user_id", sa.Integer, nullable=False),  # a new user of an old name has no part in it
        sa.Column("user_name", sa.String(100), nullable=False),
        sa.Column("name", sa.String(50), nullable=False),  # what the user calls it
        sa.Column("hint", sa.String(12), nullable=False),  # how the token begins
        sa.Column("scopes", sa.String(255), nullable=False),  # with spaces between
        sa.Column("pattern_prefix", sa.String(50)),  # of the DIDs that it reaches; NULL: all
        sa.Column("networks", sa.Text),  # with spaces between; NULL: any
        sa.Column("created_at", sa.DateTime, nullable=False),
        sa.Column("created_by", sa.String(20), nullable=False),
        sa.Column("expires_at", sa.DateTime),
        sa.Column("last_used_at", sa.DateTime),
        sa.Column("revoked_at", sa.DateTime),
        sqlite_autoincrement=True,
        if_not_exists=True,
        **INNODB,
    )
    op.create_index("didier_tokens_user", "didier_tokens", ["user_id"], if_not_exists=True)


def _add_columns(table: str, columns: tuple["sa.Column[Any]", ...]) -> None:
    """Add *columns* to *table*, those that an interrupted migration has not added already."""
    there = {column["name"] for column in sa.inspect(op.get_bind()).get_columns(table)}
    for column in columns:
        if column.name not in there:
            op.add_column(table, column)
