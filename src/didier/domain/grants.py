"""The rights that callers may give to users: nobody gives more than they have."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from didier.domain.users import ALL_FUNCTIONS, User
from didier.errors import InvalidField

FUNCTIONS = "api_allowed_functions"
MODIFY_DIDS = "modify_inbound_dids"
ALL = "ALL_FUNCTIONS"
"""How all functions are stored."""

DID_FUNCTIONS = frozenset({"add_did", "copy_did", "update_did"})
"""Functions that are good for nothing without Modify DIDs: allowing one switches that on."""

FUNCTIONS_MOST = 1_000
"""Most characters of the list of functions: the width of VICIdial's column."""


@dataclass(frozen=True, slots=True)
class Grant:
    """A right that is on or off: its column, the attribute of `User`, and its name in the panel."""

    column: str
    setting: str
    label: str


GRANTS: tuple[Grant, ...] = (
    Grant("vdc_agent_api_access", "api_access", "API Access"),
    Grant(MODIFY_DIDS, "modify_dids", "Modify DIDs"),
    Grant("delete_inbound_dids", "delete_dids", "Delete DIDs"),
    Grant("view_reports", "view_reports", "View Reports"),
    Grant("modify_users", "modify_users", "Modify Users"),
    Grant("delete_users", "delete_users", "Delete Users"),
    Grant("ast_admin_access", "manage_servers", "AGC Admin Access"),
)

BY_COLUMN: Mapping[str, Grant] = MappingProxyType({grant.column: grant for grant in GRANTS})


def may_give(user: User, grant: Grant) -> bool:
    """Say whether *user* may give the right: whoever has it may."""
    return bool(getattr(user, grant.setting))


def may_allow(user: User, function: str) -> bool:
    """Say whether *user* may allow others the API function; all of them only who may call all."""
    if function in ALL_FUNCTIONS:
        return not ALL_FUNCTIONS.isdisjoint(user.functions)
    return user.may_call(function)


def problem(user: User, values: Mapping[str, str]) -> InvalidField | None:
    """Return the first right among *values* that *user* may not give."""
    for column, value in values.items():
        grant = BY_COLUMN.get(column)
        if grant and value not in {"0", "1"}:
            return InvalidField(column, value, "0 or 1")
        if grant and value == "1" and not may_give(user, grant):
            return InvalidField(column, value, "0, because you do not have this right")
    return _bad_functions(user, values.get(FUNCTIONS, ""))


def _bad_functions(user: User, listed: str) -> InvalidField | None:
    if len(listed) > FUNCTIONS_MOST:
        return InvalidField(FUNCTIONS, listed, f"up to {FUNCTIONS_MOST} characters")
    for name in listed.split():
        if not may_allow(user, name):
            return InvalidField(FUNCTIONS, name, "functions that you may call yourself")
    return None


def listed(names: Collection[str]) -> str:
    """Return functions as VICIdial stores them: it looks for a name with a space on each side.

    Names at either end do not count there (auth.function_list_needs_surrounding_spaces in
    ``tests/conformance``).
    """
    return f" {' '.join(names)} " if names else ""


def completed(values: Mapping[str, str], user: User) -> dict[str, str]:
    """Return *values* with the functions as VICIdial stores them, and with Modify DIDs where they ask for it.

    It is switched on by a DID function, unless *values* say otherwise or *user*, who gives it, lacks it.
    """
    if FUNCTIONS not in values:
        return dict(values)
    names = ["ALL_FUNCTIONS" if name == "ALL" else name for name in values[FUNCTIONS].split()]
    done = {**values, FUNCTIONS: listed(names)}
    if user.modify_dids and (DID_FUNCTIONS | ALL_FUNCTIONS).intersection(names):
        done.setdefault(MODIFY_DIDS, "1")
    return done
