"""How each function of the Non-Agent API is called well-formed, and what it needs. None may be missing."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from didier import errors
from didier.vicidial.functions import OPEN_FUNCTIONS
from security.rule import ALLOWED, PARTLY, Row, needs
from security.world import CALL, DAY, DID, MARK, OTHER

Parameters = Mapping[str, str]


@dataclass(frozen=True)
class Function(Row):
    """A function as `FORMS` names it: its parameters, and what it says to who lacks a right.

    *is_open*: anybody may call it. *gives* as of `Operation`.
    """

    parameters: Parameters = field(default_factory=dict)
    lacking: tuple[str, ...] = ()
    in_tutorial: bool = False
    is_open: bool = False
    gives: bool = False

    @property
    def function(self) -> str:
        """What is called."""
        return self.name.partition(",")[0]


NEW_USER = {
    "agent_user": "newcomer", "agent_pass": "new-pass", "agent_full_name": "New",
    "agent_user_level": "1", "agent_user_group": "SUPPORT",
}  # fmt: skip
_DID = {"did_pattern": DID}
_WHO = {"agent_user": OTHER}
_REFUSALS: Mapping[str, Any] = {"higher": errors.LevelNotAllowed, "further": errors.BeyondReach}

FUNCTIONS_ASKED: tuple[Function, ...] = (
    Function(
        "copy_did", needs("copy_did"), hidden=errors.NotFound, in_tutorial=True, changes=True,
        parameters={**_DID, "new_did_pattern": "7770010", "did_active": "Y"},
    ),
    Function(
        "copy_did, as VICIdial asks", needs("copy_did"), hidden=errors.NotFound, lacking=("ADD DIDS",),
        parameters={"source_did_pattern": DID, "new_dids": "7770010"}, changes=True,
    ),
    Function(
        "add_did", needs("add_did"), lacking=("ADD DIDS",), parameters={"did_pattern": "7770010"},
        changes=True,
    ),
    Function(
        "update_did", needs("update_did"), hidden=errors.NotFound, lacking=("UPDATE DIDS",),
        parameters={**_DID, "record_call": "Y"}, changes=True,
    ),
    Function(
        "update_did, to delete", needs("update_did", rights=("update_did", "delete_did")),
        hidden=errors.NotFound, lacking=("UPDATE DIDS", "DELETE DIDS"),
        parameters={**_DID, "delete_did": "Y"}, changes=True,
    ),
    Function("list_dids", needs("list_dids"), hidden=PARTLY, lacking=("GET DID INFO",), mark=MARK),
    Function(
        "did_info", needs("did_info"), hidden=errors.NotFound, lacking=("GET DID INFO",), parameters=_DID,
        mark=MARK,
    ),
    Function(
        "did_log_export", needs("did_log_export"), hidden=errors.NotFound, lacking=("GET DID INFO",),
        parameters={"phone_number": DID, "date": DAY}, mark=CALL,
    ),
    Function(
        "user_details", needs("user_details"), hidden=errors.UserNotFound, lacking=("GET USER DETAILS",),
        higher=ALLOWED, further=ALLOWED, parameters=_WHO, mark=MARK,
    ),
    Function(
        "add_user", needs("add_user"), hidden=errors.GroupNotFound, higher=errors.LevelNotAllowed,
        lacking=("ADD USERS",), parameters=NEW_USER, gives=True, changes=True,
    ),
    Function(
        "copy_user", needs("copy_user"), hidden=errors.GroupNotFound, **_REFUSALS, lacking=("COPY USERS",),
        parameters={"agent_user": "newcomer", "agent_pass": "new-pass", "agent_full_name": "New",
                    "source_user": OTHER},
        changes=True,
    ),
    Function(
        "update_user", needs("update_user"), hidden=errors.UserNotFound, **_REFUSALS,
        lacking=("UPDATE USERS",), parameters={**_WHO, "agent_full_name": "Somebody"}, changes=True,
    ),
    Function(
        "update_user, to delete", needs("update_user", rights=("update_user", "delete_user")),
        hidden=errors.UserNotFound, **_REFUSALS, lacking=("UPDATE USERS", "DELETE USERS"),
        parameters={**_WHO, "delete_user": "Y"}, changes=True,
    ),
    Function(
        "server_refresh", needs("server_refresh"), lacking=("REFRESH SERVERS",),
        parameters={"stage": "REFRESH"}, changes=True,
    ),
    *(Function(name, is_open=True) for name in OPEN_FUNCTIONS),
)  # fmt: skip
"""Every function, in every way that asks for other rights."""
