"""A server that finds what SQL does beside it, is killed while it records that, and goes on."""

import json
import random
from contextlib import contextmanager
from datetime import datetime

from didier.storage.changes import reconcile
from didier.storage.database import reading
from didier.storage.statements import run
from support.engines import opened
from support.passes import beside
from support.process import until
from support.server import BASIC, Didier

NOW = datetime(2026, 3, 4, 5, 6, 7)
SETTINGS = {"DIDIER_RECONCILE_SECONDS": "1", "DIDIER_LEASE_SECONDS": "1"}
COUNT = 450
"""More than are recorded in two steps."""

KILLS = 3
INSERT = "INSERT INTO {} (did_pattern, user_group) VALUES (?, 'SALES')"


@contextmanager
def serving(url, directory, **settings):
    server = Didier(directory, "--demo", "--database", url, environment={**SETTINGS, **settings}).start()
    try:
        yield server
    finally:
        server.kill()


def found(engine):
    """Return how many changes were found, and of how many numbers."""
    sql = "SELECT COUNT(*), COUNT(DISTINCT did_pattern) FROM didier_changes WHERE cause = 'outside'"
    with reading(engine) as conn:
        return run(conn, sql)[0]


def learned(engine):
    with reading(engine) as conn:
        return reconcile.last_pass(conn)


def test_each_change_is_found_once_whatever_kills_the_server(url, tmp_path):
    """What was recorded is remembered in the same commit; the next process goes on from there."""
    order = random.Random(7)
    with opened(url) as engine, beside(engine) as sql:
        with serving(url, tmp_path):
            until(lambda: learned(engine))
        for number in range(COUNT):
            sql(INSERT, str(6_000_000 + number))
        for _ in range(KILLS):
            wanted = found(engine)[0] + order.randint(0, 1)
            with serving(url, tmp_path):
                until(lambda: found(engine)[0] >= min(wanted, COUNT))  # noqa: B023
        with serving(url, tmp_path) as server:
            until(lambda: found(engine)[0] == COUNT)
            before = learned(engine)
            until(lambda: learned(engine) != before)
            status, text = server.request("GET", "/api/v1/dids/6000000/history", headers=BASIC)
            metrics = server.get("/metrics")[1]

    assert (COUNT, COUNT) == found_again(url)
    assert 200 == status
    [change] = json.loads(text)["items"]
    assert ("added", "", None, True) == tuple(
        change[name] for name in ("action", "user", "batch_id", "outside")
    )
    assert "didier_reconcile_lag_seconds " in metrics


def found_again(url):
    with opened(url) as engine:
        return found(engine)


def test_it_can_be_switched_off(url, tmp_path):
    """Then nothing is learned, and no lag is told."""
    with serving(url, tmp_path, DIDIER_RECONCILE="false") as server, opened(url) as engine:
        metrics = server.get("/metrics")[1]

        assert "didier_reconcile_lag_seconds NaN" in metrics
        assert None is learned(engine)
