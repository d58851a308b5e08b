"""The functions of the Non-Agent API."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from types import MappingProxyType

from sqlalchemy.engine import Connection

from didier.storage.dids import destinations
from didier.vicidial import dids, reports, system, users
from didier.vicidial.call import Call
from didier.vicidial.function import Function, Report
from didier.vicidial.replies import shared
from didier.vicidial.replies.lines import Reply

FUNCTIONS: Mapping[str, Function | Report] = MappingProxyType({
    "add_did": dids.ADD,
    "add_user": users.ADD,
    "copy_did": dids.COPY,
    "copy_user": users.COPY,
    "did_info": Report(reports.did_info),
    "did_log_export": Report(reports.did_log_export),
    "list_dids": Report(reports.list_dids),
    "server_refresh": system.REFRESH,
    "update_did": dids.UPDATE,
    "update_user": users.UPDATE,
    "user_details": Report(users.user_details),
})  # fmt: skip
"""The functions that need a signed-in user with rights."""


PASSWORD_FUNCTIONS = frozenset({"add_user", "copy_user", "update_user"})
"""Those that give somebody a password."""


def version(conn: Connection, calls: Sequence[Call], now: datetime) -> list[Reply]:
    """Say the version and the time."""
    return [shared.version(now, destinations.server_offset(conn))] * len(calls)


def teapot(conn: Connection, calls: Sequence[Call], now: datetime) -> list[Reply]:
    """Refuse to make coffee."""
    return [shared.teapot(call) for call in calls]


def unknown(conn: Connection, calls: Sequence[Call], now: datetime) -> list[Reply]:
    """Say that there is no such function."""
    return [shared.no_function()] * len(calls)


_Open = Callable[[Connection, Sequence[Call], datetime], list[Reply]]

OPEN_FUNCTIONS: Mapping[str, _Open] = MappingProxyType({
    "version": version,
    "coffee": teapot,
    "start_coffee": teapot,
    "make_coffee": teapot,
    "brew_coffee": teapot,
})  # fmt: skip
"""The functions that anybody may call: VICIdial answers them before it asks for user and password
(``tests/conformance/behaviour.md``, section 3)."""


def new_password(call: Call) -> str:
    """Return the password that the call gives to somebody, to be hashed before; empty if none."""
    if call.function not in PASSWORD_FUNCTIONS or "agent_pass" not in call.parameters.values:
        return ""
    return users.password_of(call)
