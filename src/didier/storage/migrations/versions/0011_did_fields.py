"""What Didier knows of DIDs beyond VICIdial's columns; versions and fields of changes."""

import sqlalchemy as sa
from alembic import op

from didier.storage.migrations import INNODB, add_column

revision = "0011"
down_revision = "0010"


def upgrade() -> None:
    op.create_table(
        "didier_did_fields",  # a DID without a row here has the defaults
        sa.Column("did_id", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("version", sa.Integer, nullable=False, server_default="1"),
        sa.Column("tags", sa.String(500), nullable=False, server_default=""),  # divided by commas
        sa.Column("gateway_set", sa.String(50), nullable=False, server_default=""),
        sa.Column("schedule", sa.String(50), nullable=False, server_default=""),
        sa.Column("fallbacks", sa.String(1_000), nullable=False, server_default=""),
        sa.Column("managed_by", sa.String(100), nullable=False, server_default=""),
        if_not_exists=True,
        **INNODB,
    )
    # NULL: not known, as of changes by releases before this one.
    add_column("didier_changes", sa.Column("version", sa.Integer))
    add_column("didier_changes", sa.Column("fields", sa.Text))
