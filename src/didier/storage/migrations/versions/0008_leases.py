"""Leases: which process does a job that only one may do at a time, until when."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import mysql

from didier.storage.migrations import INNODB

revision = "0008"
down_revision = "0007"

# In UTC: an hour of most time zones comes twice a year. To the microsecond: each renewal must change the row,
# as Galera compares the rows that two transactions have changed, and no others.
Moment = sa.DateTime().with_variant(mysql.DATETIME(fsp=6), "mysql", "mariadb")


def upgrade() -> None:
    op.create_table(
        "didier_leases",
        sa.Column("name", sa.String(40), primary_key=True),
        sa.Column("holder", sa.String(100), nullable=False),  # empty: given back
        sa.Column("epoch", sa.BigInteger, nullable=False),  # raised whenever another holder takes it
        sa.Column("taken_at", Moment, nullable=False),  # for people who read the table
        sa.Column("expires_at", Moment, nullable=False),
        if_not_exists=True,
        **INNODB,
    )
