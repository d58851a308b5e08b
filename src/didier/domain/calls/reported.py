"""A call that others report: an edge, or an Asterisk without VICIdial."""

import hashlib
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

RESULTS = ("answered", "busy", "no-answer", "cancelled", "rejected", "failed")
"""What came of a call; rejected: by the edge itself, as there is no such number, or it is not active."""

CALL_ID_MOST, NUMBER_MOST, CALLER_MOST, GATEWAY_MOST = 255, 64, 64, 128
"""Most characters of each text."""

_TEXTS = (
    ("call_id", 1, CALL_ID_MOST), ("number", 1, NUMBER_MOST), ("caller", 0, CALLER_MOST),
    ("gateway", 0, GATEWAY_MOST),
)  # fmt: skip

STATUS_LEAST, STATUS_MOST = 100, 699

CALLS_MOST = 1_000
"""Most calls of one report."""

EARLIEST, LATEST = datetime(1971, 1, 1, tzinfo=UTC), datetime(9000, 1, 1, tzinfo=UTC)
"""Between them a moment can be shown in every zone, and stored in every database."""

AHEAD = timedelta(days=1)
"""How far in the future a call may end: clocks differ, and one of years ahead would never be forgotten."""


@dataclass(frozen=True, slots=True)
class ReportedCall:
    """A call; its moments have a zone. *caller* is empty when hidden, *gateway* when none took it."""

    call_id: str
    number: str  # exactly as it was dialled
    caller: str
    started_at: datetime
    answered_at: datetime | None
    ended_at: datetime
    result: str
    sip_status: int | None = None
    gateway: str = ""

    def problem(self, now: datetime) -> tuple[str, str] | None:
        """Return the first field whose value cannot be, and what it has to be; None without one."""
        return self._value_problem() or self._moment_problem(now)

    def _value_problem(self) -> tuple[str, str] | None:
        for name, least, most in _TEXTS:
            text = getattr(self, name)
            if not (least <= len(text) <= most and text.isprintable()):
                return name, f"{least} to {most} printable characters"
        if self.result not in RESULTS:
            return "result", f"one of {', '.join(RESULTS)}"
        if self.sip_status is not None and not STATUS_LEAST <= self.sip_status <= STATUS_MOST:
            return "sip_status", f"{STATUS_LEAST} to {STATUS_MOST}"
        return None

    def _moment_problem(self, now: datetime) -> tuple[str, str] | None:
        if not EARLIEST <= self.started_at < LATEST:
            return "started_at", "a moment from 1971 to 8999"
        if not self.started_at <= self.ended_at <= now + AHEAD:
            return "ended_at", "not before started_at, and a day in the future at most"
        if (self.answered_at is not None) != (self.result == "answered"):
            return "answered_at", "given if result is answered, and only then"
        if self.answered_at and not self.started_at <= self.answered_at <= self.ended_at:
            return "answered_at", "from started_at to ended_at"
        return None


def key(source: str, call_id: str, number: str) -> str:
    """Return what a call of a source is known by; the texts themselves are too long for an index.

    The number belongs to it: RFC 3261 (16.6) lets a proxy fork an INVITE, or send it on to another number,
    and each of these calls has the Call-ID of the first.
    """
    return hashlib.sha256(f"{source}\0{call_id}\0{number}".encode()).hexdigest()
