from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from sqlalchemy.engine import Engine

from didier.domain import inputs
from didier.domain.inputs import Entry, Row
from didier.domain.targets import Range, in_run
from didier.domain.templates import Template
from didier.domain.visibility import EVERYTHING, Visibility
from didier.services.batches import decisions
from didier.services.batches.checks import Checks
from didier.services.batches.copy_spec import CopySpec
from didier.services.batches.decisions import Chunk
from didier.services.batches.planner import Planner
from didier.services.batches.rows import block_of
from didier.storage.database import reading
from didier.storage.dids import dids
from support import outside

PROPERTY = settings(
    derandomize=True,
    max_examples=40,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)

THERE = ("5550103", "5550250", "+5550104", "Lobby", "0005550", "5550108x")

SINGLES = st.one_of(
    st.integers(5_550_095, 5_550_115).map(str),
    st.integers(0, 9).map(lambda number: f"+555010{number}"),
    st.sampled_from(
        [
            "lobby",
            "LOBBY",
            "reception",
            "x",
            "",
            "55-01",
            "1" * 51,
            "1" * 300,
            "é" * 300,
            "\U0001f4de" * 5,
            "5550103\0",
        ]
    ),
)
VALUES = st.sampled_from(
    [{}, {}, {"did_active": "N"}, {"did_active": "maybe"}, {"did_description": "short"}, {"list_id": "007"}]
)


@st.composite
def ranges(draw: st.DrawFn) -> Range:
    """A range of up to 250 numbers: below and above what counts as small."""
    prefix, first = draw(st.sampled_from([("", 5_550_090), ("+", 5_550_090), ("", 5_550_200), ("", 5_545)]))
    return Range(prefix, 7, first, first + draw(st.integers(0, 250)))


ENTRIES = st.lists(st.builds(Row, SINGLES, VALUES) | st.builds(Row, SINGLES) | ranges(), max_size=8)

Decision = tuple[int, str, str | None, str | None]
"""Position, target, what it is, and why."""


@pytest.fixture
def full(clean: Engine, now) -> Engine:
    """A database with some DIDs."""
    with clean.begin() as conn:
        for pattern in THERE:
            outside.add(conn, {"did_pattern": pattern, "did_description": "There already"}, now)
    return clean


def spec(engine: Engine, template: str | None = None) -> CopySpec:
    with reading(engine) as conn:
        source = dids.find(conn, ["18001234567"]).get("18001234567")
        assert source is not None
        image = dids.images(conn, [source.did_id])[source.did_id]
    return CopySpec(image, {}, Template(template) if template else None)


def chunks(engine: Engine, planner: Planner, size: int) -> Iterator[Chunk]:
    with reading(engine) as conn:
        while chunk := planner.take(size):
            yield planner.decide(conn, chunk)
    planner.close()


def decided(chunk: Chunk) -> Iterator[Decision]:
    for place, target in enumerate(chunk.targets):
        problem = chunk.problems.get(place)
        yield (chunk.position + place + 1, target, problem and problem.outcome, problem and problem.reason)


def decide(engine: Engine, entries: list[Entry], size: int, **settings) -> list[Decision]:
    planner = Planner(spec(engine), entries, **settings)
    return [decision for chunk in chunks(engine, planner, size) for decision in decided(chunk)]


def words(engine: Engine, *targets: str, **settings) -> list[str | None]:
    return [
        outcome for _, _, outcome, _ in decide(engine, [Row(target) for target in targets], 100, **settings)
    ]


