"""The function that concerns the whole system."""

from didier.runtime.requests import Operation
from didier.services.system import servers
from didier.services.users.authentication import Caller
from didier.vicidial.call import Call
from didier.vicidial.function import Function
from didier.vicidial.replies import system as words
from didier.vicidial.replies.lines import Reply


def _refresh(call: Call, caller: Caller) -> Operation[Reply]:
    return Operation(servers.refresh, caller, lambda _, outcome: words.refreshed(call, outcome))


def _problem(call: Call) -> Reply | None:
    return None if "REFRESH" in call.get("stage") else words.incomplete(call)


REFRESH = Function(_problem, _refresh)
"""Have every server write its configuration again."""
