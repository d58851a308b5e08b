"""Counting calls beside a server, without its rests."""

from didier.services.usage.rounds import Counter
from didier.storage.database import reading, writing
from support.call_history import ZONE


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
