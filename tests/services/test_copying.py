from dataclasses import replace
from datetime import datetime

import pytest
from sqlalchemy.engine import Engine

from didier.cli.local import CALLER
from didier.domain.inputs import Row
from didier.domain.templates import Template
from didier.errors import (
    AlreadyExists,
    InvalidField,
    InvalidPattern,
    NamedTwice,
    NotAllPossible,
    NotFound,
    NotPermitted,
)
from didier.services.batches import edits
from didier.services.batches.copies import Copied, CopyOrder, CopyResult, copy
from didier.services.batches.edits import AddOrder, UpdateOrder
from didier.storage.batches import progress
from didier.storage.batches.progress import BatchFilter
from didier.storage.database import open_engine
from didier.storage.statements import run
from didier.storage.tables import DIDS
from support.homes import ready

SOURCE = "18001234567"


def order(*targets: str, source: str = SOURCE, **overrides: str | None) -> CopyOrder:
    return CopyOrder(CALLER, source, targets, overrides)


def row(engine: Engine, pattern: str) -> dict[str, object]:
    with engine.begin() as conn:
        return dict(
            conn.exec_driver_sql(f"SELECT * FROM vicidial_inbound_dids WHERE did_pattern = '{pattern}'")
            .mappings()
            .one()
        )


def carry_out(engine: Engine, now: datetime, *orders: CopyOrder) -> list[object]:
    with engine.begin() as conn:
        return list(copy(conn, orders, now))


def test_every_column_is_copied(clean, now):
    """A copy has every column of its source except its identity."""
    carry_out(clean, now, order("5550001"))

    source, target = row(clean, SOURCE), row(clean, "5550001")
    identity = {"did_id", "did_pattern", "modify_stamp"}
    assert {k: v for k, v in source.items() if k not in identity} == {
        k: v for k, v in target.items() if k not in identity
    }


def test_a_column_of_a_later_version_is_copied(engine, database_url, now):
    """A column that this release has never heard of is copied too."""
    with engine.begin() as conn:
        conn.exec_driver_sql("ALTER TABLE vicidial_inbound_dids ADD COLUMN from_2030 VARCHAR(20)")
        run(conn, "UPDATE vicidial_inbound_dids SET from_2030 = 'kept'")
    started_later = open_engine(database_url)

    carry_out(started_later, now, order("5550001"))

    assert "kept" == row(engine, "5550001")["from_2030"]
    started_later.dispose()


def test_overrides_replace_columns(clean, now):
    """An override replaces the source's column, or empties it; other orders of the group are untouched."""
    carry_out(
        clean,
        now,
        order("5550001", did_active="N"),
        order("5550002", did_description="Another line"),
        order("5550003"),
        order("5550004", did_description=None),
    )

    found = [row(clean, f"555000{i}") for i in range(1, 5)]
    assert ["N", "Y", "Y", "Y"] == [did["did_active"] for did in found]
    source = row(clean, SOURCE)["did_description"]
    assert [source, "Another line", source, ""] == [did["did_description"] for did in found]


def test_ids_are_given_in_order(clean, now):
    """The ids that are reported are those of the rows, in the order of the targets."""
    targets = tuple(f"555{i:04}" for i in range(50))
    [result] = carry_out(clean, now, order(*targets))

    assert [(item.pattern, item.did_id) for item in result.items] == [
        (target, row(clean, target)["did_id"]) for target in targets
    ]


def test_first_wish_for_a_target_wins(clean, now):
    """Of two wishes for one target the first gets it, between orders and within one, whatever the case."""
    first, second = carry_out(clean, now, order("lobby", "LOBBY"), order("Lobby", "5550002", source=SOURCE))

    assert [Copied, NamedTwice] == [type(item) for item in first.items]
    assert [AlreadyExists, Copied] == [type(item) for item in second.items]


def test_existing_target_is_left_as_it_was(clean, now):
    """A target that exists is refused and not touched."""
    carry_out(clean, now, order("5550001", did_description="First copy"))
    before = row(clean, "5550001")

    [result] = carry_out(clean, now, order("5550001", did_active="N"))

    assert (AlreadyExists("5550001"),) == result.items
    assert before == row(clean, "5550001")


@pytest.mark.parametrize("target", ["5", "1" * 51, "55-01", "55 01", "", "55'01", "\U0001f4de\U0001f4de"])
def test_invalid_targets_are_refused_by_name(clean, now, target):
    """A target that cannot be a pattern is refused; the others are made."""
    [result] = carry_out(clean, now, order("5550001", target, "5550002"))

    assert [Copied, InvalidPattern, Copied] == [type(item) for item in result.items]
    assert target == result.items[1].pattern


def test_unknown_source_is_refused(clean, now):
    """Without a source nothing is made, and other orders are carried out."""
    outcomes = carry_out(clean, now, order("5550001", source="999"), order("5550002"))

    assert NotFound("999") == outcomes[0]
    assert isinstance(outcomes[1], CopyResult)


