"""Duplicates by the client."""


def test_groups_and_exports(client, block):
    """Groups are values; an export comes in pieces."""
    number = f"{block}0000"
    for pattern, extension in ((number, "8300"), (f"+{number}", "8301")):
        client.add(pattern, route="EXTEN", extension=extension)
    [group] = client.duplicates("spelling", prefix=number)
    exported = b"".join(client.export_duplicates("spelling", prefix=number)).decode()
    [alike, *_] = client.duplicates("configuration", fields=3, prefix=number, sort="-count")

    assert (f"+{number}", 2, 2) == (group.name, group.count, group.alike)
    assert [number, f"+{number}"] == [did.pattern for did in group.dids]
    assert [number in line for line in exported.splitlines()] == [False, True, True]
    assert any(each.field == "extension" for one in alike.variants for each in one.differences)
