"""Counting calls by servers that are killed, while calls come in."""

import os
import random
import time
from datetime import UTC, datetime, timedelta

from tzlocal import get_localzone

from didier.storage.database import reading, writing
from didier.storage.statements import run
from didier.storage.usage import rollups
from didier.storage.usage.rollups import State
from support import call_history
from support.engines import opened
from support.measurements import note
from support.process import until
from support.server import Didier
from support.usage import counted, image

KILLS = int(os.environ.get("USAGE_KILLS", "4"))
SETTINGS = {"DIDIER_USAGE_SECONDS": "0.1", "DIDIER_LEASE_SECONDS": "1", "DIDIER_RECONCILE": "false"}
HOURS = 44


def stored(engine):
    with reading(engine) as conn:
        return run(conn, "SELECT COUNT(*) FROM didier_usage_hours")[0][0]


def is_done(engine, calls):
    """Say whether all calls are counted, and days summed up."""
    with reading(engine) as conn:
        state = rollups.state(conn)
        sql = "SELECT SUM(calls) FROM didier_usage_hours WHERE did_id >= 0"
        return (
            state.complete
            and state.closed_until == state.summed_until
            and calls == (run(conn, sql)[0][0] or 0)
        )


def test_what_killed_servers_have_counted_is_what_one_counts(url, tmp_path):
    """Whenever kill -9 comes: between the hours, or while days are summed up."""
    begins = datetime.now(UTC).replace(tzinfo=None, minute=0, second=0, microsecond=0)
    rows = call_history.history(9, begins - timedelta(hours=HOURS), 20, 8, {0: "", 1: "18001234567"})
    order = random.Random(KILLS)
    with opened(url) as engine:
        with writing(engine) as conn:
            call_history.store(conn, call_history.in_zone(rows, get_localzone()))
        server = Didier(tmp_path, "--demo", "--database", url, environment=SETTINGS)
        for _ in range(KILLS):
            server.start()
            wanted = stored(engine) + order.randrange(1, 25)
            until(lambda wanted=wanted: stored(engine) >= wanted or is_done(engine, len(rows.did_log)))
            server.kill()
        server.start()
        until(lambda: is_done(engine, len(rows.did_log)))
        server.kill()
        then = image(engine)

        with writing(engine) as conn:
            for table in ("hours", "days", "recent"):
                run(conn, f"DELETE FROM didier_usage_{table}")
            rollups.keep_state(conn, State())
        counted(engine, time.time(), zone=get_localzone())
        anew = image(engine)
    note("usage: kill -9 while calls are counted", KILLS, len(rows.did_log), then != anew)
    assert then == anew
