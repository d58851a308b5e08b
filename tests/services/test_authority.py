"""Nobody gets through other users what they may not do themselves."""

from dataclasses import dataclass, replace

import pytest

from didier.cli.local import CALLER
from didier.errors import BeyondReach, LastManager, UserExists
from didier.services.users import accounts, directory, tokens
from didier.services.users.accounts import (
    AddUserOrder,
    CopyUserOrder,
    DeleteUserOrder,
    UnlockUserOrder,
    UpdateUserOrder,
    UserChanged,
)
from didier.services.users.authentication import Caller
from didier.services.users.tokens import AddedToken, ListOrder, RevokeOrder
from didier.storage.statements import run
from didier.storage.users.users import StoredPassword, accounts_by_id
from didier.storage.users.users import accounts as accounts_of

PASSWORD = StoredPassword("$argon2id$example", "")
AGENT = {"user_level": "1", "user_group": "ADMIN", "full_name": "Agent"}
MANAGER = directory.AccountSettings(
    level=8, api_access=True, modify_users=True, delete_users=True, view_reports=True,
    functions="add_user copy_user update_user delete_user user_details",
)  # fmt: skip


@dataclass
class World:
    """A database with a manager of users who may do nothing with DIDs."""

    engine: object
    now: object

    def add(self, name, change):
        with self.engine.begin() as conn:
            return directory.add(conn, name, change, self.now).account

    def account(self, name):
        with self.engine.begin() as conn:
            return accounts_of(conn, [name]).get(name)

    def caller(self, name, **token) -> Caller:
        return Caller(self.account(name).user, name, "192.0.2.1", **token)

    def do(self, service, *orders):
        with self.engine.begin() as conn:
            return service(conn, orders, self.now)

    def one(self, service, order):
        return self.do(service, order)[0]

    def sql(self, statement, *values):
        with self.engine.begin() as conn:
            return run(conn, statement, *values)


@pytest.fixture
def world(engine, now):
    made = World(engine, now)
    made.add("manager", MANAGER)
    return made


def new(by, name="new", **values):
    return AddUserOrder(by, name, PASSWORD, {**AGENT, **values})


def acts(world, by, name):
    """Everything that can be done on or for the user *name*: services and orders."""
    token = tokens.AddTokenOrder(by, name, "CRM", ("dids:write",), tokens.generate())
    return [
        (accounts.update, UpdateUserOrder(by, name, PASSWORD, {})),
        (accounts.update, UpdateUserOrder(by, name, None, {"full_name": "X"})),
        (accounts.update, UpdateUserOrder(by, name, None, {"full_name": "X"}, dry_run=True)),
        (accounts.copy, CopyUserOrder(by, "copy", PASSWORD, "Copy", name)),
        (accounts.unlock, UnlockUserOrder(by, name)),
        (accounts.delete, DeleteUserOrder(by, name)),
        (tokens.add, token),
        (tokens.listed, ListOrder(by, name)),
    ]


@pytest.mark.parametrize("place", range(8))
def test_who_reaches_further_is_left_alone(world, place):
    """A user who may delete DIDs is not changed, copied, deleted or given a token by one who may not."""
    right = directory.AccountSettings(
        level=7, api_access=True, delete_dids=True, modify_dids=True, functions="list_dids"
    )
    world.add("deleter", right)
    service, order = acts(world, world.caller("manager"), "deleter")[place]
    before = world.sql("SELECT * FROM vicidial_users ORDER BY user_id")

    outcome = world.one(service, order)

    assert isinstance(outcome, BeyondReach), outcome
    assert {"Modify DIDs", "Delete DIDs"} <= set(outcome.missing)
    assert before == world.sql("SELECT * FROM vicidial_users ORDER BY user_id")
    assert [] == world.sql("SELECT * FROM didier_tokens")


@pytest.mark.parametrize("place", range(8))
def test_ordinary_agents_are_managed(world, place):
    """VICIdial gives agents all functions, which count for nothing without API Access."""
    world.one(accounts.add, new(CALLER, "agent"))
    service, order = acts(world, world.caller("manager"), "agent")[place]

    outcome = world.one(service, order)

    assert isinstance(outcome, UserChanged | AddedToken | list), outcome


