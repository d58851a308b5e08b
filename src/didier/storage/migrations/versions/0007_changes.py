"""The change log: one row for every committed change of a DID, or for a run of them; and the journal.

A change that was ordered alone (one number copied, one DID updated) is its own batch: its `change_id` is the
id of the batch. Other batches take theirs from the change that says that they were ordered. So ids of changes
go on where those of batches are. Releases before this one go on counting in ``didier_batches``, from a
billion on: no id is given out twice while both are at work.

What was recorded before is taken over: runs of copies from ``didier_batch_items``, the rest from
``didier_history``. For each DID they stand in the order in which they were made.
"""

import zlib
from collections.abc import Iterator, Mapping
from itertools import islice
from typing import Any

import orjson
import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import mysql
from sqlalchemy.engine import Connection

from didier.domain import inputs, kept_inputs
from didier.storage.batches.input_text import unpack
from didier.storage.migrations import INNODB, add_column

revision = "0007"
down_revision = "0006"

OLDER_RELEASES_FROM = 1_000_000_000
"""Where releases that know no change log go on with the ids of batches."""

AT_ONCE = 20_000
"""How many rows are taken over in one statement: MariaDB commits each, and goes on from there."""

_Id = sa.BigInteger().with_variant(sa.Integer, "sqlite")
_LongText = sa.Text().with_variant(mysql.LONGTEXT(), "mysql", "mariadb")
_LongBlob = sa.LargeBinary().with_variant(mysql.LONGBLOB(), "mysql", "mariadb")


def upgrade() -> None:
    conn = op.get_bind()
    for name in ("origin", "undone_origin"):
        add_column("didier_batches", sa.Column(name, sa.String(20)))
    is_new = not sa.inspect(conn).has_table("didier_changes")
    _create()
    if is_new:
        _begin_counting(conn)
    _take_over(conn)
    if conn.dialect.name != "sqlite":
        _take_over_journal(conn)
        _take_over_chunks(conn)


def _pattern() -> "sa.types.TypeEngine[str]":
    """Return the type of a pattern, compared as the DIDs' own are."""
    vicidial = mysql.VARCHAR(50, charset="utf8mb3", collation="utf8mb3_unicode_ci")
    nocase = sa.String(50, collation="NOCASE")
    return sa.String(50).with_variant(nocase, "sqlite").with_variant(vicidial, "mysql", "mariadb")


def _create() -> None:
    op.create_table(
        "didier_changes",
        sa.Column("change_id", _Id, primary_key=True),
        # Gap-free, in the order of commits. SQLite has one writer, whose ids are that: NULL there.
        sa.Column("sequence", sa.BigInteger),
        sa.Column("kind", sa.String(10), nullable=False, server_default="did"),  # or batch
        sa.Column("action", sa.String(10), nullable=False),  # created, updated, deleted
        sa.Column("cause", sa.String(10), nullable=False),  # copy, add, import, update, delete, undo, outside
        sa.Column("origin", sa.String(20), nullable=False),  # by which door; empty: not known
        sa.Column("changed_at", sa.DateTime, nullable=False),
        sa.Column("user_name", sa.String(20), nullable=False),
        sa.Column("user_id", sa.Integer),
        sa.Column("address", sa.String(45), nullable=False),
        sa.Column("batch_id", _Id),  # NULL: a batch by itself; 0: of none
        sa.Column("position", sa.Integer, nullable=False, server_default="1"),  # in the batch
        sa.Column("did_id", sa.Integer, nullable=False, server_default="0"),
        sa.Column("did_pattern", _pattern(), nullable=False, server_default=""),
        sa.Column("size", sa.Integer, nullable=False, server_default="1"),
        sa.Column("group_before", sa.String(20)),  # user group of the DIDs; NULL: none, or not known
        sa.Column("group_after", sa.String(20)),
        sa.Column("source_pattern", _pattern()),  # of a copy
        sa.Column("snapshot_id", sa.Integer),  # of a copy: its source as it was
        sa.Column("details", _LongText),  # JSON, see `storage.changes.change_log`
        sa.Column("before_image", _LongText),  # JSON objects of all columns
        sa.Column("after_image", _LongText),
        sqlite_autoincrement=True,
        if_not_exists=True,
        **INNODB,
    )
    for name, columns in (("pattern", ["did_pattern"]), ("did", ["action", "did_id"]),
                          ("batch", ["batch_id"]), ("source", ["source_pattern"])):  # fmt: skip
        op.create_index(f"didier_changes_{name}", "didier_changes", columns, if_not_exists=True)
    if op.get_bind().dialect.name != "sqlite":
        columns = ["sequence"]
        op.create_index("didier_changes_sequence", "didier_changes", columns, unique=True, if_not_exists=True)
    op.create_table(
        "didier_journal",  # what is being done to tables without transactions
        sa.Column("journal_id", sa.Integer, primary_key=True),
        sa.Column("guard", sa.String(64), nullable=False),  # lock that the writer's connection holds
        sa.Column("high_water", sa.Integer, nullable=False),  # highest did_id before
        sa.Column("content", _LongBlob, nullable=False),  # compressed JSON
        sqlite_autoincrement=True,
        if_not_exists=True,
        **INNODB,
    )


