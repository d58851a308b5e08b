"""The rows that a call leaves in VICIdial's logs: "Log rows" in ``tests/conformance/agi/routing.md``.

Texts are cut at the width of their column, and what VICIdial's tables cannot hold is replaced: no call is
lost over a row of a log.
"""

import re
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any, NamedTuple

from didier.domain.calls.decision import Decision
from didier.domain.calls.targets import text
from didier.storage.statements import as_text
from didier.storage.tables import CALL_LOG, DID_AGENT_LOG, DID_LOG, GATEWAY_LOG, RECORDING_LOG, URL_LOG

GATEWAY_LEAST = 20
"""Fewest letters and digits of the id of a recording gateway."""

_WIDTHS = {
    "uniqueid": 20, "channel": 100, "caller_id_number": 18, "caller_id_name": 20, "extension": 100,
    "number_dialed": 15, "caller_code": 20, "type": 10, "user": 20, "filename": 100, "location": 255,
    "VICIrecGatewayID": 30, "vicidial_id": 20, "server_ip": 15, "did_id": 9, "did_route": 20,
    "did_description": 50, "group_id": 20,
}  # fmt: skip
_OF_URLS = {"uniqueid": 50, "url": 16_000, "url_response": 16_000}  # as many of four bytes as a text holds
_NO_SIGNS = re.compile("[^0-9A-Za-z]")
_UNSTORABLE = re.compile("[\0\U00010000-\U0010ffff]")  # VICIdial's tables are utf8mb3
_SHORTEST_ADDRESS = 5


class Record(NamedTuple):
    """A row of the log *table*."""

    table: str
    values: Mapping[str, Any]


def of(decision: Decision, now: datetime) -> list[Record]:
    """Return the rows of a call that came *now*; one that asks for its next has its rows already."""
    rows = _of_urls(decision, now) if decision.call.next else _rows(decision, now)
    return [
        Record(table, {name: _storable(table, name, value) for name, value in values.items()})
        for table, values in rows
    ]


def _rows(decision: Decision, now: datetime) -> Iterator[Record]:
    call, ip, date = decision.call, decision.place.ip, as_text(now)
    on = {"uniqueid": call.uniqueid, "channel": call.channel, "server_ip": ip}
    caller = {"caller_id_number": decision.logged_number, "caller_id_name": call.caller.name}
    did = decision.did or {}
    routed = {"extension": call.dialled, "call_date": date, "did_id": text(did, "did_id")}
    if len(gateway := _NO_SIGNS.sub("", call.gateway)) >= GATEWAY_LEAST:
        by = {"caller_id_number": call.caller.number, "caller_id_name": call.caller.name}
        begun = {"extension": call.dialled, "call_date": date}
        yield Record(GATEWAY_LOG, {**on, **by, **begun, "VICIrecGatewayID": gateway})
    yield Record(DID_LOG, {**on, **caller, **routed, "did_route": decision.route})
    epoch = int(now.timestamp())
    started = {"start_time": date, "start_epoch": epoch}
    yield Record(CALL_LOG, {
        **on, "channel_group": "DID_INBOUND", "type": call.kind, "extension": call.dialled,
        "number_dialed": call.dialled, "caller_code": decision.logged_number, **started,
    })  # fmt: skip
    if _has_agent_log(decision):
        yield Record(DID_AGENT_LOG, {
            "uniqueid": call.uniqueid, "server_ip": ip, **caller, **routed,
            "did_description": text(did, "did_description"), "did_route": decision.stored_route,
            "group_id": decision.group, "user": "VDCL",
        })  # fmt: skip
    if decision.is_recorded:
        name = call.recording
        yield Record(RECORDING_LOG, {
            "channel": call.channel, "server_ip": ip, "extension": call.caller.number, **started,
            "length_in_sec": 0, "filename": name, "location": name, "lead_id": 0, "user": call.dialled,
            "vicidial_id": call.uniqueid,
        })  # fmt: skip
    yield from _of_urls(decision, now)


def _of_urls(decision: Decision, now: datetime) -> Iterator[Record]:
    for asked in decision.asked:
        yield Record(URL_LOG, {
            "uniqueid": decision.call.uniqueid, "url_date": as_text(now), "url_type": "DID_FILTER",
            "response_sec": 0, "url": asked.url, "url_response": asked.response,
        })  # fmt: skip


def _has_agent_log(decision: Decision) -> bool:
    """Say whether the agent log is kept, and here: it may be on a server of its own."""
    settings = decision.place.settings
    elsewhere = DID_AGENT_LOG.removeprefix("vicidial_") in text(settings, "tables_use_alt_log_db")
    if elsewhere and len(text(settings, "alt_log_server_ip")) >= _SHORTEST_ADDRESS:
        return False
    return text(settings, "did_agent_log") == "Y"


def _storable(table: str, name: str, value: Any) -> Any:
    if not isinstance(value, str):
        return value
    width = (_OF_URLS if table == URL_LOG else _WIDTHS).get(name)
    if not value.isascii() or "\0" in value:
        value = _UNSTORABLE.sub("?", value)
    return value[:width]
