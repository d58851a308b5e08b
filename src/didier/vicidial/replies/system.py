"""The answers to ``server_refresh``."""

from didier import errors
from didier.services.system.servers import Refreshed
from didier.vicidial.call import Call
from didier.vicidial.replies.lines import Reply, data_line, error_line, one
from didier.vicidial.replies.shared import not_permitted


def incomplete(call: Call) -> Reply:
    """``stage`` does not say what to do."""
    reason = "server_refresh YOU MUST USE ALL REQUIRED FIELDS"
    return one(error_line(reason, call.user, f"{call.get('stage')}||"))


def refreshed(call: Call, outcome: Refreshed | errors.NotPermitted) -> Reply:
    """The answer with the number of servers that were marked."""
    if isinstance(outcome, errors.NotPermitted):
        return not_permitted(call)
    reason = "server_refresh SERVER REFRESH HAS BEEN TRIGGERED"
    return one(data_line("SUCCESS", reason, call.user, str(outcome.servers)))
