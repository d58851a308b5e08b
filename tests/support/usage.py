"""Counting calls beside a server, without its rests."""

import time

from tzlocal import get_localzone

from didier.services.usage.rounds import Counter
from didier.storage.database import reading, writing
from didier.storage.usage import rollups
from support.call_history import ZONE
from support.engines import opened


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


def counted(engine, until, months=13, zone=ZONE):
    """Make a round; return how many steps were stored."""
    work = Work(engine)
    Counter(work, zone, months).round(until)
    return work.stored


def count_all(engine):
    """Count all calls that are logged, as a server with the times of this machine's zone does."""
    with writing(engine) as conn:
        rollups.want_anew(conn)
    counted(engine, time.time(), zone=get_localzone())


def count_for(server):
    """Count the calls of a server with an embedded database."""
    with opened(f"sqlite:///{server.database}") as engine:
        count_all(engine)