def test_bad_override_is_refused(clean, now):
    """A value that a column does not allow refuses the order before anything is made."""
    [outcome] = carry_out(clean, now, order("5550001", did_description="short"))

    assert InvalidField("did_description", "short", "6 to 50 characters") == outcome
    with clean.begin() as conn:
        assert [(1,)] == run(conn, "SELECT count(*) FROM vicidial_inbound_dids")


def test_caller_without_rights_is_refused(clean, now):
    """The service itself refuses a caller who may not copy, and names what is missing."""
    user = replace(CALLER.user, modify_dids=False, level=7)
    weak = CopyOrder(replace(CALLER, user=user), SOURCE, ("5550001",))

    [outcome] = carry_out(clean, now, weak)

    assert NotPermitted("copy_did", ("User Level must be 8 or higher", "Modify DIDs must be 1")) == outcome


def test_source_of_another_group_does_not_exist(clean, now):
    """A source that the caller may not see is not found."""
    with clean.begin() as conn:
        run(conn, "UPDATE vicidial_inbound_dids SET user_group = 'OTHER'")
    user = replace(CALLER.user, viewable_groups=" SALES ")

    [outcome] = carry_out(clean, now, CopyOrder(replace(CALLER, user=user), SOURCE, ("5550001",)))

    assert NotFound(SOURCE) == outcome


def test_batch_and_logs_tell_what_was_made(clean, now):
    """Batch, items and admin log say which targets were made and which were not."""
    [result] = carry_out(clean, now, order("5550001", SOURCE, "5", "5550002"))
    first, second = (made.did_id for made in result.copied)

    with clean.begin() as conn:
        batch = run(conn, "SELECT batch_id, source_pattern, requested, added FROM didier_batches")
        items = run(conn, "SELECT target, outcome FROM didier_batch_items ORDER BY position")
        notes = run(conn, "SELECT record_id, event_notes FROM vicidial_admin_log")
    assert [(result.batch_id, SOURCE, 4, 2)] == batch
    assert [("5550001", "added"), (SOURCE, "exists"), ("5", "invalid"), ("5550002", "added")] == items
    assert [
        (
            str(second),
            f"DID Source: {SOURCE} Inserts: 2 Insert Errors: 2 Copy Log:\n5550001 ADDED, did_id: {first}\n"
            f"{SOURCE} ALREADY EXISTS\n5 NOT VALID\n5550002 ADDED, did_id: {second}\n",
        )
    ] == notes


def test_nothing_made_leaves_no_row_in_the_admin_log(clean, now):
    """The admin log has changes alone."""
    carry_out(clean, now, order(SOURCE))

    with clean.begin() as conn:
        assert [(0,)] == run(conn, "SELECT count(*) FROM vicidial_admin_log")


def not_all(engine: Engine, now: datetime, wish: CopyOrder) -> list[tuple[int, str, str, str]]:
    """Return the problems for which an atomic order is refused."""
    [outcome] = carry_out(engine, now, wish)
    assert isinstance(outcome, NotAllPossible)
    assert outcome.count == len(outcome.problems)
    return [(one.position, one.target, one.outcome, one.reason) for one in outcome.problems]


def test_an_atomic_order_makes_all(clean, now):
    """When every target can be made, all are."""
    [result] = carry_out(clean, now, replace(order("5550001", "5550002"), atomic=True))

    assert [Copied, Copied] == [type(item) for item in result.items]
    with clean.begin() as conn:
        batch = progress.get(conn, result.batch_id)
    assert ("atomic", "done", 2) == (batch.mode, batch.state, batch.added)


def test_an_atomic_order_makes_nothing_if_not_all(clean, now):
    """All that stands in the way is told, with places and reasons; neither rows nor a batch are left."""
    carry_out(clean, now, order("5550002"))
    wish = replace(order("5550001", "5550002", "x", "5550001", "5550003"), atomic=True)

    assert [
        (2, "5550002", "exists", "already exists"),
        (3, "x", "invalid", "it must have 2 to 50 characters"),
        (4, "5550001", "duplicate", "appears earlier in this order"),
    ] == not_all(clean, now, wish)
    with clean.begin() as conn:
        assert [(2,)] == run(conn, "SELECT count(*) FROM vicidial_inbound_dids")
        assert [1] == [batch.added for batch in progress.page(conn, BatchFilter(), None, 10)]


def test_a_refused_atomic_order_takes_no_target(clean, now):
    """What it could have made is free for the next order of its transaction; what one has made is not."""
    wanted = [("5550001", "x"), ("5550001",), ("5550001", "5550002")]

    refused, made, late = carry_out(clean, now, *(replace(order(*t), atomic=True) for t in wanted))

    assert isinstance(refused, NotAllPossible)
    assert isinstance(made, CopyResult)
    assert isinstance(late, NotAllPossible)
    assert [(1, "exists")] == [(one.position, one.outcome) for one in late.problems]


def test_rows_have_values_of_their_own(clean, now):
    """The values of a target replace those of the order, which replace those of the source."""
    rows = (Row("5550001", {"did_active": "Y"}), Row("5550002", {"did_description": None}), Row("5550003"))
    wish = order("5550001", "5550002", "5550003", did_active="N", did_description="For all of them")

    carry_out(clean, now, replace(wish, rows=rows))

    assert [("Y", "For all of them"), ("N", ""), ("N", "For all of them")] == [
        (made["did_active"], made["did_description"]) for made in (row(clean, r.target) for r in rows)
    ]


