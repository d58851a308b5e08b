"""Making single DIDs by hand."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.engine import Connection

from didier.domain import fields, patterns
from didier.domain.users import missing_rights
from didier.errors import AlreadyExists, InvalidField, InvalidPattern, NotPermitted
from didier.services.access import Caller
from didier.storage import dids, logs, references


@dataclass(frozen=True, slots=True)
class AddOrder:
    """A wish for a new DID with the columns in *values*, defaults elsewhere."""

    caller: Caller
    pattern: str
    values: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Added:
    """A new DID."""

    pattern: str
    did_id: int


Refused = NotPermitted | InvalidPattern | AlreadyExists | InvalidField


def add(conn: Connection, orders: Sequence[AddOrder], now: datetime) -> list[Added | Refused]:
    """Make the DIDs that *orders* ask for; of two wishes for one pattern the first gets it."""
    taken = set(dids.find(conn, {order.pattern for order in orders}))
    outcomes: list[Added | Refused] = []
    events = []
    for order in orders:
        refused = _refused(conn, order, taken)
        if refused:
            outcomes.append(refused)
            continue
        taken.add(patterns.key(order.pattern))
        group = order.caller.user.group_of_new_dids()
        values = {"user_group": group, **order.values, "did_pattern": order.pattern}
        added = Added(order.pattern, dids.add(conn, values, now))
        outcomes.append(added)
        events.append(_event(order.caller, added))
    logs.write_admin(conn, events, now)
    return outcomes


def _refused(conn: Connection, order: AddOrder, taken: set[str]) -> Refused | None:
    if missing := missing_rights(order.caller.user, "add_did"):
        return missing
    if problem := patterns.problem(order.pattern):
        return problem
    if patterns.key(order.pattern) in taken:
        return AlreadyExists(order.pattern)
    for field in fields.DID_FIELDS:
        if (value := order.values.get(field.column)) is None:
            continue
        if bad := fields.problem(field.column, value):
            return bad
        if field.refers_to and not references.exists(conn, field.refers_to, value):
            return InvalidField(field.column, value, f"a value of {field.refers_to}")
    return None


def _event(caller: Caller, added: Added) -> logs.AdminEntry:
    return logs.AdminEntry(
        user=caller.name,
        address=caller.address,
        type="ADD",
        record_id=str(added.did_id),
        code="ADMIN API ADD DID",
        notes=f"did: {added.pattern} did_id: {added.did_id} inserted: 1",
    )
