"""The functions of the Non-Agent API: from cleaned calls to worded replies.

`answer` runs on the committer: it takes all calls of a group, signs their users in together, hands each
function its calls together, and writes the API log, all in one transaction.
"""

import socket
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType

from sqlalchemy.engine import Connection

from didier.domain import patterns
from didier.domain.fields import BY_COLUMN
from didier.domain.users import User, missing_function, missing_rights
from didier.errors import SignInRefused
from didier.services import access, copying, editing
from didier.services.access import Caller, Credentials, StaleProof
from didier.storage import logs, references
from didier.vicidial import replies
from didier.vicidial.call import BLANK, Call, Dialect
from didier.vicidial.replies import Reply

SIGN_IN_LEVEL = 7
"""Lowest user level that VICIdial lets into the API."""

LIST_LIMIT = 2000
"""Most characters in a list of new DIDs."""


@dataclass(frozen=True, slots=True)
class Signed:
    """A call whose user has signed in."""

    call: Call
    user: User

    @property
    def caller(self) -> Caller:
        """The user as the services know them."""
        return Caller(self.user, self.call.user, self.call.address)


Function = Callable[[Connection, Sequence[Signed], datetime], Sequence[Reply]]


def add_did(conn: Connection, signed: Sequence[Signed], now: datetime) -> list[Reply]:
    """Make a DID."""

    def add(ready: Sequence[Signed]) -> Sequence[Reply]:
        orders = [editing.AddOrder(s.caller, s.call.get("did_pattern"), _fields(s.call)) for s in ready]
        outcomes = editing.add(conn, orders, now)
        return [replies.added(s.call, outcome) for s, outcome in zip(ready, outcomes, strict=True)]

    return _unless(_pattern_problem, signed, add)


def update_did(conn: Connection, signed: Sequence[Signed], now: datetime) -> list[Reply]:
    """Change a DID, or delete it."""

    def update(ready: Sequence[Signed]) -> Sequence[Reply]:
        orders = [editing.UpdateOrder(s.caller, s.call.get("did_pattern"), _fields(s.call)) for s in ready]
        outcomes = editing.update(conn, orders, now)
        return [replies.updated(s.call, outcome) for s, outcome in zip(ready, outcomes, strict=True)]

    def delete(ready: Sequence[Signed]) -> Sequence[Reply]:
        orders = [
            editing.DeleteOrder(s.caller, s.call.get("did_pattern"), _flag(s.call, "force") == "Y")
            for s in ready
        ]
        outcomes = editing.delete(conn, orders, now)
        return [replies.deleted(s.call, outcome) for s, outcome in zip(ready, outcomes, strict=True)]

    def delete_or_update(ready: Sequence[Signed]) -> Sequence[Reply]:
        deleting = [_flag(s.call, "delete_did") == "Y" for s in ready]
        deleted = iter(delete([s for s, wanted in zip(ready, deleting, strict=True) if wanted]))
        updated = iter(update([s for s, wanted in zip(ready, deleting, strict=True) if not wanted]))
        return [next(deleted) if wanted else next(updated) for wanted in deleting]

    return _unless(_update_problem, signed, delete_or_update)


def _unless(
    problem: Callable[[Call], Reply | None],
    signed: Sequence[Signed],
    carry_out: Callable[[Sequence[Signed]], Sequence[Reply]],
) -> list[Reply]:
    """Answer calls that have a *problem* with it; carry the others out together."""
    problems = [problem(s.call) for s in signed]
    ready = [s for s, found in zip(signed, problems, strict=True) if found is None]
    done = iter(carry_out(ready))
    return [found or next(done) for found in problems]


def _pattern_problem(call: Call) -> Reply | None:
    return None if _is_pattern_sized(call.get("did_pattern")) else replies.pattern_incomplete(call)


def _update_problem(call: Call) -> Reply | None:
    if problem := _pattern_problem(call):
        return problem
    return replies.delete_invalid(call) if _flag(call, "delete_did") not in {"", "Y", "N"} else None


def _flag(call: Call, name: str) -> str:
    """Return a parameter that is Y or N; lower case is understood."""
    value = call.get(name)
    return value.upper() if value in {"y", "n"} else value


def _fields(call: Call) -> dict[str, str]:
    """Return the columns that the call gives a value or empties."""
    values = {}
    for column, (parameter, _) in replies.FIELD_ERRORS.items():
        if call.raw(parameter) == BLANK:
            empty = BY_COLUMN[column].empty
            values[column] = BLANK if empty is None else empty
        elif value := _flag(call, parameter):
            values[column] = value
    return values


def copy_did(conn: Connection, signed: Sequence[Signed], now: datetime) -> list[Reply]:
    """Copy DIDs, in whichever dialect each call asks."""

    def copy(ready: Sequence[Signed]) -> Sequence[Reply]:
        outcomes = copying.copy(conn, [_copy_order(s) for s in ready], now)
        return [_copied(s.call, outcome) for s, outcome in zip(ready, outcomes, strict=True)]

    return _unless(_copy_problem, signed, copy)


