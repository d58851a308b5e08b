"""The bare writer: what a copy wrote in release 0.1, by SQLite's driver alone, without HTTP or any decision.

Six rows for each copy (the DID, its batch and the item of that, the admin log, the API log and its address),
in groups of 32 that share a commit, each on the disk before the next begins.
"""

import sqlite3
import time
from contextlib import closing
from itertools import count
from pathlib import Path
from typing import Any

from databases import prepared
from servers import workplace

GROUP = 32
SOURCE = "SELECT * FROM vicidial_inbound_dids WHERE did_id = 1"
NOTES = "DID Source: 18001234567 Inserts: 1 Insert Errors: 0 Copy Log:\n{} ADDED, did_id: {}\n"
URL = "http://127.0.0.1/vicidial/non_agent_api.php?function=copy_did&user=admin&pass=***&new_did_pattern={}"
WHEN = "2026-03-04 05:06:07"


def rate(seconds: float) -> float:
    """Return how many copies a second are written, over *seconds*."""
    with workplace() as directory:
        file = Path(directory) / "bare.db"
        prepared(f"sqlite:///{file}").dispose()
        with closing(sqlite3.connect(file, isolation_level=None)) as conn:
            conn.execute("PRAGMA journal_mode=WAL")
            conn.execute("PRAGMA synchronous=FULL")
            return _rate(conn, seconds)


def _rate(conn: sqlite3.Connection, seconds: float) -> float:
    conn.row_factory = sqlite3.Row
    source = dict(conn.execute(SOURCE).fetchone())
    numbers, began, groups = count(2), time.perf_counter(), 0
    while time.perf_counter() - began < seconds:
        ids = [next(numbers) for _ in range(GROUP)]
        conn.execute("BEGIN IMMEDIATE")
        for table, rows in _rows(source, ids).items():
            columns = ", ".join(f"`{name}`" for name in rows[0])
            marks = ", ".join("?" * len(rows[0]))
            insert = f"INSERT INTO {table} ({columns}) VALUES ({marks})"
            conn.executemany(insert, [tuple(row.values()) for row in rows])
        conn.execute("COMMIT")
        groups += 1
    return groups * GROUP / (time.perf_counter() - began)


def _rows(source: dict[str, Any], ids: list[int]) -> dict[str, list[dict[str, Any]]]:
    """Return the rows of copies with *ids*, by table."""
    named = [(id_, str(18_100_000_000 + id_)) for id_ in ids]
    return {
        "vicidial_inbound_dids": [{**source, "did_id": id_, "did_pattern": number} for id_, number in named],
        "didier_batches": [
            {"batch_id": id_, "created_at": WHEN, "user_name": "admin", "address": "127.0.0.1",
             "source_id": 1, "source_pattern": "18001234567", "snapshot_id": 1, "requested": 1, "added": 1,
             "state": "done"}
            for id_, _ in named
        ],
        "didier_batch_items": [
            {"batch_id": id_, "position": 1, "target": number, "did_id": id_, "outcome": "added"}
            for id_, number in named
        ],
        "vicidial_admin_log": [
            {"event_date": WHEN, "user": "admin", "ip_address": "127.0.0.1", "event_section": "DIDS",
             "event_type": "COPY", "record_id": str(id_), "event_code": "ADMIN API COPY DIDS",
             "event_sql": f"didier batch {id_}|", "event_notes": NOTES.format(number, id_)}
            for id_, number in named
        ],
        "vicidial_api_log": [
            {"api_id": id_, "user": "admin", "api_date": WHEN, "api_script": "non_agent_api",
             "function": "copy_did", "agent_user": "", "value": "", "result": "SUCCESS",
             "result_reason": "DID Copied Successfully", "source": "bench",
             "data": f"18001234567|{number}|{id_}", "run_time": "0", "webserver": 1, "api_url": 1}
            for id_, number in named
        ],
        "vicidial_api_urls": [
            {"api_id": id_, "api_date": WHEN, "remote_ip": "127.0.0.1", "url": URL.format(number)}
            for id_, number in named
        ],
    }  # fmt: skip
