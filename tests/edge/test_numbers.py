"""The file on an edge: what Kamailio loads, and what it is told of changes."""

import random

import pytest

from didier.client.events import ChangePage
from didier.domain.gateways import Choices
from didier.domain.gateways import of as gateway_set
from didier.edge import tables
from didier.edge.numbers import Numbers
from didier.edge.pushes import Pushes
from didier.edge.tables import CURSOR

LONDON = {
    "name": "london", "number": 3, "user_group": "---ALL---", "probing": True,
    "gateways": [{"address": "10.0.0.5"}], "rules": [{"prefix": "+44"}],
}  # fmt: skip
PARIS = {**LONDON, "name": "paris", "number": 7, "rules": [{"route": "PHONE"}]}


def did(did_id, pattern, **values):
    return {
        "did_id": did_id, "did_pattern": pattern, "did_active": "Y", "gateway_set": "", "did_route": "EXTEN",
        "server_ip": "", "user_group": "---ALL---", **values,
    }  # fmt: skip


def event(number, type, data):
    told = {"sequence": number, "id": str(number), "type": type, "timestamp": "2026-03-04T05:06:07Z"}
    return ChangePage.read({"items": [{**told, "data": data}], "next": number, "newest": number}).items[0]


def created(number, first, size=1, own=None):
    return event(number, "did.created", {
        "did_id": first["did_id"], "did_pattern": first["did_pattern"], "size": size,
        "after": first, "own": own,
    })  # fmt: skip


def updated(number, did_id, pattern, after, size=1):
    return event(number, "did.updated", {
        "did_id": did_id, "did_pattern": pattern, "size": size,
        "fields": [*after], "before": {}, "after": after,
    })  # fmt: skip


def deleted(number, did_id, pattern, size=1):
    return event(number, "did.deleted", {"did_id": did_id, "did_pattern": pattern, "size": size})


def apply(numbers, *events):
    numbers.apply(events, events[-1].sequence)


@pytest.fixture
def file(tmp_path):
    return tmp_path / "edge.db"


@pytest.fixture
def numbers(file):
    with Numbers(file) as numbers:
        yield numbers


@pytest.fixture
def pushes(file, numbers):
    with Pushes(file) as pushes:
        yield pushes


def table(file):
    """Return what Kamailio loads of the file."""
    connection = tables.connect(file)
    rows = connection.execute("SELECT key_name, key_value FROM numbers WHERE key_name <> ?", (CURSOR,))
    found = {key: int(value) for key, value in rows}
    connection.close()
    return found


class Memory(dict):
    """Numbers as Kamailio has them that loaded a table once, and is told the rest."""

    def __init__(self, file, pushes):
        super().__init__(table(file))
        self.cursor = pushes.cursor

    def catch_up(self, pushes, most=3):
        while found := pushes.after(self.cursor, most):
            for push in found:
                self.pop(push.number, None)
                if push.value is not None:
                    self[push.number] = int(push.value)
            self.cursor = found[-1].id


def test_a_number_has_the_set_of_its_did(file, numbers):
    """By name or by rule; inactive ones have none, and those without a set are not there."""
    numbers.replace([
        did(1, "+442079460000"), did(2, "0044207946", gateway_set="paris"), did(3, "5550001"),
        did(4, "5550002", did_active="N"), did(5, "8600", did_route="PHONE"),
    ], [LONDON, PARIS], 9)  # fmt: skip

    assert {"+442079460000": 3, "0044207946": 7, "5550002": 0, "8600": 7} == table(file)
    assert 9 == numbers.sequence


def test_what_cannot_be_dialled_is_left_out(file, numbers):
    """Nor may a pattern be taken for a line of its own, or for the key that is none."""
    odd = enumerate(["!cursor", "1=2", "1\n2=3", "1 2"])
    numbers.replace([did(place, pattern, gateway_set="paris") for place, pattern in odd], [PARIS], 1)

    assert {} == table(file)


def test_a_run_is_told_as_its_numbers(file, numbers, pushes):
    """With what is its own for each, when it is made, changed and taken away."""
    numbers.replace([], [LONDON, PARIS], 1)
    memory = Memory(file, pushes)
    apply(numbers, created(2, did(5, "+4420"), 3, own=[{}, {"gateway_set": "paris"}, {}]))
    made = table(file)
    apply(numbers, updated(3, 5, "+4420", {"did_active": "N"}, size=2))
    changed = table(file)
    apply(numbers, deleted(4, 5, "+4420", size=3))
    memory.catch_up(pushes)

    assert {"+4420": 3, "+4421": 7, "+4422": 3} == made
    assert {"+4420": 0, "+4421": 0, "+4422": 3} == changed
    assert {} == table(file) == memory


def test_a_did_that_gets_another_number(file, numbers, pushes):
    """The old one is free, and may be another's at once."""
    numbers.replace([did(1, "5550001", gateway_set="paris")], [PARIS], 1)
    memory = Memory(file, pushes)
    apply(numbers, updated(2, 1, "5550002", {"did_pattern": "5550002"}))
    apply(numbers, created(3, did(2, "5550001", did_active="N")))
    memory.catch_up(pushes)

    assert {"5550001": 0, "5550002": 7} == table(file) == memory


