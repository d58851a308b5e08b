"""DIDs with which something was wrong."""

from alembic import op

from didier.storage.migrations import make_optional

revision = "0020"
down_revision = "0019"


def upgrade() -> None:
    make_optional(op.get_bind())
