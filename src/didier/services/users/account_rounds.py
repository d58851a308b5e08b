"""Orders that change users, divided so that each finds what those before it have done."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import TypeVar

from sqlalchemy.engine import Connection

from didier.services.users import authority
from didier.services.users.account_orders import DeleteUserOrder, ResetOrder, UnlockUserOrder, UpdateUserOrder
from didier.storage.users import users
from didier.storage.users.users import Account

Accounts = Mapping[str, Account]
"""The accounts that are there, by the names that the orders have for them."""

Order = TypeVar("Order", UpdateUserOrder, DeleteUserOrder, UnlockUserOrder, ResetOrder)
Outcome = TypeVar("Outcome")


def in_rounds(
    conn: Connection,
    orders: Sequence[Order],
    now: datetime,
    carry_out: Callable[[Connection, Sequence[Order], Accounts, datetime], Sequence[Outcome]],
) -> list[Outcome]:
    """Carry *orders* out, as many at once as concern different users and whose callers none of them changes.

    Ordinarily that is all of them.
    """
    outcomes: list[Outcome] = []
    changed: set[int] = set()
    while rest := _with_current_callers(conn, orders[len(outcomes) :], changed):
        found = users.accounts(conn, {order.name for order in rest})
        members = _independent(rest, found)
        outcomes += carry_out(conn, members, found, now)
        changed |= {found[order.name].user_id for order in members if order.name in found}
    return outcomes


def _independent(orders: Sequence[Order], found: Accounts) -> Sequence[Order]:
    """Return the orders up to the first that is for or by a user whom one before it is for."""
    seen: set[int] = set()
    for i, order in enumerate(orders):
        account = found.get(order.name)
        subject: set[int] = {account.user_id} if account else set()
        if seen & {order.caller.user.user_id, *subject}:
            return orders[:i]
        seen |= subject
    return orders


def _with_current_callers(conn: Connection, orders: Sequence[Order], changed: set[int]) -> Sequence[Order]:
    """Return *orders* with those callers as they are now whom orders before these may have *changed*."""
    wanted = changed & {order.caller.user.user_id for order in orders}
    if not wanted:
        return orders
    there = users.accounts_by_id(conn, wanted)
    return [
        replace(order, caller=authority.current(order.caller, there.get(user_id)))
        if (user_id := order.caller.user.user_id) in wanted
        else order
        for order in orders
    ]
