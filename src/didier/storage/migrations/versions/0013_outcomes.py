"""Targets may be implausible, which is longer than the outcomes before it."""

import sqlalchemy as sa
from alembic import op

from didier.storage import dialects

revision = "0013"
down_revision = "0012"


def upgrade() -> None:
    if not dialects.of(op.get_bind()).is_embedded:  # SQLite knows no lengths
        op.alter_column(
            "didier_batch_items", "outcome", type_=sa.String(20), existing_type=sa.String(10), nullable=False
        )
