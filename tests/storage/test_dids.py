import pytest
from sqlalchemy.exc import OperationalError

from didier.storage.dids import dids
from didier.storage.dids.did_fields import DEFAULTS
from didier.storage.dids.dids import Hold
from didier.storage.failures import is_busy
from didier.storage.statements import columns_of
from didier.storage.tables import DIDS
from support import outside
from support.engines import opened


def test_images_are_whole_rows(engine, now):
    """An image has every column that the table has, as plain values; ids that are not there have none."""
    with engine.begin() as conn:
        did_id = outside.add(conn, {"did_pattern": "5550001", "list_id": "123"}, now)
        images = dids.images(conn, [1, did_id, 999])
        columns = columns_of(conn, DIDS)

    assert {1, did_id} == images.keys()
    assert [*columns, *DEFAULTS] == [*images[did_id]]
    assert ("5550001", 123, None) == tuple(
        images[did_id][name] for name in ("did_pattern", "list_id", "did_description")
    )
    assert "2026-03-04 05:06:07" == images[did_id]["modify_stamp"]


def test_a_held_row_is_not_changed_by_others(engine, database_url, now):
    """Until the transaction ends, another node's change of a row that is held for change has to wait."""
    with opened(database_url) as other, engine.connect() as holder, other.connect() as changer:
        impatient = (
            "PRAGMA busy_timeout = 0"
            if other.dialect.name == "sqlite"
            else "SET SESSION innodb_lock_wait_timeout = 0"
        )
        changer.exec_driver_sql(impatient)
        changer.rollback()
        with holder.begin():
            dids.images(holder, [1], Hold.CHANGE)

            with pytest.raises(OperationalError) as refused, changer.begin():
                outside.update(changer, 1, {"did_active": "N"}, now)
        with changer.begin():
            outside.update(changer, 1, {"did_active": "N"}, now)

    assert is_busy(refused.value)
