"""Reported calls by the client."""

from datetime import UTC, datetime, timedelta

import pytest

from didier.client import StoredCalls, errors
from support.usage import count_for

BEGAN = datetime.now(UTC).replace(hour=12, minute=0, second=0, microsecond=0) - timedelta(days=2)


def call(call_id, number, **values):
    return {
        "call_id": call_id, "number": number, "caller": "", "started_at": BEGAN, "answered_at": None,
        "ended_at": BEGAN + timedelta(seconds=30), "result": "no-answer", **values,
    }  # fmt: skip


def test_what_is_reported_is_in_usage(client, place, block):
    """Once; moments may be datetimes, with or without a zone, or texts."""
    number = f"{block}0000"
    client.add(number, route="EXTEN", extension="8300")
    calls = [
        call(f"{block}-a", number),
        call(f"{block}-b", number, started_at=f"{BEGAN:%Y-%m-%dT%H:%M:%SZ}"),
        call(f"{block}-c", number, ended_at=(BEGAN + timedelta(hours=1)).astimezone().replace(tzinfo=None)),
    ]
    first, again = client.report_calls("edge", iter(calls)), client.report_calls("edge", calls[:1])
    count_for(place, place.database_url)
    used = {one.pattern: one.calls for one in client.usage(BEGAN, BEGAN + timedelta(days=1))}
    listed = list(client.calls(number, BEGAN.astimezone().date()))

    assert (StoredCalls(3, 0), StoredCalls(0, 1)) == (first, again)
    assert 3 == used[number]
    assert [30, 30, 3600] == sorted(one.seconds for one in listed)


def test_a_call_that_cannot_be_is_named(client, block):
    """By its place in the report."""
    with pytest.raises(errors.ProblemError) as refused:
        client.report_calls("edge", [call(f"{block}-x", "1"), call(f"{block}-y", "")])

    assert "calls, item 2, number" in str(refused.value)