def _begin_counting(conn: Connection) -> None:
    """Let the last id of what is taken over be that of the last batch, if there are not more of them."""
    is_sqlite = conn.dialect.name == "sqlite"
    if not is_sqlite:
        conn.exec_driver_sql(f"ALTER TABLE didier_batches AUTO_INCREMENT = {OLDER_RELEASES_FROM}")
    last = _number(conn, f"SELECT MAX(batch_id) FROM didier_batches WHERE batch_id < {OLDER_RELEASES_FROM}")
    tables = (_COPIED, "didier_history")
    rows = sum(_number(conn, f"SELECT COUNT(*) FROM {table}") for table in tables)
    first = max(1, last - rows + 1)
    if is_sqlite:
        begin = sa.text("INSERT INTO sqlite_sequence (name, seq) VALUES ('didier_changes', :before)")
        conn.execute(begin, {"before": first - 1})
    else:
        conn.exec_driver_sql(f"ALTER TABLE didier_changes AUTO_INCREMENT = {first}")


def _number(conn: Connection, sql: str) -> int:
    return int(conn.execute(sa.text(sql)).scalar() or 0)


def _take_over(conn: Connection) -> None:
    """Take over what is behind the marks, and move them with it."""
    for name, behind, take in (
        ("copies", _COPIES_BEHIND, _take_copies(conn)),
        ("history", _HISTORY_BEHIND, _take_history(conn)),
    ):
        mark = _mark(conn, name)
        while following := conn.execute(sa.text(behind), {**mark, "at_once": AT_ONCE}).first():
            batch, place = following
            conn.execute(sa.text(take), {**mark, "last_batch": batch, "last_place": place})
            mark = {"batch": batch, "place": place}
            _set_mark(conn, name, mark)
            if conn.dialect.name != "sqlite":
                conn.exec_driver_sql("COMMIT")


def _mark(conn: Connection, name: str) -> dict[str, int]:
    """Return the place of the last row that was taken over: batch and position, or 0 and a history's id."""
    sql = sa.text("SELECT value FROM didier_settings WHERE name = :name")
    batch, _, place = str(conn.execute(sql, {"name": f"taken_over_{name}"}).scalar() or "0:0").partition(":")
    return {"batch": int(batch), "place": int(place)}


def _set_mark(conn: Connection, name: str, mark: dict[str, int]) -> None:
    values = {"name": f"taken_over_{name}", "value": f"{mark['batch']}:{mark['place']}"}
    conn.execute(sa.text("DELETE FROM didier_settings WHERE name = :name"), values)
    conn.execute(sa.text("INSERT INTO didier_settings (name, value) VALUES (:name, :value)"), values)


def _take_over_journal(conn: Connection) -> None:
    """Write what a crash left half done into the journal, from which it will be taken back.

    Before, the journal was in batches: those running without a phase, whose locks nobody holds.
    """
    sql = (
        "SELECT batch_id, created_at, user_name, user_id, address, source_pattern, snapshot_id, high_water,"
        " guard FROM didier_batches"
        " WHERE state = 'running' AND phase IS NULL AND IS_USED_LOCK(guard) IS NULL"
    )
    for batch in conn.execute(sa.text(sql)).mappings().all():
        _move_to_journal(conn, dict(batch))


