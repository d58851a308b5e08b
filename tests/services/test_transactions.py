"""A service leaves the transaction as it is: it begins and ends with the committer."""

import re

import pytest
from sqlalchemy.engine import Connection

from didier.cli.local import CALLER
from didier.domain.inputs import Row
from didier.services.batches import bulk_edits, copies, edits
from didier.services.batches.batches import UndoOrder, undo
from didier.services.batches.bulk_edits import EditOrder
from didier.services.batches.copies import CopyOrder
from didier.services.batches.edit_spec import EditSpec
from didier.services.batches.edits import AddOrder, DeleteOrder, UpdateOrder
from didier.storage.statements import run
from support.statements import traced

SOURCE = "18001234567"
VALUES = {"did_description": "Sales line"}
IMPORT = EditSpec("import", columns=("did_description",), existing="update")
ROWS = (Row("5550001", VALUES), Row("5550009", VALUES))
VERBS = {
    "copy": (copies.copy, CopyOrder(CALLER, SOURCE, ("5550001", "5550003"))),
    "add": (edits.add, AddOrder(CALLER, "5550001", VALUES)),
    "update": (edits.update, UpdateOrder(CALLER, "5550009", VALUES)),
    "delete": (edits.delete, DeleteOrder(CALLER, "5550009")),
    "import": (bulk_edits.edit, EditOrder(CALLER, IMPORT, ROWS)),
    "undo": (undo, UndoOrder(CALLER, 2)),
}  # fmt: skip


@pytest.fixture
def filled(clean, now):
    """A database with a DID that was added, whose batch is the second change."""
    with clean.begin() as conn:
        [done] = edits.add(conn, [AddOrder(CALLER, "5550009", {})], now)
    return clean, done.batch_id


def ended(conn: Connection, work) -> bool:
    """Do *work*; say whether a transaction was begun or ended in it."""
    if conn.dialect.name == "sqlite":
        return any(re.match("BEGIN|COMMIT|ROLLBACK|SAVEPOINT|RELEASE", text) for text in traced(conn, work))
    before = _ends(conn)
    work()
    return before != _ends(conn)


def _ends(conn: Connection) -> list[tuple[str, str]]:
    names = "('Com_begin', 'Com_commit', 'Com_rollback', 'Com_savepoint')"
    return run(conn, f"SHOW SESSION STATUS WHERE variable_name IN {names}")


@pytest.mark.parametrize("verb", VERBS)
def test_no_verb_ends_the_transaction(filled, now, verb):
    """Also where the tables have none: what the journal stores at once, it stores beside it."""
    engine, batch_id = filled
    service, wanted = VERBS[verb]
    if verb == "undo":
        wanted = UndoOrder(CALLER, batch_id)

    with engine.connect() as conn, conn.begin():
        assert not ended(conn, lambda: service(conn, [wanted], now))
