"""Rows of DIDs as they were when they were copied: table ``didier_snapshots``. Equal ones are kept once."""

import hashlib
from collections.abc import Collection, Mapping, Sequence
from typing import Any

import orjson
from sqlalchemy.engine import Connection

from didier.storage import dialects
from didier.storage.statements import as_json, insert, run

Image = Mapping[str, Any]
"""A row by column, as plain values."""


def keep(conn: Connection, images: Sequence[Image]) -> list[int]:
    """Store *images*; return the id of each."""
    contents = [orjson.dumps(image, option=orjson.OPT_SORT_KEYS).decode() for image in images]
    digests = [hashlib.sha256(content.encode()).hexdigest() for content in contents]
    known = _ids(conn, digests)
    new = {digest: content for digest, content in zip(digests, contents, strict=True) if digest not in known}
    if new:
        insert(conn, "didier_snapshots", ("digest", "content"), list(new.items()))
        known |= _ids(conn, list(new))
    return [known[digest] for digest in digests]


def _ids(conn: Connection, digests: Sequence[str]) -> dict[str, int]:
    wanted = dialects.of(conn).texts
    sql = f"SELECT digest, snapshot_id FROM didier_snapshots WHERE digest IN {wanted}"
    return {row[0]: row[1] for row in run(conn, sql, as_json(digests))}


def read(conn: Connection, snapshot_id: int) -> dict[str, Any]:
    """Return the row that was stored under *snapshot_id*."""
    return some(conn, [snapshot_id])[snapshot_id]


def some(conn: Connection, snapshot_ids: Collection[int]) -> dict[int, dict[str, Any]]:
    """Return the rows that were stored under *snapshot_ids*, by id."""
    if not snapshot_ids:
        return {}
    wanted = dialects.of(conn).numbers
    sql = f"SELECT snapshot_id, content FROM didier_snapshots WHERE snapshot_id IN {wanted}"
    return {row[0]: orjson.loads(row[1]) for row in run(conn, sql, as_json(sorted(snapshot_ids)))}


def groups(conn: Connection, snapshot_ids: Collection[int]) -> dict[int, str | None]:
    """Return the user group in each of the rows that were stored under *snapshot_ids*."""
    if not snapshot_ids:
        return {}
    group = dialects.of(conn).member("content", "user_group")
    wanted = dialects.of(conn).numbers
    sql = f"SELECT snapshot_id, {group} FROM didier_snapshots WHERE snapshot_id IN {wanted}"
    return {row[0]: row[1] for row in run(conn, sql, as_json(sorted(snapshot_ids)))}
