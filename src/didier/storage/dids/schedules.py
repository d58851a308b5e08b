"""Opening hours: table ``didier_schedules``, which Didier can do without."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache

import orjson
from sqlalchemy.engine import Connection

from didier.domain import schedules
from didier.domain.schedules import Schedule
from didier.errors import InvalidField
from didier.storage.dids.named import NamedTable
from didier.storage.tables import SCHEDULES


@dataclass(frozen=True, slots=True)
class StoredSchedule:
    """A schedule, and the user group that sees it."""

    schedule: Schedule
    group: str

    @property
    def name(self) -> str:
        """The name of the schedule."""
        return self.schedule.name


@lru_cache(maxsize=1024)
def _read(name: str, group: str, value: str) -> StoredSchedule | None:
    try:
        return StoredSchedule(schedules.of(name, orjson.loads(value)), group)
    except (InvalidField, ValueError, TypeError, AttributeError):
        return None


TABLE = NamedTable(SCHEDULES, "schedule", ("value",), _read)


def by_name(conn: Connection, names: Collection[str]) -> dict[str, Schedule]:
    """Return the schedules that are called *names*, in any case, by the names that were asked for."""
    return {name: stored.schedule for name, stored in TABLE.by_name(conn, names).items()}


def put(conn: Connection, stored: StoredSchedule, now: datetime) -> None:
    """Store a schedule in the place of the one with its name."""
    value = orjson.dumps(schedules.values_of(stored.schedule)).decode()
    TABLE.put(conn, stored.name, stored.group, [value], now)
