"""Schedules by the client."""

from datetime import UTC, datetime

import pytest

from didier.client import errors

OFFICE = {
    "time_zone": "UTC", "hours": {"monday": ["09:00-17:00"]}, "outside": "EXTEN:8600@default",
    "dates": [{"date": "12-24", "name": "Christmas Eve"}],
}  # fmt: skip
MONDAY = datetime(2026, 3, 2, 10, tzinfo=UTC)


def test_a_whole_life(client, block):
    """Stored, had by a DID, explained at a moment, and deleted once no DID has it."""
    name, number = f"office{block}", f"{block}0000"
    stored = client.set_schedule(name, OFFICE)
    client.add(number, route="EXTEN", extension="8300", schedule=name, fallbacks="EXTEN:8601@default")
    at = {moment: client.route(number, at=moment).target for moment in (MONDAY, MONDAY.replace(hour=8))}
    with pytest.raises(errors.DestinationInUse) as used:
        client.delete_schedule(name)

    assert (["09:00-17:00"], "Christmas Eve") == (stored.hours["monday"], stored.upcoming[0].name)
    assert stored.next_opening is None or stored.next_opening > datetime.now(UTC)
    assert ["8300", "8600"] == [target.extension for target in at.values()]
    assert (f"DID {number}",) == used.value.places
    assert [name] == [one.name for one in client.schedules(name, page_size=1)]
    client.update(number, schedule=None)
    client.delete_schedule(name)
    with pytest.raises(errors.DestinationNotFound):
        client.schedule(name)


def test_what_is_wrong_is_named(client, block):
    """By its field."""
    with pytest.raises(errors.InvalidField) as refused:
        client.set_schedule(f"office{block}", {**OFFICE, "time_zone": "Mars/Base"})

    assert "time_zone" == refused.value.field
