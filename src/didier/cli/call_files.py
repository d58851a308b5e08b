"""Calls in files: what Asterisk's ``cdr_csv`` writes, and JSON lines as ``POST /calls`` takes them."""

import csv
import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Any

from didier.domain.calls.reported import ReportedCall

CallReader = Callable[[str], ReportedCall | None]
"""Reads a line; returns None for one of no interest, and raises `BadLine`."""

_COLUMNS = (
    "accountcode", "src", "dst", "dcontext", "clid", "channel", "dstchannel", "lastapp", "lastdata", "start",
    "answer", "end", "duration", "billsec", "disposition", "amaflags", "uniqueid", "userfield",
)  # fmt: skip
_LEAST = _COLUMNS.index("amaflags") + 1  # whether there are more, is set in cdr.conf
_RESULTS = {"ANSWERED": "answered", "NO ANSWER": "no-answer", "BUSY": "busy"}  # all others have failed


class BadLine(ValueError):
    """A line has no call in it."""


@dataclass(frozen=True, slots=True)
class AsteriskCdr:
    """Reads lines of Asterisk's ``cdr-csv/Master.csv``.

    - *zone* is that of its times: that of the machine, None, or UTC where cdr.conf has ``usegmtime=yes``.
    - *contexts* are those of the dialplan (``dcontext``) whose calls are read; without any, all are.
    - *number* is the column with the number that was dialled.
    """

    zone: tzinfo | None = None
    contexts: Sequence[str] = ()
    number: str = "dst"

    def __call__(self, line: str) -> ReportedCall | None:
        """Return the call of a record."""
        values = _record(line)
        if self.contexts and values["dcontext"] not in self.contexts:
            return None
        started = self._moment(values["start"])
        # By their lengths: where clocks are set back, the end may seem to be before the start.
        ended = started + timedelta(seconds=_seconds(values["duration"]))
        talked = timedelta(seconds=_seconds(values["billsec"]))
        is_answered = values["disposition"] == "ANSWERED"
        # Only where cdr.conf has loguniqueid=yes there is an id.
        call_id = values.get("uniqueid") or f"{values['channel']} {values['start']}"
        return _checked(ReportedCall(
            call_id, values[self.number], values["src"], started, ended - talked if is_answered else None,
            ended, _RESULTS.get(values["disposition"], "failed"),
        ))  # fmt: skip

    def _moment(self, text: str) -> datetime:
        try:
            local = datetime.strptime(text, "%Y-%m-%d %H:%M:%S")  # its zone is added below
            zoned = local.replace(tzinfo=self.zone) if self.zone else local
            return zoned.astimezone(UTC)  # in which lengths can be added
        except (ValueError, OverflowError, OSError):
            raise BadLine(f"start: {text!r} is no time") from None


def _record(line: str) -> dict[str, str]:
    try:
        [cells] = csv.reader([line], strict=True)
    except (csv.Error, ValueError):
        raise BadLine("it is no CSV") from None
    if len(cells) < _LEAST:
        raise BadLine(f"it has {len(cells)} columns; cdr_csv writes {_LEAST} at least")
    return {"uniqueid": "", "userfield": "", **dict(zip(_COLUMNS, cells, strict=False))}


def _seconds(text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) < 9):
        raise BadLine(f"{text!r} is no number of seconds")
    return int(text)


def of_json(line: str) -> ReportedCall:
    """Return the call of a line in JSON, as ``POST /calls`` takes it."""
    try:
        values = json.loads(line)
        given = {name: _zoned(values[name]) for name in ("started_at", "answered_at", "ended_at")
                 if values.get(name) is not None}  # fmt: skip
        return _checked(ReportedCall(**{"caller": "", "answered_at": None, **values, **given}))
    except BadLine:
        raise
    except (ValueError, TypeError, AttributeError):
        raise BadLine("it is no call in JSON, as POST /calls takes it") from None


def _zoned(text: str) -> datetime:
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise BadLine(f"{text} has no zone")
    return moment


def _checked(call: ReportedCall) -> ReportedCall:
    if problem := call.problem(datetime.now(UTC)):
        field, allowed = problem
        raise BadLine(f"{field} has to be {allowed}")
    return call


def merged(calls: Iterable[ReportedCall]) -> list[ReportedCall]:
    """Return calls with one for each id and number: Asterisk writes a record for each telephone it rings."""
    found: dict[tuple[str, str], ReportedCall] = {}
    for call in calls:
        known = found.get(key := (call.call_id, call.number))
        found[key] = _both(known, call) if known else call
    return list(found.values())


def _both(one: ReportedCall, other: ReportedCall) -> ReportedCall:
    answered = [each.answered_at for each in (one, other) if each.answered_at]
    return replace(
        one,
        started_at=min(one.started_at, other.started_at),
        answered_at=min(answered, default=None),
        ended_at=max(one.ended_at, other.ended_at),
        result="answered" if answered else other.result,
    )


def to_json(call: ReportedCall) -> dict[str, Any]:
    """Return a call as ``POST /calls`` takes it."""
    values = asdict(call)
    moments = ("started_at", "answered_at", "ended_at")
    return values | {name: values[name] and values[name].astimezone(UTC).isoformat() for name in moments}
