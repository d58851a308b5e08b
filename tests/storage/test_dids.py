from didier.storage import dids
from didier.storage.statements import columns_of
from didier.storage.tables import DIDS


def test_images_are_whole_rows(engine, now):
    """An image has every column that the table has, as plain values; ids that are not there have none."""
    with engine.begin() as conn:
        did_id = dids.add(conn, {"did_pattern": "5550001", "list_id": "123"}, now)
        images = dids.images(conn, [1, did_id, 999])
        columns = columns_of(conn, DIDS)

    assert {1, did_id} == images.keys()
    assert list(columns) == list(images[did_id])
    assert ("5550001", 123, None) == tuple(
        images[did_id][name] for name in ("did_pattern", "list_id", "did_description")
    )
    assert "2026-03-04 05:06:07" == images[did_id]["modify_stamp"]
