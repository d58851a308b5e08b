"""Calls of the last hour, put together of the log and what a process knows itself."""

from dataclasses import replace

from didier.domain.calls.live import LiveCall, merged, snapshot

ROW = LiveCall(
    came_at="2026-03-04 05:06:07", uniqueid="1.1", server_ip="192.0.2.1", dialled="1800", caller="727",
    did="1800", group="SALES", route="EXTEN", result="logged",
)  # fmt: skip
OWN = replace(
    ROW, came_at="2026-03-04 05:06:08", group="OLD", did="1801", result="refused", reason="510", seconds=0.1
)


def at(second, **more):
    return replace(ROW, came_at=f"2026-03-04 05:06:{second:02}", **more)


def test_a_row_tells_how_it_ended_where_that_is_known():
    """What the log has counts, as it has the DID as it is now; the result, and why, are the process'."""
    assert [replace(ROW, result="refused", reason="510", seconds=0.1)] == merged([ROW], [OWN])


def test_a_call_without_a_row_is_there():
    """Its row could not be written, or is still to come."""
    later = replace(OWN, uniqueid="1.2")

    assert [later, ROW] == merged([ROW], [later])


def test_a_call_that_comes_back_is_several():
    """With the same id: to another number, or to the same one again."""
    rows = [at(9), at(8), at(7, dialled="1801")]
    own = [
        at(7, dialled="1801", result="routed"), at(8, result="routed"), at(9, result="loop"),
    ]  # fmt: skip

    assert ["loop", "routed", "routed"] == [call.result for call in merged(rows, own)]


def test_calls_are_counted_by_result():
    """Those of now, and all; a result without calls is not there."""
    calls = [at(50, result="routed"), at(40, result="unknown"), at(10, result="routed")]
    found = snapshot(calls, "2026-03-04 05:06:30", 10, 10)

    assert {"routed": 1, "unknown": 1} == found.now
    assert {"routed": 2, "unknown": 1} == found.hour


def test_numbers_are_counted():
    """The most called one first, with its last call, and the DID that took that."""
    calls = [at(3, dialled="1801"), at(2, did="default"), at(1, result="unknown", did="")]
    first, second = snapshot(calls, "", 10, 10).numbers

    assert ("1800", "default", 2, {"logged": 1, "unknown": 1}, "2026-03-04 05:06:02") == (
        first.dialled, first.did, first.calls, first.results, first.last_at,
    )  # fmt: skip
    assert ("1801", 1) == (second.dialled, second.calls)


def test_lists_are_limited():
    """The counts are not."""
    calls = [at(second, dialled=str(second)) for second in range(9, -1, -1)]
    found = snapshot(calls, "", 3, 2)

    assert (3, 2, 10) == (len(found.numbers), len(found.latest), found.hour["logged"])
    assert ["9", "8"] == [call.dialled for call in found.latest]
