"""How the databases look for DIDs with a text in them."""

import pytest

from didier.storage import dialects
from didier.storage.dids import search
from didier.storage.statements import run
from didier.storage.tables import DIDS


@pytest.mark.parametrize(("text", "digits"), [("800", None), ("80-0", "800"), ("desk", None)])
def test_each_part_is_looked_through_once(conn, text, digits):
    """The time of a search grows with the DIDs, not with their product with anything."""
    sql, values = search.ids(dialects.of(conn), text, digits)
    explain = "EXPLAIN QUERY PLAN" if conn.dialect.name == "sqlite" else "EXPLAIN"
    steps = run(conn, f"{explain} SELECT * FROM {DIDS} AS d WHERE d.did_id IN ({sql})", *values)

    assert steps
    assert [] == [step for step in steps if any(word in str(step) for word in ("DEPENDENT", "CORRELATED"))]
