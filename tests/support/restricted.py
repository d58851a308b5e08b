"""A database user of MariaDB who has certain rights on certain tables and no other."""

from collections.abc import Mapping, Sequence

import sqlalchemy as sa
from sqlalchemy.engine import make_url

PASSWORD = "h!dden:7/@%"
HOST = "127.0.0.1"


def restricted_user(url: str, rights: Mapping[str, Sequence[str]]) -> str:
    """Make a user of the database at *url* with *rights* by table; return the URL for that user."""
    engine = sa.create_engine(url)
    name = f"u_{make_url(url).database}"
    with engine.begin() as conn:
        quoted = PASSWORD.replace("%", "%%")
        conn.exec_driver_sql(f"CREATE OR REPLACE USER '{name}'@'{HOST}' IDENTIFIED BY '{quoted}'")
        for table, needed in rights.items():
            conn.exec_driver_sql(f"GRANT {', '.join(needed)} ON `{table}` TO '{name}'@'{HOST}'")
    engine.dispose()
    return make_url(url).set(username=name, password=PASSWORD).render_as_string(hide_password=False)
