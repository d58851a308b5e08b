"""DIDs written by sets: created, updated and deleted by one statement for as many as there are.

What rows have alike is bound once; the rest, as one JSON parameter, is a table that the statement joins.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy.engine import Connection

from didier.domain.targets import Range
from didier.storage import dialects, row_sets
from didier.storage.dialects import SqlDialect
from didier.storage.dids.did_fields import DEFAULTS, VERSION
from didier.storage.dids.dids import STAMP, Value
from didier.storage.statements import (
    as_json,
    as_text,
    bound_rows,
    cache_some,
    columns_of,
    defaults_of,
    inserted_first,
    run,
    scalar,
)
from didier.storage.tables import DIDS

NO_VALUES = ("did_id", "did_pattern", STAMP, VERSION)
"""What is not among the values of new DIDs."""


@dataclass(frozen=True, slots=True)
class Block:
    """DIDs to be created, or that were.

    *values* are those of all columns but `NO_VALUES` and the *varying* ones. A row is a target and its
    values of the varying columns; `did_id` is one of these where a DID is to have the id that it had, and the
    time of the last change where *stamp* is empty. What Didier alone knows of DIDs is among the columns; the
    functions here leave it out, as their table has no such columns.
    """

    values: Mapping[str, Any]
    stamp: str
    targets: Sequence[str]
    varying: tuple[str, ...] = ()
    own: Sequence[Sequence[Any]] = ()  # of each target, when there are varying columns
    numbers: Range | None = None  # the targets, when they are consecutive numbers

    def fields(self, ids: Sequence[int | None]) -> dict[int, dict[str, Any]]:
        """Return what Didier alone knows of the rows, by their *ids*, where that is not the default."""
        alike = {name: value for name, value in self.values.items() if value != DEFAULTS.get(name, value)}
        places = {name: place for place, name in enumerate(self.varying) if name in DEFAULTS}
        if not alike and not places:
            return {}
        own = self.own or [()] * len(self.targets)
        return {
            did_id: {**alike, **{name: row[place] for name, place in places.items()}}
            for did_id, row in zip(ids, own, strict=True)
            if did_id is not None
        }

    def rows(self) -> list[Any]:
        """Return the rows: targets, or where there are varying columns lists that begin with the target."""
        if not self.varying:
            return list(self.targets)
        return [[target, *own] for target, own in zip(self.targets, self.own, strict=True)]


def block_of(rows: Sequence[Mapping[str, Any]], stamp: str = "") -> Block:
    """Return the block of *rows*, which have a value for each of the same columns."""
    first = rows[0]
    varying = tuple(
        name
        for name, value in first.items()
        if name == "did_id" or (name != "did_pattern" and any(row[name] != value for row in rows))
    )
    fixed = ("did_pattern", *varying)
    alike = {name: value for name, value in first.items() if name not in fixed}
    own = [[row[name] for name in varying] for row in rows] if varying else ()
    return Block(alike, stamp, [row["did_pattern"] for row in rows], varying, own)


def default_row(conn: Connection) -> dict[str, Value]:
    """Return the columns of a DID of which nothing is said, but those that the database sets by itself."""
    return {name: value for name, value in defaults_of(conn, DIDS).items() if name not in NO_VALUES}


def create(conn: Connection, block: Block) -> Sequence[int]:
    """Create the rows of *block*; return their ids in order.

    Raises `sqlalchemy.exc.IntegrityError` when a target exists; then nothing was created, where the table
    has transactions.
    """
    if not block.targets:
        return range(0)
    statement, values = _creation(conn, block, free=False)
    if "did_id" in block.varying:
        run(conn, statement, *values)
        place = block.varying.index("did_id")
        return [own[place] for own in block.own]
    if not _ids_are_consecutive(conn):
        return [row[0] for row in run(conn, f"{statement} RETURNING did_id", *values)]
    first = inserted_first(conn, statement, len(block.targets), *values)
    return range(first, first + len(block.targets))


def create_where_free(conn: Connection, block: Block) -> list[int | None]:
    """Create those rows of *block* whose target does not exist; return the id of each, None where it does.

    For tables without transactions, where a statement that fails half way keeps what it has created: this
    one does not fail when another program was faster.
    """
    if not block.targets:
        return []
    statement, values = _creation(conn, block, free=True)
    created = dict(run(conn, f"{statement} RETURNING did_pattern, did_id", *values))
    return [created.get(target) for target in block.targets]


def _ids_are_consecutive(conn: Connection) -> bool:
    """Say whether the rows of one statement have ids without gaps.

    InnoDB gives them out together unless it interleaves those of several statements
    (``innodb_autoinc_lock_mode`` 2) or leaves some to other nodes. Reading back would find out otherwise.
    """
    if dialects.of(conn).has_one_writer:
        return True
    return bool(scalar(conn, "SELECT @@innodb_autoinc_lock_mode < 2 AND @@auto_increment_increment = 1"))


def _creation(conn: Connection, block: Block, *, free: bool) -> tuple[str, list[Any]]:
    """Return the statement that creates *block*, only where targets are *free*, and what is bound to it."""
    names, values = named(conn, block)
    if block.stamp and STAMP in columns_of(conn, DIDS):
        names, values = (*names, STAMP), [*values, block.stamp]
    source, rows = _rows_source(dialects.of(conn), block)
    return _create(source, names, block.varying, free), [*values, *rows]


def named(conn: Connection, block: Block) -> tuple[tuple[str, ...], list[Any]]:
    """Return the columns that are alike and their values; what the table does not have is left out."""
    names = _known(tuple(block.values), columns_of(conn, DIDS))
    return names, [block.values[name] for name in names]


@cache_some
def _known(names: tuple[str, ...], there: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(name for name in names if name in there)


def _rows_source(dialect: SqlDialect, block: Block) -> tuple[str, list[Any]]:
    """Return the FROM item ``r`` that reads the rows of *block*, and what is bound to it.

    It has ``n``, which counts them, ``target``, and of each varying column ``own0``, ``own1`` …
    """
    own = own_columns(len(block.varying))
    if not dialect.binds_values(len(block.targets)):
        return dialect.targets(own), [as_json(block.rows())]
    rows = block.rows() if block.varying else [[target] for target in block.targets]
    return bound_rows(dialect, ("target", *own), rows)


@cache_some
def own_columns(count: int) -> tuple[str, ...]:
    """Return what the *varying* columns are called among the rows of a statement."""
    return tuple(f"own{i}" for i in range(count))


@cache_some
def _create(source: str, names: tuple[str, ...], varying: tuple[str, ...], free: bool) -> str:
    own = {n: place for n, place in zip(varying, own_columns(len(varying)), strict=True) if n not in DEFAULTS}
    columns = [*names, *own, "did_pattern"]
    selected = ["?"] * len(names) + [*own.values(), "target"]
    where = f" WHERE NOT EXISTS (SELECT 1 FROM {DIDS} AS t WHERE t.did_pattern = r.target)" if free else ""
    return (
        f"INSERT INTO {DIDS} ({', '.join(f'`{name}`' for name in columns)})"
        f" SELECT {', '.join(selected)} FROM {source}{where}"
    )


def update(conn: Connection, updates: Mapping[int, Mapping[str, Any]], now: datetime | None = None) -> None:
    """Set columns of DIDs, by did_id; *now* is the time of the change, unless that is among the columns."""
    stamp = {} if now is None else {STAMP: as_text(now)}
    row_sets.update_each(
        conn, DIDS, "did_id", ((did_id, {**values, **stamp}) for did_id, values in updates.items())
    )


def delete(conn: Connection, did_ids: Collection[int]) -> None:
    """Delete DIDs."""
    row_sets.delete(conn, DIDS, ("did_id",), [(did_id,) for did_id in did_ids])
