"""Storing calls that others report."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy.engine import Connection

from didier.domain import patterns
from didier.domain.calls.reported import ReportedCall
from didier.domain.users import missing_rights
from didier.errors import InvalidField, Refusal, ReportedCallsOff
from didier.services.users import authentication
from didier.services.users.authentication import Caller
from didier.storage.calls import reported
from didier.storage.dids import dids
from didier.storage.dids.dids import Did

FORGOTTEN_MOST = 2_000
"""Most old calls that are deleted with a report: more than can come with one."""


@dataclass(frozen=True, slots=True)
class CallReport:
    """An order to store the calls of a *source*; those older than *days* are forgotten."""

    caller: Caller
    source: str
    calls: Sequence[ReportedCall]
    days: int


@dataclass(frozen=True, slots=True)
class Stored:
    """How many calls of a report were stored, and how many were known, which changes nothing."""

    stored: int
    known: int


def report(conn: Connection, orders: Sequence[CallReport], now: datetime) -> list[Stored | Refusal]:
    """Store the calls of each order, all of them or none."""
    if not reported.are_kept(conn):
        return [ReportedCallsOff() for _ in orders]
    there = _dids(conn, {call.number for order in orders for call in order.calls})
    done = [_report(conn, order, there, now) for order in orders]
    oldest = now - timedelta(days=max(order.days for order in orders))
    reported.forget(conn, oldest, FORGOTTEN_MOST)
    return done


def _dids(conn: Connection, numbers: Collection[str]) -> dict[str, Did]:
    """Return the DIDs of numbers; what is dialled may be no pattern of a DID at all."""
    possible = [number for number in numbers if patterns.problem(number) is None]
    found = dids.find(conn, possible)
    return {number: did for number in possible if (did := found.get(number))}


def _report(conn: Connection, order: CallReport, there: Mapping[str, Did], now: datetime) -> Stored | Refusal:
    refused = missing_rights(order.caller.user, "report_calls") or _refused(order, now.astimezone())
    if refused:
        return refused
    stored = reported.add(
        conn, order.source, [(call, _did_id(order.caller, call, there)) for call in order.calls]
    )
    return Stored(stored, len(order.calls) - stored)


def _refused(order: CallReport, now: datetime) -> Refusal | None:
    """Refuse a call that cannot be, or whose number the caller's token does not reach."""
    for place, call in enumerate(order.calls):
        if problem := call.problem(now):
            field, allowed = problem
            return InvalidField(f"calls/{place}/{field}", str(getattr(call, field)), allowed)
        if refused := authentication.not_reached(order.caller, call.number, "report_calls"):
            return refused
    return None


def _did_id(caller: Caller, call: ReportedCall, there: Mapping[str, Did]) -> int | None:
    """Return the DID whose call it is, if the caller sees it.

    A call to another is stored as one to a number without a DID: to refuse it would say that it is there.
    """
    did = there.get(call.number)
    return did.did_id if did and caller.visibility.sees_group(did.group) else None