def _take_over_chunks(conn: Connection) -> None:
    """Take over what a crash left half done of large batches in tables without transactions.

    *planned* is how many targets behind the position were being made, or how many ids from *high_water* on
    were being removed; that was stored before the first row was touched.
    """
    sql = (
        "SELECT batch_id, created_at, user_name, user_id, address, source_pattern, snapshot_id, high_water,"
        " 'didier.upgraded' AS guard, phase, position, planned FROM didier_batches WHERE planned IS NOT NULL"
    )
    for batch in map(dict, conn.execute(sa.text(sql)).mappings().all()):
        if batch["phase"] == "remove":
            _remove_rest(conn, batch)
        else:
            first = batch["position"]
            targets = list(islice(_targets(conn, batch["batch_id"]), first, first + batch["planned"]))
            _write_journal(conn, batch, [_planned(batch, n, t) for n, t in enumerate(targets, first + 1)])
        done = "UPDATE didier_batches SET planned = NULL, high_water = NULL WHERE batch_id = :batch_id"
        conn.execute(sa.text(done), {"batch_id": batch["batch_id"]})


def _targets(conn: Connection, batch_id: int) -> Iterator[str]:
    """Yield the targets that a batch was ordered with."""
    sql = "SELECT content FROM didier_batch_input WHERE batch_id = :batch_id ORDER BY piece"
    pieces = [bytes(piece) for piece in conn.execute(sa.text(sql), {"batch_id": batch_id}).scalars()]
    return (row.target for row in inputs.rows(kept_inputs.read(unpack(pieces))))


def _remove_rest(conn: Connection, batch: Mapping[str, Any]) -> None:
    """Delete what was not deleted yet of the DIDs that the batch counts as removed."""
    kept = (
        "SELECT 1 FROM didier_batch_items AS i WHERE i.batch_id = :batch_id AND i.outcome = 'kept'"
        " AND d.did_id BETWEEN i.did_id AND i.did_id + i.size - 1"
    )
    sql = (
        "DELETE d FROM vicidial_inbound_dids AS d WHERE d.did_id >= :high_water"
        f" AND d.did_id < :high_water + :planned AND NOT EXISTS ({kept})"
    )
    conn.execute(sa.text(sql), {**batch})


def _move_to_journal(conn: Connection, batch: Mapping[str, Any]) -> None:
    of_batch = {"batch": batch["batch_id"]}

    def execute(sql: str, **values: Any) -> "sa.CursorResult[*tuple[Any, ...]]":
        return conn.execute(sa.text(sql), {**of_batch, **values})

    planned = "FROM didier_batch_items WHERE batch_id = :batch AND outcome = 'planned'"
    targets = execute(f"SELECT position, target {planned} ORDER BY position").all()
    _write_journal(conn, batch, [_planned(batch, position, target) for position, target in targets])
    execute("UPDATE didier_batches SET state = 'failed', added = 0 WHERE batch_id = :batch")
    execute(
        "UPDATE didier_batch_items SET outcome = 'missing' WHERE batch_id = :batch AND outcome = 'planned'"
    )


def _write_journal(conn: Connection, batch: Mapping[str, Any], changes: list[dict[str, Any]]) -> None:
    content = orjson.dumps({"moment": batch["created_at"].isoformat(" "), "changes": changes})
    sql = "INSERT INTO didier_journal (guard, high_water, content) VALUES (:guard, :high_water, :content)"
    conn.execute(sa.text(sql), {**batch, "content": zlib.compress(content)})


def _planned(batch: Mapping[str, Any], position: int, target: str) -> dict[str, Any]:
    """Return the change that was planned, as the journal has it."""
    author = {"name": batch["user_name"], "user_id": batch["user_id"], "address": batch["address"]}
    return {
        "author": author, "action": "created", "cause": "copy", "did_id": 0, "pattern": target,
        "batch_id": batch["batch_id"], "position": position, "source": batch["source_pattern"],
        "snapshot_id": batch["snapshot_id"],
    }  # fmt: skip


