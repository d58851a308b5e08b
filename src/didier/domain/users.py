"""Users, what they may do and which DIDs they see. One rule for every door.

Sections and scenarios named here are those of ``tests/conformance/behaviour.md``: VICIdial as recorded.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from didier.errors import NotPermitted

# VICIdial takes ALL_FUNCTIONS for all wherever it stands in the column, also within another word
# (auth.function_list_all_anywhere); here it is a word like the names of functions.
ALL_FUNCTIONS = frozenset({"ALL", "ALL_FUNCTIONS"})
EVERY_GROUP = "---ALL---"  # of what everybody sees (section 4)
HIGHEST_LEVEL = 9


def is_visible(group: str | None, groups: Collection[str]) -> bool:
    """Say whether a DID of user group *group* is visible to who sees *groups*, in small letters, alone."""
    return group is not None and (group == EVERY_GROUP or group.lower() in groups)


@dataclass(frozen=True, slots=True)
class User:
    """An authenticated user with the settings that give rights (VICIdial's columns in brackets)."""

    name: str  # user
    level: int  # user_level
    group: str  # user_group
    api_access: bool  # vdc_agent_api_access
    functions: frozenset[str]  # api_allowed_functions, as words
    modify_dids: bool  # modify_inbound_dids
    delete_dids: bool  # delete_inbound_dids
    view_reports: bool  # view_reports
    viewable_groups: str | None  # admin_viewable_groups of the user's group
    modify_users: bool = False  # modify_users
    delete_users: bool = False  # delete_users
    manage_servers: bool = False  # ast_admin_access
    modify_same_level: bool = False  # modify_same_user_level
    ignores_ip_lists: bool = False  # ignore_ip_list
    api_ip_list: str = ""  # api_ip_list of the user's group
    user_id: int = 0  # 0: nobody in the database, as the local command line

    def may_call(self, function: str) -> bool:
        """Say whether *function* is among the user's allowed API functions."""
        return function in self.functions or not ALL_FUNCTIONS.isdisjoint(self.functions)

    def sees(self, group: str | None) -> bool:
        """Say whether a DID of user group *group* is visible to the user.

        VICIdial's rule (section 4): a list with ``--ALL--`` in it has no limit; otherwise " -" is dropped and
        the rest is split at single spaces, so that a space at either end stands for the empty group.
        """
        groups = self.visible_groups()
        return groups is None or is_visible(group, groups)

    def visible_groups(self) -> frozenset[str] | None:
        """Return the groups, in small letters, whose DIDs the user sees; None when there is no limit."""
        visible = self.viewable_groups or ""
        if "--ALL--" in visible.upper():
            return None
        return frozenset(name.lower() for name in visible.replace(" -", "").split(" "))

    def sees_users_of(self, group: str | None) -> bool:
        """Say whether users of *group*, and the group itself, are visible to the user.

        VICIdial's rule differs from that for DIDs: a list of three characters or fewer is no limit
        (user_details.short_group_list_means_all).
        """
        return len(self.viewable_groups or "") <= 3 or self.sees(group)

    def may_give(self, level: int) -> bool:
        """Say whether the user may make users of *level*: below the highest level only lower ones.

        VICIdial's rule (add_user.level_8_cannot_add_8, add_user.level_9_same_level_off).
        """
        return level < self.level or (level == self.level == HIGHEST_LEVEL and self.modify_same_level)

    def may_change(self, level: int) -> bool:
        """Say whether the user may change users of *level*, and raise users to it."""
        return level < self.level or (level == self.level and self.modify_same_level)

    def group_of_new_dids(self) -> str:
        """Return the user group that DIDs made by this user belong to.

        VICIdial shows all of them to everybody (add_did.restricted_user_creates_for_all).
        """
        return EVERY_GROUP if self.sees(None) else self.group


@dataclass(frozen=True, slots=True)
class Right:
    """What an action asks of a user besides API access and the list of allowed functions."""

    level: int
    setting: str  # attribute of User
    label: str  # its name in the panel and in VICIdial
    instead: tuple[str, str] | None = None  # another setting, and its name, that does as well


# The levels and settings of VICIdial's own functions are those that it asks for (section 4); it has no
# api_log, did_info, list_dids, manage_webhooks and report_calls, and deletes as a part of its update
# functions.
RIGHTS: Mapping[str, Right] = MappingProxyType({
    "add_did": Right(8, "modify_dids", "Modify DIDs"),
    "add_user": Right(8, "modify_users", "Modify Users"),
    "api_log": Right(7, "view_reports", "View Reports"),
    "copy_did": Right(8, "modify_dids", "Modify DIDs"),
    "copy_user": Right(8, "modify_users", "Modify Users"),
    "delete_did": Right(8, "delete_dids", "Delete DIDs"),
    "delete_user": Right(8, "delete_users", "Delete Users"),
    "did_info": Right(7, "view_reports", "View Reports", ("modify_dids", "Modify DIDs")),
    "did_log_export": Right(7, "view_reports", "View Reports"),
    "list_dids": Right(7, "view_reports", "View Reports", ("modify_dids", "Modify DIDs")),
    "manage_webhooks": Right(9, "manage_servers", "AGC Admin Access"),
    "report_calls": Right(7, "api_access", "API Access"),  # for an edge's own user, which may do nothing else
    "server_refresh": Right(8, "manage_servers", "AGC Admin Access"),
    "update_did": Right(8, "modify_dids", "Modify DIDs"),
    "update_user": Right(8, "modify_users", "Modify Users"),
    "user_details": Right(7, "view_reports", "View Reports"),
})  # fmt: skip


def missing_rights(user: User, action: str) -> NotPermitted | None:
    """Name the settings that keep *user* from *action*, or return None when there are none."""
    return _lacking(user, RIGHTS[action], action)


_ON_MACHINES = Right(HIGHEST_LEVEL, "manage_servers", "AGC Admin Access")


def missing_rights_on_machines(user: User, action: str) -> NotPermitted | None:
    """Name what keeps *user* from an *action* that says to which machines of others Didier or calls go."""
    return _lacking(user, _ON_MACHINES, action)


def _lacking(user: User, right: Right, action: str) -> NotPermitted | None:
    missing = []
    if user.level < right.level:
        missing.append(f"User Level must be {right.level} or higher")
    if not user.api_access:
        missing.append("API Access must be 1")
    if not getattr(user, right.setting):
        if right.instead is None:
            missing.append(f"{right.label} must be 1")
        elif not getattr(user, right.instead[0]):
            missing.append(f"{right.label} or {right.instead[1]} must be 1")
    # API Access is a right's own setting too.
    return NotPermitted(action, tuple(dict.fromkeys(missing))) if missing else None


def missing_function(user: User, action: str) -> NotPermitted | None:
    """Refuse *action* when the user's allowed API functions do not name it."""
    if user.may_call(action):
        return None
    return NotPermitted(action, (f"Allowed API Functions must contain {action} or ALL",))
