"""Endpoints of webhooks, and what came of sending to them."""

from alembic import op

from didier.storage.migrations import make_optional

revision = "0016"
down_revision = "0015"


def upgrade() -> None:
    make_optional(op.get_bind())
