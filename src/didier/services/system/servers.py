"""VICIdial's servers."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.engine import Connection

from didier.domain.users import missing_rights
from didier.errors import NotPermitted
from didier.services.users.authentication import Caller
from didier.storage.changes import event_sql, vicidial_logs
from didier.storage.system import servers


@dataclass(frozen=True, slots=True)
class Refreshed:
    """Every server writes its configuration again; *servers* of them were not about to already."""

    servers: int


def refresh(conn: Connection, callers: Sequence[Caller], now: datetime) -> list[Refreshed | NotPermitted]:
    """Have every server write its configuration again, once for each of *callers*."""
    return [_refresh(conn, caller, now) for caller in callers]


def _refresh(conn: Connection, caller: Caller, now: datetime) -> Refreshed | NotPermitted:
    if missing := missing_rights(caller.user, "server_refresh"):
        return missing
    count = servers.refresh(conn, now)
    vicidial_logs.write_admin(conn, [_event(caller, count)], now)
    return Refreshed(count)


def _event(caller: Caller, count: int) -> vicidial_logs.AdminEntry:
    return vicidial_logs.AdminEntry(
        user=caller.name,
        address=caller.address,
        type="OTHER",
        record_id="refresh",
        code="ADMIN API SERVERS REFRESH",
        notes=f"servers: {count}",
        section="SERVERS",
        sql=event_sql.updated("servers", {"rebuild_conf_files": "Y"}),
    )
