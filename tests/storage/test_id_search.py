"""Finding rows by time through their ids, on both databases."""

from datetime import datetime, timedelta

import pytest

from didier.storage.statements import as_text, run
from didier.storage.usage.id_search import first_since

BEGIN = datetime(2026, 3, 4)
IDS = (3, 4, 10, 11, 500)
"""One an hour."""


@pytest.mark.parametrize(
    ("hours", "expected"), [(-1, 3), (0, 3), (0.5, 4), (2, 5), (2.5, 11), (4, 12), (4.5, 501)]
)
def test_the_least_id_since_a_moment(engine, hours, expected):
    """The id behind the last older row, whatever gaps the ids have."""
    with engine.begin() as conn:
        for hour, line in enumerate(IDS):
            run(
                conn,
                "INSERT INTO vicidial_api_log (api_id, user, api_date, function) VALUES (?, 'u', ?, 'f')",
                line, as_text(BEGIN + timedelta(hours=hour)),
            )  # fmt: skip
        found = first_since(conn, "vicidial_api_log", "api_id", "api_date", BEGIN + timedelta(hours=hours))

    assert expected == found


def test_an_empty_table_has_no_first_row(engine):
    """Everything that comes has a higher id than 0."""
    with engine.begin() as conn:
        assert 0 == first_since(conn, "vicidial_api_log", "api_id", "api_date", BEGIN)
