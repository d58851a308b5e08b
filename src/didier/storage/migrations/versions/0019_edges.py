"""Edges: agents beside SIP proxies."""

from alembic import op

from didier.storage.migrations import make_optional

revision = "0019"
down_revision = "0018"


def upgrade() -> None:
    make_optional(op.get_bind())
