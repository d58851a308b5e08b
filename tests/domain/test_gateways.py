"""Sets of gateways, and to which of them calls to a DID are sent."""

from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from didier.domain import gateways, patterns
from didier.domain.gateways import COLUMNS, Choices, free_number, of, values_of
from didier.errors import InvalidField

GATEWAY = {"address": "10.0.0.5"}
DID = {
    "did_pattern": "+442079460000", "did_route": "IN_GROUP", "server_ip": "10.0.0.5", "user_group": "SALES",
    "gateway_set": "",
}  # fmt: skip


def one(name="office", number=1, group="---ALL---", **values):
    return of(name, number, group, {"gateways": [GATEWAY], **values})


def ruled(*rules, number=1, group="---ALL---"):
    return one(f"set{number}", number, group, rules=list(rules))


def chosen(did, *sets):
    found = Choices.of(sets).choose({**DID, **did})
    return found and found.chosen.number


def test_values_are_those_that_it_is_made_of():
    """Addresses in their one form, what is not said with its default."""
    rule = {"prefix": "+4420", "route": "IN_GROUP"}
    found = one(gateways=[{**GATEWAY, "weight": 3}], rules=[rule, {"default": True}])
    values = values_of(found)
    empty = {"prefix": "", "route": "", "server_ip": "", "user_group": "", "default": False}

    assert found == one(**values)
    assert [{"address": "sip:10.0.0.5:5060", "priority": 0, "weight": 3, "description": ""}] == values[
        "gateways"
    ]
    assert [{**empty, **rule}, {**empty, "default": True}] == values["rules"]
    assert found.probing


@pytest.mark.parametrize(
    ("given", "place"),
    [
        ({"name": "a b"}, "name"),
        ({"name": "a\n"}, "name"),
        ({"name": "x" * 51}, "name"),
        ({"number": 0}, "number"),
        ({"number": gateways.NUMBER_MOST + 1}, "number"),
        ({"number": "1"}, "number"),
        ({"gateways": []}, "gateways"),
        ({"gateways": [{"address": f"pbx{n}"} for n in range(33)]}, "gateways"),
        ({"gateways": [{}]}, "gateways/0/address"),
        ({"gateways": [GATEWAY, {"address": "pbx;lr"}]}, "gateways/1/address"),
        ({"gateways": [GATEWAY, {"address": "sip:10.0.0.5:5060"}]}, "gateways/1/address"),
        ({"gateways": [{**GATEWAY, "priority": -1}]}, "gateways/0/priority"),
        ({"gateways": [{**GATEWAY, "priority": 101}]}, "gateways/0/priority"),
        ({"gateways": [{**GATEWAY, "weight": 0}]}, "gateways/0/weight"),
        ({"gateways": [{**GATEWAY, "weight": 101}]}, "gateways/0/weight"),
        ({"gateways": [{**GATEWAY, "description": "a\nb"}]}, "gateways/0/description"),
        ({"gateways": [{**GATEWAY, "description": "x" * 61}]}, "gateways/0/description"),
        ({"rules": [{"default": True}] * 101}, "rules"),
        ({"rules": [{}]}, "rules/0"),
        ({"rules": [{"prefix": "1", "default": True}]}, "rules/0"),
        ({"rules": [{"default": True}, {"prefix": "1 2"}]}, "rules/1/prefix"),
        ({"rules": [{"route": "NOWHERE"}]}, "rules/0/route"),
        ({"rules": [{"server_ip": "x" * 16}]}, "rules/0/server_ip"),
        ({"rules": [{"user_group": "a\tb"}]}, "rules/0/user_group"),
        ({"group": "SALES", "rules": [{"user_group": "OTHERS"}]}, "rules/0/user_group"),
    ],
)
def test_what_is_wrong_is_named_by_its_place(given, place):
    """The first of it."""
    with pytest.raises(InvalidField) as refused:
        one(**given)

    assert place == refused.value.field


def test_gateways_are_in_order():
    """Those of a higher priority first, of these the heavier."""
    weights = [("a", 0, 9), ("b", 5, 1), ("c", 5, 2)]
    found = one(gateways=[{"address": host, "priority": p, "weight": w} for host, p, w in weights])

    assert ["c", "b", "a"] == [each.address.host for each in found.in_order]


@pytest.mark.parametrize(
    ("did", "rule", "expected"),
    [
        ({}, {"prefix": "+4420"}, 1),
        ({}, {"prefix": "+4421"}, None),
        ({"did_pattern": "+44"}, {"prefix": "+4420"}, None),
        ({"did_pattern": "Sales"}, {"prefix": "sAL"}, 1),
        ({}, {"route": "IN_GROUP"}, 1),
        ({}, {"route": "EXTEN"}, None),
        ({}, {"server_ip": "10.0.0.5"}, 1),
        ({"server_ip": None}, {"server_ip": "10.0.0.5"}, None),
        ({}, {"user_group": "sales"}, 1),
        ({}, {"prefix": "+4420", "route": "IN_GROUP", "user_group": "SALES", "server_ip": "10.0.0.5"}, 1),
        ({}, {"prefix": "+4420", "route": "IN_GROUP", "user_group": "SALES", "server_ip": "10.0.0.6"}, None),
        ({}, {"default": True}, 1),
    ],
)
def test_a_rule_is_for_dids_with_all_that_it_names(did, rule, expected):
    """Whatever the case, as the database compares."""
    assert expected == chosen(did, ruled(rule))


