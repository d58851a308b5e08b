"""Second factors of users and their recovery codes; secrets are sealed with the installation's key."""

import sqlalchemy as sa
from alembic import op

from didier.storage.migrations import INNODB

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    op.create_table(
        "didier_second_factors",
        sa.Column("user_id", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("user_name", sa.String(100), nullable=False),  # for people who read the table
        sa.Column("secret", sa.String(255), nullable=False),  # sealed
        sa.Column("confirmed_at", sa.DateTime),  # NULL: begun, and asked for nowhere yet
        sa.Column("last_step", sa.BigInteger, nullable=False),  # of 30 s since 1970, of the last code used
        sa.Column("keeps_password", sa.SmallInteger, nullable=False),  # 1: Basic and Non-Agent API stay open
        sa.Column("created_at", sa.DateTime, nullable=False),
        if_not_exists=True,
        **INNODB,
    )
    op.create_table(
        "didier_recovery_codes",
        sa.Column("user_id", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("digest", sa.String(64), primary_key=True),  # SHA-256 of the code, which has 120 bits
        sa.Column("used_at", sa.DateTime),
        if_not_exists=True,
        **INNODB,
    )
