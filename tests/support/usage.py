"""Counting calls beside a server, without its rests."""

import time

import sqlalchemy as sa
from tzlocal import get_localzone

from didier.errors import NotPermitted
from didier.services.dids.lookup import Wanted
from didier.services.usage import use
from didier.services.usage.rounds import Counter
from didier.services.usage.use import Question, Setting
from didier.storage.database import reading, writing
from didier.storage.usage import rollups
from support.call_history import ZONE
from support.engines import opened
from support.process import until


class Work:
    """Reads and stores at once."""

    def __init__(self, engine):
        self.engine = engine
        self.stored = 0

    def read(self, work):
        with reading(self.engine) as conn:
            return work(conn)

    read_logs = read

    def store(self, work):
        self.stored += 1
        with writing(self.engine) as conn:
            return work(conn)


def counted(engine, moment, months=13, zone=ZONE):
    """Make a round; return how many steps were stored."""
    work = Work(engine)
    Counter(work, zone, months).round(moment)
    return work.stored


def image(engine):
    """Return all that is stored, without ids that are given out in turn."""
    hours = (
        "SELECT h.hour, h.did_id, n.number, w.source, w.route, w.destination, w.outcome, h.calls,"
        " h.redirected, h.seconds, h.waited, h.wait_seconds, h.first_at, h.last_at, h.callers"
        " FROM didier_usage_hours AS h JOIN didier_usage_ways AS w ON w.way_id = h.way_id"
        " LEFT JOIN didier_usage_numbers AS n ON n.number_id = h.number_id"
    )
    days = (
        "SELECT d.*, n.number FROM didier_usage_days AS d"
        " LEFT JOIN didier_usage_numbers AS n ON n.number_id = d.number_id"
    )
    recent = (
        "SELECT r.*, n.number FROM didier_usage_recent AS r"
        " LEFT JOIN didier_usage_numbers AS n ON n.number_id = r.number_id"
    )
    with reading(engine) as conn:
        return {
            table: sorted(
                (tuple(value for name, value in row._mapping.items() if name != "number_id") for row in
                 conn.execute(sa.text(sql))), key=str)
            for table, sql in (("hours", hours), ("days", days), ("recent", recent))
        }  # fmt: skip


class Within:
    """Reads and stores in the transaction of a connection."""

    def __init__(self, conn):
        self.conn = conn

    def read(self, work):
        return work(self.conn)

    read_logs = store = read


def used(conn, caller, since, until):
    """Count what is logged and reported anew; return the DIDs with calls, or why that is not told."""
    zone, now = get_localzone(), max(until, since).timestamp() + 86_400
    rollups.want_anew(conn)
    Counter(Within(conn), zone, 13).round(now)
    found = use.used(conn, caller, Question(Wanted(), (since, until)), Setting(zone, now), "calls", 100)
    return found if isinstance(found, NotPermitted) else found.dids


def count_all(engine):
    """Count all calls that are logged, as a server with the times of this machine's zone does."""
    with writing(engine) as conn:
        rollups.want_anew(conn)
    counted(engine, time.time(), zone=get_localzone())


def count_for(server, url=None):
    """Count the calls of a server, by itself in its embedded database; its own first round is over then."""
    with opened(url or f"sqlite:///{server.database}") as engine:
        until(lambda: not server.counts or Work(engine).read(rollups.state).complete)
        count_all(engine)
