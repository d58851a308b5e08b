"""Users, what they may do and which DIDs they see. One rule for every door."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from didier.errors import NotPermitted

ALL_FUNCTIONS = frozenset({"ALL", "ALL_FUNCTIONS"})
EVERY_GROUP = "---ALL---"


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

    def may_call(self, function: str) -> bool:
        """Say whether *function* is among the user's allowed API functions."""
        return function in self.functions or not ALL_FUNCTIONS.isdisjoint(self.functions)

    def sees(self, group: str | None) -> bool:
        """Say whether a DID of user group *group* is visible to the user.

        VICIdial's rule: a list with ``--ALL--`` in it has no limit; otherwise " -" is dropped and the
        rest is split at single spaces, so that a space at either end stands for the empty group.
        """
        visible = self.viewable_groups or ""
        if "--ALL--" in visible.upper():
            return True
        if group is None:
            return False
        names = {name.lower() for name in visible.replace(" -", "").split(" ")}
        return group == EVERY_GROUP or group.lower() in names

    def group_of_new_dids(self) -> str:
        """Return the user group that DIDs made by this user belong to."""
        return EVERY_GROUP if self.sees(None) else self.group


@dataclass(frozen=True, slots=True)
class Right:
    """What an action asks of a user besides API access and the list of allowed functions."""

    level: int
    setting: str  # attribute of User
    label: str  # its name in the panel and in VICIdial


RIGHTS: Mapping[str, Right] = MappingProxyType({
    "add_did": Right(8, "modify_dids", "Modify DIDs"),
    "copy_did": Right(8, "modify_dids", "Modify DIDs"),
    "delete_did": Right(8, "delete_dids", "Delete DIDs"),
    "update_did": Right(8, "modify_dids", "Modify DIDs"),
})  # fmt: skip


def missing_rights(user: User, action: str) -> NotPermitted | None:
    """Name the settings that keep *user* from *action*, or return None when there are none."""
    right = RIGHTS[action]
    missing = []
    if user.level < right.level:
        missing.append(f"User Level must be {right.level} or higher")
    if not user.api_access:
        missing.append("API Access must be 1")
    if not getattr(user, right.setting):
        missing.append(f"{right.label} must be 1")
    return NotPermitted(action, tuple(missing)) if missing else None


def missing_function(user: User, action: str) -> NotPermitted | None:
    """Refuse *action* when the user's allowed API functions do not name it."""
    if user.may_call(action):
        return None
    return NotPermitted(action, (f"Allowed API Functions must contain {action} or ALL",))
