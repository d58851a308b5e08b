"""The newest calls in VICIdial's log."""

from datetime import datetime
from typing import Any

from sqlalchemy.engine import Connection

from didier.domain.calls.live import Ending, LiveCall
from didier.storage.statements import as_text, run
from didier.storage.tables import DID_LOG, DIDS


def since(conn: Connection, moment: datetime, limit: int) -> list[LiveCall]:
    """Return *limit* of the calls since *moment*, the newest first, with the DIDs that took them."""
    sql = (
        "SELECT l.call_date, l.uniqueid, l.server_ip, l.extension, l.caller_id_number, l.did_id, l.did_route,"
        f" d.did_pattern, d.user_group FROM {DID_LOG} AS l"
        f" LEFT JOIN {DIDS} AS d ON d.did_id = CAST(l.did_id AS INTEGER)"
        " WHERE l.call_date >= ? ORDER BY l.call_date DESC LIMIT ?"
    )
    return [_call(*row) for row in run(conn, sql, as_text(moment), limit)]


def _call(
    came: Any, uniqueid: str, server_ip: str, dialled: str | None, caller: str | None, did_id: str | None,
    route: str | None, pattern: str | None, group: str | None,
) -> LiveCall:  # fmt: skip
    ending = Ending.of_log(did_id or "")
    return LiveCall(
        came_at=as_text(came) if isinstance(came, datetime) else str(came),
        uniqueid=uniqueid,
        server_ip=server_ip,
        dialled=dialled or "",
        caller=caller or "",
        did=pattern or "",
        group=group,
        route=route or "",
        result=ending.result,
        reason=ending.reason,
    )
