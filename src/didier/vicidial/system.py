"""The function that concerns the whole system."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy.engine import Connection

from didier.services.system import servers
from didier.vicidial.call import Call
from didier.vicidial.replies import system as words
from didier.vicidial.replies.lines import Reply
from didier.vicidial.signed import Signed, unless


def server_refresh(conn: Connection, signed: Sequence[Signed], now: datetime) -> Sequence[Reply]:
    """Have every server write its configuration anew."""

    def refresh(ready: Sequence[Signed]) -> Sequence[Reply]:
        outcomes = servers.refresh(conn, [s.caller for s in ready], now)
        return [words.refreshed(s.call, outcome) for s, outcome in zip(ready, outcomes, strict=True)]

    return unless(_problem, signed, refresh)


def _problem(call: Call) -> Reply | None:
    return None if "REFRESH" in call.get("stage") else words.incomplete(call)
