"""Ranges of ids of DIDs: digests of what there is, and what is remembered."""

from datetime import datetime

import pytest

from didier.storage.changes import ranges
from didier.storage.changes.ranges import KnownRow, RangeRows, Summary
from didier.storage.dids import dids
from didier.storage.statements import run
from didier.storage.tables import DIDS
from support import outside
from support.engines import opened
from support.homes import ready

NOW = datetime(2026, 3, 4, 5, 6, 7)


@pytest.fixture(params=["sqlite", "mariadb", "latin1"])
def conn(request, tmp_path):
    """A connection to a database with three DIDs, in each home and with the character set of old ones."""
    url = f"sqlite:///{tmp_path}/didier.db"
    if request.param != "sqlite":
        url = request.getfixturevalue("mariadb").database()
    with ready(url, NOW) as engine, engine.begin() as conn:
        if request.param == "latin1":
            conn.exec_driver_sql(f"ALTER TABLE {DIDS} CONVERT TO CHARACTER SET latin1")
    with opened(url) as engine, engine.begin() as conn:
        for number in ("5550001", "5550002"):
            text = "Größe \"'\\"
            outside.add(conn, {"did_pattern": number, "did_description": text, "custom_one": None}, NOW)
        yield conn


def test_the_summary_is_that_of_the_rows(conn):
    """Whether the database makes it or it is made of what is remembered."""
    rows = ranges.rows(conn, 0)

    assert [1, 2, 3] == sorted(rows)
    assert ranges.summary(rows) == ranges.found(conn, 0)
    assert ranges.NOTHING == ranges.found(conn, 1_000)


def test_the_digest_of_an_image_is_that_of_the_row(conn):
    """So a row that the change log has is known again without being read as a whole."""
    names = ranges.digested_columns(conn)
    images = dids.images(conn, [1, 2, 3])

    assert {id_: ranges.digest_of(conn, image, names) for id_, image in images.items()} == {
        id_: row.digest for id_, row in ranges.rows(conn, 0).items()
    }


def test_two_rows_that_are_changed_alike_do_not_cancel_each_other_out(conn):
    """As the checksums of their changes would."""
    before = ranges.found(conn, 0)
    run(conn, f"UPDATE {DIDS} SET did_active = 'N' WHERE did_id IN (2, 3)")

    assert 3 == ranges.found(conn, 0).size
    assert before.digest != ranges.found(conn, 0).digest


def test_what_is_kept_is_read(conn):
    """The last time counts; a digest may be unknown."""
    content = RangeRows(
        2_000, 7, "columns", {2_001: KnownRow(5, "55", None), 2_002: KnownRow(None, "56", "SALES")}
    )
    ranges.keep(conn, RangeRows(2_000, 6, "other", {}))
    ranges.keep(conn, content)

    assert content == ranges.read(conn, 2_000)
    assert Summary(2, 5) == ranges.stored(conn, 2_000).summary
    assert (None, 7) == (ranges.read(conn, 0), ranges.highest_position(conn))


def test_ranges_follow_each_other(conn):
    """Those with DIDs, those that are remembered, and those in which something was changed."""
    ranges.keep(conn, RangeRows(2_000, 6, "", {}))

    found = [ranges.following(conn, first, {5_000}) for first in (0, 1_000, 3_000, 6_000)]

    assert [0, 2_000, 5_000, None] == found
