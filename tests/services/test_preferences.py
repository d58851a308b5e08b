"""What users have chosen to see: their own, and what others share."""

from dataclasses import replace

import pytest

from didier.cli.local import CALLER
from didier.domain.users import User
from didier.errors import InvalidField, PreferenceNotFound
from didier.services.users import accounts, preferences
from didier.services.users.account_orders import DeleteUserOrder
from didier.services.users.authentication import Caller
from didier.services.users.preferences import MOST, DeleteOrder, PutOrder, mapping_name
from didier.storage.statements import run
from didier.storage.users import users

USERS = {"boss": "ADMIN", "west": "WEST", "wendy": "WEST", "east": "EAST"}


@pytest.fixture
def callers(engine):
    """Users of two groups that do not see each other, and one who sees them all."""
    with engine.begin() as conn:
        for group in ("WEST", "EAST"):
            columns = "user_group, group_name, admin_viewable_groups"
            run(
                conn,
                f"INSERT INTO vicidial_user_groups ({columns}) VALUES (?, ?, ?)",
                group,
                group,
                f" {group} ",
            )
        for name, group in USERS.items():
            sql = "INSERT INTO vicidial_users (user, pass, user_level, user_group) VALUES (?, '', 8, ?)"
            run(conn, sql, name, group)
        found = users.accounts(conn, list(USERS))
    return {name: Caller(_whole(found[name].user), name, "") for name in USERS}


def _whole(user: User) -> User:
    return replace(user, viewable_groups=f" {user.group} " if user.group != "ADMIN" else " ---ALL--- ")


@pytest.fixture
def put(engine, now):
    def put_one(caller, name="Mine", *, kind="filter", value=None, shared=False):
        order = PutOrder(caller, kind, name, value or {"tag": "west"}, shared)
        with engine.begin() as conn:
            [done] = preferences.put(conn, [order], now)
        return done

    return put_one


def names(engine, caller, kind="filter"):
    with engine.begin() as conn:
        return [(one.user, one.preference.name) for one in preferences.listed(conn, caller, kind)]


def test_a_preference_is_kept_for_its_user_alone(engine, callers, put):
    """With its value; others see nothing of it, and the second of a name takes the place of the first."""
    put(callers["west"], value={"tag": "old"})
    put(callers["west"], " Mine ", value={"tag": "new", "active": ["Y", "N"]})

    with engine.begin() as conn:
        [found] = preferences.listed(conn, callers["west"], "filter")
    assert {"tag": "new", "active": ["Y", "N"]} == found.preference.value
    assert found.is_own
    assert [] == names(engine, callers["boss"])
    assert [] == names(engine, callers["west"], "columns")


def test_a_shared_one_is_seen_by_those_who_see_its_user(engine, callers, put):
    """Filters name groups and numbers: who does not see the group does not see them."""
    put(callers["west"], "Ours", shared=True)

    seen = {name: names(engine, caller) for name, caller in callers.items()}

    assert {
        "boss": [("west", "Ours")],
        "west": [("west", "Ours")],
        "wendy": [("west", "Ours")],
        "east": [],
    } == seen


def test_names_differ_by_case(engine, callers, put):
    """On each database alike."""
    put(callers["west"], "ours")
    put(callers["west"], "Ours")

    assert {"ours", "Ours"} == {name for _, name in names(engine, callers["west"])}


def test_only_ones_own_are_deleted(engine, callers, put, now):
    """What another shares is not there to be deleted."""
    put(callers["west"], "Ours", shared=True)

    def delete(name):
        with engine.begin() as conn:
            [done] = preferences.delete(conn, [DeleteOrder(callers[name], "filter", "Ours")], now)
        return done

    assert isinstance(delete("wendy"), PreferenceNotFound)
    assert not isinstance(delete("west"), PreferenceNotFound)
    assert [] == names(engine, callers["west"])


@pytest.mark.parametrize(
    ("field", "more"),
    [
        ("kind", {"kind": "colour"}),
        ("name", {"name": " "}),
        ("name", {"name": "x" * 101}),
        ("name", {"name": "a\u202eb"}),
        ("value", {"value": {"tag": "x" * 8_000}}),
        ("shared", {"kind": "columns", "shared": True}),
    ],
)
def test_what_is_not_allowed_is_refused(engine, callers, put, field, more):
    """By its field, and nothing is stored."""
    refused = put(callers["west"], **more)

    assert isinstance(refused, InvalidField)
    assert field == refused.field
    with engine.begin() as conn:
        assert [] == run(conn, "SELECT * FROM didier_preferences")


def test_there_is_an_end_to_them(engine, callers, put):
    """The filter too many is refused, one of those that are there can be changed; others have their own."""
    for number in range(MOST):
        put(callers["west"], f"Filter {number}")

    assert isinstance(put(callers["west"], "One more"), InvalidField)
    assert not isinstance(put(callers["west"], "Filter 7"), InvalidField)
    assert not isinstance(put(callers["wendy"], "One more"), InvalidField)


def test_the_oldest_mapping_makes_room(engine, callers, now):
    """Nobody sees them in a list to delete one."""
    west = callers["west"]
    with engine.begin() as conn:
        for number in range(MOST + 1):
            order = PutOrder(west, "mapping", f"number,column {number}", {"1": "number"})
            preferences.put(conn, [order], now.replace(minute=number // 60, second=number % 60))

        assert None is preferences.value_of(conn, west, "mapping", "number,column 0")
        assert {"1": "number"} == preferences.value_of(conn, west, "mapping", f"number,column {MOST}")
        assert None is preferences.value_of(
            conn, replace(west, token_id=1), "mapping", f"number,column {MOST}"
        )


def test_a_deleted_user_takes_theirs_along(engine, callers, put, now):
    """Also what they share."""
    put(callers["west"], "Ours", shared=True)
    with engine.begin() as conn:
        accounts.delete(conn, [DeleteUserOrder(CALLER, "west")], now)

        assert [] == run(conn, "SELECT * FROM vicidial_users WHERE user = 'west'")
        assert [] == run(conn, "SELECT * FROM didier_preferences")


def test_headers_name_a_mapping():
    """As they are written; long ones by a digest, which is another for others."""
    long = [f"column {number}" for number in range(50)]

    assert "Number,City" == mapping_name([" Number", "City "])
    assert mapping_name(long) == mapping_name(long)
    assert mapping_name(long) != mapping_name(long[:-1])
    assert len(mapping_name(long)) < 100
