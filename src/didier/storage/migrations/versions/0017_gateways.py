"""Sets of SIP gateways that calls to DIDs are sent to."""

from alembic import op

from didier.storage.migrations import make_optional

revision = "0017"
down_revision = "0016"


def upgrade() -> None:
    make_optional(op.get_bind())
