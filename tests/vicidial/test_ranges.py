"""Ranges of numbers in the lists of both dialects."""

import pytest

from support.calls import SOURCE, Api


@pytest.fixture
def api(engine, now):
    return Api(engine, now)


def copy(api, targets):
    return api.call("copy_did", source_did_pattern=SOURCE, new_dids=targets)


def test_a_range_is_copied_number_by_number(api):
    """Each number of a range is a target, beside other items."""
    answer = copy(api, "+442079460000-2,5550001")

    assert f"NOTICE: copy_did DID HAS BEEN ADDED - admin|+442079460001|{SOURCE}|3|1\n" in answer
    assert answer.endswith(f"SUCCESS: copy_did DIDS HAVE BEEN ADDED - admin|{SOURCE}|4|0\n")
    assert ["+442079460000", "+442079460001", "+442079460002", "5550001"] == api.patterns()[1:]


def test_a_range_in_the_tutorials_dialect(api):
    """new_did_pattern takes ranges too, and refuses impossible ones in its own line."""
    assert (
        f"SUCCESS: {SOURCE} -> 7275550199 | DID Copied Successfully\n"
        f"SUCCESS: {SOURCE} -> 7275550200 | DID Copied Successfully\n"
        "ERROR: copy_did DID RANGE IS NOT VALID: |admin|5550002-5550001\n"
    ) == api.tutorial("7275550199-0200,5550002-5550001")


def test_an_impossible_range_is_refused_by_name(api):
    """The refusal is counted with the errors and stands in batch and admin log; the others are made."""
    answer = copy(api, "5550002-5550001,5550003")

    assert (
        "NOTICE: copy_did DID RANGE IS NOT VALID - admin|5550002-5550001\n"
        f"NOTICE: copy_did DID HAS BEEN ADDED - admin|5550003|{SOURCE}|2|1\n"
        f"SUCCESS: copy_did DIDS HAVE BEEN ADDED - admin|{SOURCE}|1|1\n"
    ) == answer
    [(target, outcome), _] = api.sql("SELECT target, outcome FROM didier_batch_items ORDER BY position")
    assert ("5550002-5550001", "invalid") == (target, outcome)
    [(notes,)] = api.sql("SELECT event_notes FROM vicidial_admin_log")
    assert "5550002-5550001 NOT VALID\n" in notes


def test_a_range_may_have_a_thousand_numbers(api):
    """A thousand numbers fit; one more makes nothing of the range."""
    assert f"|{SOURCE}|1000|0\n" in copy(api, "18002220000-18002220999")
    assert f"ERROR: copy_did NO DIDS ADDED - admin|{SOURCE}|0|1\n" in copy(api, "18003330000-18003331000")
    assert 1001 == len(api.patterns())


@pytest.mark.parametrize(
    ("written", "number"), [("800-555-0100", "8005550100"), ("1800555-0100", "18005550100")]
)
def test_a_number_with_dashes_is_a_number(api, written, number):
    """Numbers as people write them are cleaned as VICIdial cleans them."""
    copy(api, written)

    assert [SOURCE, number] == api.patterns()
