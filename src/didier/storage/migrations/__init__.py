"""The migrations of Didier's own tables, and what an embedded database has of VICIdial's.

In a MariaDB database VICIdial's tables are VICIdial's own, and never altered.
"""

from pathlib import Path
from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.engine import Connection, Engine
from sqlalchemy.schema import CreateTable

from didier.domain.users import EVERY_GROUP
from didier.errors import NoDatabase
from didier.storage import dialects, embedded
from didier.storage.database import check_server, database_file
from didier.storage.dialects import SQLITE
from didier.storage.system import health, rights
from didier.storage.tables import DIDS, USERS, vicidial_tables

VERSION_TABLE = "didier_version"
_HERE = Path(__file__).parent
HEAD = max(file.stem.partition("_")[0] for file in _HERE.joinpath("versions").glob("[0-9]*.py"))
"""The revision this release works with: the number that the newest migration's file begins with."""

INNODB: dict[str, Any] = {
    f"{dialect}_{option}": value
    for dialect in dialects.MARIADB
    for option, value in (("engine", "InnoDB"), ("charset", "utf8mb4"))
}
"""Options of every table: journals must survive a crash whatever engine VICIdial's own tables have."""


_Id = sa.BigInteger().with_variant(sa.Integer, SQLITE)

_PREFERENCES = sa.Table(
    "didier_preferences",  # what users have chosen to see in the panel
    sa.MetaData(),
    sa.Column("user_id", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("kind", sa.String(20), primary_key=True),
    sa.Column(
        "name",
        sa.String(100).with_variant(sa.String(100, collation="utf8mb4_bin"), *dialects.MARIADB),
        primary_key=True,
    ),
    sa.Column("value", sa.Text, nullable=False),  # JSON
    sa.Column("shared", sa.SmallInteger, nullable=False, server_default="0"),
    sa.Column("updated_at", sa.DateTime, nullable=False),
    **INNODB,
)


def _named(table: str, *columns: "sa.Column[Any]") -> sa.Table:
    """Return a *table* of things that DIDs name, with *columns* of their own."""
    return sa.Table(
        table,
        sa.MetaData(),
        # As VICIdial compares the names of what DIDs lead to: without case.
        sa.Column(
            "name", sa.String(50).with_variant(sa.String(50, collation="NOCASE"), SQLITE), primary_key=True
        ),
        sa.Column(
            "user_group",
            sa.String(20).with_variant(sa.String(20, collation="NOCASE"), SQLITE),
            nullable=False,
            server_default=EVERY_GROUP,
        ),
        *columns,
        sa.Column("value", sa.Text, nullable=False),  # JSON
        sa.Column("updated_at", sa.DateTime, nullable=False),
        **INNODB,
    )


_SCHEDULES = _named("didier_schedules")  # opening hours
_GATEWAYS = _named(
    "didier_gateways",  # sets of SIP gateways
    sa.Column("number", sa.Integer, nullable=False, unique=True),  # in Kamailio's dispatcher
)
_WEBHOOKS = sa.Table(
    "didier_webhooks",  # endpoints of webhooks, and how far each of them is
    sa.MetaData(),
    sa.Column("webhook_id", sa.Integer, primary_key=True),
    sa.Column("user_id", sa.Integer, nullable=False),  # whose eyes it sees with
    sa.Column("user_name", sa.String(20), nullable=False),
    sa.Column("created_at", sa.DateTime, nullable=False),
    sa.Column("value", sa.Text, nullable=False),  # JSON
    sa.Column("secret", sa.String(255), nullable=False),  # sealed
    sa.Column("old_secret", sa.String(255)),  # sealed; signs too until old_until
    sa.Column("old_until", sa.DateTime),
    sa.Column("edition", sa.Integer, nullable=False),  # raised by each change that people make
    sa.Column("number", sa.BigInteger, nullable=False),  # of the last change that is done with
    sa.Column("part", sa.Integer),  # of its events the last that is done with; NULL: all of them
    sa.Column("first_at", sa.DateTime),  # when the next event was tried first; NULL: not yet
    sa.Column("attempts", sa.Integer, nullable=False, server_default="0"),  # of that
    sa.Column("retry_at", sa.DateTime),
    sa.Column("succeeded_at", sa.DateTime),
    sa.Column("failing_since", sa.DateTime),  # the first failure behind the last success
    sa.Column("disabled_at", sa.DateTime),
    sa.Column("disabled_reason", sa.String(255)),
    sqlite_autoincrement=True,
    **INNODB,
)
_WEBHOOK_ATTEMPTS = sa.Table(
    "didier_webhook_attempts",
    sa.MetaData(),
    sa.Column("attempt_id", _Id, primary_key=True),
    sa.Column("webhook_id", sa.Integer, nullable=False),
    sa.Column("attempted_at", sa.DateTime, nullable=False),
    sa.Column("cause", sa.String(10), nullable=False),  # feed, resend or test
    sa.Column("event_id", sa.String(40), nullable=False),
    sa.Column("event_type", sa.String(30), nullable=False),
    sa.Column("number", sa.BigInteger, nullable=False),
    sa.Column("attempt", sa.Integer, nullable=False),  # which of this event, from 1
    sa.Column("outcome", sa.String(10), nullable=False),  # taken, repeated or failed
    sa.Column("status", sa.Integer),
    sa.Column("error", sa.String(255)),
    sa.Column("answer", sa.Text),  # its first bytes
    sa.Column("milliseconds", sa.Integer, nullable=False),
    sa.Index("didier_webhook_attempts_of", "webhook_id", "attempt_id"),
    sqlite_autoincrement=True,
    **INNODB,
)
_REPORTED_CALLS = sa.Table(
    "didier_reported_calls",  # calls that edges and others report
    sa.MetaData(),
    sa.Column("reported_id", _Id, primary_key=True),
    # Of source, call id and number, which are too long for an index in utf8mb4.
    sa.Column(
        "call_key",
        sa.String(64).with_variant(sa.String(64, collation="ascii_bin"), *dialects.MARIADB),
        nullable=False,
        unique=True,
    ),
    sa.Column("source", sa.String(50), nullable=False),
    sa.Column("call_id", sa.String(255), nullable=False),
    sa.Column(
        "number",
        sa.String(64).with_variant(sa.String(64, collation="NOCASE"), SQLITE),
        nullable=False,
    ),
    sa.Column("caller", sa.String(64), nullable=False),
    sa.Column("started_at", sa.DateTime, nullable=False),  # in UTC, as all moments here
    sa.Column("answered_at", sa.DateTime),
    sa.Column("ended_at", sa.DateTime, nullable=False),
    sa.Column("result", sa.String(10), nullable=False),
    sa.Column("sip_status", sa.SmallInteger),
    sa.Column("gateway", sa.String(128), nullable=False),
    sa.Column("did_id", sa.Integer),  # of the DID that had the number when it was reported
    sa.Index("didier_reported_calls_of", "number", "started_at"),
    sa.Index("didier_reported_calls_at", "started_at"),
    sqlite_autoincrement=True,
    **INNODB,
)
_EDGES = sa.Table(
    "didier_edges",  # agents beside SIP proxies, and how each has said that it stands
    sa.MetaData(),
    sa.Column(
        "name", sa.String(50).with_variant(sa.String(50, collation="NOCASE"), SQLITE), primary_key=True
    ),
    sa.Column("user_id", sa.Integer, nullable=False),  # whose it is
    sa.Column("user_name", sa.String(20), nullable=False),
    sa.Column("address", sa.String(45), nullable=False),
    sa.Column("sequence", sa.BigInteger, nullable=False),  # number of the last change that it has done
    sa.Column("numbers", sa.Integer, nullable=False),
    sa.Column("kamailio", sa.String(10), nullable=False),  # connected, away or behind
    sa.Column("version", sa.String(20), nullable=False),
    sa.Column("pending_calls", sa.Integer, nullable=False),
    sa.Column("detail", sa.String(200), nullable=False),
    sa.Column("seen_at", sa.DateTime, nullable=False),
    **INNODB,
)
_FAILED_CHECKS = sa.Table(
    "didier_failed_checks",  # DIDs with which something was wrong when all were looked at last
    sa.MetaData(),
    sa.Column("did_id", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("digest", sa.String(32), nullable=False),  # of what was found
    sa.Column("chosen_by", sa.Text, nullable=False),  # JSON: columns by which followers chose it
    **INNODB,
)


def _exact(length: int) -> "sa.types.TypeEngine[Any]":
    """Return the type of texts that are compared to the letter."""
    return sa.String(length).with_variant(sa.String(length, collation="utf8mb4_bin"), *dialects.MARIADB)


def _counts(*names: str) -> "list[sa.Column[Any]]":
    return [sa.Column(name, sa.Integer, nullable=False) for name in names]


_USAGE_NUMBERS = sa.Table(
    "didier_usage_numbers",  # numbers that were called
    sa.MetaData(),
    sa.Column("number_id", sa.Integer, primary_key=True),
    sa.Column("number", _exact(100), nullable=False, unique=True),
    sqlite_autoincrement=True,
    **INNODB,
)
_USAGE_WAYS = sa.Table(
    "didier_usage_ways",  # how calls went on
    sa.MetaData(),
    sa.Column("way_id", sa.Integer, primary_key=True),
    sa.Column("source", _exact(50), nullable=False),  # who has reported them; empty: VICIdial's logs
    sa.Column("route", _exact(20), nullable=False),  # as VICIdial logs it
    sa.Column("destination", _exact(128), nullable=False),  # the in-group, or the gateway
    sa.Column("outcome", _exact(12), nullable=False),
    sa.Index("didier_usage_ways_of", "source", "route", "destination", "outcome", unique=True),
    sqlite_autoincrement=True,
    **INNODB,
)
_USAGE_HOURS = sa.Table(
    "didier_usage_hours",  # calls by hour, DID as it was dialled, and way
    sa.MetaData(),
    sa.Column("hour", sa.BigInteger, primary_key=True, autoincrement=False),  # its begin, since 1970
    sa.Column("did_id", sa.Integer, primary_key=True, autoincrement=False),  # 0: no DID; -1: all together
    sa.Column("number_id", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("way_id", sa.Integer, primary_key=True, autoincrement=False),
    *_counts("calls", "redirected", "seconds", "waited", "wait_seconds"),
    sa.Column("first_at", sa.BigInteger, nullable=False),
    sa.Column("last_at", sa.BigInteger, nullable=False),
    sa.Column("callers", sa.Text(1 << 24), nullable=False),  # hashes
    sa.Index("didier_usage_hours_of", "did_id", "hour"),
    sqlite_with_rowid=False,
    **INNODB,
)
_OF_DAYS = (
    "calls", "redirected", "answered", "abandoned", "unanswered", "forwarded", "failed", "seconds", "waited",
    "wait_seconds",
)  # fmt: skip
_USAGE_DAYS = sa.Table(
    "didier_usage_days",  # the same by day and source
    sa.MetaData(),
    sa.Column("did_id", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("number_id", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("day", sa.Date, primary_key=True),
    sa.Column("source", _exact(50), primary_key=True),
    *_counts(*_OF_DAYS),
    sa.Column("first_at", sa.BigInteger, nullable=False),
    sa.Column("last_at", sa.BigInteger, nullable=False),
    sa.Column("is_counted", sa.SmallInteger, nullable=False),  # 0: others have these calls too
    sa.Column("callers", sa.Integer, nullable=False),
    sa.Column("caller_hashes", sa.Text(1 << 24), nullable=False),  # or a sketch of them
    sa.Index("didier_usage_days_at", "day", "did_id"),
    sqlite_with_rowid=False,
    **INNODB,
)
_USAGE_RECENT = sa.Table(
    "didier_usage_recent",  # the same of the last days, for lists
    sa.MetaData(),
    sa.Column("days", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("did_id", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("number_id", sa.Integer, primary_key=True, autoincrement=False),  # 0: whatever it was called
    *_counts(*_OF_DAYS, "calls_before"),  # in as many days before these
    sa.Column("first_at", sa.BigInteger, nullable=False),
    sa.Column("last_at", sa.BigInteger, nullable=False),
    sa.Index("didier_usage_recent_by_calls", "days", "calls"),
    sqlite_with_rowid=False,
    **INNODB,
)
_OPTIONAL = (
    _PREFERENCES, _SCHEDULES, _WEBHOOKS, _WEBHOOK_ATTEMPTS, _GATEWAYS, _REPORTED_CALLS, _EDGES,
    _FAILED_CHECKS, _USAGE_NUMBERS, _USAGE_WAYS, _USAGE_HOURS, _USAGE_DAYS, _USAGE_RECENT,
)  # fmt: skip


def make_optional(conn: Connection) -> None:
    """Make the tables that Didier can do without, unless they are there or the database user may not."""
    for table in _OPTIONAL:
        if rights.may_make(conn, table.name) and not sa.inspect(conn).has_table(table.name):
            conn.execute(CreateTable(table, if_not_exists=True))


def add_column(table: str, column: "sa.Column[Any]") -> bool:
    """Add *column* in a migration unless an interrupted one has done so; say whether."""
    there = {known["name"] for known in sa.inspect(op.get_bind()).get_columns(table)}
    if column.name not in there:
        op.add_column(table, column)
    return column.name not in there


def revision(conn: Connection) -> str | None:
    """Return the revision of Didier's tables, None when there are none."""
    if not sa.inspect(conn).has_table(VERSION_TABLE):
        return None
    found: str | None = conn.execute(sa.text(f"SELECT version_num FROM {VERSION_TABLE}")).scalar()
    return found


def check_home(engine: Engine) -> None:
    """Raise a `SetupError` unless the database answers, is one Didier can use, and gives it its rights."""
    check_server(engine)
    with engine.connect() as conn:
        rights.check(conn)
        health.check_schema(conn)


def upgrade(engine: Engine, vicidial: sa.MetaData | None = None) -> None:
    """Bring the database to `HEAD`; in an embedded one, make what it lacks of the tables *vicidial* first.

    By itself those are VICIdial's tables as this release uses them. In an embedded database all of it is one
    transaction; MariaDB ends one with each table that is made or altered. An upgrade that was interrupted is
    finished by the next.

    Raises `NoDatabase` for a MariaDB database without VICIdial's tables, and for a database that a newer
    Didier has worked with; and what `check_home` raises.
    """
    check_home(engine)
    with engine.begin() as conn:
        found = revision(conn)
        if found and found > HEAD:
            raise NoDatabase(f"the database was used by a newer Didier (revision {found}, this is {HEAD})")
        if database_file(engine.url):
            # At any revision: a release may use more of VICIdial's tables without changing Didier's own.
            embedded.expand(conn, vicidial or vicidial_tables())
        elif found is None and (missing := {DIDS, USERS}.difference(sa.inspect(conn).get_table_names())):
            names = ", ".join(sorted(missing))
            raise NoDatabase(f"this is not a VICIdial database: there is no table {names}")
        if found != HEAD:
            _run_alembic(conn)
        else:
            make_optional(conn)  # the right may have been granted since


def _run_alembic(conn: Connection) -> None:
    # Imported here: it takes a fifth of a second, and a start that finds nothing to do must not wait for it.
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(_HERE))
    config.attributes["connection"] = conn
    command.upgrade(config, "head")
