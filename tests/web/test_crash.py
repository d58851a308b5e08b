"""kill -9 in the middle of copies: what was acknowledged is there, and nothing is there by halves."""

import os
import random
import sqlite3
import time
from contextlib import closing

from support.load import Copying, new_targets
from support.measurements import note
from support.server import Didier

ROUNDS = int(os.environ.get("CRASH_ROUNDS", "20"))
SOURCE = "18001234567"
IDENTITY = {"did_id", "did_pattern", "modify_stamp"}
EACH = 3
"""Targets of each request."""

# What may not be there, by what it would mean; each is a query without rows.
HALVES = {
    "a DID without exactly one change that created it": f"""
        SELECT did_pattern FROM vicidial_inbound_dids AS d WHERE did_pattern <> '18001234567'
        AND 1 <> (SELECT count(*) FROM didier_changes AS c WHERE c.action = 'created'
                  AND c.did_id BETWEEN d.did_id - {EACH} AND d.did_id AND c.did_id + c.size > d.did_id
                  AND CAST(d.did_pattern AS INTEGER) = CAST(c.did_pattern AS INTEGER) + d.did_id - c.did_id)
    """,
    "a change without its DIDs": """
        SELECT change_id FROM didier_changes AS c WHERE kind = 'did' AND size <>
        (SELECT count(*) FROM vicidial_inbound_dids AS d
         WHERE d.did_id BETWEEN c.did_id AND c.did_id + c.size - 1)""",
    f"a batch that is not whole: {EACH} copies were asked for in each": f"""
        SELECT COALESCE(batch_id, change_id) AS batch FROM didier_changes WHERE kind = 'did'
        GROUP BY batch HAVING sum(size) <> {EACH}""",
    "a batch that its changes do not know": f"""
        SELECT batch_id FROM didier_batches WHERE requested <> {EACH} OR added <> {EACH} OR state <> 'done'
        OR batch_id NOT IN (SELECT batch_id FROM didier_changes WHERE batch_id IS NOT NULL)
        OR batch_id NOT IN (SELECT change_id FROM didier_changes WHERE kind = 'batch')""",
    "a change log with gaps": """
        SELECT missing FROM
        (SELECT max(change_id) - min(change_id) + 1 - count(*) AS missing FROM didier_changes)
        WHERE missing <> 0""",
    "a batch without exactly one row in the admin log": """
        SELECT DISTINCT COALESCE(batch_id, change_id) AS batch FROM didier_changes AS c WHERE kind = 'did'
        AND 1 <> (SELECT count(*) FROM vicidial_admin_log AS a
                  WHERE substr(a.event_sql, 1, instr(a.event_sql, '|'))
                  = 'didier batch ' || COALESCE(c.batch_id, c.change_id) || '|')""",
    "an admin log row without its DID": """
        SELECT record_id FROM vicidial_admin_log WHERE CAST(record_id AS INTEGER) NOT IN
        (SELECT did_id FROM vicidial_inbound_dids)""",
    "another number of SUCCESS rows in the API log than of copies": """
        SELECT 1 WHERE (SELECT count(*) FROM vicidial_api_log WHERE result = 'SUCCESS')
        <> (SELECT COALESCE(sum(size), 0) FROM didier_changes WHERE kind = 'did')""",
    "a SUCCESS row in the API log without its DID": """
        SELECT data FROM vicidial_api_log WHERE result = 'SUCCESS' AND data NOT IN
        (SELECT '18001234567|' || did_pattern || '|' || did_id FROM vicidial_inbound_dids)""",
    "an API log row without its address": """
        SELECT api_id FROM vicidial_api_log WHERE api_id NOT IN (SELECT api_id FROM vicidial_api_urls)""",
}


def differing(conn):
    """Return the DIDs that differ from the source in any column but their identity."""
    names = [row[1] for row in conn.execute("PRAGMA table_info(vicidial_inbound_dids)")]
    difference = " OR ".join(f"d.`{name}` IS NOT s.`{name}`" for name in names if name not in IDENTITY)
    return conn.execute(
        "SELECT d.did_pattern FROM vicidial_inbound_dids AS d, vicidial_inbound_dids AS s"
        f" WHERE s.did_pattern = ? AND ({difference})",
        [SOURCE],
    ).fetchall()


def check(file, acknowledged):
    """Check the database *file* after a crash."""
    with closing(sqlite3.connect(file)) as conn:
        there = {row[0] for row in conn.execute("SELECT did_pattern FROM vicidial_inbound_dids")}
        assert set() == set(acknowledged) - there
        assert {name: [] for name in HALVES} == {
            name: conn.execute(sql).fetchall() for name, sql in HALVES.items()
        }
        assert [] == differing(conn)
        assert [("ok",)] == conn.execute("PRAGMA integrity_check").fetchall()


def mark_every_column(server):
    """Give the source a value of its own in each column that a copy might forget."""
    columns = set(server.did(SOURCE)) - IDENTITY - {"did_active", "user_group"}
    assignments = ", ".join(
        f"`{name}` = '{1000 + position}'" for position, name in enumerate(sorted(columns))
    )
    server.sql(f"UPDATE vicidial_inbound_dids SET {assignments}")


def test_a_kill_loses_nothing_acknowledged(tmp_path):
    """However often the process is killed, acknowledged copies are there whole; no half of one ever is."""
    server = Didier(
        tmp_path, "--demo", "--database", f"sqlite:///{tmp_path}/didier.db",
        environment={"DIDIER_RECONCILE": "false"},  # the marks would be changes too
    ).start()  # fmt: skip
    mark_every_column(server)
    # Without this index the checks below would take longer than the crashes.
    server.sql(
        "CREATE INDEX admin_log_by_sql ON vicidial_admin_log (substr(event_sql, 1, instr(event_sql, '|')))"
    )
    targets = new_targets(EACH)
    acknowledged = []
    try:
        for _ in range(ROUNDS):
            load = Copying(server, targets)
            load.start(EACH)
            time.sleep(random.uniform(0, 0.2))  # the moment of the crash
            server.kill()
            load.join()
            assert [] == load.others
            acknowledged += load.acknowledged
            server.start()

            check(server.database, acknowledged)
            assert "SUCCESS" in server.tutorial(target=",".join(next(targets)))
    finally:
        server.kill()

    note("SIGKILL of Didier while copies are made, SQLite", ROUNDS, len(acknowledged), 0)
    assert len(acknowledged) >= ROUNDS * EACH
