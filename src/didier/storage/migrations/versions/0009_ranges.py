"""Ranges of ids of DIDs: what was there when they were last compared with the change log."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import mysql

from didier.storage.migrations import INNODB

revision = "0009"
down_revision = "0008"

_Blob = sa.LargeBinary().with_variant(mysql.LONGBLOB(), "mysql", "mariadb")


def upgrade() -> None:
    op.create_table(
        "didier_ranges",
        sa.Column("first_id", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("position", sa.BigInteger, nullable=False),  # number of the change up to which it is true
        sa.Column("size", sa.Integer, nullable=False),  # DIDs that there are
        sa.Column("digest", sa.String(16), nullable=False),  # of all of them
        sa.Column("signature", sa.String(16), nullable=False),  # of the columns that were digested
        sa.Column("content", _Blob, nullable=False),  # compressed JSON: id, digest, number, group of each DID
        if_not_exists=True,
        **INNODB,
    )
