"""What leads to a thing beside the routes of DIDs: their fallbacks, and schedules outside their hours."""

from collections.abc import Mapping
from types import MappingProxyType

from sqlalchemy.engine import Connection

from didier.domain import patterns, route_texts
from didier.domain.destinations import Kind, Value
from didier.domain.fields import CALL_MENUS, IN_GROUPS, PHONES, SERVERS
from didier.domain.route_texts import Destination
from didier.domain.visibility import Visibility
from didier.storage.dids import did_fields, references, schedules
from didier.storage.dids.leading import Leading
from didier.storage.statements import like, run
from didier.storage.tables import DIDS

_ROUTES: Mapping[str, str] = MappingProxyType(
    {IN_GROUPS: "IN_GROUP", CALL_MENUS: "CALLMENU", PHONES: "PHONE", SERVERS: "PHONE"}
)


def dids(conn: Connection, kind: Kind, values: Mapping[str, Value], sight: Visibility, most: int) -> Leading:
    """Return *most* of the DIDs with a fallback to the thing with the columns *values*, as `leading.dids`."""
    seen, limits = references.seen_as(conn, sight)
    sql = (
        f"SELECT did_pattern, fallbacks, {seen} FROM {did_fields.TABLE} AS f JOIN {DIDS} AS d"
        " ON d.did_id = f.did_id WHERE LOWER(fallbacks) LIKE ? ESCAPE '!' ORDER BY did_pattern"
    )
    found = [
        (str(pattern), bool(is_seen))
        for pattern, fallbacks, is_seen in run(conn, sql, *limits, like(_written(kind, values).lower()))
        if any(_leads(other, kind, values) for other in route_texts.listed(fallbacks))
    ]
    shown = [pattern for pattern, is_seen in found if is_seen]
    return Leading(tuple(shown[:most]), is_hidden=len(shown) < len(found))


def by_schedules(
    conn: Connection, kind: Kind, values: Mapping[str, Value], sight: Visibility
) -> list[str | None]:
    """Return the schedules that send calls to a thing outside their hours; None for one that is not seen."""
    return [
        stored.schedule.name if sight.sees_group(stored.group) else None
        for stored in schedules.TABLE.every(conn)
        if _leads(stored.schedule.outside, kind, values)
    ]


def _written(kind: Kind, values: Mapping[str, Value]) -> str:
    """Return how a thing is written in destinations: ``:101``, or ``@10.0.0.1`` for a server."""
    sign = "@" if kind.reference == SERVERS else ":"
    return sign + str(Destination("", str(values[kind.named_by])))[1:]


def _leads(other: Destination, kind: Kind, values: Mapping[str, Value]) -> bool:
    if other.route != _ROUTES[kind.reference]:
        return False
    if kind.reference == SERVERS:
        return _is(other.beside, values["server_ip"])
    if kind.reference == PHONES and not _is(other.beside, values["server_ip"]):
        return False
    return _is(other.named, values[kind.named_by])


def _is(name: str, value: Value) -> bool:
    return patterns.key(name) == patterns.key(str(value))
