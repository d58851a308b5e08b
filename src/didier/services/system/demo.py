"""The tutorial's user and DID, for trying Didier out."""

from datetime import datetime

from sqlalchemy.engine import Connection

from didier import tutorial
from didier.errors import DatabaseInUse
from didier.services.system import demo_contents
from didier.services.users import directory
from didier.storage import settings
from didier.storage.dids import bulk, dids
from didier.storage.statements import as_text

_MARK = "demo"


def is_demo(conn: Connection) -> bool:
    """Say whether the database was filled by `fill`: it has a user with a public password."""
    return settings.read(conn, _MARK) is not None


def fill(conn: Connection, now: datetime, *, furnished: bool = False) -> None:
    """Put the tutorial's user and DID into an empty database; one that is a demo already is left alone.

    *furnished*: with other numbers, destinations and a month of calls, so that there is something to see.
    Raises `DatabaseInUse` for any other: a user with a public password must not get into it.
    """
    if is_demo(conn):
        return
    if directory.everyone(conn) or dids.count(conn):
        raise DatabaseInUse("--demo: this database is already in use; give --database a new file")
    directory.first_administrator(conn, tutorial.PASSWORD, now)
    values = {
        "did_pattern": tutorial.SOURCE_DID,
        "did_description": "Tutorial sales line",
        "did_route": "EXTEN",
        "extension": "8300",
        "exten_context": "trunkinbound",
    }
    bulk.create(conn, bulk.block_of([values], as_text(now)))
    settings.write(conn, _MARK, "Y")
    if furnished:
        demo_contents.furnish(conn, now)


def free_target(conn: Connection) -> str:
    """Return the tutorial's new number, or the next one that does not exist yet."""
    first = int(tutorial.TARGET_DID)
    span = [str(number) for number in range(first, first + 1000)]
    found = dids.find(conn, span)
    return next((number for number in span if not found.get(number)), span[0])
