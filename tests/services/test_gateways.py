"""Sets of SIP gateways in each home: what is stored, who sees it, and which DIDs have which."""

from dataclasses import replace

import pytest

from didier.cli.local import CALLER
from didier.errors import (
    DestinationInUse,
    DestinationNotFound,
    GatewaysOff,
    InvalidField,
    NotPermitted,
    UnknownReference,
)
from didier.services.calls import explain
from didier.services.calls.explain import SupposedCall
from didier.services.dids import gateways
from didier.services.dids.gateways import THINGS, PutGatewaySet
from didier.services.dids.named import DeleteNamed
from didier.storage.dids import did_fields, dids
from didier.storage.statements import run
from support.engines import opened
from support.homes import ready
from support.inbound import add_did
from support.statements import sent

LONDON = {"gateways": [{"address": "10.0.0.5"}, {"address": "10.0.0.6", "priority": 5}]}
LIMITED = replace(CALLER, user=replace(CALLER.user, group="SALES", viewable_groups=" SALES "))
NOT_OF_MACHINES = [
    replace(CALLER, user=replace(CALLER.user, manage_servers=False)),
    replace(CALLER, user=replace(CALLER.user, level=8)),
]


def put(conn, now, name="london", by=CALLER, number=None, group=None, **values):
    [done] = gateways.put(conn, [PutGatewaySet(by, name, LONDON | values, number, group)], now)
    return done


def have(conn, pattern, **fields):
    add_did(conn, pattern)
    did_fields.put(conn, {dids.find(conn, [pattern]).get(pattern).did_id: fields})


def rows(conn, *patterns):
    ids = [dids.find(conn, [pattern]).get(pattern).did_id for pattern in patterns]
    images = dids.images(conn, set(ids))
    return [images[did_id] for did_id in ids]


def test_what_is_stored_is_found(clean, now):
    """In any case of its name; another in its place keeps spelling, number and user group."""
    with clean.begin() as conn:
        made = put(conn, now, group="---ALL---", rules=[{"prefix": "18"}])
        found = THINGS.one(conn, CALLER, "LONDON")
        changed = put(conn, now, "London", probing=False)
        listed, last = THINGS.page(conn, CALLER, "", 10, "")

    assert made == found
    assert ("london", 1, "---ALL---", False, ()) == (
        changed.name, changed.number, changed.group, changed.probing, changed.rules,
    )  # fmt: skip
    assert ([changed], None) == (listed, last)


def test_numbers_are_given_and_kept(clean, now):
    """The lowest that is free, or the one that is asked for unless another set has it."""
    with clean.begin() as conn:
        made = [put(conn, now, "a"), put(conn, now, "b", number=3), put(conn, now, "c"), put(conn, now, "d")]
        kept, moved = put(conn, now, "b"), put(conn, now, "c", number=9)
        refused = put(conn, now, "a", number=3)

    assert [1, 3, 2, 4] == [one.number for one in made]
    assert (3, 9) == (kept.number, moved.number)
    assert ("number", "3") == (refused.field, refused.value)


def test_what_rules_name_has_to_be_there(clean, now):
    """It is named by its place; what no rule names is not looked for."""
    with clean.begin() as conn:
        group = put(conn, now, rules=[{"prefix": "18"}, {"prefix": "19", "user_group": "GHOST"}])
        server = put(conn, now, rules=[{"server_ip": "192.0.2.99"}])
        good = put(conn, now, rules=[{"user_group": "ADMIN", "route": "EXTEN"}])

    assert (UnknownReference, "rules/1/user_group") == (type(group), group.field)
    assert (UnknownReference, "rules/0/server_ip") == (type(server), server.field)
    assert 1 == good.number


@pytest.mark.parametrize("who", NOT_OF_MACHINES)
def test_new_addresses_need_more_than_the_rest(clean, now, who):
    """Who may not say to which machines calls go may share them out among those that are there."""
    other = [{"address": "198.51.100.66"}]
    with clean.begin() as conn:
        first = put(conn, now, by=who)
        put(conn, now)
        weights = put(
            conn, now, by=who, gateways=[{"address": "10.0.0.6", "weight": 9}], rules=[{"prefix": "1"}]
        )
        refused = put(conn, now, by=who, gateways=other)
        left = THINGS.one(conn, CALLER, "london")

    assert {NotPermitted} == {type(first), type(refused)}
    assert weights == left


def test_many_dids_are_asked_about_at_once(clean, now):
    """By their fields and by rules; of how many never changes the statements."""
    with clean.begin() as conn:
        put(conn, now, rules=[{"prefix": "180"}])
        put(conn, now, "paris", rules=[{"prefix": "1801", "route": "EXTEN"}])
        for pattern, name in {"1801": "", "1802": "", "1803": "Paris", "1901": "", "1804": "ghost"}.items():
            have(conn, pattern, gateway_set=name)
        asked = rows(conn, "1801", "1802", "1803", "1901", "1804")
        found = [one and one.chosen.number for one in gateways.chosen(conn, asked)]
        count = sent(conn, lambda: list(gateways.chosen(conn, asked[:1])))

        assert [2, 1, 2, None, 1] == found
        assert count == sent(conn, lambda: list(gateways.chosen(conn, asked * 100)))


