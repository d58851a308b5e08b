"""Calls by hour, day and DID."""

from alembic import op

from didier.storage.migrations import make_optional

revision = "0021"
down_revision = "0020"


def upgrade() -> None:
    make_optional(op.get_bind())