def test_a_bad_value_is_the_problem_of_its_target(clean, now):
    """The target is invalid, its reason names the field; the others are made; it counts as named."""
    rows = (
        Row("5550001", {"did_active": "maybe"}), Row("5550002", {"did_active": "N"}), Row("5550001"),
        Row(SOURCE, {"group_id": "NO_SUCH"}),
    )  # fmt: skip
    wish = replace(order(*(r.target for r in rows)), rows=rows)

    [result] = carry_out(clean, now, wish)

    assert [InvalidPattern, Copied, NamedTwice, InvalidPattern] == [type(item) for item in result.items]
    assert "did_active" in result.items[0].reason
    assert "NO_SUCH" in result.items[3].reason


def test_a_template_makes_descriptions(clean, now):
    """It may use the source, the target, cells of the row; a description of the row's own counts more."""
    rows = (
        Row("5550001", {}, {"city": "Bonn"}),
        Row("5550002", {"did_description": "Its own"}, {"city": "Köln"}),
    )
    wish = replace(order("5550001", "5550002"), rows=rows, template=Template("{city} {target} of {source}"))

    carry_out(clean, now, wish)

    assert [f"Bonn 5550001 of {SOURCE}", "Its own"] == [row(clean, r.target)["did_description"] for r in rows]


def test_a_template_with_an_unknown_name_is_refused(clean, now):
    """The refusal names it."""
    [outcome] = carry_out(clean, now, replace(order("5550001"), template=Template("{town}")))

    assert isinstance(outcome, InvalidField)
    assert ("description_template", "{town}") == (outcome.field, outcome.value)


def test_a_description_that_a_template_makes_too_long_is_refused(clean, now):
    """What comes of a template has the limits of the field."""
    wish = replace(order("5550001", "1" * 45), template=Template("A line for {target}"))

    [result] = carry_out(clean, now, wish)

    assert [Copied, InvalidPattern] == [type(item) for item in result.items]


def test_a_token_makes_only_what_it_reaches(clean, now):
    """Source and targets must begin with the token's prefix, whatever the case."""
    caller = replace(CALLER, pattern_prefix="1800")
    wish = replace(order("18005550001", "5550001"), caller=caller)

    [result] = carry_out(clean, now, wish)
    [hidden] = carry_out(clean, now, replace(wish, caller=replace(CALLER, pattern_prefix="555")))

    assert [Copied, InvalidPattern] == [type(item) for item in result.items]
    assert "begin with 1800" in result.items[1].reason
    assert NotFound(SOURCE) == hidden


@pytest.mark.parametrize("collation", ["latin1_swedish_ci", "utf8mb4_bin"])
def test_letters_of_every_script_are_copied(mariadb, now, collation):
    """Whatever the database's own character set: VICIdial's tables may have another."""
    texts = {"18005550001": "Γραμμή πωλήσεων", "18005550002": "Линия продаж"}
    with ready(mariadb.database(), now) as engine:
        with engine.begin() as conn:
            run(conn, f"ALTER DATABASE COLLATE {collation}")
            run(conn, f"ALTER TABLE {DIDS} CONVERT TO CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_ci")
        engine.dispose()  # connections keep the collation that they began with
        with engine.begin() as conn:
            edits.add(
                conn, [AddOrder(CALLER, n, {"did_description": text}) for n, text in texts.items()], now
            )
            copy(conn, [CopyOrder(CALLER, n, (f"{n[:-1]}{int(n[-1]) + 2}",)) for n in texts], now)
            edits.update(
                conn, [UpdateOrder(CALLER, n, {"custom_one": text}) for n, text in texts.items()], now
            )
            rows = run(conn, f"SELECT did_pattern, did_description, custom_one FROM {DIDS} WHERE did_id > 1")

    assert [
        *((n, text, text) for n, text in texts.items()),
        ("18005550003", texts["18005550001"], ""),
        ("18005550004", texts["18005550002"], ""),
    ] == sorted(rows)


def test_letters_that_the_table_cannot_hold_are_refused(mariadb, now):
    """An old VICIdial's tables are latin1; nothing is stored as question marks."""
    values = {"did_description": "Γραμμή πωλήσεων"}
    with ready(mariadb.database(), now) as engine, engine.begin() as conn:
        run(conn, f"ALTER TABLE {DIDS} CONVERT TO CHARACTER SET latin1")
        refused = [
            *edits.add(conn, [AddOrder(CALLER, "18005550001", values)], now),
            *edits.update(conn, [UpdateOrder(CALLER, SOURCE, values)], now),
            *copy(conn, [CopyOrder(CALLER, SOURCE, ("18005550001",), values)], now),
        ]
        [done] = edits.update(conn, [UpdateOrder(CALLER, SOURCE, {"did_description": "Línea é"})], now)

    allowed = "letters that the table of DIDs can hold (cp1252)"
    assert [InvalidField("did_description", values["did_description"], allowed)] * 3 == refused
    assert "Línea é" == done.image["did_description"]