def test_an_explanation_has_the_set(clean, now):
    """Of the DID that decides, with the reason; those who do not see the set are not told."""
    with clean.begin() as conn:
        put(conn, now, rules=[{"default": True}])
        have(conn, "1801", gateway_set="london")
        have(conn, "1802")
        run(conn, "UPDATE vicidial_inbound_dids SET user_group = 'SALES'")
        found = [
            explain.explain(conn, CALLER, SupposedCall(number), now).gateways for number in ("1801", "1802")
        ]
        run(conn, "UPDATE didier_gateways SET user_group = 'OTHERS'")
        hidden = explain.explain(conn, LIMITED, SupposedCall("1801"), now).gateways

    assert ["the DID names it", "by the rule: default"] == [one.reason for one in found]
    assert ["10.0.0.6", "10.0.0.5"] == [each.address.host for each in found[0].chosen.in_order]
    assert hidden is None


def test_a_row_that_is_none_any_more_is_no_set(clean, now):
    """Whatever somebody has stored there in SQL, also an address that would be a command elsewhere."""
    with clean.begin() as conn:
        put(conn, now, rules=[{"default": True}])
        have(conn, "1801", gateway_set="london")
        found = []
        for value in ("", "[]", "7", '{"gateways": 7}', '{"gateways": [{"address": "pbx;lr\\n"}]}'):
            run(conn, "UPDATE didier_gateways SET value = ?", value)
            found += gateways.chosen(conn, rows(conn, "1801"))
        mended = put(conn, now)

    assert [None] * 5 == found
    assert 1 == mended.number


def test_one_that_dids_have_is_not_deleted(clean, now):
    """Some are named; DIDs that have it by rule do not keep it."""
    with clean.begin() as conn:
        put(conn, now, rules=[{"prefix": "18"}])
        have(conn, "1801", gateway_set="LONDON")
        [refused] = THINGS.delete(conn, [DeleteNamed(CALLER, "london")], now)
        [(did_id,)] = run(conn, "SELECT did_id FROM didier_did_fields WHERE gateway_set <> ''")
        did_fields.put(conn, {did_id: {}})
        [deleted] = THINGS.delete(conn, [DeleteNamed(CALLER, "london")], now)

    assert (DestinationInUse, ("DID 1801",)) == (type(refused), refused.places)
    assert "london" == deleted.name


def test_those_of_other_groups_are_not_there(clean, now):
    """Neither shown nor changed, and rules of one's own are for one's own DIDs alone."""
    with clean.begin() as conn:
        put(conn, now)
        run(conn, "UPDATE didier_gateways SET user_group = 'OTHERS'")
        own = put(conn, now, "own", by=LIMITED, rules=[{"default": True}])
        changed = put(conn, now, by=LIMITED)
        [deleted] = THINGS.delete(conn, [DeleteNamed(LIMITED, "london")], now)
        listed, _ = THINGS.page(conn, LIMITED, "", 10, "")
        beyond = put(conn, now, "own", by=LIMITED, rules=[{"user_group": "OTHERS"}])
        have(conn, "1801")
        [others] = gateways.chosen(conn, rows(conn, "1801"))
        run(conn, "UPDATE vicidial_inbound_dids SET user_group = 'SALES' WHERE did_pattern = '1801'")
        [ours] = gateways.chosen(conn, rows(conn, "1801"))

    assert {DestinationNotFound} == {type(changed), type(deleted)}
    assert ["own"] == [one.name for one in listed]
    assert isinstance(beyond, InvalidField)
    assert (None, own) == (others, ours.chosen)


def test_a_home_without_the_table(empty_url, now):
    """Calls go to no set; what would be stored is refused."""
    with ready(empty_url, now) as engine, engine.begin() as conn:
        have(conn, "1801", gateway_set="london")
        run(conn, "DROP TABLE didier_gateways")
    with opened(empty_url) as engine, engine.begin() as conn:
        assert isinstance(put(conn, now), GatewaysOff)
        assert ([], None) == THINGS.page(conn, CALLER, "", 10, "")
        assert explain.explain(conn, CALLER, SupposedCall("1801"), now).gateways is None


def test_a_set_of_all_groups_is_changed_by_who_sees_all(clean, now):
    """Its rules take calls of DIDs that others do not see."""
    with clean.begin() as conn:
        put(conn, now, group="---ALL---", rules=[{"default": True}])
        changed = put(conn, now, by=LIMITED, rules=[{"prefix": "18"}])
        taken = put(conn, now, by=LIMITED, group="SALES")
        [deleted] = gateways.delete(conn, [DeleteNamed(LIMITED, "london")], now)
        there = THINGS.one(conn, LIMITED, "london")

    assert {NotPermitted} == {type(changed), type(taken), type(deleted)}
    assert ("---ALL---", 1) == (there.group, len(there.rules))
