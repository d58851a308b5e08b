"""Calls of the Non-Agent API as the pipeline takes them: the order of VICIdial's checks, keys, log lines."""

import hashlib
from collections.abc import Iterator
from datetime import datetime
from typing import Any

from sqlalchemy.engine import Connection

from didier.domain.users import missing_function, missing_rights
from didier.errors import KeyReused, SignInRefused
from didier.runtime.logins import Login, PasswordLogin
from didier.runtime.requests import Operation, Request
from didier.services.system import idempotency
from didier.services.users.authentication import Caller
from didier.storage.changes.vicidial_logs import ApiEntry
from didier.vicidial import own_parameters
from didier.vicidial.call import CLEAN_UP, Call, Dialect
from didier.vicidial.flags import is_on
from didier.vicidial.function import Function, Report
from didier.vicidial.functions import FUNCTIONS, OPEN_FUNCTIONS, unknown
from didier.vicidial.replies import formats, shared, tutorial
from didier.vicidial.replies.lines import Reply

SIGN_IN_LEVEL = 7
"""Lowest user level that VICIdial lets into the API (auth.level_6 in ``tests/conformance``)."""

KEY = "idempotency_key"
KEY_LIMIT = 255
"""Most characters in a key."""

# The key is the user's own, and a new password does not make another request.
_NOT_COMPARED = frozenset({KEY, "user", "pass"})


class CallRequest(Request[Reply]):
    """One call."""

    __slots__ = ("_function", "_login", "call")

    def __init__(self, call: Call) -> None:
        self.call = call
        self._function = FUNCTIONS.get(call.function)
        self._login = _login(call) if needs_sign_in(call) else None

    @property
    def login(self) -> Login | None:
        """User and password, None for the functions that are open to anybody."""
        return self._login

    @property
    def address(self) -> str:
        """The address of the client."""
        return self.call.address

    @property
    def origin(self) -> str:
        """This door."""
        return "non-agent-api"

    @property
    def report(self) -> Report | None:
        """The function, if it only reads."""
        return self._function if isinstance(self._function, Report) else None

    def sign_in_refused(self, refusal: SignInRefused) -> Reply:
        """Word it as VICIdial or the tutorial does."""
        if self.call.dialect is Dialect.TUTORIAL:
            return tutorial.sign_in_refused(self.call, refusal)
        return shared.sign_in_refused(self.call, refusal)

    def not_permitted(self, caller: Caller) -> Reply | None:
        """Apply the checks that all functions share, in VICIdial's or the tutorial's order.

        VICIdial's is in ``tests/conformance/behaviour.md``, section 4.
        """
        call, user = self.call, caller.user
        if self._function is None:
            return shared.no_function()
        if call.bad_parameter:
            return shared.bad_parameter(call, call.bad_parameter)
        unlisted = missing_function(user, call.function)
        missing = missing_rights(user, call.function)
        if call.dialect is Dialect.TUTORIAL:
            return tutorial.not_permitted() if unlisted or missing else self._unknown_parameter()
        if len(call.source) < 2:
            return shared.invalid_source(call)
        if unlisted:
            return shared.function_not_allowed(call)
        return shared.not_permitted(call) if missing else self._unknown_parameter()

    def _unknown_parameter(self) -> Reply | None:
        found = own_parameters.unknown(self.call)
        return shared.parameter_unknown(self.call, found.name, found.near) if found else None

    def operation(self, caller: Caller | None) -> Operation[Reply] | Reply:
        """Check the parameters, and say what is to be done."""
        call, function = self.call, self._function
        if caller is None:
            return Operation(OPEN_FUNCTIONS.get(call.function, unknown), call, _as_it_is)
        if not isinstance(function, Function):
            raise TypeError(f"{call.function} only reads")
        problem = self._key_problem() or function.problem(call)
        return problem or function.prepare(call, caller)

    def key(self, caller: Caller) -> idempotency.KeyedRequest | None:
        """Return the request that the call makes with a key; a dry run makes none, as it does nothing."""
        call = self.call
        if not self._has_key() or not call.get(KEY) or self._key_problem() or is_on(call, "dry_run"):
            return None
        return idempotency.KeyedRequest.of(caller, call.get(KEY), _fingerprint(call))

    def _has_key(self) -> bool:
        takes_key = isinstance(self._function, Function) and self._function.takes_key
        return takes_key and KEY in self.call.parameters.values

    def _key_problem(self) -> Reply | None:
        if not self._has_key():
            return None
        key = self.call.get(KEY)
        is_bad = key != self.call.raw(KEY) or len(key) > KEY_LIMIT
        return shared.key_invalid(self.call, key) if is_bad else None

    def key_reused(self) -> Reply:
        """The key came with another call before."""
        return shared.key_reused(self.call, KeyReused(self.call.get(KEY)))

    def kept(self, answer: Reply) -> str | None:
        """Return the answer that is repeated; None when nothing was made, so that a retry is tried again."""
        if any(line.result == "SUCCESS" for line in answer.lines):
            return formats.encode(self.call, answer)[1].decode()
        return None

    def repeated(self, kept: str) -> Reply:
        """Return the answer that was kept, to the letter."""
        return shared.repeated(self.call, kept)

    def log_entries(self, name: str, answer: Reply, now: datetime) -> Iterator[ApiEntry]:
        """Yield a row for each line of the answer, as VICIdial does (section 7)."""
        call = self.call
        for line in answer.lines:
            yield ApiEntry(
                user=name or call.user,
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
                agent_user=call.get("agent_user") if answer.agent_user is None else answer.agent_user,
            )


def needs_sign_in(call: Call) -> bool:
    """Say whether the call's password has to be compared before it can be answered."""
    if call.dialect is Dialect.TUTORIAL and not call.function:
        return False  # the tutorial names a missing function first
    return call.function not in OPEN_FUNCTIONS


def _login(call: Call) -> PasswordLogin:
    # The tutorial answers a level that is too low as a missing permission, not as a wrong password.
    level = 0 if call.dialect is Dialect.TUTORIAL else SIGN_IN_LEVEL
    return PasswordLogin(call.user, call.raw("pass"), lambda text: call.clean("pass", text), level)


def _fingerprint(call: Call) -> str:
    sent = [
        (name, value)
        for name, value in sorted(call.parameters.values.items())
        if name in CLEAN_UP and name not in _NOT_COMPARED
    ]
    return hashlib.sha256(repr(sent).encode()).hexdigest()


def _as_it_is(conn: Connection, outcome: Any) -> Reply:
    reply: Reply = outcome
    return reply