def _copy_problem(call: Call) -> Reply | None:
    """Check that the parameters are there and have a size that can be right."""
    if call.dialect is Dialect.TUTORIAL:
        if not (
            _is_pattern_sized(call.get("did_pattern"))
            and _is_list_sized(call, "new_did_pattern")
            and call.get("did_active")
            and len(call.source) >= 2
        ):
            return replies.tutorial_incomplete(call)
        if call.get("did_active") not in {"Y", "N"}:
            return replies.tutorial_active_invalid(call)
        return None
    if _is_pattern_sized(call.get("source_did_pattern")) and _is_list_sized(call, "new_dids"):
        return None
    return replies.copy_incomplete(call)


def _is_pattern_sized(pattern: str) -> bool:
    return patterns.MIN_LENGTH <= len(pattern) <= patterns.MAX_LENGTH


def _is_list_sized(call: Call, name: str) -> bool:
    return patterns.MIN_LENGTH <= len(call.get(name)) <= LIST_LIMIT and bool(call.patterns(name))


def _copy_order(signed: Signed) -> copying.CopyOrder:
    call = signed.call
    if call.dialect is Dialect.TUTORIAL:
        return copying.CopyOrder(
            signed.caller,
            call.get("did_pattern"),
            call.patterns("new_did_pattern"),
            {"did_active": call.get("did_active")},
        )
    description = call.get("did_description")
    return copying.CopyOrder(
        signed.caller,
        call.get("source_did_pattern"),
        call.patterns("new_dids"),
        {"did_description": description} if description else {},
    )


def _copied(call: Call, outcome: copying.CopyResult | copying.Refused) -> Reply:
    if call.dialect is Dialect.TUTORIAL:
        return replies.tutorial_copied(call, outcome)
    return replies.copied(call, outcome)


FUNCTIONS: Mapping[str, Function] = MappingProxyType({
    "add_did": add_did,
    "copy_did": copy_did,
    "update_did": update_did,
})  # fmt: skip
"""The functions that need a signed-in user with rights."""


def version(conn: Connection, call: Call, now: datetime) -> Reply:
    """Tell the version and the time."""
    return replies.version(now, references.server_offset(conn))


def teapot(conn: Connection, call: Call, now: datetime) -> Reply:
    """Refuse to make coffee."""
    return replies.teapot(call)


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


def answer(
    conn: Connection, calls: Sequence[Call], clock: Callable[[], datetime] = datetime.now
) -> list[Reply | None]:
    """Answer *calls*, each with its reply, or with None where the password must be compared anew."""
    now = clock()
    answers: list[Reply | None] = [None] * len(calls)
    waiting: dict[str, list[tuple[int, Signed]]] = defaultdict(list)
    users = iter(_sign_in(conn, [call for call in calls if needs_sign_in(call)], now))
    for position, call in enumerate(calls):
        if not needs_sign_in(call):
            answers[position] = _answer_anybody(conn, call, now)
            continue
        user = next(users)
        if isinstance(user, StaleProof):
            continue
        answers[position] = _refused(call, user)
        if answers[position] is None and isinstance(user, User):
            waiting[call.function].append((position, Signed(call, user)))
    for name, members in waiting.items():
        done = FUNCTIONS[name](conn, [signed for _, signed in members], now)
        for (position, _), reply in zip(members, done, strict=True):
            answers[position] = reply
    _log(conn, calls, answers, now)
    return answers


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
    return access.sign_in(conn, wishes, now) if wishes else []


def _answer_anybody(conn: Connection, call: Call, now: datetime) -> Reply:
    function = OPEN_FUNCTIONS.get(call.function)
    return function(conn, call, now) if function else replies.no_function()


def _refused(call: Call, user: User | SignInRefused) -> Reply | None:
    """Apply the checks that all functions share, in VICIdial's or the tutorial's order."""
    tutorial = call.dialect is Dialect.TUTORIAL
    if isinstance(user, SignInRefused):
        if tutorial:
            return replies.tutorial_sign_in_refused(call, user)
        return replies.sign_in_refused(call, user)
    if call.function not in FUNCTIONS:
        return replies.no_function()
    if call.bad_parameter:
        return replies.bad_parameter(call, call.bad_parameter)
    unlisted = missing_function(user, call.function)
    missing = missing_rights(user, call.function)
    if tutorial:
        return replies.tutorial_not_permitted() if unlisted or missing else None
    if len(call.source) < 2:
        return replies.invalid_source(call)
    if unlisted:
        return replies.function_not_allowed(call)
    return replies.not_permitted(call) if missing else None


_HOSTNAME = socket.gethostname()


def _log(conn: Connection, calls: Sequence[Call], answers: Sequence[Reply | None], now: datetime) -> None:
    entries = [
        logs.ApiEntry(
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
        )
        for call, reply in zip(calls, answers, strict=True)
        if reply
        for line in reply.lines
    ]
    logs.write_api(conn, entries, _HOSTNAME, now)
