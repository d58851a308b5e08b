"""A server that tells what begins to be wrong with DIDs, is killed while it does, and goes on."""

import json
from contextlib import contextmanager
from datetime import datetime

from didier.storage.database import reading
from didier.storage.dids import failed_checks
from didier.storage.statements import run
from support.engines import opened
from support.passes import beside
from support.process import until
from support.server import BASIC, Didier

NOW = datetime(2026, 3, 4, 5, 6, 7)
SETTINGS = {"DIDIER_CHECK_SECONDS": "0.1", "DIDIER_LEASE_SECONDS": "1", "DIDIER_RECONCILE": "false"}
COUNT = 1_200
"""More than are stored in two steps."""

KILLS = 3
INSERT = (
    "INSERT INTO {} (did_pattern, user_group, did_active, did_route, group_id)"
    " VALUES (?, 'SALES', 'Y', 'IN_GROUP', 'GHOST')"
)


@contextmanager
def serving(url, directory):
    server = Didier(directory, "--demo", "--database", url, environment=SETTINGS).start()
    try:
        yield server
    finally:
        server.kill()


def looked(engine):
    with reading(engine) as conn:
        return failed_checks.last_round(conn)


def recorded(engine):
    """Return how many numbers the change log has checks of."""
    with reading(engine) as conn:
        return int(run(conn, "SELECT COALESCE(SUM(size), 0) FROM didier_changes WHERE kind = 'check'")[0][0])


def told(server):
    """Return what followers hear of checks: type, first and last number, and what is wrong."""
    found, after = [], 0
    while True:
        path = f"/api/v1/changes?types=check.*&after={after}&limit=200"
        page = json.loads(server.request("GET", path, headers=BASIC)[1])
        found += [(event["type"], event["data"]) for event in page["items"]]
        if page["next"] == page["newest"]:
            return found
        after = page["next"]


def heard(url, directory, count):
    """Return what followers hear of checks when it is about *count* numbers; a start looks at once."""
    with serving(url, directory) as server:
        until(lambda: len(numbers(told(server))) >= count)
        return told(server)


def numbers(found):
    """Return the numbers that events are about, in order."""
    return [int(data["did_pattern"]) + place for _, data in found for place in range(data["size"])]


def test_each_is_told_once_whatever_kills_the_server(url, tmp_path):
    """What is told is kept in the same commit; the next process goes on from there."""
    with opened(url) as engine, beside(engine) as sql:
        with serving(url, tmp_path):
            until(lambda: looked(engine))
        for number in range(COUNT):
            sql(INSERT, str(6_000_000 + 2 * number))
        for _ in range(KILLS):
            before = recorded(engine)
            with serving(url, tmp_path):
                until(lambda: recorded(engine) > min(before, COUNT - 1))  # noqa: B023
        failed = heard(url, tmp_path, COUNT)
        sql("UPDATE {} SET did_active = 'N' WHERE group_id = ?", "GHOST")
        passed = heard(url, tmp_path, 2 * COUNT)[len(failed) :]

    assert [6_000_000 + 2 * place for place in range(COUNT)] == numbers(failed) == numbers(passed)
    assert {"check.failed"} == {name for name, _ in failed}
    assert {"check.passed"} == {name for name, _ in passed}
    finding = {"kind": "missing", "reason": "the in-group GHOST does not exist"}
    assert all([finding] == data["findings"] for _, data in failed)
    assert all([] == data["findings"] for _, data in passed)
