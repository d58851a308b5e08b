"""DIDs: rows of ``vicidial_inbound_dids``."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any

from sqlalchemy.engine import Connection

from didier.domain import patterns
from didier.storage.database import (
    as_json,
    as_moment,
    as_text,
    columns_of,
    insert_one,
    rows_of,
    run,
    run_insert,
    scalar,
    values_of,
)
from didier.storage.tables import DIDS

STAMP = "modify_stamp"
IDENTITY = ("did_id", "did_pattern", STAMP)
"""The columns in which a copy differs from its source whatever the order says."""


@dataclass(frozen=True, slots=True)
class Did:
    """What a service must know of a DID to decide about it."""

    did_id: int
    pattern: str
    group: str | None  # user_group


@dataclass(frozen=True, slots=True)
class Copy:
    """A row to be made: the source's columns, but *overrides* where it names them."""

    source_id: int
    target: str
    overrides: Mapping[str, str | None]


def find(conn: Connection, wanted: Collection[str]) -> dict[str, Did]:
    """Return the DIDs that are there of the patterns *wanted*, by `patterns.key`."""
    rows = run(conn, _find(conn.dialect.name), as_json(wanted))
    return {patterns.key(row[1]): Did(*row) for row in rows}


@cache
def _find(dialect: str) -> str:
    return f"SELECT did_id, did_pattern, user_group FROM {DIDS} WHERE did_pattern IN {values_of(dialect)}"


def copy(conn: Connection, copies: Sequence[Copy], now: datetime) -> list[int]:
    """Make *copies* in one statement, whatever their sources; return the new ids in order.

    Every column that the table has is copied, also those that a later VICIdial added. Raises
    `sqlalchemy.exc.IntegrityError` when a target exists, also if another process was faster.
    """
    if not copies:
        return []
    statement, rows = _copy(conn, copies, free=False, now=now)
    return run_insert(conn, statement, "did_id", len(copies), rows)


def copy_where_free(conn: Connection, copies: Sequence[Copy], now: datetime) -> dict[str, int]:
    """Make those of *copies* whose target does not exist yet; return the new ids by `patterns.key`.

    For tables without transactions, where a statement that fails half way keeps what it has made: this
    one does not fail when another process was faster, it leaves that target out.
    """
    statement, rows = _copy(conn, copies, free=True, now=now)
    made = run(conn, f"{statement} RETURNING did_id, did_pattern", rows)
    return {patterns.key(pattern): did_id for did_id, pattern in made}


def _copy(conn: Connection, copies: Sequence[Copy], *, free: bool, now: datetime) -> tuple[str, str]:
    overridden = tuple(sorted({column for copy in copies for column in copy.overrides}))
    rows = as_json([_row(copy, overridden, as_text(now)) for copy in copies])
    return _copy_statement(conn.dialect.name, columns_of(conn, DIDS), overridden, free), rows


def _row(copy: Copy, overridden: tuple[str, ...], now: str) -> list[Any]:
    row: list[Any] = [copy.source_id, copy.target, now]
    for column in overridden:
        row += (int(column in copy.overrides), copy.overrides.get(column))
    return row


@cache
def _copy_statement(dialect: str, columns: tuple[str, ...], overridden: tuple[str, ...], free: bool) -> str:
    values = {"did_pattern": "r.target"}
    if STAMP in columns:
        values[STAMP] = "r.stamp"
    for column in columns:
        if column in overridden:
            values[column] = f"CASE WHEN r.given_{column} = 1 THEN r.new_{column} ELSE s.`{column}` END"
        elif column not in IDENTITY:
            values[column] = f"s.`{column}`"
    order = ["source_id", "target", "stamp"]
    for column in overridden:
        order += (f"given_{column}", f"new_{column}")
    names = ", ".join(f"`{name}`" for name in values)
    where = f" WHERE NOT EXISTS (SELECT 1 FROM {DIDS} AS t WHERE t.did_pattern = r.target)" if free else ""
    return (
        f"INSERT INTO {DIDS} ({names}) SELECT {', '.join(values.values())}"
        f" FROM {rows_of(dialect, tuple(order))}"
        f" CROSS JOIN {DIDS} AS s ON s.did_id = CAST(r.source_id AS INTEGER){where} ORDER BY r.n"
    )


def add(conn: Connection, values: Mapping[str, Any], now: datetime) -> int:
    """Make one DID with the columns in *values*, defaults elsewhere; return its id."""
    return insert_one(conn, DIDS, {**values, **_stamp(conn, now)}, "did_id")


def update(conn: Connection, did_id: int, values: Mapping[str, Any], now: datetime) -> None:
    """Set the columns in *values* of a DID."""
    changed = {**values, **_stamp(conn, now)}
    assignments = ", ".join(f"`{name}` = ?" for name in changed)
    run(conn, f"UPDATE {DIDS} SET {assignments} WHERE did_id = ?", *changed.values(), did_id)


def _stamp(conn: Connection, now: datetime) -> dict[str, str]:
    """Return the column that tells when a row was changed; older VICIdial versions have none."""
    return {STAMP: as_text(now)} if STAMP in columns_of(conn, DIDS) else {}


def delete(conn: Connection, did_id: int) -> None:
    """Delete a DID."""
    run(conn, f"DELETE FROM {DIDS} WHERE did_id = ?", did_id)


def count(conn: Connection) -> int:
    """Return how many DIDs there are."""
    return int(scalar(conn, f"SELECT count(*) FROM {DIDS}"))


def highest_id(conn: Connection) -> int:
    """Return the highest id that there is, 0 without DIDs."""
    return int(scalar(conn, f"SELECT max(did_id) FROM {DIDS}") or 0)


def made_after(
    conn: Connection, wanted: Collection[str], high_water: int
) -> dict[str, tuple[int, datetime | None]]:
    """Return id and time of the last change of those DIDs *wanted* whose id is above *high_water*."""
    stamp = STAMP if STAMP in columns_of(conn, DIDS) else "NULL"
    sql = (
        f"SELECT did_pattern, did_id, {stamp} FROM {DIDS}"
        f" WHERE did_pattern IN {values_of(conn.dialect.name)} AND did_id > ?"
    )
    rows = run(conn, sql, as_json(wanted), high_water)
    return {patterns.key(row[0]): (row[1], as_moment(row[2])) for row in rows}
