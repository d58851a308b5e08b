"""Databases as Didier makes them ready, with the tutorial's user and DID."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Engine

from didier.services.system import demo
from didier.storage import migrations, row_sets
from didier.storage.changes import reconcile
from didier.storage.database import open_engine
from didier.storage.statements import run
from didier.storage.tables import ARCHIVES, DIDS, vicidial_tables
from support.mariadb import MariaDB


@contextmanager
def ready(url: str, now: datetime, *, myisam: bool = False) -> Iterator[Engine]:
    """Make the empty database at *url* ready; *myisam*: with tables that know no transactions."""
    engine = open_engine(url, create=True)
    with engine.begin() as conn:
        vicidial_tables().create_all(conn)
        for table in vicidial_tables().tables if myisam else ():
            conn.exec_driver_sql(f"ALTER TABLE {table} ENGINE=MyISAM")
    migrations.upgrade(engine)
    with engine.begin() as conn:
        demo.fill(conn, now)
    yield engine
    engine.dispose()


def vicidial(database: MariaDB, storage_engine: str) -> str:
    """Make VICIdial's tables, and archives of logs, in a new database; return its URL."""
    url = database.database()
    engine = sa.create_engine(url)
    with engine.begin() as conn:
        conn.exec_driver_sql(f"SET SESSION default_storage_engine={storage_engine}")
        vicidial_tables().create_all(conn)
        for archive in ARCHIVES:
            conn.exec_driver_sql(f"CREATE TABLE {archive} LIKE {archive.removesuffix('_archive')}")
    engine.dispose()
    return url


def emptied(engine: Engine, source: dict[str, Any]) -> None:
    """Take out what was put into a database since it was made ready; *source* is the tutorial's DID."""
    with engine.begin() as conn:
        for row in run(conn, _TRIGGERS[engine.dialect.name]):
            run(conn, f"DROP TRIGGER {row[0]}")
        for table in _FILLED:
            run(conn, f"DELETE FROM {table}")
        reconcile.begin_anew(conn)
        row_sets.insert_each(conn, DIDS, [source])


_TRIGGERS = {"sqlite": "SELECT name FROM sqlite_master WHERE type = 'trigger'", "mysql": "SHOW TRIGGERS"}
_FILLED = (
    DIDS, "vicidial_admin_log", "vicidial_api_log", "didier_batches", "didier_batch_items",
    "didier_batch_input", "didier_snapshots", "didier_history", "didier_changes", "didier_locked_dids",
    "didier_idempotency", "didier_did_fields", "didier_journal", "didier_gateways", "didier_reported_calls",
    "didier_failed_checks", "vicidial_did_log", "didier_usage_hours", "didier_usage_days",
    "didier_usage_recent",
)  # fmt: skip
