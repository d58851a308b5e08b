"""Answers to requests with an idempotency key."""

from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import mysql

revision = "0002"
down_revision = "0001"

_OPTIONS: dict[str, Any] = {"mysql_engine": "InnoDB", "mysql_charset": "utf8mb4", "mariadb_engine": "InnoDB"}


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
        sa.Column("created_at", sa.DateTime, nullable=False, index=True),
        sqlite_with_rowid=False,
        **_OPTIONS,
    )
