"""Fields in which a copy may differ from its source for good."""

import sqlalchemy as sa

from didier.storage.migrations import add_column

revision = "0022"
down_revision = "0021"


def upgrade() -> None:
    column = sa.Column("exceptions", sa.String(1_000), nullable=False, server_default="")  # divided by commas
    add_column("didier_did_fields", column)
