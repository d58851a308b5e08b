from datetime import datetime

import pytest
from sqlalchemy.engine import Engine

from didier.cli.local import CALLER
from didier.errors import AlreadyExists, InvalidField, InvalidPattern, NamedTwice, NotFound, NotPermitted
from didier.services.copying import Copied, CopyOrder, CopyResult, copy
from didier.storage.database import open_engine
from didier.storage.statements import run

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


def test_every_column_is_copied(engine, now):
    """A copy has every column of its source except its identity."""
    carry_out(engine, now, order("5550001"))

    source, target = row(engine, SOURCE), row(engine, "5550001")
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


def test_overrides_replace_columns(engine, now):
    """An override replaces the source's column, or empties it; other orders of the group are untouched."""
    carry_out(
        engine,
        now,
        order("5550001", did_active="N"),
        order("5550002", did_description="Another line"),
        order("5550003"),
        order("5550004", did_description=None),
    )

    found = [row(engine, f"555000{i}") for i in range(1, 5)]
    assert ["N", "Y", "Y", "Y"] == [did["did_active"] for did in found]
    source = row(engine, SOURCE)["did_description"]
    assert [source, "Another line", source, ""] == [did["did_description"] for did in found]


def test_ids_are_given_in_order(engine, now):
    """The ids that are reported are those of the rows, in the order of the targets."""
    targets = tuple(f"555{i:04}" for i in range(50))
    [result] = carry_out(engine, now, order(*targets))

    assert [(item.pattern, item.did_id) for item in result.items] == [
        (target, row(engine, target)["did_id"]) for target in targets
    ]


def test_first_wish_for_a_target_wins(engine, now):
    """Of two wishes for one target the first gets it, between orders and within one, whatever the case."""
    first, second = carry_out(engine, now, order("lobby", "LOBBY"), order("Lobby", "5550002", source=SOURCE))

    assert [Copied, NamedTwice] == [type(item) for item in first.items]
    assert [AlreadyExists, Copied] == [type(item) for item in second.items]


def test_existing_target_is_left_as_it_was(engine, now):
    """A target that exists is refused and not touched."""
    carry_out(engine, now, order("5550001", did_description="First copy"))
    before = row(engine, "5550001")

    [result] = carry_out(engine, now, order("5550001", did_active="N"))

    assert (AlreadyExists("5550001"),) == result.items
    assert before == row(engine, "5550001")


@pytest.mark.parametrize("target", ["5", "1" * 51, "55-01", "55 01", "", "55'01", "\U0001f4de\U0001f4de"])
def test_invalid_targets_are_refused_by_name(engine, now, target):
    """A target that cannot be a pattern is refused; the others are made."""
    [result] = carry_out(engine, now, order("5550001", target, "5550002"))

    assert [Copied, InvalidPattern, Copied] == [type(item) for item in result.items]
    assert target == result.items[1].pattern


def test_unknown_source_is_refused(engine, now):
    """Without a source nothing is made, and other orders are carried out."""
    outcomes = carry_out(engine, now, order("5550001", source="999"), order("5550002"))

    assert NotFound("999") == outcomes[0]
    assert isinstance(outcomes[1], CopyResult)


def test_bad_override_is_refused(engine, now):
    """A value that a column does not allow refuses the order before anything is made."""
    [outcome] = carry_out(engine, now, order("5550001", did_description="short"))

    assert InvalidField("did_description", "short", "6 to 50 characters") == outcome
    with engine.begin() as conn:
        assert [(1,)] == run(conn, "SELECT count(*) FROM vicidial_inbound_dids")


def test_caller_without_rights_is_refused(engine, now):
    """The service itself refuses a caller who may not copy, and names what is missing."""
    from dataclasses import replace

    user = replace(CALLER.user, modify_dids=False, level=7)
    weak = CopyOrder(replace(CALLER, user=user), SOURCE, ("5550001",))

    [outcome] = carry_out(engine, now, weak)

    assert NotPermitted("copy_did", ("User Level must be 8 or higher", "Modify DIDs must be 1")) == outcome


def test_source_of_another_group_does_not_exist(engine, now):
    """A source that the caller may not see is not found."""
    from dataclasses import replace

    with engine.begin() as conn:
        run(conn, "UPDATE vicidial_inbound_dids SET user_group = 'OTHER'")
    user = replace(CALLER.user, viewable_groups=" SALES ")

    [outcome] = carry_out(engine, now, CopyOrder(replace(CALLER, user=user), SOURCE, ("5550001",)))

    assert NotFound(SOURCE) == outcome


def test_batch_and_logs_tell_what_was_made(engine, now):
    """Batch, items and admin log say which targets were made and which were not."""
    [result] = carry_out(engine, now, order("5550001", SOURCE, "5", "5550002"))

    with engine.begin() as conn:
        batch = run(conn, "SELECT batch_id, source_pattern, requested, added FROM didier_batches")
        items = run(conn, "SELECT target, outcome FROM didier_batch_items ORDER BY position")
        notes = run(conn, "SELECT record_id, event_notes FROM vicidial_admin_log")
    assert [(result.batch_id, SOURCE, 4, 2)] == batch
    assert [("5550001", "added"), (SOURCE, "exists"), ("5", "invalid"), ("5550002", "added")] == items
    assert [
        (
            "3",
            f"DID Source: {SOURCE} Inserts: 2 Insert Errors: 2 Copy Log:\n5550001 ADDED, did_id: 2\n"
            f"{SOURCE} ALREADY EXISTS\n5 NOT VALID\n5550002 ADDED, did_id: 3\n",
        )
    ] == notes


def test_nothing_made_leaves_no_row_in_the_admin_log(engine, now):
    """The admin log has changes alone."""
    carry_out(engine, now, order(SOURCE))

    with engine.begin() as conn:
        assert [(0,)] == run(conn, "SELECT count(*) FROM vicidial_admin_log")
