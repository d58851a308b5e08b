"""Calls on their way from Kamailio to the server: kept in a local SQLite file until the server has them.

Kamailio sends lines, one for each call that has ended: Call-ID, number, caller, when it began, was answered
(0: never) and ended in Unix seconds, the final SIP status, and the gateway's address, with tabs between.
"""

import json
import sqlite3
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Self
from urllib.parse import unquote

from didier import characters
from didier.client import Didier
from didier.client.errors import DidierError, InvalidRequest, NotPermitted, ProblemError
from didier.client.retrying import Policy
from didier.edge import tables
from didier.edge.status import Status

KEPT_MOST = 1_000_000
"""Most calls that wait for the server; then the oldest go."""

AT_ONCE = 500
LOOK_SECONDS = 1.0
REFUSED_SECONDS = 60.0
"""How long an agent waits that may not report calls."""

_LONGEST = {"call_id": 255, "number": 64, "caller": 64, "gateway": 128}
_STATUSES = range(100, 700)
_RESULTS = {486: "busy", 600: "busy", 487: "cancelled", 408: "no-answer", 480: "no-answer"}

Call = Mapping[str, Any]


def read(line: str) -> Call | None:
    """Return the call that a line tells of, as the API takes it; None: nobody can read it."""
    parts = line.split("\t")
    if len(parts) != len(_LONGEST) + 4:
        return None
    call_id, number, caller, *figures, gateway = parts
    try:
        began, answered, ended, status = map(int, figures)
    except ValueError:
        return None
    texts = {"call_id": call_id, "number": number, "caller": caller, "gateway": gateway}
    cleaned = {name: _clean(text)[: _LONGEST[name]] for name, text in texts.items()}
    if not cleaned["call_id"] or not cleaned["number"] or status not in _STATUSES:
        return None
    try:
        moments = _moment(began), _moment(max(began, answered)) if answered else None
        last = _moment(max(began, answered, ended))
    except (OverflowError, ValueError, OSError):
        return None
    return {
        **cleaned, "started_at": moments[0], "answered_at": moments[1], "ended_at": last,
        "sip_status": status, "result": _result(status, cleaned["gateway"], is_answered=bool(answered)),
    }  # fmt: skip


def _is_about_a_call(error: ProblemError) -> bool:
    """Say whether others may be taken: one cannot be, or is to a number that the token does not reach."""
    if isinstance(error, NotPermitted):
        return all(missing.startswith("Pattern prefix") for missing in error.missing)
    places = [one.get("pointer") for one in error.errors] if isinstance(error, InvalidRequest) else []
    return all((place or "").startswith("/calls/") for place in places or [error.pointer])


def _clean(text: str) -> str:
    decoded = unquote(text, errors="backslashreplace")  # what is no UTF-8 stays different from others
    return "".join(character for character in decoded if not characters.refused(character))


def _moment(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat()


def _result(status: int, gateway: str, *, is_answered: bool) -> str:
    if is_answered:
        return "answered"
    if not gateway and status != 487:
        return "rejected"
    return _RESULTS.get(status, "failed")


class Spool:
    """The file, for one thread."""

    def __init__(self, file: Path) -> None:
        file.touch(0o640)
        self._connection = sqlite3.connect(file, timeout=tables.LOCK_SECONDS, isolation_level=None)
        self._execute = self._connection.execute
        self._execute("PRAGMA journal_mode = WAL")
        self._execute("PRAGMA synchronous = FULL")  # Kamailio forgets what is acknowledged
        self._execute(
            "CREATE TABLE IF NOT EXISTS calls (id INTEGER PRIMARY KEY AUTOINCREMENT, call TEXT NOT NULL)"
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._connection.close()

    def add(self, calls: Iterable[Call]) -> int:
        """Store calls, on the disk; return how many old ones had to go for them."""
        with tables.transaction(self._connection):
            self._connection.executemany(
                "INSERT INTO calls (call) VALUES (?)",
                ((json.dumps(call, ensure_ascii=False),) for call in calls),
            )
            return self._execute(
                "DELETE FROM calls WHERE id <= (SELECT max(id) FROM calls) - ?", (KEPT_MOST,)
            ).rowcount

    def first(self, most: int) -> Sequence[tuple[int, Call]]:
        """Return the oldest calls, with their places."""
        rows = self._execute("SELECT id, call FROM calls ORDER BY id LIMIT ?", (most,))
        return [(place, json.loads(call)) for place, call in rows]

    def delete(self, places: Sequence[int]) -> None:
        """Forget calls."""
        self._execute("DELETE FROM calls WHERE id IN (SELECT value FROM json_each(?))", (json.dumps(places),))

    def __len__(self) -> int:
        [count] = self._execute("SELECT count(*) FROM calls").fetchone()
        return int(count)


@dataclass(slots=True)
class CallReports:
    """Reports what is in the spool to the server, as calls of the edge *name*."""

    spool: Spool
    client: Didier
    name: str
    status: Status
    say: Callable[[str], None]
    policy: Policy = field(default_factory=Policy)
    _failed: int = field(default=0, init=False)

    def run(self, stopping: threading.Event) -> None:
        """Report until *stopping*."""
        wait = 0.0
        while not stopping.wait(wait):
            wait = self.look()

    def look(self) -> float:
        """Report some calls; return the seconds until the next look."""
        found = self.spool.first(AT_ONCE)
        self.status.set(calls_waiting=len(self.spool))
        if not found:
            return LOOK_SECONDS
        try:
            self._report(found)
        except DidierError as error:
            return self._not_reported(error)
        self._failed = 0
        if self.status.say("calls", None):
            self.say("the server takes calls again")
        return 0.0

    def _report(self, found: Sequence[tuple[int, Call]]) -> None:
        """Report calls; of those that are refused together each for itself."""
        try:
            self.client.report_calls(self.name, [call for _, call in found])
        except ProblemError as error:
            if not _is_about_a_call(error):
                raise
            if len(found) > 1:
                for one in found:
                    self._report([one])
                return
            self.status.count(calls_dropped=1)
            self.say(f"the server refuses a call: {error}")
        else:
            self.status.count(calls_reported=len(found))
        self.spool.delete([place for place, _ in found])

    def _not_reported(self, error: DidierError) -> float:
        if self.status.say("calls", f"calls are not reported: {error}"):
            self.say(f"calls are not reported: {error}; trying again")
        self._failed += 1
        is_refused = isinstance(error, ProblemError) and 400 <= error.status < 429
        return REFUSED_SECONDS if is_refused else self.policy.wait(self._failed - 1)
