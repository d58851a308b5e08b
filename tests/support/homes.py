"""Databases as Didier makes them ready, with the tutorial's user and DID."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime

from sqlalchemy.engine import Engine

from didier.services import demo
from didier.storage import migrations
from didier.storage.database import open_engine
from didier.storage.tables import vicidial_tables


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
