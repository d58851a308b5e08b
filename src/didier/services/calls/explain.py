"""Where a call would go and why, decided by the function that decides on calls. It only reads.

Who is there at the moment (agents, calls that wait) counts as it does at the moment, and days are counted by
the database's clock, as for calls. Schedules alone are asked about the moment at which the call would come.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.engine import Connection

from didier.domain import numbers
from didier.domain.calls import commands
from didier.domain.calls.call import Call
from didier.domain.calls.deciding import DEFAULT, SYSTEM_FILTER, decide
from didier.domain.calls.decision import Decision, Step
from didier.domain.calls.questions import ActiveDids
from didier.domain.calls.targets import REDIRECTED, Target, text
from didier.domain.gateways import Choice
from didier.domain.routes import destination
from didier.domain.users import missing_rights
from didier.domain.visibility import Visibility
from didier.errors import NotFound, NotPermitted
from didier.services.calls import routing
from didier.services.calls.routing import AskWeb
from didier.services.dids import gateways, nowhere
from didier.services.users.authentication import Caller
from didier.storage.calls import facts
from didier.storage.dids import dids
from didier.storage.system import servers


@dataclass(frozen=True, slots=True)
class SupposedCall:
    """A call that is asked about: what is *dialled*, and what the channel says of who calls.

    *server_ip* is the address of the server on which it arrives; None: of the only one that there is. With
    *region*, the country from which numbers are dialled, other spellings of what is dialled are looked for.
    *at* is the moment by which schedules are open or closed, with a time zone; None: now.
    """

    dialled: str
    caller: str = ""
    name: str = ""
    server_ip: str | None = None
    region: str = ""
    at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Explanation:
    """What is decided on a call, the *steps* on the way, and why it leads nowhere; None: it does not.

    *gateways* is the set of gateways to which a SIP edge sends it; None: to none that the caller sees.
    """

    decision: Decision
    steps: Sequence[Step]
    nowhere: str | None
    gateways: Choice | None = None

    @property
    def did(self) -> str | None:
        """The pattern of the row that decides."""
        row = self.decision.did
        return None if row is None else text(row, "did_pattern")

    @property
    def leads_to(self) -> str | None:
        """Where the call goes, in words; None where the dialplan goes on by itself."""
        target, row = self.decision.target, self.decision.routed
        if target is None:
            return None
        if row is None or row.get("did_route") == "EXTEN":  # the context may be another than the row's
            return f"extension {target.extension} in the context {target.context}"
        return destination(row)

    @property
    def commands(self) -> list[str]:
        """What Asterisk would be told."""
        return [command.line for command in commands.of(self.decision)]


def explain(
    conn: Connection, caller: Caller, call: SupposedCall, now: datetime, ask_web: AskWeb | None = None
) -> Explanation | NotPermitted | NotFound:
    """Say where *call* would go if it came *now*, if the caller sees the DID that decides.

    Web addresses of filters are asked by *ask_web*; without it they are not, and the steps say so.
    """
    if missing := missing_rights(caller.user, "did_info"):
        return missing
    sight = caller.visibility
    environment = {
        "agi_extension": call.dialled, "agi_callerid": call.caller, "agi_calleridname": call.name,
    }  # fmt: skip
    supposed = Call.of(environment, "", f"{now:%Y%m%d%H%M%S}")
    others = numbers.forms(call.dialled, call.region) if call.region else []
    asking = decide(supposed, _server_ip(conn, sight, call), others, at=call.at or now.astimezone())
    [decision] = routing.decide(conn, [asking], ask_web or _not_asked)
    if not _is_seen(sight, decision):
        return NotFound(call.dialled)
    return Explanation(
        decision,
        _steps(conn, sight, decision),
        _nowhere(conn, sight, decision),
        _gateways(conn, sight, decision),
    )


def _not_asked(url: str) -> None:
    """Ask nothing: somebody else's server would take it for a call."""


def _server_ip(conn: Connection, sight: Visibility, call: SupposedCall) -> str:
    if call.server_ip is not None:
        return call.server_ip
    only = servers.only(conn)
    return only[0] if only and sight.sees_group(only[1]) else ""


def _is_seen(sight: Visibility, decision: Decision) -> bool:
    """Say whether the row that decides is seen; that there is none is seen without limit only."""
    row = decision.did
    if row is None:
        return not sight.is_limited
    return sight.sees(row.get("user_group"), text(row, "did_pattern"))


def _steps(conn: Connection, sight: Visibility, decision: Decision) -> Sequence[Step]:
    """Return the steps without those of a filter for all DIDs that is not seen."""
    if not sight.is_limited:
        return decision.steps
    row = dids.find(conn, [SYSTEM_FILTER]).get(SYSTEM_FILTER)
    if row is None or sight.sees(row.group, row.pattern):
        return decision.steps
    first = next(place for place, step in enumerate(decision.steps) if step.rule == "did")
    return decision.steps[first:]


def _gateways(conn: Connection, sight: Visibility, decision: Decision) -> Choice | None:
    [choice] = gateways.chosen(conn, [decision.did]) if decision.did is not None else [None]
    return choice if choice and sight.sees_group(choice.chosen.group) else None


def _nowhere(conn: Connection, sight: Visibility, decision: Decision) -> str | None:
    target, row = decision.target, decision.routed
    if decision.did is None:
        return f"{decision.call.dialled} is no active DID, and there is no default"
    if row is not None:
        return nowhere.reason_of_route(conn, row) or (None if target else "no place in the dialplan is set")
    if target is None:
        return "no extension is set for calls that are sent elsewhere"
    return _not_routed_on(conn, sight, decision.call, target)


def _not_routed_on(conn: Connection, sight: Visibility, call: Call, target: Target) -> str | None:
    """Say why a call leads nowhere that is sent on to another DID; who sees some alone is not told of it."""
    if target.context != REDIRECTED:
        return None
    if target.extension == call.dialled:
        return f"calls are sent back to {call.dialled}, again and again"
    asked = ActiveDids((target.extension, DEFAULT))
    if sight.is_limited or any(facts.answers(conn, [asked])[asked]):
        return None
    return f"calls are sent on to {target.extension}, which is no active DID, and there is no default"
