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

IDENTITY = ("did_id", "did_pattern", "modify_stamp")
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
    overridden = tuple(sorted({column for copy in copies for column in copy.overrides}))
    rows = [_row(copy, overridden) for copy in copies]
    statement = _copy(conn.dialect.name, columns_of(conn, DIDS), overridden)
    return run_insert(conn, statement, "did_id", len(rows), as_text(now), as_json(rows))


def _row(copy: Copy, overridden: tuple[str, ...]) -> list[Any]:
    row: list[Any] = [copy.source_id, copy.target]
    for column in overridden:
        row += (int(column in copy.overrides), copy.overrides.get(column))
    return row


@cache
def _copy(dialect: str, columns: tuple[str, ...], overridden: tuple[str, ...]) -> str:
    copied = [column for column in columns if column not in IDENTITY]
    values = [
        f"CASE WHEN r.given_{column} = 1 THEN r.new_{column} ELSE s.`{column}` END"
        if column in overridden
        else f"s.`{column}`"
        for column in copied
    ]
    order = ["source_id", "target"]
    for column in overridden:
        order += (f"given_{column}", f"new_{column}")
    return (
        f"INSERT INTO {DIDS} (did_pattern, modify_stamp, {', '.join(f'`{name}`' for name in copied)})"
        f" SELECT r.target, ?, {', '.join(values)} FROM {rows_of(dialect, tuple(order))}"
        f" CROSS JOIN {DIDS} AS s ON s.did_id = CAST(r.source_id AS INTEGER)"
        " ORDER BY r.n"
    )


def add(conn: Connection, values: Mapping[str, Any], now: datetime) -> int:
    """Make one DID with the columns in *values*, defaults elsewhere; return its id."""
    return insert_one(conn, DIDS, {**values, "modify_stamp": as_text(now)}, "did_id")


def update(conn: Connection, did_id: int, values: Mapping[str, Any], now: datetime) -> None:
    """Set the columns in *values* of a DID."""
    changed = {**values, "modify_stamp": as_text(now)}
    assignments = ", ".join(f"`{name}` = ?" for name in changed)
    run(conn, f"UPDATE {DIDS} SET {assignments} WHERE did_id = ?", *changed.values(), did_id)


def delete(conn: Connection, did_id: int) -> None:
    """Delete a DID."""
    run(conn, f"DELETE FROM {DIDS} WHERE did_id = ?", did_id)


def count(conn: Connection) -> int:
    """Return how many DIDs there are."""
    return int(scalar(conn, f"SELECT count(*) FROM {DIDS}"))
