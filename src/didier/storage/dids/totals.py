"""How many DIDs are wanted: counted, or estimated by looking at some of them."""

from sqlalchemy.engine import Connection

from didier.storage.dids import filters
from didier.storage.dids.filters import Filter, clause
from didier.storage.statements import run, scalar
from didier.storage.tables import DIDS

LOOKED_AT = 20_000
"""How many ids an estimate looks at; of fewer DIDs all are counted."""

PLACES = 40
"""In how many places an estimate looks, evenly spread over all ids: blocks of numbers are alike."""


def exact(conn: Connection, wanted: Filter) -> int:
    """Count the DIDs that are *wanted*: looks at all of them, unless there is an index for it."""
    conditions, values = filters.conditions(conn, wanted)
    return int(scalar(conn, f"SELECT COUNT(*) FROM {DIDS} AS d{clause(conditions)}", *values) or 0)


def estimated(conn: Connection, wanted: Filter) -> tuple[int, bool]:
    """Return about how many DIDs are *wanted*, and whether it is their number to the last.

    Counts them among the ids of some places, and takes the others to be like these.
    """
    first, last = run(conn, f"SELECT MIN(did_id), MAX(did_id) FROM {DIDS}")[0]
    if first is None:
        return 0, True
    ids = last - first + 1
    if ids <= LOOKED_AT or wanted.patterns is not None:
        return exact(conn, wanted), True
    width = LOOKED_AT // PLACES
    conditions, values = filters.conditions(conn, wanted, near=True)
    starts = [first + (ids - width) * place // (PLACES - 1) for place in range(PLACES)]
    places = " OR ".join(["d.did_id BETWEEN ? AND ?"] * PLACES)
    among = clause([f"({places})", *conditions])
    bounds = [bound for start in starts for bound in (start, start + width - 1)]
    found = int(scalar(conn, f"SELECT COUNT(*) FROM {DIDS} AS d{among}", *bounds, *values) or 0)
    return round(found * ids / LOOKED_AT), False
