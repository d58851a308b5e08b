"""Batches and their items, lock-outs, and what Didier remembers about the database."""

import sqlalchemy as sa
from alembic import op

from didier.storage.migrations import INNODB

revision = "0001"
down_revision = None


def upgrade() -> None:
    op.create_table(
        "didier_batches",
        sa.Column("batch_id", sa.Integer, primary_key=True),
        sa.Column("created_at", sa.DateTime, nullable=False),
        sa.Column("user_name", sa.String(20), nullable=False),
        sa.Column("address", sa.String(45), nullable=False),
        sa.Column("source_id", sa.Integer, nullable=False),
        sa.Column("source_pattern", sa.String(50), nullable=False),
        sa.Column("overrides", sa.Text),
        sa.Column("requested", sa.Integer, nullable=False),
        sa.Column("added", sa.Integer, nullable=False),
        sa.Column("state", sa.String(10), nullable=False),
        sa.Column("high_water", sa.Integer),  # highest did_id before; while the batch is running
        sa.Column("guard", sa.String(64)),  # lock that its writer holds; while the batch is running
        sqlite_autoincrement=True,
        if_not_exists=True,  # MariaDB keeps what a migration has made before it was interrupted
        **INNODB,
    )
    op.create_table(
        "didier_batch_items",
        sa.Column("batch_id", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("position", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("target", sa.String(50), nullable=False),
        sa.Column("did_id", sa.Integer),
        sa.Column("outcome", sa.String(10), nullable=False),
        sqlite_with_rowid=False,
        if_not_exists=True,
        **INNODB,
    )
    op.create_table(
        "didier_lockouts",
        sa.Column("user_name", sa.String(100), primary_key=True),
        sa.Column("locked_at", sa.Float(53), nullable=False),
        if_not_exists=True,
        **INNODB,
    )
    op.create_table(
        "didier_settings",
        sa.Column("name", sa.String(50), primary_key=True),
        sa.Column("value", sa.Text, nullable=False),
        if_not_exists=True,
        **INNODB,
    )
