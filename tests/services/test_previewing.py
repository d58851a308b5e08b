from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy.engine import Engine

from didier.cli.local import CALLER
from didier.domain.inputs import Row
from didier.domain.targets import Range
from didier.errors import (
    AlreadyExists,
    InvalidField,
    InvalidPattern,
    InvalidRange,
    NamedTwice,
    NotFound,
    NotPermitted,
)
from didier.services.batches import previews
from didier.services.batches.batches import BatchOrder
from didier.services.batches.checks import Checks
from didier.services.batches.copies import Copied, CopyOrder, CopyResult, copy
from didier.services.batches.previews import Difference, Preview, PreviewItem
from didier.storage.database import reading
from didier.storage.statements import run
from support import outside
from support.batches import SOURCE, accept, each, finish, order, table
from support.homes import emptied

PROPERTY = settings(
    derandomize=True,
    max_examples=15,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)


def look(engine: Engine, wish: BatchOrder, region: str = "US") -> tuple[list[PreviewItem], dict[str, int]]:
    """Return what a preview shows, and its totals."""
    with reading(engine) as conn:
        preview = previews.preview(conn, replace(wish, checks=Checks(region=region)))
        assert isinstance(preview, Preview), preview
        seen: list[PreviewItem] = []
        while (found := preview.step(conn)) is not None:
            seen += found
        preview.close()
    return seen, preview.totals


def refused(engine: Engine, wish: BatchOrder) -> Any:
    with reading(engine) as conn:
        return previews.preview(conn, wish)


def everything(engine: Engine) -> dict[str, list[tuple[Any, ...]]]:
    """Return every row of every table."""
    tables = "SELECT name FROM sqlite_master WHERE type = 'table'"
    if engine.dialect.name != "sqlite":
        tables = "SELECT table_name FROM information_schema.tables WHERE table_schema = database()"
    with reading(engine) as conn:
        return {name: run(conn, f"SELECT * FROM {name}") for (name,) in run(conn, tables)}


def add(engine: Engine, now, *patterns: str, **values: str) -> None:
    with engine.begin() as conn:
        for pattern in patterns:
            outside.add(conn, {"did_pattern": pattern, **values}, now)


def test_each_target_is_told(clean, now):
    """New, similar, existing, named before and invalid targets have their words and reasons, in order."""
    add(clean, now, "5550102", "8005550199")
    seen, totals = look(clean, order("5550101-5550103,18005550199,5550101,x"))

    assert [
        (1, "5550101", "new", "it has 7 digits, its source 11", None),
        (2, "5550102", "exists", "already exists", None),
        (3, "5550103", "new", "it has 7 digits, its source 11", None),
        (4, "18005550199", "similar", "the same number already exists as 8005550199", "8005550199"),
        (5, "5550101", "duplicate", "appears earlier in this order", None),
        (6, "x", "invalid", "it must have 2 to 50 characters", None),
    ] == [(one.position, one.target, one.status, one.reason, one.similar_to) for one in seen]
    assert {
        "new": 2,
        "similar": 1,
        "exists": 1,
        "duplicate": 1,
        "invalid": 1,
        "implausible": 0,
        "nowhere": 0,
    } == totals


def test_nothing_is_written(clean, now):
    """A preview leaves every row of every table as it was."""
    add(clean, now, "5550102")
    before = everything(clean)

    look(
        clean,
        order("5550101-5559999,5550102,x,lobby", overrides={"did_active": "N"}, template="Line {target}"),
    )

    assert before == everything(clean)
    assert 1 < len(before["vicidial_inbound_dids"])


def test_what_exists_is_compared_with_what_would_be_made(clean, now):
    """The fields that differ are named with both values; those that are alike are not."""
    [source] = table(clean).values()
    alike = {
        name: value for name, value in source.items() if name not in {"did_id", "did_pattern", "modify_stamp"}
    }
    add(clean, now, "5550101", **alike)
    add(clean, now, "5550102", **{**alike, "did_description": "TUTORIAL SALES LINE", "list_id": "7"})

    seen, _ = look(clean, order("target,list_id\n5550101,\n5550102,\n5550101,007\n5550103,\n"))
    first, second, _, _ = seen
    assert ({}, table(clean)["5550101"]["did_id"]) == (first.differs, first.did_id)
    assert {
        "did_description": Difference("TUTORIAL SALES LINE", "Tutorial sales line"),
        "list_id": Difference(7, 999),
    } == second.differs

    [one], _ = look(
        clean, order("target,list_id\n5550102,007\n", overrides={"did_active": "N"}, template="{target} x")
    )
    assert {
        "did_active": Difference("Y", "N"),
        "did_description": Difference("TUTORIAL SALES LINE", "5550102 x"),
    } == (one.differs)