_COPIED = (
    "didier_batch_items AS i JOIN didier_batches AS b ON b.batch_id = i.batch_id"
    " AND b.kind = 'copy' AND i.did_id > 0 AND i.outcome <> 'planned'"
)
_BEHIND = "(i.batch_id > :batch OR (i.batch_id = :batch AND i.position > :place))"
_UP_TO = "(i.batch_id < :last_batch OR (i.batch_id = :last_batch AND i.position <= :last_place))"

# The place of the last of the next rows.
_COPIES_BEHIND = (
    "SELECT batch_id, position FROM (SELECT i.batch_id, i.position FROM didier_batch_items AS i"
    f" WHERE {_BEHIND} ORDER BY i.batch_id, i.position LIMIT :at_once) AS n"
    " ORDER BY batch_id DESC, position DESC LIMIT 1"
)
_HISTORY_BEHIND = (
    "SELECT :batch, MAX(history_id) FROM (SELECT history_id FROM didier_history WHERE history_id > :place"
    " ORDER BY history_id LIMIT :at_once) AS n HAVING MAX(history_id) IS NOT NULL"
)


def _take_copies(conn: Connection) -> str:
    """Return the statement that takes over runs of copies.

    The values of targets' own were not stored: it says in which columns they had some.
    """
    given, of_source = _group(conn, "b.overrides"), _group(conn, "s.content")
    overrides, own_columns = (
        f"JSON_EXTRACT({_json(column)}, '$')" for column in ("b.overrides", "b.own_columns")
    )
    own = "COALESCE(b.own_columns, '') LIKE '%\"user_group\"%'"
    return (
        "INSERT INTO didier_changes (action, cause, origin, changed_at, user_name, user_id, address,"
        " batch_id, position, did_id, did_pattern, size, group_after, source_pattern, snapshot_id, details)"
        " SELECT 'created', 'copy', '', b.created_at, b.user_name, b.user_id, b.address, b.batch_id,"
        " i.position, i.did_id, i.target, i.size,"
        f" CASE WHEN NOT {own} THEN COALESCE(NULLIF({given}, ''), {of_source}) END,"
        " b.source_pattern, b.snapshot_id, JSON_OBJECT('source_id', b.source_id, 'template', b.template,"
        f" 'values', {overrides}, 'unknown', {own_columns})"
        f" FROM {_COPIED} LEFT JOIN didier_snapshots AS s ON s.snapshot_id = b.snapshot_id"
        f" WHERE {_BEHIND} AND {_UP_TO} ORDER BY i.batch_id, i.position"
    )


def _take_history(conn: Connection) -> str:
    """Return the statement that takes over entries of the history."""
    before, after = _group(conn, "h.before_image"), _group(conn, "h.after_image")
    return (
        "INSERT INTO didier_changes (action, cause, origin, changed_at, user_name, user_id, address,"
        " batch_id, did_id, did_pattern, size, group_before, group_after, before_image, after_image)"
        " SELECT CASE WHEN h.before_image IS NOT NULL AND h.after_image IS NOT NULL THEN 'updated'"
        " WHEN h.after_image IS NOT NULL THEN 'created' ELSE 'deleted' END,"
        " CASE WHEN b.kind = 'import' AND h.action <> 'undo' THEN 'import' ELSE h.action END, '',"
        " h.changed_at, h.user_name, h.user_id, h.address, h.batch_id, h.did_id, h.did_pattern, h.size,"
        f" {before}, {after}, h.before_image, h.after_image"
        " FROM didier_history AS h LEFT JOIN didier_batches AS b ON b.batch_id = h.batch_id"
        " WHERE h.history_id > :place AND h.history_id <= :last_place ORDER BY h.history_id"
    )


def _group(conn: Connection, image: str) -> str:
    """Return the expression for the user group in a JSON object."""
    is_sqlite = conn.dialect.name == "sqlite"
    return f"({_json(image)} ->> '$.user_group')" if is_sqlite else f"JSON_VALUE({image}, '$.user_group')"


def _json(column: str) -> str:
    """Return the expression for the JSON in *column*, NULL for what is none: nothing stops the upgrade."""
    return f"(CASE WHEN JSON_VALID({column}) THEN {column} END)"