@pytest.mark.parametrize(
    ("first", "second", "expected"),
    [
        ({"default": True}, {"prefix": "+"}, 2),
        ({"prefix": "+4420"}, {"route": "IN_GROUP", "user_group": "SALES"}, 2),
        ({"prefix": "+44"}, {"prefix": "+4420"}, 2),
        ({"prefix": "+4420"}, {"prefix": "+44"}, 1),
        ({"route": "IN_GROUP"}, {"prefix": "+"}, 2),
        ({"route": "IN_GROUP"}, {"user_group": "SALES"}, 1),
        ({"user_group": "SALES"}, {"route": "IN_GROUP"}, 1),
        ({"default": True}, {"default": True}, 1),
    ],
)
def test_one_rule_comes_before_another(first, second, expected):
    """More conditions, then a longer prefix, then the lower number; whatever the order of the sets."""
    sets = ruled(first, number=1), ruled(second, number=2)

    assert expected == chosen({}, *sets)
    assert expected == chosen({}, *reversed(sets))


def test_a_did_names_its_set_before_all_rules():
    """In any case; where there is no such set, rules go on, and the reason says so."""
    sets = one("Berlin", 7), ruled({"prefix": "+4420", "route": "IN_GROUP"})
    found = [Choices.of(sets).choose({**DID, "gateway_set": name}) for name in ("BERLIN", "ghost", "", None)]

    by_rule = "by the rule: number begins with +4420 and route IN_GROUP"
    assert [7, 1, 1, 1] == [each.chosen.number for each in found]
    missing = f"{by_rule}; the set ghost, which the DID names, does not exist"
    assert ["the DID names it", missing, by_rule, by_rule] == [each.reason for each in found]


def test_no_set_for_a_did():
    """There is none, or no rule is for it."""
    assert chosen({"gateway_set": "ghost"}) is None
    assert chosen({}, one(), ruled({"route": "EXTEN"}, number=2)) is None


def test_a_set_of_a_group_takes_its_dids_alone():
    """By rule; it comes before that of all, as if the rule named the group."""
    sets = ruled({"default": True}), ruled({"default": True}, number=2, group="SALES")

    assert [2, 1] == [chosen({"user_group": group}, *sets) for group in ("sales", "OTHERS")]


def test_numbers_that_are_free():
    """The lowest."""
    assert [1, 2, 2, 4] == [free_number(taken) for taken in ([], [1], [1, 3], [3, 1, 2])]


_VALUES = {
    "prefix": ["", "+", "+4", "+44", "s"], "route": ["", "EXTEN", "IN_GROUP"], "server_ip": ["", "10.0.0.5"],
    "user_group": ["", "SALES", "OTHERS"],
}  # fmt: skip
_RULES = st.fixed_dictionaries({name: st.sampled_from(values) for name, values in _VALUES.items()}).map(
    lambda rule: {**rule, "default": not any(rule.values())}
)
_SETS = st.lists(st.lists(_RULES, max_size=4), max_size=5)
_DIDS = [
    {"did_pattern": pattern, "did_route": route, "server_ip": server, "user_group": group}
    for pattern, route, server, group in product(
        ("+44123", "+1", "Sales", "default"), ("EXTEN", "IN_GROUP"), ("10.0.0.5", None), ("SALES", "")
    )
]


def _matches(rule, did):
    parts = [(rule[name], did[column]) for name, column in COLUMNS.items()]
    return patterns.begins_with(did["did_pattern"], rule["prefix"]) and all(
        not wanted or patterns.key(wanted) == patterns.key(has or "") for wanted, has in parts
    )


def _by_looking_at_all(did, given):
    """The rule said once more, in the words of the guide."""
    found = [
        (-sum(map(bool, (rule[name] for name in _VALUES))), -len(rule["prefix"]), number)
        for number, rules in enumerate(given, 1)
        for rule in rules
        if _matches(rule, did)
    ]
    return min(found)[2] if found else None


@given(_SETS)
def test_what_is_chosen_is_the_best_of_all(given):
    """Looking at a few kinds of rules comes to the same as comparing every rule with every DID."""
    sets = [ruled(*rules, number=number) for number, rules in enumerate(given, 1)]

    assert [_by_looking_at_all(did, given) for did in _DIDS] == [chosen(did, *sets) for did in _DIDS]
