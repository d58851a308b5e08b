"""Batches that edit as many DIDs as there are: what they are told, and how far their undo is."""

import sqlalchemy as sa

from didier.storage.migrations import add_column

revision = "0010"
down_revision = "0009"

_Id = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def upgrade() -> None:
    for name in ("updated", "deleted", "missing", "refused", "restored"):
        add_column("didier_batches", sa.Column(name, sa.Integer, nullable=False, server_default="0"))
    add_column("didier_batches", sa.Column("options", sa.Text))  # JSON: existing, force, where
    add_column("didier_batches", sa.Column("undo_from", _Id))  # changes from this one on are taken back
