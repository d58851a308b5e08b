"""Who may act on and for whom: the rule of `domain.reach`, and that somebody always may manage users."""

from collections.abc import Collection, Mapping
from dataclasses import replace

from sqlalchemy.engine import Connection

from didier.domain import reach
from didier.domain.users import User, missing_function, missing_rights
from didier.errors import BeyondReach, LastManager
from didier.services.users.authentication import Caller
from didier.storage.users import users
from didier.storage.users.groups import Settings
from didier.storage.users.users import Account

Groups = Mapping[str, Settings]
"""The settings of the user groups that are there, by the names that were asked for."""


def beyond_reach(caller: Caller, action: str, other: User) -> BeyondReach | None:
    """Refuse *action* on or for *other*, who reaches further than *caller*.

    The local command line is exempt.
    """
    lacks = () if caller.is_local else reach.lacking(caller.reach, reach.of(other))
    return BeyondReach(action, lacks, other.name) if lacks else None


def with_values(account: Account, values: Mapping[str, str], groups: Groups) -> Account:
    """Return *account* as it is once *values* are stored; *groups* has the one that they name, if any."""
    user = account.user
    group = (user.viewable_groups, user.api_ip_list)
    if "user_group" in values:
        group = groups.get(values["user_group"], (None, ""))
    active = values["active"] == "Y" if "active" in values else account.active
    return replace(account, user=reach.with_values(user, values, group), active=active)


def manages(account: Account) -> bool:
    """Say whether the user of *account* may change users."""
    return account.active and _may_change_users(account.user)


def _may_change_users(user: User) -> bool:
    return missing_rights(user, "update_user") is None and missing_function(user, "update_user") is None


class Managers:
    """The users who may change users, after the orders that were carried out or are to be."""

    def __init__(self, user_ids: Collection[int]) -> None:
        self._user_ids = set(user_ids)

    @classmethod
    def read(cls, conn: Connection, concerned: Collection[Account]) -> "Managers":
        """Read who there is; without a manager among the users *concerned* nobody is asked for."""
        found = users.who_change_users(conn) if any(map(manages, concerned)) else []
        return cls([account.user_id for account in found if manages(account)])

    def note(self, user_id: int, after: Account | None) -> None:
        """Remember how an order leaves the user *user_id*, None: deleted."""
        if after is not None and manages(after):
            self._user_ids.add(user_id)
        else:
            self._user_ids.discard(user_id)

    def last(self, caller: Caller, before: Account, after: Account | None) -> LastManager | None:
        """Refuse what leaves no active user who may change users; None after it: a deletion.

        The local command line is exempt: it can make somebody one again.
        """
        if caller.is_local or not manages(before) or (after is not None and manages(after)):
            return None
        return None if self._user_ids - {before.user_id} else LastManager(before.user.name)


def current(caller: Caller, account: Account | None) -> Caller:
    """Return *caller* as their *account* is now; who is gone or may not sign in any more has no rights."""
    if account is not None and account.active:
        return replace(caller, user=account.user)
    return replace(caller, user=replace(caller.user, level=0, api_access=False, functions=frozenset()))
