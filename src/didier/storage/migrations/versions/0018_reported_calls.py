"""Calls that others report: edges, and an Asterisk without VICIdial."""

from alembic import op

from didier.storage.migrations import make_optional

revision = "0018"
down_revision = "0017"


def upgrade() -> None:
    make_optional(op.get_bind())
