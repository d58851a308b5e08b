"""Opening hours that DIDs have."""

from alembic import op

from didier.storage.migrations import make_optional

revision = "0015"
down_revision = "0014"


def upgrade() -> None:
    make_optional(op.get_bind())
