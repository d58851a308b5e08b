"""By what DIDs may be chosen in lists and orders, and how many they are."""

from dataclasses import replace

import pytest

from didier.cli.local import CALLER
from didier.domain.inputs import Row
from didier.services.batches import bulk_edits, copies, edits
from didier.services.batches.bulk_edits import EditOrder
from didier.services.batches.copies import CopyOrder
from didier.services.batches.edit_orders import LockOrder
from didier.services.batches.edit_spec import EditSpec
from didier.services.dids import lookup
from didier.services.dids.lookup import Total, Wanted
from didier.storage.database import reading
from didier.storage.dids import filters, totals
from didier.storage.dids.pages import Sort
from didier.storage.statements import run

SOURCE = "18001234567"


@pytest.fixture
def marked(clean, now, add):
    """A database in which some DIDs have tags, and lead to different places."""
    add(clean, "5550100-5550104")
    with clean.begin() as conn:
        for pattern, values in {
            "5550100": {"tags": "Berlin"},
            "5550101": {"tags": "Berlin,vip"},
            "5550102": {"tags": "East Berlin,vip,West"},
            "5550103": {"tags": "100%,West"},
            "5550104": {"extension": "8399"},
        }.items():
            [done] = bulk_edits.edit(
                conn, [EditOrder(CALLER, EditSpec("update", values), [Row(pattern)])], now
            )
            assert isinstance(done, bulk_edits.Edited), done
        run(conn, "UPDATE vicidial_inbound_dids SET group_id = '8399' WHERE did_pattern = '5550100'")
    return clean


def patterns(engine, **wanted):
    with reading(engine) as conn:
        found = lookup.page(conn, CALLER, Wanted(**wanted), Sort(), 100)
    return [row["did_pattern"] for row in found.rows]


@pytest.mark.parametrize(
    ("tag", "found"),
    [
        ("Berlin", ["5550100", "5550101"]),
        ("berlin", ["5550100", "5550101"]),
        ("vip", ["5550101", "5550102"]),
        ("West", ["5550102", "5550103"]),
        ("100%", ["5550103"]),
        ("%", []),
        ("Ber", []),
    ],
)
def test_by_a_tag(marked, tag, found):
    """A whole tag, wherever it stands among others; signs of LIKE stand for themselves."""
    assert found == patterns(marked, tag=tag)


def test_by_the_destination(marked):
    """By part of the column that the route uses; what stands in others does not count."""
    assert ["5550104"] == patterns(marked, destination="399")
    assert [f"555010{n}" for n in range(4)] == patterns(marked, destination="8301")
    assert [] == patterns(marked, destination="_")


def test_by_locks(marked, now):
    """Those that are locked against deletion, or all the others."""
    with marked.begin() as conn:
        edits.lock(conn, [LockOrder(CALLER, "5550101"), LockOrder(CALLER, "5550103")], now)

    assert ["5550101", "5550103"] == patterns(marked, locked="Y")
    assert [SOURCE, "5550100", "5550102", "5550104"] == patterns(marked, locked="N")


def test_by_their_patterns(marked):
    """Those that are named, as far as the rest is met too."""
    assert ["5550101", "5550104"] == patterns(marked, dids=("5550104", "5550101", "nowhere"))
    assert ["5550104"] == patterns(marked, dids=("5550104", "5550101"), destination="8399")


def test_copies_of_many_orders_are_the_list(marked, now):
    """Whether few orders have made them or many; pages have each once."""
    wanted = Wanted(copied_from=SOURCE)
    for number in range(filters.RUNS_FEW + 2):
        with marked.begin() as conn:
            copies.copy(conn, [CopyOrder(CALLER, SOURCE, (f"56000{number:02}",))], now)
        with reading(marked) as conn:
            first = lookup.page(conn, CALLER, wanted, Sort(), 40)
            rest = lookup.page(conn, CALLER, wanted, Sort(), 40, first.following) if first.following else None
        found = [row["did_pattern"] for row in (*first.rows, *(rest.rows if rest else ()))]

        assert [f"56000{n:02}" for n in range(number + 1)] == found


def test_totals_of_few_are_exact(marked):
    """Counted to the last, also without being asked to."""
    with reading(marked) as conn:
        assert Total(6, is_exact=True) == lookup.total(conn, CALLER, Wanted(), exact=False)
        assert Total(2, is_exact=True) == lookup.total(conn, CALLER, Wanted(tag="vip"), exact=True)
        limited = replace(CALLER, user=replace(CALLER.user, modify_dids=False, view_reports=False))
        assert not isinstance(lookup.total(conn, limited, Wanted(), exact=False), Total)


def test_totals_of_many_are_estimated(marked):
    """By some places among the ids: of blocks that are alike about as many as there are."""
    with marked.begin() as conn:
        count = 2 * totals.FEW
        [[last]] = run(conn, "SELECT max(did_id) FROM vicidial_inbound_dids")  # other tests had ids too
        rows = (f"({last + 1 + n}, '7{n:06}', '{'N' if n % 4 else 'Y'}')" for n in range(count))
        numbers = ", ".join(rows)
        run(conn, f"INSERT INTO vicidial_inbound_dids (did_id, did_pattern, did_active) VALUES {numbers}")
    with reading(marked) as conn:
        whole = lookup.total(conn, CALLER, Wanted(), exact=False)
        part = lookup.total(conn, CALLER, Wanted(active="Y", search="7"), exact=False)
        exact = lookup.total(conn, CALLER, Wanted(active="Y", search="7"), exact=True)

    assert not whole.is_exact
    assert count * 0.9 < whole.count < count * 1.1
    assert Total(count // 4 + 1, is_exact=True) == exact
    assert exact.count * 0.9 < part.count < exact.count * 1.1
