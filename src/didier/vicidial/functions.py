"""The Non-Agent API as a whole: from cleaned calls to worded replies.

`answer` runs on the committer: it takes all calls of a group, signs their users in together, hands each
function its calls together, and writes the API log, all in one transaction.
"""

import socket
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from types import MappingProxyType

from sqlalchemy.engine import Connection

from didier.domain.users import User, missing_function, missing_rights
from didier.errors import SignInRefused
from didier.services.users import authentication
from didier.services.users.authentication import Credentials, StaleProof
from didier.storage.changes import vicidial_logs
from didier.storage.dids import destinations
from didier.vicidial import dids, reports, system, users
from didier.vicidial.call import Call, Dialect
from didier.vicidial.replies import shared, tutorial
from didier.vicidial.replies.lines import Reply
from didier.vicidial.signed import Function, Report, Signed

SIGN_IN_LEVEL = 7
"""Lowest user level that VICIdial lets into the API."""

FUNCTIONS: Mapping[str, Function | Report] = MappingProxyType({
    "add_did": dids.add_did,
    "add_user": users.add_user,
    "copy_did": dids.copy_did,
    "copy_user": users.copy_user,
    "did_info": Report(reports.did_info),
    "did_log_export": Report(reports.did_log_export),
    "list_dids": Report(reports.list_dids),
    "server_refresh": system.server_refresh,
    "update_did": dids.update_did,
    "update_user": users.update_user,
    "user_details": Report(users.user_details),
})  # fmt: skip
"""The functions that need a signed-in user with rights."""


PASSWORD_FUNCTIONS = frozenset({"add_user", "copy_user", "update_user"})
"""Those that give somebody a password."""


def version(conn: Connection, call: Call, now: datetime) -> Reply:
    """Tell the version and the time."""
    return shared.version(now, destinations.server_offset(conn))


def teapot(conn: Connection, call: Call, now: datetime) -> Reply:
    """Refuse to make coffee."""
    return shared.teapot(call)


OPEN_FUNCTIONS: Mapping[str, Callable[[Connection, Call, datetime], Reply]] = MappingProxyType({
    "version": version,
    "coffee": teapot,
    "start_coffee": teapot,
    "make_coffee": teapot,
    "brew_coffee": teapot,
})  # fmt: skip
"""The functions that anybody may call."""


def needs_sign_in(call: Call) -> bool:
    """Say whether the call's password has to be compared before it can be answered."""
    if call.dialect is Dialect.TUTORIAL and not call.function:
        return False  # the tutorial names a missing function first
    return call.function not in OPEN_FUNCTIONS


def new_password(call: Call) -> str:
    """Return the password that the call gives to somebody, to be hashed before; empty if none."""
    if call.function not in PASSWORD_FUNCTIONS or "agent_pass" not in call.parameters.values:
        return ""
    return users.password_of(call)


def answer(
    conn: Connection, calls: Sequence[Call], clock: Callable[[], datetime] = datetime.now
) -> list[Reply | Signed | None]:
    """Answer *calls*, each with its reply, or with None where the password must be compared anew.

    A call of a `Report` is answered with itself, signed: `report` reads what it asks for.
    """
    now = clock()
    answers: list[Reply | Signed | None] = [None] * len(calls)
    waiting: dict[str, list[tuple[int, Signed]]] = defaultdict(list)
    callers = iter(_sign_in(conn, [call for call in calls if needs_sign_in(call)], now))
    for position, call in enumerate(calls):
        if not needs_sign_in(call):
            answers[position] = _answer_anybody(conn, call, now)
            continue
        user = next(callers)
        if isinstance(user, StaleProof):
            continue
        answers[position] = _refused(call, user)
        if answers[position] is None and isinstance(user, User):
            waiting[call.function].append((position, Signed(call, user)))
    for name, members in waiting.items():
        done = _carry_out(conn, name, [signed for _, signed in members], now)
        for (position, _), reply in zip(members, done, strict=True):
            answers[position] = reply
    _log(conn, calls, answers, now)
    return answers


def only_reads(call: Call) -> bool:
    """Say whether *call* changes nothing."""
    return isinstance(FUNCTIONS.get(call.function), Report)


def _carry_out(
    conn: Connection, name: str, signed: Sequence[Signed], now: datetime
) -> Sequence[Reply | Signed]:
    function = FUNCTIONS[name]
    return signed if isinstance(function, Report) else function(conn, signed, now)


def report(conn: Connection, signed: Signed) -> Reply:
    """Answer the call of a report on a connection for reading; `log` stores that it was made."""
    function = FUNCTIONS[signed.call.function]
    if not isinstance(function, Report):
        raise TypeError(f"{signed.call.function} is not a report")
    return function.read(conn, signed)


def log(
    conn: Connection,
    answered: Sequence[tuple[Call, Reply]],
    clock: Callable[[], datetime] = datetime.now,
) -> list[Reply]:
    """Write the API log of reports; return the replies."""
    replies = [reply for _, reply in answered]
    _log(conn, [call for call, _ in answered], replies, clock())
    return replies


def _sign_in(
    conn: Connection, calls: Sequence[Call], now: datetime
) -> Sequence[User | SignInRefused | StaleProof]:
    wishes = []
    for call in calls:
        if call.proof is None:
            raise ValueError("the password of a call is compared before it is answered")
        # The tutorial answers a level that is too low as a missing permission, not as a wrong password.
        level = 0 if call.dialect is Dialect.TUTORIAL else SIGN_IN_LEVEL
        wishes.append(Credentials(call.user, call.proof, call.address, level))
    return authentication.sign_in(conn, wishes, now) if wishes else []


def _answer_anybody(conn: Connection, call: Call, now: datetime) -> Reply:
    function = OPEN_FUNCTIONS.get(call.function)
    return function(conn, call, now) if function else shared.no_function()


def _refused(call: Call, user: User | SignInRefused) -> Reply | None:
    """Apply the checks that all functions share, in VICIdial's or the tutorial's order."""
    in_tutorial = call.dialect is Dialect.TUTORIAL
    if isinstance(user, SignInRefused):
        if in_tutorial:
            return tutorial.sign_in_refused(call, user)
        return shared.sign_in_refused(call, user)
    if call.function not in FUNCTIONS:
        return shared.no_function()
    if call.bad_parameter:
        return shared.bad_parameter(call, call.bad_parameter)
    unlisted = missing_function(user, call.function)
    missing = missing_rights(user, call.function)
    if in_tutorial:
        return tutorial.not_permitted() if unlisted or missing else None
    if len(call.source) < 2:
        return shared.invalid_source(call)
    if unlisted:
        return shared.function_not_allowed(call)
    return shared.not_permitted(call) if missing else None


_HOSTNAME = socket.gethostname()


def _log(
    conn: Connection, calls: Sequence[Call], answers: Sequence[Reply | Signed | None], now: datetime
) -> None:
    entries = [
        vicidial_logs.ApiEntry(
            user=call.user,
            function=call.function,
            result=line.result,
            reason=line.reason,
            source=call.source,
            data=line.data,
            seconds=max(0, int(now.timestamp() - call.received)),
            script=call.script,
            host=call.host,
            url=call.url,
            address=call.address,
            agent_user=call.get("agent_user") if reply.agent_user is None else reply.agent_user,
        )
        for call, reply in zip(calls, answers, strict=True)
        if isinstance(reply, Reply)
        for line in reply.lines
    ]
    vicidial_logs.write_api(conn, entries, _HOSTNAME, now)
