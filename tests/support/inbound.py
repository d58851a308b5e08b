"""Inbound calls, what they look for, and the tables in which that stands."""

from datetime import datetime

from sqlalchemy.engine import Connection

from didier.domain.calls.call import Call
from didier.storage.calls.equality import local_now
from didier.storage.statements import as_text, insert, run
from didier.storage.tables import (
    AUTO_CALLS,
    CALL_LOG,
    CAMPAIGN_DNC,
    CLOSER_LOG,
    CONTAINERS,
    DID_AGENT_LOG,
    DID_LOG,
    DNC,
    FILTER_NUMBERS,
    GATEWAY_LOG,
    LEADS,
    LISTS,
    LIVE_AGENTS,
    OUTBOUND_LOG,
    PHONES,
    RECORDING_LOG,
    SERVERS,
    SYSTEM_SETTINGS,
    URL_LOG,
)
from support import outside

IP = "192.0.2.1"
LOGS = (DID_LOG, CALL_LOG, DID_AGENT_LOG, GATEWAY_LOG, RECORDING_LOG, URL_LOG)
FACTS = (
    AUTO_CALLS, CAMPAIGN_DNC, CLOSER_LOG, CONTAINERS, DNC, FILTER_NUMBERS, LEADS, LISTS, LIVE_AGENTS,
    OUTBOUND_LOG, PHONES, SERVERS, SYSTEM_SETTINGS,
)  # fmt: skip


def emptied(conn: Connection) -> None:
    """Take out calls, and what they look for."""
    for table in (*LOGS, *FACTS):
        run(conn, f"DELETE FROM {table}")


def call(number: str = "18001234567", gateway: str = "", **more: str) -> Call:
    """Return a call to *number*; *more* is what the channel says besides, without ``agi_``."""
    environment = {
        "uniqueid": "1764375000.7", "channel": "SIP/trunk-1", "extension": number, "callerid": "7275551212",
        "calleridname": "Ann", "type": "SIP", "context": "trunkinbound", **more,
    }  # fmt: skip
    return Call.of({f"agi_{name}": value for name, value in environment.items()}, gateway, "20260304050607")


def put(conn: Connection, table: str, **values: object) -> None:
    """Add a row with *values* to *table*."""
    insert(conn, table, tuple(values), [tuple(values.values())])


def add_did(conn: Connection, pattern: str, **values: object) -> None:
    """Add an active DID."""
    given = {"did_pattern": pattern, "did_active": "Y", "did_route": "EXTEN", "extension": "8301", **values}
    outside.add(conn, given, datetime(2026, 3, 4))


def live(conn: Connection, **values: object) -> None:
    """Add an agent who is there."""
    given = {
        "user": "6666", "server_ip": IP, "status": "READY", "lead_id": 0, "closer_campaigns": " SALES -",
        "last_update_time": as_text(local_now(conn)),
    }  # fmt: skip
    put(conn, LIVE_AGENTS, **given | values)


def outbound(conn: Connection, **values: object) -> None:
    """Add a call that was made just now."""
    given = {
        "uniqueid": "1.1", "lead_id": 1, "campaign_id": "C", "status": "SALE", "phone_number": "1",
        "call_date": as_text(local_now(conn)),
    }  # fmt: skip
    put(conn, OUTBOUND_LOG, **given | values)
