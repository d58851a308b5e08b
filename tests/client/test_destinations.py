"""What DIDs lead to, by the client: Didier's own in an embedded database, VICIdial's elsewhere."""

import pytest

from didier.client import errors

OPTION = {"option_value": "1", "option_route": "HANGUP"}


@pytest.mark.parametrize("place", ["sqlite"], indirect=True)
def test_a_whole_life(client):
    """Each kind is reached by its name in the client; True and False stand for Y and N."""
    client.servers.add(server_id="one", server_ip="192.0.2.10")
    client.in_groups.add(group_id="SALES", group_name="Sales line", active=False)
    phone = client.phones.add(extension="gs102", server_ip="192.0.2.10", dialplan_number="8602")
    menu = client.call_menus.add(menu_id="MAIN", menu_name="Main menu", options=[OPTION])
    changed = client.call_menus.update("MAIN", menu_timeout=5)
    emptied = client.call_menus.update("MAIN", options=[])
    client.phones.delete("gs102", "192.0.2.10")

    assert "N" == client.in_groups.get("SALES")["active"]
    assert ("8602", "1", 10) == (
        phone["dialplan_number"], menu.options[0]["option_value"], menu["menu_timeout"],
    )  # fmt: skip
    assert (5, menu.options, ()) == (changed["menu_timeout"], changed.options, emptied.options)
    assert ["SALES"] == [one["group_id"] for one in client.in_groups.list("sales", page_size=1)]
    assert [] == list(client.phones.list())
    with pytest.raises(errors.DestinationNotFound):
        client.phones.get("gs102", "192.0.2.10")
    client.call_menus.delete("MAIN")
    client.in_groups.delete("SALES")
    client.servers.delete("one")


@pytest.mark.parametrize("place", ["sqlite"], indirect=True)
def test_refusals_have_classes(client, block):
    """What leads there is named."""
    client.in_groups.add(group_id=f"B{block}", group_name="Busy line")
    client.add(f"{block}0000", route="IN_GROUP", in_group=f"B{block}")

    with pytest.raises(errors.DestinationExists) as exists:
        client.in_groups.add(group_id=f"b{block}", group_name="Busy line")
    with pytest.raises(errors.DestinationInUse) as used:
        client.in_groups.delete(f"B{block}")

    assert ("group_id", (f"DID {block}0000",)) == (exists.value.field, used.value.places)
    client.in_groups.delete(f"B{block}", force=True)


@pytest.mark.parametrize("place", ["mariadb"], indirect=True)
def test_vicidials_are_only_read(client):
    """In its database VICIdial's own pages change them."""
    with pytest.raises(errors.VicidialOwned):
        client.in_groups.add(group_id="SALES", group_name="Sales line")

    assert [] == list(client.in_groups.list())