def test_tokens_of_who_reaches_further_are_neither_listed_nor_revoked(world):
    """They are not there for others."""
    world.add(
        "deleter",
        directory.AccountSettings(level=7, api_access=True, delete_dids=True, functions="delete_did"),
    )
    made = world.one(
        tokens.add, tokens.AddTokenOrder(CALLER, "deleter", "CRM", ("dids:write",), tokens.generate())
    )
    manager = world.caller("manager")

    assert [] == world.one(tokens.listed, ListOrder(manager, None))
    assert isinstance(
        world.one(tokens.revoke, RevokeOrder(manager, made.token.token_id)), tokens.TokenNotFound
    )


WAKES = [
    {"vdc_agent_api_access": "1", "user_level": "7"},
    {"vdc_agent_api_access": "1"},
    {"user_level": "8"},
]


@pytest.mark.parametrize("wake", WAKES, ids=repr)
def test_dormant_rights_are_not_woken(world, wake):
    """Rights that do not count yet are not made to count by who lacks them."""
    world.one(accounts.add, new(CALLER, "sleeper"))
    settings = {"user_level": 8, "vdc_agent_api_access": "1", **{k: "0" if k[0] == "v" else 1 for k in wake}}
    columns = {**settings, "delete_inbound_dids": "1", "modify_same_user_level": "1"}
    assignments = ", ".join(f"{column} = ?" for column in columns)
    world.sql(f"UPDATE vicidial_users SET {assignments} WHERE user = 'sleeper'", *columns.values())

    outcome = world.one(accounts.update, UpdateUserOrder(world.caller("manager"), "sleeper", None, wake))

    assert isinstance(outcome, BeyondReach), outcome


def test_nobody_moves_into_a_group_that_sees_more(world):
    """Neither themselves nor others who then reach further."""
    world.sql("INSERT INTO vicidial_user_groups (user_group, group_name, admin_viewable_groups)"
              " VALUES ('SALES', 'Sales', ' SALES ADMIN ')")  # fmt: skip
    world.sql("UPDATE vicidial_users SET user_group = 'SALES' WHERE user = 'manager'")
    manager = world.caller("manager")

    outcome = world.one(accounts.update, UpdateUserOrder(manager, "manager", None, {"user_group": "ADMIN"}))

    assert BeyondReach("update_user", ("user groups that they see",), "manager") == outcome
    assert "SALES" == world.account("manager").user.group


def test_ignoring_the_address_lists_is_part_of_the_reach(world):
    """Who is accepted from the office alone does not act for one who is accepted from everywhere."""
    world.sql("UPDATE vicidial_user_groups SET api_ip_list = 'OFFICE'")
    world.add("roaming", replace(MANAGER, level=7))
    world.sql("UPDATE vicidial_users SET ignore_ip_list = '1' WHERE user = 'roaming'")

    outcome = world.one(accounts.update, UpdateUserOrder(world.caller("manager"), "roaming", PASSWORD, {}))

    assert BeyondReach("update_user", ("being accepted from the same addresses",), "roaming") == outcome


def functions(world, name):
    return world.account(name).user.functions


def test_a_new_user_gets_at_most_the_functions_of_who_makes_them(world):
    """VICIdial's default of all functions is for those who may call all; others give their own."""
    world.one(accounts.add, new(CALLER, "agent"))
    manager = world.caller("manager")
    done = [
        world.one(accounts.add, new(manager, "agent2")),
        world.one(accounts.copy, CopyUserOrder(manager, "agent3", PASSWORD, "Copy", "agent")),
    ]

    assert [UserChanged("agent2"), UserChanged("agent3")] == done
    assert {"ALL_FUNCTIONS"} == functions(world, "agent")
    assert manager.user.functions == functions(world, "agent2") == functions(world, "agent3")
    assert not world.account("agent2").user.modify_dids


