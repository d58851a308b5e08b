"""Who does a job that only one process may do, and until when: table ``didier_leases``.

All times are the database's, never the process's: so those of several machines need not agree. On a Galera
cluster the nodes' clocks do; a lease ends early or late by what they differ, and fencing makes that harmless.

Whoever works under a lease renews it in the transaction of each step (`hold`). The row is *changed* by that,
not only locked: locks of a Galera node are its own, and two transactions at two nodes exclude each other only
if they change a row in common. Of a step and a takeover at the same time one is rolled back.
"""

from collections.abc import Collection
from dataclasses import dataclass
from functools import cache

from sqlalchemy.engine import Connection

from didier.storage import dialects
from didier.storage.dialects import SqlDialect
from didier.storage.statements import as_json, run, run_change


class LeaseLost(Exception):
    """Another process has taken the lease since: what this one is about to store must not be stored."""


@dataclass(frozen=True, slots=True)
class Lease:
    """A job that is *holder*'s to do, in its *epoch*; it ends *seconds* after it was renewed last."""

    name: str
    holder: str  # one process from its start to its end
    epoch: int
    seconds: float


_COLUMNS = "name, holder, epoch, taken_at, expires_at"


@cache
def _take(dialect: SqlDialect, force: bool) -> str:
    values = f"?, ?, 1, {dialect.now}, {dialect.in_seconds}"
    if dialect.has_conditional_upsert:
        return _take_on_conflict(values, "1" if force else f"l.expires_at <= {dialect.now}")
    return _take_on_duplicate_key(values, "1" if force else f"expires_at <= {dialect.now}")


def _take_on_conflict(values: str, free: str) -> str:
    return (
        f"INSERT INTO didier_leases AS l ({_COLUMNS}) VALUES ({values})"
        " ON CONFLICT (name) DO UPDATE SET epoch = l.epoch + (l.holder <> excluded.holder),"
        " taken_at = iif(l.holder = excluded.holder, l.taken_at, excluded.taken_at),"
        " holder = excluded.holder, expires_at = excluded.expires_at"
        f" WHERE l.holder = excluded.holder OR {free} RETURNING holder, epoch"
    )


def _take_on_duplicate_key(values: str, free: str) -> str:
    taken = f"holder <> VALUES(holder) AND {free}"
    # MariaDB assigns from left to right: what stands behind the holder asks whether it is the new one.
    return (
        f"INSERT INTO didier_leases ({_COLUMNS}) VALUES ({values})"
        f" ON DUPLICATE KEY UPDATE epoch = epoch + ({taken}),"
        f" taken_at = IF({taken}, VALUES(taken_at), taken_at), holder = IF({taken}, VALUES(holder), holder),"
        " expires_at = IF(holder = VALUES(holder), VALUES(expires_at), expires_at) RETURNING holder, epoch"
    )


def take(conn: Connection, name: str, holder: str, seconds: float, *, force: bool = False) -> Lease | None:
    """Give *holder* the lease *name* for *seconds*; None while another has it.

    One that was never taken, was given back or has expired gets a new epoch; the holder's own is renewed.
    With *force* it is taken whoever has it: by who knows that the other has ended.

    Of two at once one gets it. The other may get an error instead of None, from this or from the commit, for
    which `is_passing` holds: a deadlock, or on Galera that the other node was faster.
    """
    rows = run(conn, _take(dialects.of(conn), force), name, holder, seconds)
    if not rows or rows[0][0] != holder:
        return None
    return Lease(name, holder, int(rows[0][1]), seconds)


_OWN = "name = ? AND holder = ? AND epoch = ?"


def renew(conn: Connection, lease: Lease) -> bool:
    """Let *lease* begin again; say whether it could be, as nobody has taken it since.

    One that has expired can be: as long as nobody else has wanted it, nothing was done by two.
    """
    sql = f"UPDATE didier_leases SET expires_at = {dialects.of(conn).in_seconds} WHERE {_OWN}"
    return run_change(conn, sql, lease.seconds, lease.name, lease.holder, lease.epoch) == 1


def hold(conn: Connection, lease: Lease) -> None:
    """Keep the lease from others until the transaction ends, and renew it. Raises `LeaseLost`.

    To be called in the transaction of each step of the work, before it stores anything.
    """
    if not renew(conn, lease):
        raise LeaseLost(lease.name)


def release(conn: Connection, lease: Lease) -> None:
    """Give *lease* back; nothing happens when another has it by now."""
    sql = f"UPDATE didier_leases SET holder = '', expires_at = {dialects.of(conn).now} WHERE {_OWN}"
    run(conn, sql, lease.name, lease.holder, lease.epoch)


def seconds_left(conn: Connection, names: Collection[str], holder: str) -> dict[str, float]:
    """Return how long others than *holder* have the leases *names* yet; 0 for those that are free.

    It reads alone, and waits for nobody's step; what it says may be over the moment after.
    """
    dialect = dialects.of(conn)
    sql = (
        f"SELECT name, {dialect.seconds_until('expires_at')} FROM didier_leases"
        f" WHERE holder <> ? AND name IN {dialect.texts}"
    )
    left = {str(name): float(seconds) for name, seconds in run(conn, sql, holder, as_json(names))}
    return {name: max(0.0, left.get(name, 0.0)) for name in names}
