"""Sessions of the admin panel: what a browser shows is stored as its digest alone."""

import sqlalchemy as sa
from alembic import op

from didier.storage.migrations import INNODB

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    op.create_table(
        "didier_sessions",
        sa.Column("digest", sa.String(64), primary_key=True),  # SHA-256 of the secret in the cookie
        sa.Column("user_id", sa.Integer, nullable=False),  # a new user of an old name has no part in it
        sa.Column("user_name", sa.String(100), nullable=False),
        sa.Column("mark", sa.String(64), nullable=False),  # of the stored password, keyed by the secret
        sa.Column("address", sa.String(45), nullable=False),
        sa.Column("created_at", sa.DateTime, nullable=False),
        sa.Column("used_at", sa.DateTime, nullable=False),
        if_not_exists=True,
        **INNODB,
    )
    op.create_index("didier_sessions_user", "didier_sessions", ["user_id"], if_not_exists=True)
    op.create_index("didier_sessions_used", "didier_sessions", ["used_at"], if_not_exists=True)