def test_what_the_caller_does_not_see_is_not_shown(clean, now):
    """A DID of another group exists, but neither its id nor its fields are told."""
    add(clean, now, "5550101", user_group="OTHER", did_description="Secret line")
    with clean.begin() as conn:
        run(conn, "UPDATE vicidial_inbound_dids SET user_group = 'SALES' WHERE did_pattern = ?", SOURCE)
    caller = replace(CALLER, user=replace(CALLER.user, viewable_groups=" SALES "))

    [one], _ = look(clean, order("5550101", caller=caller))

    assert PreviewItem(1, "5550101", "exists", "already exists") == one


def test_a_token_reaches_no_further_in_a_preview(clean, now):
    """Targets beyond the token's prefix are invalid, whether they exist or not."""
    add(clean, now, "5550101", "1800999")
    seen, _ = look(
        clean, order("5550101,5550102,1800999,1800998", caller=replace(CALLER, pattern_prefix="1800"))
    )

    assert ["invalid", "invalid", "exists", "new"] == [one.status for one in seen]
    assert {None} == {one.did_id for one in seen if one.status == "invalid"}


def test_a_preview_is_refused_as_the_order_would_be(clean):
    """Without a source, rights, a known name in the template or a possible value there is nothing to show."""
    weak = replace(CALLER, user=replace(CALLER.user, modify_dids=False))

    assert NotFound("999") == refused(clean, order("5550101", source="999"))
    assert NotFound(SOURCE) == refused(clean, order("5550101", caller=replace(CALLER, pattern_prefix="555")))
    assert NotPermitted("copy_did", ("Modify DIDs must be 1",)) == refused(
        clean, order("5550101", caller=weak)
    )
    assert isinstance(refused(clean, order("5550101", template="{town}")), InvalidField)
    assert isinstance(refused(clean, order("5550101", overrides={"did_active": "maybe"})), InvalidField)
    assert isinstance(refused(clean, order("5550101", overrides={"no_column": "x"})), InvalidField)


TARGETS = st.one_of(
    st.integers(5_550_100, 5_550_108).map(str),
    st.sampled_from(["lobby", "LOBBY", "x", "55-01", "5550103-5550101"]),
)
ROWS = st.tuples(
    TARGETS, st.sampled_from(["", "N", "maybe"]), st.sampled_from(["", "short", "A long description"])
)


def rows_of(wish: BatchOrder) -> Iterator[Row]:
    for entry in wish.text.entries():
        yield from map(Row, entry) if isinstance(entry, Range) else (entry,)


_WORDS = {
    Copied: "new",
    NamedTwice: "duplicate",
    AlreadyExists: "exists",
    InvalidPattern: "invalid",
    InvalidRange: "invalid",
}


@PROPERTY
@given(rows=st.lists(ROWS, min_size=1, max_size=8))
def test_a_preview_keeps_its_word(clean, kept_home, now, rows):
    """What is told of each target is what becomes of it, in a small batch and in a large one."""
    emptied(*kept_home)
    add(clean, now, "5550104", "Lobby")
    lines = "".join(f"{target},{active},{description}\n" for target, active, description in rows)
    wish = order(f"target,did_active,did_description\n{lines}", atomic=False)
    told, totals = look(clean, wish)
    small = CopyOrder(CALLER, SOURCE, tuple(r.target for r in rows_of(wish)), rows=tuple(rows_of(wish)))
    with clean.connect() as conn:
        dry = replace(small, dry_run=True)
        [result] = copy(conn, [dry], now)
        conn.rollback()
    assert isinstance(result, CopyResult)
    batch_id = accept(clean, wish, now)
    finish(clean, now, batch_id)

    assert [one.status for one in told] == [_WORDS[type(item)] for item in result.items]
    assert [one.status.replace("new", "added") for one in told] == [
        one.outcome for one in each(clean, batch_id)
    ]
    assert {**dict.fromkeys(previews.STATUSES, 0), **Counter(one.status for one in told)} == totals


@pytest.mark.parametrize("count", [previews.CHUNK, previews.CHUNK * 2 + 1])
def test_a_long_order_is_looked_at_step_by_step(clean, count):
    """All targets are told, however many steps it takes."""
    seen, totals = look(clean, order(f"5550000-{5_550_000 + count - 1}"))

    assert [*range(1, count + 1)] == [one.position for one in seen]
    assert count == totals["new"]
