"""Answers to requests with an idempotency key."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import mysql

from didier.storage.migrations import INNODB

revision = "0002"
down_revision = "0001"


def _exact(length: int) -> sa.types.TypeEngine[str]:
    """Return a text that is compared to the letter, on both databases."""
    exact = mysql.VARCHAR(length, charset="utf8mb4", collation="utf8mb4_bin")
    return sa.String(length).with_variant(exact, "mysql", "mariadb")


def upgrade() -> None:
    op.create_table(
        "didier_idempotency",
        sa.Column("user_name", _exact(100), primary_key=True),
        sa.Column("idempotency_key", _exact(255), primary_key=True),
        sa.Column("fingerprint", _exact(64), nullable=False),
        sa.Column("answer", sa.Text().with_variant(mysql.MEDIUMTEXT(), "mysql", "mariadb")),
        sa.Column("created_at", sa.DateTime, nullable=False),
        sqlite_with_rowid=False,
        if_not_exists=True,
        **INNODB,
    )
    op.create_index("didier_idempotency_created_at", "didier_idempotency", ["created_at"], if_not_exists=True)
