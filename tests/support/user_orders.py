"""Orders about users, and a database in which they depend on one another."""

from dataclasses import dataclass, replace

from didier.cli.local import CALLER
from didier.services.users import directory, tokens
from didier.services.users.accounts import AddUserOrder, CopyUserOrder, UpdateUserOrder
from didier.services.users.authentication import Caller
from didier.storage.statements import columns_of, insert, run
from didier.storage.users import second_factors, users
from didier.storage.users.users import StoredPassword

PASSWORD = StoredPassword("$argon2id$example", "")
MANAGER = directory.AccountSettings(
    level=8, api_access=True, modify_users=True, delete_users=True, view_reports=True,
    functions="add_user copy_user update_user delete_user user_details",
)  # fmt: skip
USERS = {
    "manager": MANAGER,
    "second": replace(MANAGER, delete_users=False, group="SALES"),
    "ann": directory.AccountSettings(level=1, functions="copy_did", group="SALES"),
    "kélly": directory.AccountSettings(level=7, api_access=True, functions="ALL"),
    "108": directory.AccountSettings(level=1, functions="ALL"),
}
LOCAL = "the command line"

TABLES = {
    "vicidial_users": "user_id",
    "vicidial_admin_log": "admin_log_id",
    "system_settings": None,
    "didier_tokens": "token_id",
    "didier_second_factors": "user_id",
}
"""What orders about users write, and the column that counts the rows."""


@dataclass
class World:
    """A database with two managers, some others, and a group that does not see all."""

    engine: object
    now: object

    def prepare(self):
        with self.engine.begin() as conn:
            run(conn, "DELETE FROM system_settings")
            insert(conn, "system_settings", ("auto_user_add_value",), [(101,)])
            columns = ("user_group", "group_name", "admin_viewable_groups")
            insert(conn, "vicidial_user_groups", columns, [("SALES", "Sales", " SALES ")])
            for name, change in USERS.items():
                user_id = directory.add(conn, name, change, self.now).account.user_id
                factor = second_factors.SecondFactor(user_id, name, "sealed", None, 0, False, self.now)
                second_factors.put(conn, factor)
                order = tokens.AddTokenOrder(CALLER, name, "CRM", ("users",), tokens.generate())
                tokens.add(conn, [order, replace(order, secret=tokens.generate())], self.now)

    def do(self, service, *orders):
        """Carry out orders, in each of which the caller is a name, as one group."""
        with self.engine.begin() as conn:
            return self.together(conn, service, orders)

    def together(self, conn, service, orders):
        """Carry *orders* out as one group."""
        return service(conn, [replace(order, caller=caller(conn, order)) for order in orders], self.now)

    def outcomes(self, work):
        """Return what *work* on a transaction returns and writes; nothing of it stays."""
        with self.engine.connect() as conn, conn.begin() as transaction:
            found = work(conn), {table: rows(conn, table) for table in TABLES}
            transaction.rollback()
            return found

    def one_by_one(self, conn, service, orders):
        """Carry each of *orders* out with its caller as they are then; None: they may not sign in."""
        outcomes = []
        for order in orders:
            by = caller(conn, order)
            outcomes += service(conn, [replace(order, caller=by)], self.now) if by else [None]
        return outcomes


def caller(conn, order):
    """Return the caller whom *order* names, or None if they may not sign in."""
    name = order.caller
    if name == LOCAL:
        return CALLER
    account = users.accounts(conn, [name]).get(name)
    return Caller(account.user, name, "192.0.2.1") if account and account.active else None


def rows(conn, table):
    """Return the rows of *table* in the order in which they were written."""
    counter = TABLES[table]
    names = columns_of(conn, table)
    found = run(
        conn, f"SELECT {', '.join(f'`{name}`' for name in names)} FROM {table} ORDER BY {counter or 1}"
    )
    return [{n: v for n, v in zip(names, row, strict=True) if n != counter} for row in found]


def added(name, by=LOCAL):
    return AddUserOrder(by, name, PASSWORD, {"user_level": "1", "user_group": "ADMIN", "full_name": "New"})


def changed(name, by="manager", **values):
    return UpdateUserOrder(by, name, None, values)


def copied(name, source, by=LOCAL):
    return CopyUserOrder(by, name, PASSWORD, "New", source)