@PROPERTY
@given(
    entries=ENTRIES,
    sizes=st.tuples(st.integers(1, 120), st.integers(1, 120)),
    prefix=st.sampled_from([None, "55501"]),
)
@example(entries=[Row("é" * 300), Row("1" * 300)], sizes=(1, 2), prefix=None)
@example(
    entries=[Range("", 7, 5_550_090, 5_550_340), Range("", 7, 5_550_200, 5_550_400)],
    sizes=(1, 101),
    prefix=None,
)
def test_the_size_of_chunks_does_not_matter(full, entries, sizes, prefix):
    """In whatever chunks an order is decided on, each target is the same and in the same place."""
    first, second = (decide(full, entries, size, sight=Visibility(prefix=prefix)) for size in sizes)

    assert first == second
    assert [*range(1, len(first) + 1)] == [position for position, *_ in first]
    assert [t for e in entries for t in (e if isinstance(e, Range) else [e.target])] == [
        target for _, target, *_ in first
    ]


@PROPERTY
@given(entries=ENTRIES, size=st.integers(1, 300), done=st.integers(0, 300))
def test_an_order_that_goes_on_is_decided_as_before(full, entries, size, done):
    """Behind a restart the rest of the targets is what it would have been: what was named before is known."""
    whole = decide(full, entries, size)
    rest = Planner(spec(full), planning_rest(entries, done), EVERYTHING, done)
    rest.remember(entries, done)

    assert whole[done:] == [decision for chunk in chunks(full, rest, size) for decision in decided(chunk)]


@pytest.mark.parametrize("earlier", [[Row("8005550007")], [Range("", 10, 8_005_550_000, 8_005_550_299)]])
def test_other_spellings_are_known_behind_a_restart(full, earlier):
    """What was named before the restart in another spelling is named again, from rows as from blocks."""
    done = sum(map(inputs.size, earlier))
    rest = [Row("+18005550007"), Row("18005550300")]
    planner = Planner(spec(full), rest, EVERYTHING, done, Checks(region="US"))
    planner.remember([*earlier, *rest], done)

    [chunk] = chunks(full, planner, 10)

    assert {0: ""} == chunk.similar
    assert {0: "the same number appears earlier in this order, in another spelling"} == chunk.notes


def planning_rest(entries: list[Entry], done: int) -> Iterator[Entry]:
    for entry in entries:
        if isinstance(entry, Range):
            if done < entry.size:
                yield entry.slice(done, entry.size)
            done = max(0, done - entry.size)
        elif done:
            done -= 1
        else:
            yield entry


@PROPERTY
@given(entries=ENTRIES, size=st.integers(1, 300), first=st.integers(1, 1_000), gaps=st.booleans())
def test_items_tell_of_each_target(full, entries, size, first, gaps):
    """Written out, the runs of a chunk are its targets in order, with their outcomes, reasons and ids."""
    planner = Planner(spec(full), entries)

    for chunk in chunks(full, planner, size):
        count = len(chunk.possible().targets)
        ids = (
            range(first, first + count)
            if not gaps
            else [first + 2 * n if n % 3 else None for n in range(count)]
        )
        rest = iter(ids)
        wanted = []
        for position, target, outcome, reason in decided(chunk):
            did_id = None if outcome else next(rest)
            word = outcome or ("added" if did_id else "exists")
            wanted.append((position, target, word, did_id, reason if outcome == "invalid" else None))
        assert wanted == [
            (
                placed.position + n, in_run(placed.item.target, n), placed.item.outcome,
                None if placed.item.did_id is None else placed.item.did_id + n, placed.item.reason,
            )
            for placed in decisions.items(chunk, ids)
            for n in range(placed.item.size)
        ]  # fmt: skip


def test_a_block_is_one_item(full):
    """Consecutive numbers with consecutive ids take one row, however many there are."""
    [chunk] = chunks(full, Planner(spec(full), [Range("", 7, 5_551_000, 5_551_999)]), 5_000)

    assert [(1, "5551000", 1_000, 7)] == [
        (placed.position, placed.item.target, placed.item.size, placed.item.did_id)
        for placed in decisions.items(chunk, range(7, 1_007))
    ]


def test_what_keeps_a_target_from_being_made(full):
    """It exists, whatever the case; it was named before; it is no pattern; or the token does not reach it."""
    assert [None, "exists", "duplicate", "invalid", "duplicate", "exists"] == words(
        full, "5550100", "lobby", "LOBBY", "x", "5550100", "+5550104"
    )
    assert [None, "invalid", "exists", "invalid"] == words(
        full, "5550100", "5560100", "5550250", "LOBBY", sight=Visibility(prefix="555")
    )


