"""Gateway sets by the client."""

import pytest

from didier.client import errors

LONDON = {"gateways": [{"address": "10.0.0.5"}, {"address": "10.0.0.6", "priority": 1}]}


def test_a_whole_life(client, block):
    """Stored, named by a DID, explained, and deleted once no DID names it."""
    name, number = f"set{block}", f"{block}0000"
    stored = client.set_gateway_set(name, {**LONDON, "rules": [{"prefix": block}]})
    client.add(number, route="EXTEN", extension="8300", gateway_set=name)
    found = client.route(number).gateways
    with pytest.raises(errors.DestinationInUse) as used:
        client.delete_gateway_set(name)

    assert ["sip:10.0.0.5:5060", "sip:10.0.0.6:5060"] == [one.address for one in stored.gateways]
    assert (block, False) == (stored.rules[0].prefix, stored.rules[0].default)
    assert (stored.number, name, "the DID names it") == (found.number, found.name, found.reason)
    assert ("sip:10.0.0.6:5060", "sip:10.0.0.5:5060") == found.addresses
    assert (f"DID {number}",) == used.value.places
    assert [name] == [one.name for one in client.gateway_sets(name, page_size=1)]
    client.update(number, gateway_set=None)
    assert client.route(number).gateways.reason == f"by the rule: number begins with {block}"
    client.delete_gateway_set(name)
    assert client.route(number).gateways is None
    with pytest.raises(errors.DestinationNotFound):
        client.gateway_set(name)


def test_what_is_wrong_is_named(client, block):
    """By its field."""
    with pytest.raises(errors.InvalidField) as refused:
        client.set_gateway_set(f"set{block}", {"gateways": [{"address": "sip:user@pbx"}]})

    assert "address" in refused.value.field