def test_a_token_acts_within_its_scopes(world):
    """A token for users alone makes nobody, nor gives a password to anybody, who may do more than it."""
    admin = world.caller("admin", scopes=frozenset({"users"}), token_id=1)
    crm = {"user_level": "8", "vdc_agent_api_access": "1", "modify_inbound_dids": "1"}

    refused = [
        world.one(accounts.add, new(admin, **crm, api_allowed_functions="copy_did")),
        world.one(accounts.update, UpdateUserOrder(admin, "admin", PASSWORD, {})),
    ]

    assert [BeyondReach, BeyondReach] == [type(outcome) for outcome in refused]
    assert UserChanged("agent") == world.one(accounts.add, new(admin, "agent"))
    assert UserChanged("manager") == world.one(
        accounts.update, UpdateUserOrder(admin, "manager", PASSWORD, {})
    )


def test_the_local_command_line_is_exempt(world):
    """Who may write the database's file may do everything anyway."""
    done = [
        world.one(accounts.update, UpdateUserOrder(CALLER, "admin", None, {"user_level": "1"})),
        world.one(accounts.delete, DeleteUserOrder(CALLER, "manager")),
    ]

    assert [UserChanged("admin"), UserChanged("manager")] == done


LOSSES = [
    {"user_level": "7"},
    {"vdc_agent_api_access": "0"},
    {"modify_users": "0"},
    {"active": "N"},
    {"api_allowed_functions": "copy_did"},
]


@pytest.mark.parametrize("loss", LOSSES, ids=repr)
def test_the_last_who_may_manage_users_does_not_lose_that(world, loss):
    """Nobody locks everybody out; once there is somebody else it may be given up."""
    world.do(accounts.delete, DeleteUserOrder(CALLER, "manager"))
    admin = world.caller("admin")

    first = world.one(accounts.update, UpdateUserOrder(admin, "admin", None, loss))
    world.add("manager", MANAGER)
    second = world.one(accounts.update, UpdateUserOrder(admin, "admin", None, loss))

    assert [LastManager("admin"), UserChanged("admin")] == [first, second]


def test_the_last_who_may_manage_users_is_not_deleted(world):
    """Of two who delete each other in one transaction the second is refused."""
    world.sql("UPDATE vicidial_users SET active = 'N' WHERE user = 'manager'")
    admin = world.caller("admin")

    outcomes = world.do(accounts.delete, DeleteUserOrder(admin, "admin"), DeleteUserOrder(admin, "manager"))

    assert [LastManager("admin"), UserChanged("manager")] == outcomes


LOOK_ALIKES = ["\u017fysadmin", "SYSADMIN", "s\u00fdsadmin", "\uff53ysadmin", "sys\u00e1dmin"]


@pytest.mark.parametrize("name", LOOK_ALIKES)
def test_names_that_look_alike_are_refused(world, name):
    """No user is made, by any door, whose name is taken for that of another."""
    world.one(accounts.add, new(CALLER, "sysadmin"))
    refused = [
        world.one(accounts.add, new(CALLER, name)),
        world.one(accounts.copy, CopyUserOrder(CALLER, name, PASSWORD, "Copy", "admin")),
    ]

    assert [UserExists(name)] * 2 == refused
    with pytest.raises(UserExists):
        world.add(name, directory.AccountSettings())


def test_a_look_alike_of_a_name_that_is_not_ascii_is_refused(world):
    """Also where the one that is there has the accents."""
    world.sql("INSERT INTO vicidial_users (user, pass, full_name) VALUES ('k\u00e9lly', '', 'K')")

    assert UserExists("kelly") == world.one(accounts.add, new(CALLER, "kelly"))


def test_users_are_told_apart_by_their_ids(world):
    """Accounts are found under the name that was asked for, in whatever form, and by the id."""
    world.one(accounts.add, new(CALLER, "kelly"))
    user_id = world.account("kelly").user_id

    with world.engine.begin() as conn:
        found = accounts_of(conn, ["KELLY", "kelly", "nobody"])
        by_id = accounts_by_id(conn, [user_id, 999])

    assert {"KELLY": user_id, "kelly": user_id} == {name: one.user_id for name, one in found.items()}
    assert {user_id: "kelly"} == {key: one.user.name for key, one in by_id.items()}