def test_reasons(full):
    """Each problem has a reason in words."""
    wrong = [
        Row("5550250"), Row("5550250"), Row("55-01"), Row("5550199-5550100"),
        Row("5550111", {"did_active": "maybe"}),
    ]  # fmt: skip

    assert [
        "already exists", "appears earlier in this order",
        "only letters, digits and : + * # . _ are allowed, and here is - (U+002D)",
        "the end comes before the beginning", "did_active 'maybe' is not allowed: one of Y, N",
    ] == [str(reason) for *_, reason in decide(full, wrong, 10)]  # fmt: skip


def test_numbers_within_longer_ones_do_not_exist(full, now):
    """A block meets only DIDs of its own width and letters, in any home."""
    with full.begin() as conn:
        for pattern in ("55510005", "555100", "555100a", "+5551000", "5551000#"):
            outside.add(conn, {"did_pattern": pattern, "did_description": "There already"}, now)

    assert not [d for d in decide(full, [Range("", 7, 5_551_000, 5_551_300)], 5_000) if d[2]]


def test_what_others_have_made_since_exists(full, now):
    """A chunk that was decided on is looked at again; what was a problem before stays the same problem."""
    [chunk] = chunks(
        full, Planner(spec(full), [Row("5550100"), Row("x"), Row("5550101"), Row("5550101")]), 10
    )
    with full.begin() as conn:
        outside.add(conn, {"did_pattern": "5550101"}, now)

    with reading(full) as conn:
        Planner(spec(full), []).decide_again(conn, chunk)

    assert [None, "invalid", "exists", "duplicate"] == [outcome for _, _, outcome, _ in decided(chunk)]


def test_rows_have_the_values_of_their_target(full, now):
    """Columns vary in which any target has a value; those without one have the source's."""
    rows = [Row("5550100", {"list_id": "007"}), Row("5550101", {"extension": None}), Row("x"), Row("5550102")]
    made_of = spec(full, "{target} line")
    [chunk] = chunks(full, Planner(made_of, rows), 10)

    block = block_of([(made_of, chunk)], "2026-03-04 05:06:07")

    assert ("did_description", "extension", "list_id") == block.varying
    assert [
        ["5550100 line", "8300", 7],
        ["5550101 line", "", 999],
        ["5550102 line", "8300", 999],
    ] == block.own
    assert ["5550100", "5550101", "5550102"] == block.targets
    assert not {"did_description", "did_pattern", "did_id", "modify_stamp"} & set(block.values)


@pytest.mark.parametrize("entries", [
    [Range("", 10, 8_005_550_000, 8_005_550_299)],
    [Row(f"800555{number:04}") for number in range(300)],
])  # fmt: skip
def test_the_same_number_in_another_spelling_is_similar(full, now, entries):
    """A DID that dials the same number is named to who sees it, for blocks as for single numbers."""
    with full.begin() as conn:
        for pattern in ("18005550007", "+18005550299", "28005550001", "8005550300"):
            outside.add(conn, {"did_pattern": pattern, "user_group": "---ALL---"}, now)
        outside.add(conn, {"did_pattern": "18005550008", "user_group": "OTHER"}, now)

    def similar(region, sight=EVERYTHING):
        planner = Planner(spec(full), entries, sight, checks=Checks(region=region))
        [chunk] = chunks(full, planner, 1_000)
        return chunk.similar

    everything, elsewhere = similar("US"), similar("IT")
    seen = similar("US", Visibility(groups=frozenset({"sales"})))
    reached = similar("US", Visibility(prefix="+1"))

    assert {7: "18005550007", 8: "18005550008", 299: "+18005550299"} == everything
    assert {} == elsewhere
    assert {7: "18005550007", 299: "+18005550299"} == seen
    assert {299: "+18005550299"} == reached
