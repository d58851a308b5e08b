"""What users have chosen to see in the panel: columns, filters, mappings of files."""

from alembic import op

from didier.storage.migrations import make_optional

revision = "0014"
down_revision = "0013"


def upgrade() -> None:
    make_optional(op.get_bind())
