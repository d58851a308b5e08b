"""A group of orders that are looked through takes as many statements as one order, on every database."""

from functools import partial

import pytest

from didier.cli.local import CALLER
from didier.domain.inputs import Row
from didier.domain.templates import Template
from didier.services.batches import copies, edits
from didier.services.batches.checks import Checks
from didier.services.batches.edits import AddOrder, DeleteOrder, LockOrder, UpdateOrder
from support import outside
from support.batches import SOURCE
from support.statements import sent, settled

CHECKS = Checks(plausible=True, region="US", leading=True)
ALLOWED = Checks(region="US")
"""What is odd is told of, and created."""

SIZES = (1, 16, 64)


def copy(target: str, **wanted) -> copies.CopyOrder:
    return copies.CopyOrder(CALLER, SOURCE, (target,), **{"checks": CHECKS, **wanted})


COPIES = {
    "new": lambda n: copy(f"1900222{n:04}"),
    "similar": lambda n: copy(f"800222{n:04}"),
    "to two spellings": lambda n: copies.CopyOrder(
        CALLER, SOURCE, (f"1900222{n:04}", f"900222{n:04}"), checks=CHECKS
    ),
    "leads nowhere": lambda n: copy(f"1900222{n:04}", overrides={"did_route": "EXTEN", "extension": ""}),
    "allowed to": lambda n: copy(f"1900222{n:04}", overrides={"extension": ""}, checks=ALLOWED),
    "own values": lambda n: copy(
        f"1900222{n:04}", rows=(Row(f"1900222{n:04}", {"group_id": "SALESLINE" if n % 2 else "---NONE---"}),)
    ),
    "own descriptions": lambda n: copy(f"1900222{n:04}", template=Template("Line {target}")),
    "implausible": lambda n: copy(f"{n % 10}"),
}  # fmt: skip

EDITS = {
    "add": (edits.add, lambda n: AddOrder(CALLER, f"1900222{n:04}", {}, checks=CHECKS)),
    "add: with values": (
        edits.add,
        lambda n: AddOrder(CALLER, f"1900222{n:04}", {"did_description": f"Line {n}"}, checks=ALLOWED),
    ),
    "update": (
        edits.update,
        lambda n: UpdateOrder(CALLER, f"1800222{n:04}", {"extension": f"83{n}"}, checks=CHECKS),
    ),
    "delete": (edits.delete, lambda n: DeleteOrder(CALLER, f"1800222{n:04}")),
    "lock": (edits.lock, lambda n: LockOrder(CALLER, f"1800222{n:04}", locked=bool(n % 2))),
}  # fmt: skip


def counted(engine, work) -> tuple[int, int, int]:
    """Return how many statements groups of `SIZES` take; *work* does those with the numbers that it gets."""
    counts, first = [], 0
    with engine.connect() as conn:
        for size in (SIZES[0], *SIZES):  # the first time, tables and the connection are looked at too
            groups = iter([range(first, first + size), range(first + size, first + 2 * size)])
            counts.append(settled(lambda groups=groups: _sent(conn, work, next(groups))))
            first += 2 * size
    _, one, some, many = counts
    return one, some, many


def _sent(conn, work, group) -> int:
    with conn.begin():
        return sent(conn, partial(work, conn, group))


@pytest.fixture
def numbers(clean, now):
    """A database with DIDs that are similar to what is copied to, and that are changed."""
    with clean.begin() as conn:
        for n in range(2 * (SIZES[0] + sum(SIZES))):
            outside.add(conn, {"did_pattern": f"1800222{n:04}", "did_description": "There"}, now)
    return clean


@pytest.mark.parametrize("case", COPIES)
def test_copies(numbers, now, case):
    """However many orders to copy are looked through together."""
    orders = COPIES[case]

    one, some, many = counted(numbers, lambda conn, group: copies.copy(conn, list(map(orders, group)), now))

    assert one <= some == many


@pytest.mark.parametrize("case", EDITS)
def test_edits(numbers, now, case):
    """However many DIDs are edited together by orders of their own."""
    edit, orders = EDITS[case]

    one, some, many = counted(numbers, lambda conn, group: edit(conn, list(map(orders, group)), now))

    assert one <= some == many
