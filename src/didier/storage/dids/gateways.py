"""Sets of SIP gateways: table ``didier_gateways``, which Didier can do without."""

from datetime import datetime
from functools import lru_cache

import orjson
from sqlalchemy.engine import Connection

from didier.domain import gateways
from didier.domain.gateways import GatewaySet
from didier.errors import InvalidField
from didier.storage.dids.named import NamedTable
from didier.storage.statements import run
from didier.storage.tables import GATEWAYS


@lru_cache(maxsize=1024)
def _read(name: str, group: str, number: int, value: str) -> GatewaySet | None:
    try:
        return gateways.of(name, int(number), group, orjson.loads(value))
    except (InvalidField, ValueError, TypeError, AttributeError):
        return None


TABLE = NamedTable(GATEWAYS, gateways.COLUMN, ("number", "value"), _read)


def put(conn: Connection, one: GatewaySet, now: datetime) -> None:
    """Store a set in the place of the one with its name."""
    value = orjson.dumps(gateways.values_of(one)).decode()
    TABLE.put(conn, one.name, one.group, [one.number, value], now)


def numbers(conn: Connection) -> dict[int, str]:
    """Return the names of all sets by their numbers, also of those that cannot be read."""
    return {int(number): str(name) for number, name in run(conn, f"SELECT number, name FROM {GATEWAYS}")}