def test_a_rule_changes_numbers_of_which_nothing_was_told(file, numbers, pushes):
    """Gateways come with it, under a number that grows."""
    numbers.replace([did(1, "+4420"), did(2, "+3314")], [LONDON], 1)
    memory, version = Memory(file, pushes), pushes.gateways
    apply(numbers, event(2, "gateway_set.stored", {**LONDON, "rules": [{"default": True}]}))
    with_rule, same = table(file), pushes.gateways
    apply(numbers, event(3, "gateway_set.stored", {**LONDON, "gateways": [{"address": "10.0.0.6"}]}))
    apply(numbers, event(4, "gateway_set.deleted", {"name": "london", "number": 3}))
    memory.catch_up(pushes)

    assert ({"+4420": 3, "+3314": 3}, version) == (with_rule, same)
    assert version + 2 == pushes.gateways
    assert {} == table(file) == memory


def test_an_event_may_come_twice(file, numbers, pushes):
    """Nothing is told again then."""
    numbers.replace([], [PARIS], 1)
    apply(numbers, created(2, did(1, "5550001", gateway_set="paris")))
    last = updated(3, 1, "5550001", {"did_active": "N"})
    apply(numbers, last)
    there = pushes.cursor
    apply(numbers, last)

    assert (there, {"5550001": 0}) == (pushes.cursor, table(file))


def test_a_change_of_what_is_not_known_is_no_did(file, numbers):
    """An export may be newer than the events behind its number: the DID is gone there already."""
    numbers.replace([], [PARIS], 1)
    apply(numbers, updated(2, 1, "5550001", {"did_active": "N"}))

    assert {} == table(file)


def test_who_has_another_file_is_told_so(file, numbers, pushes, tmp_path):
    """Or was told more than this file knows, or less than is kept."""
    numbers.replace([did(1, "5550001", did_active="N"), did(2, "5550002", did_active="N")], [], 1)
    cursor = pushes.cursor
    with Numbers(tmp_path / "other.db"), Pushes(tmp_path / "other.db") as others:
        other = others.cursor

    assert cursor != other
    assert [None, None, None] == [pushes.after(number, 1) for number in (cursor + 1, cursor - 3, other)]
    assert ["5550001", "5550002"] == [push.number for push in pushes.after(cursor - 2, 9)]


def test_pushes_that_are_long_told_are_forgotten(file, numbers):
    """Who is behind them is told that; who is not goes on."""
    numbers.replace([did(place, f"555000{place}", did_active="N") for place in range(5)], [], 1)
    with Pushes(file, kept=1) as pushes:
        cursor = pushes.cursor
        pushes.forget(cursor)
        there = [len(pushes.after(number, 9)) for number in (cursor - 1, cursor)]
        gone = pushes.after(cursor - 2, 9)

    assert ([1, 0], None) == (there, gone)


def test_what_is_told_in_pieces_is_the_table(file, numbers, pushes):
    """Whatever happens, in whatever order, and however far Kamailio was behind."""
    chance = random.Random(4)
    known = {}
    numbers.replace([], [LONDON], 1)
    memory, sets = Memory(file, pushes), {"london": LONDON}
    for number in range(2, 400):
        kind = chance.choice(["created", "updated", "updated", "deleted", "set", "snapshot", "push"])
        did_id = chance.randrange(1, 12)
        if kind == "created":
            free = f"{chance.choice(['+44', '555'])}{did_id:03}"
            known[did_id] = did(did_id, free, did_route=chance.choice(["PHONE", "EXTEN"]))
            apply(numbers, created(number, known[did_id]))
        elif kind == "updated" and did_id in known:
            after = chance.choice([
                {"did_active": chance.choice("YN")}, {"gateway_set": chance.choice(["", "paris", "none"])},
                {"did_pattern": f"{chance.choice(['+44', '700'])}{did_id:03}"},
            ])  # fmt: skip
            known[did_id] |= after
            apply(numbers, updated(number, did_id, known[did_id]["did_pattern"], after))
        elif kind == "deleted" and did_id in known:
            apply(numbers, deleted(number, did_id, known.pop(did_id)["did_pattern"]))
        elif kind == "set" and "paris" in sets:
            del sets["paris"]
            apply(numbers, event(number, "gateway_set.deleted", {"name": "paris", "number": 7}))
        elif kind == "set":
            sets["paris"] = PARIS
            apply(numbers, event(number, "gateway_set.stored", PARIS))
        elif kind == "snapshot":
            numbers.replace(known.values(), sets.values(), number)
        elif kind == "push":
            memory.catch_up(pushes)
            assert table(file) == memory

    choices = Choices.of(
        gateway_set(one["name"], one["number"], one["user_group"], one) for one in sets.values()
    )
    chosen = {one["did_pattern"]: choices.choose(one) for one in known.values() if one["did_active"] == "Y"}
    right = {pattern: choice.chosen.number for pattern, choice in chosen.items() if choice}
    right |= {one["did_pattern"]: 0 for one in known.values() if one["did_active"] == "N"}
    memory.catch_up(pushes)
    assert right == table(file) == memory


def test_what_is_stored_is_there_after_a_restart(file, tmp_path):
    """The number of the change, and what changes from then on."""
    with Numbers(file) as numbers:
        numbers.replace([did(1, "+4420")], [LONDON], 5)
    with Numbers(file) as again, Pushes(file) as pushes:
        memory = Memory(file, pushes)
        again.apply([], 8)
        sequence = again.sequence
        apply(again, updated(9, 1, "+4420", {"did_active": "N"}))
        memory.catch_up(pushes)

    assert (8, {"+4420": 0}) == (sequence, memory)
