"""Locks against deletion are a field of a DID: with history, in bulk, and taken back by an undo."""

import sqlalchemy as sa
from alembic import op

from didier.storage.migrations import add_column

revision = "0012"
down_revision = "0011"


def upgrade() -> None:
    add_column("didier_did_fields", sa.Column("locked", sa.String(1), nullable=False, server_default="N"))
    # Locks of earlier releases stay in their table too, for such a release that works beside this one.
    op.execute(
        "INSERT INTO didier_did_fields (did_id, locked) SELECT did_id, 'Y' FROM didier_locked_dids"
        " WHERE did_id NOT IN (SELECT did_id FROM didier_did_fields)"
    )
    op.execute(
        "UPDATE didier_did_fields SET locked = 'Y'"
        " WHERE did_id IN (SELECT did_id FROM didier_locked_dids) AND locked = 'N'"
    )
